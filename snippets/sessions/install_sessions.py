"""Give an app its sessions."""

import asyncio
from dataclasses import dataclass

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


# --8<-- [start:use]
@dataclass
class Visit:
    pages: int = 0


async def page(request: Request) -> PlainTextResponse:
    visit = await current_session(request).get_or_set(Visit, Visit)
    visit.pages += 1
    return PlainTextResponse(f"page {visit.pages} of your visit")


app = Sessions(
    Starlette(routes=[Route("/", page)]),
    cookie("VISIT", Visit, storage=SessionStorageMemory()),
)


async def main() -> None:
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(
        transport=transport, base_url="https://museum.example"
    ) as browser:
        print((await browser.get("/")).text)
        print((await browser.get("/")).text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# page 1 of your visit
# page 2 of your visit
