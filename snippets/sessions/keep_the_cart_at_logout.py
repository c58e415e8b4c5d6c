"""Keep the cart at login and logout."""

import asyncio
from dataclasses import dataclass, field

from httpx2 import ASGITransport, AsyncClient
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
    items: list[str] = field(default_factory=list)


async def shop(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    match request.url.path:
        case "/add":
            started = await sessions.get_or_set(Cart, Cart)
            started.items.append("tea")
        case "/log-in":
            sessions.set(User("ada"))  # in your app, check a password first
            sessions.renew_id(User)
        case "/log-out":
            sessions.clear(User)
        case "/forget-me":
            sessions.clear(User)
            sessions.clear(Cart)
    user, cart = await sessions.get(User), await sessions.get(Cart)
    return PlainTextResponse(f"{user}, {cart}")


async def main() -> None:
    storage = SessionStorageMemory()
    users = cookie("USER", User, storage=storage)
    carts = cookie("CART", Cart, storage=storage)
    routes = [Route("/{path}", shop, methods=["POST"])]
    transport = ASGITransport(Sessions(Starlette(routes=routes), users, carts))
    async with AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        for path in ("/add", "/log-in", "/add", "/log-out", "/forget-me"):
            response = await browser.post(path)
            print(f"{path}: {response.text}")
            print("    cookies:", list(browser.cookies))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# /add: None, Cart(items=['tea'])
#     cookies: ['CART']
# /log-in: User(name='ada'), Cart(items=['tea'])
#     cookies: ['CART', 'USER']
# /add: User(name='ada'), Cart(items=['tea', 'tea'])
#     cookies: ['CART', 'USER']
# /log-out: None, Cart(items=['tea', 'tea'])
#     cookies: ['CART']
# /forget-me: None, None
#     cookies: []
