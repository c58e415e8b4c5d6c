"""Keep sessions in memory."""

import asyncio
from dataclasses import dataclass

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class Cart:
    items: int = 0


async def add(request: Request) -> PlainTextResponse:
    cart = await current_session(request).get_or_set(Cart, Cart)
    cart.items += 1
    return PlainTextResponse(f"{cart.items} in the cart")


async def main() -> None:
    # --8<-- [start:use]
    app = Sessions(
        Starlette(routes=[Route("/add", add)]),
        cookie("CART", Cart, storage=SessionStorageMemory()),
    )
    # --8<-- [end:use]
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        for _ in range(3):
            print((await browser.get("/add")).text)


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 1 in the cart
# 2 in the cart
# 3 in the cart
