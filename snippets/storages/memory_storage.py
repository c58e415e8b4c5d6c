"""Store sessions in memory."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient, Cookies
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
    return PlainTextResponse(f"items in the cart: {cart.items}")


def open_browser(app: Sessions, cookies: Cookies | None = None) -> AsyncClient:
    transport = ASGITransport(app)  # calls the app without a network
    base_url = "https://shop.example"
    return AsyncClient(transport=transport, base_url=base_url, cookies=cookies)


# --8<-- [start:use]
def start_app() -> Sessions:
    shop = Starlette(routes=[Route("/cart", add, methods=["POST"])])
    storage = SessionStorageMemory()
    return Sessions(shop, cookie("CART", Cart, storage=storage))


async def main() -> None:
    async with open_browser(start_app()) as browser:
        first = await browser.post("/cart")
        print(first.text)
        second = await browser.post("/cart")
        print(second.text)
        cookies = browser.cookies

    async with open_browser(start_app(), cookies) as browser:
        third = await browser.post("/cart")
        print("after the app restarted:", third.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# items in the cart: 1
# items in the cart: 2
# after the app restarted: items in the cart: 1
