"""Keep two kinds of session apart."""

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
class User:
    name: str


@dataclass
class Cart:
    items: int = 0


async def add(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    cart = await sessions.get_or_set(Cart, Cart)
    cart.items += 1
    user = await sessions.get(User)
    name = "a guest" if user is None else user.name
    return PlainTextResponse(f"items in the cart of {name}: {cart.items}")


storage = SessionStorageMemory()
app = Sessions(
    Starlette(routes=[Route("/cart", add, methods=["POST"])]),
    cookie("USER", User, storage=storage),
    cookie("CART", Cart, storage=storage),
)


async def main() -> None:
    async with open_browser(app) as browser:
        response = await browser.post("/cart")
        print(response.text)
        print("cookies:", list(browser.cookies))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# items in the cart of a guest: 1
# cookies: ['CART']
