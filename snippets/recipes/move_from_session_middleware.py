"""Move from SessionMiddleware without logging anyone out."""

import asyncio
import os
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session

# Needs: itsdangerous


async def old_log_in(request: Request) -> PlainTextResponse:
    request.session["user"] = "ada"
    return PlainTextResponse("welcome")


# --8<-- [start:use]
@dataclass
class User:
    name: str


async def user_of(request: Request) -> User | None:
    sessions = current_session(request)
    user = await sessions.get(User)
    if user is None and "user" in request.session:  # logged in before the move
        user = User(request.session["user"])
        sessions.set(user)
        request.session.clear()  # removes the signed cookie
    return user


async def account(request: Request) -> PlainTextResponse:
    user = await user_of(request)
    return PlainTextResponse("please log in" if user is None else user.name)


secret = os.environ.get("SECRET_KEY", "the key that the app had before the move")
signed = Middleware(SessionMiddleware, secret_key=secret, https_only=True)
stored = Middleware(Sessions, cookie("USER", User, storage=SessionStorageMemory()))
before = Starlette(
    routes=[Route("/log-in", old_log_in, methods=["POST"])], middleware=[signed]
)
app = Starlette(routes=[Route("/account", account)], middleware=[stored, signed])


async def main() -> None:
    base_url = "https://shop.example"
    async with AsyncClient(transport=ASGITransport(before), base_url=base_url) as browser:
        await browser.post("/log-in")
        cookies = browser.cookies
    print("cookies before the move:", list(cookies))
    async with AsyncClient(transport=ASGITransport(app), base_url=base_url) as browser:
        browser.cookies = cookies
        for _ in range(2):
            print("the account of", (await browser.get("/account")).text)
        print("cookies after it:", list(browser.cookies))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# cookies before the move: ['session']
# the account of ada
# the account of ada
# cookies after it: ['USER']
