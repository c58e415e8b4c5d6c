"""Use each method of the current session."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import (
    CurrentSession,
    Sessions,
    SessionStorageMemory,
    cookie,
    current_session,
)


@dataclass
class Cart:
    items: int = 0


def open_browser(app: Sessions) -> AsyncClient:
    transport = ASGITransport(app)  # calls the app without a network
    return AsyncClient(transport=transport, base_url="https://shop.example")


# --8<-- [start:use]
def add_one(cart: Cart) -> Cart:
    return Cart(cart.items + 1)


async def shop(request: Request) -> PlainTextResponse:
    sessions: CurrentSession = current_session(request)
    print("get:", await sessions.get(Cart))
    print("get_or_set:", await sessions.get_or_set(Cart, Cart))
    sessions.set(Cart(5))
    await sessions.save()
    print("id:", len(sessions.id(Cart) or ""), "characters")
    cart = await sessions.update(Cart, add_one)
    print("update:", cart)
    sessions.renew_id(Cart)
    return PlainTextResponse("the response sends the new id")


async def check_out(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    print("in the next request:", await sessions.get(Cart))
    sessions.clear(Cart)
    print("after clear:", await sessions.get(Cart))
    return PlainTextResponse("the response removes the cookie")


async def main() -> None:
    routes = [Route("/", shop), Route("/check-out", check_out)]
    provider = cookie("CART", Cart, storage=SessionStorageMemory())
    async with open_browser(Sessions(Starlette(routes=routes), provider)) as browser:
        await browser.get("/")
        await browser.get("/check-out")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# get: None
# get_or_set: Cart(items=0)
# id: 43 characters
# update: Cart(items=6)
# in the next request: Cart(items=6)
# after clear: None
