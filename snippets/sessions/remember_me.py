"""Remember a user after the browser closes."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class User:
    name: str


@dataclass
class Remembered:
    name: str


async def log_in(request: Request) -> PlainTextResponse:
    for session in (User("ada"), Remembered("ada")):
        current_session(request).set(session)
    return PlainTextResponse("welcome")


# --8<-- [start:use]
async def account(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    user = await sessions.get(User)
    if user is None and (remembered := await sessions.get(Remembered)):
        user = User(remembered.name)
        sessions.set(user)
    return PlainTextResponse(user.name if user else "please log in")


async def main() -> None:
    month = timedelta(days=30)
    storage = SessionStorageMemory(retention=month)
    short = cookie("USER", User, storage=storage, persistent=False)
    long = cookie(
        "REMEMBERED", Remembered, storage=storage, max_age=None, idle_timeout=month
    )
    shop = Starlette(routes=[Route("/in", log_in), Route("/", account)])
    transport = ASGITransport(Sessions(shop, short, long))
    async with AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        await browser.get("/in")
        browser.cookies.jar.clear_session_cookies()  # the browser closes
        print(list(browser.cookies))
        print((await browser.get("/")).text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# ['REMEMBERED']
# ada
