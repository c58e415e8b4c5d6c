"""Carry the id in a header."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, current_session, header


@dataclass
class Visit:
    pages: int = 0


def open_client(app: Sessions) -> AsyncClient:
    transport = ASGITransport(app)  # calls the app without a network
    return AsyncClient(transport=transport, base_url="https://shop.example")


# --8<-- [start:use]
async def page(request: Request) -> PlainTextResponse:
    visit = await current_session(request).get_or_set(Visit, Visit)
    visit.pages += 1
    return PlainTextResponse(f"page {visit.pages} of your visit")


async def main() -> None:
    provider = header("X-Visit", Visit, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=[Route("/", page)]), provider)
    async with open_client(app) as client:
        first = await client.get("/")
        print("without an id:", first.text)

        id = first.headers["X-Visit"]
        second = await client.get("/", headers={"X-Visit": id})
        print("with the id from the response:", second.text)

        third = await client.get("/", headers={"X-Visit": "made-up"})
        print("with an invented id:", third.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# without an id: page 1 of your visit
# with the id from the response: page 2 of your visit
# with an invented id: page 1 of your visit
