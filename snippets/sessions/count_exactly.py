"""Count exactly."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class Cart:
    items: int = 0


def open_browser(app: Sessions) -> AsyncClient:
    transport = ASGITransport(app)  # calls the app without a network
    return AsyncClient(transport=transport, base_url="https://shop.example")


# --8<-- [start:use]
def add_one(cart: Cart) -> Cart:
    return Cart(items=cart.items + 1)


async def add(request: Request) -> PlainTextResponse:
    cart = await current_session(request).update(Cart, add_one)
    return PlainTextResponse(f"items in the cart: {cart.items}")


# --8<-- [end:use]
async def start(request: Request) -> PlainTextResponse:
    current_session(request).set(Cart())
    return PlainTextResponse("the cart is empty")


# --8<-- [start:run]
async def main() -> None:
    routes = [
        Route("/start", start, methods=["POST"]),
        Route("/cart", add, methods=["POST"]),
    ]
    provider = cookie("CART", Cart, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=routes), provider)
    async with open_browser(app) as browser:
        await browser.post("/start")
        async with asyncio.TaskGroup() as group:
            for _ in range(49):  # 49 requests at once
                group.create_task(browser.post("/cart"))
        response = await browser.post("/cart")
        print("after 49 requests and one more:", response.text)
    # --8<-- [end:run]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# after 49 requests and one more: items in the cart: 50
