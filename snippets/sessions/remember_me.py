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


# --8<-- [start:use]
month = timedelta(days=30)
storage = SessionStorageMemory(retention=month)
user_provider = cookie("USER", User, storage=storage, persistent=False)
remembered_provider = cookie(
    "REMEMBERED", Remembered, storage=storage, max_age=None, idle_timeout=month
)


async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)  # in your app, check a password too
    sessions.set(User("ada"))
    sessions.renew_id(User)
    sessions.set(Remembered("ada"))  # if the user ticked "remember me"
    sessions.renew_id(Remembered)
    return PlainTextResponse("welcome")


async def account(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    user = await sessions.get(User)
    remembered = await sessions.get(Remembered)
    if user is None and remembered is not None:
        user = User(remembered.name)
        sessions.set(user)
        sessions.renew_id(User)
    return PlainTextResponse(user.name if user else "please log in")


async def main() -> None:
    routes = [Route("/log-in", log_in, methods=["POST"]), Route("/", account)]
    app = Sessions(Starlette(routes=routes), user_provider, remembered_provider)
    transport, base_url = ASGITransport(app), "https://shop.example"
    async with AsyncClient(transport=transport, base_url=base_url) as browser:
        await browser.post("/log-in")
        browser.cookies.jar.clear_session_cookies()  # the browser closes
        print("cookies left:", list(browser.cookies))
        response = await browser.get("/")
        print("when it opens again:", response.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# cookies left: ['REMEMBERED']
# when it opens again: ada
