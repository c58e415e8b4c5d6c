"""Carry the id in a header."""

import asyncio
from dataclasses import dataclass

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, current_session, header


@dataclass
class Visit:
    pages: int = 0


async def page(request: Request) -> PlainTextResponse:
    visit = await current_session(request).get_or_set(Visit, Visit)
    visit.pages += 1
    return PlainTextResponse(f"page {visit.pages} of your visit")


async def main() -> None:
    # --8<-- [start:use]
    provider = header("X-Visit", Visit, storage=SessionStorageMemory())
    transport = httpx2.ASGITransport(
        Sessions(Starlette(routes=[Route("/", page)]), provider)
    )
    async with httpx2.AsyncClient(
        transport=transport, base_url="https://museum.example"
    ) as client:
        first = await client.get("/")
        second = await client.get("/", headers={"X-Visit": first.headers["x-visit"]})
        print(second.text)
        stranger = await client.get("/", headers={"X-Visit": "made-up"})
        print(stranger.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# page 2 of your visit
# page 1 of your visit
