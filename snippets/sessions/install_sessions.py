"""Install sessions in an app."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


def open_browser(app: Sessions) -> AsyncClient:
    transport = ASGITransport(app)  # calls the app without a network
    return AsyncClient(transport=transport, base_url="https://shop.example")


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
    async with open_browser(app) as browser:
        first = await browser.get("/")
        print(first.text)
        second = await browser.get("/")
        print(second.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# page 1 of your visit
# page 2 of your visit
