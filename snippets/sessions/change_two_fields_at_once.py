"""Change two fields at once."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class Address:
    street: str = "unknown"
    town: str = "unknown"


def open_browser(app: Sessions) -> AsyncClient:
    transport = ASGITransport(app)  # calls the app without a network
    return AsyncClient(transport=transport, base_url="https://shop.example")


# --8<-- [start:use]
both_have_read = asyncio.Barrier(2)


async def set_street(request: Request) -> PlainTextResponse:
    address = await current_session(request).get_or_set(Address, Address)
    await both_have_read.wait()  # neither request has saved anything yet
    address.street = "12 Mill Lane"
    return PlainTextResponse("street saved")


async def set_town(request: Request) -> PlainTextResponse:
    address = await current_session(request).get_or_set(Address, Address)
    await both_have_read.wait()
    address.town = "Cambridge"
    return PlainTextResponse("town saved")


async def show(request: Request) -> PlainTextResponse:
    address = await current_session(request).get_or_set(Address, Address)
    return PlainTextResponse(f"{address.street}, {address.town}")


async def main() -> None:
    routes = [
        Route("/street", set_street, methods=["POST"]),
        Route("/town", set_town, methods=["POST"]),
        Route("/address", show),
    ]
    provider = cookie("ADDRESS", Address, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=routes), provider)
    async with open_browser(app) as browser:
        before = await browser.get("/address")
        print("before:", before.text)
        await asyncio.gather(browser.post("/street"), browser.post("/town"))
        after = await browser.get("/address")
        print("after:", after.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# before: unknown, unknown
# after: 12 Mill Lane, Cambridge
