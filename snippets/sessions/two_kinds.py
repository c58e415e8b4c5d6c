"""Keep two kinds of session apart."""

import asyncio
from dataclasses import dataclass

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


# --8<-- [start:use]
@dataclass
class User:
    name: str


@dataclass
class Cart:
    items: int = 0


async def buy(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    cart = await sessions.get_or_set(Cart, Cart)
    cart.items += 1
    user = await sessions.get(User)
    return PlainTextResponse(f"{user.name if user else 'a guest'} buys {cart.items}")


storage = SessionStorageMemory()
app = Sessions(
    Starlette(routes=[Route("/buy", buy)]),
    cookie("USER", User, storage=storage),
    cookie("CART", Cart, storage=storage),
)


async def main() -> None:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="https://shop.example"
    ) as browser:
        print((await browser.get("/buy")).text)
        print(sorted(browser.cookies))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# a guest buys 1
# ['CART']
