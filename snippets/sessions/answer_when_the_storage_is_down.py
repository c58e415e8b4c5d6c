"""Answer with a 503 page when the storage is down."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import (
    Sessions,
    SessionStorageMemory,
    StorageFull,
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
async def add(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    cart = await sessions.get_or_set(Cart, Cart)
    cart.items += 1
    await sessions.save()  # an error of the storage is raised here
    return PlainTextResponse(f"items in the cart: {cart.items}")


async def sorry(_request: Request, _error: Exception) -> PlainTextResponse:
    return PlainTextResponse("No carts right now. Try again soon.", 503)


async def main() -> None:
    routes = [Route("/cart", add, methods=["POST"])]
    shop = Starlette(routes=routes, exception_handlers={StorageFull: sorry})
    storage = SessionStorageMemory(max_bytes=50)  # less than one session
    app = Sessions(shop, cookie("CART", Cart, storage=storage))
    async with open_browser(app) as browser:
        response = await browser.post("/cart")
        print(response.status_code, response.text)
        print("a cookie was set:", "set-cookie" in response.headers)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 503 No carts right now. Try again soon.
# a cookie was set: False
