"""Use a copied cookie after the logout."""

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


@dataclass
class User:
    name: str


# --8<-- [start:use]
async def log_in(request: Request) -> PlainTextResponse:
    request.session["user"] = "ada"  # in the signed cookie
    sessions = current_session(request)
    sessions.set(User("ada"))  # on the server
    sessions.renew_id(User)
    return PlainTextResponse("welcome")


async def log_out(request: Request) -> PlainTextResponse:
    request.session.clear()
    current_session(request).clear(User)
    return PlainTextResponse("goodbye")


async def account(request: Request) -> PlainTextResponse:
    signed = request.session.get("user")
    stored = await current_session(request).get(User)
    return PlainTextResponse(f"signed cookie: {signed}, session id: {stored}")


async def main() -> None:
    routes = [
        Route("/log-in", log_in, methods=["POST"]),
        Route("/log-out", log_out, methods=["POST"]),
        Route("/account", account),
    ]
    secret = os.urandom(32).hex()
    middleware = [
        Middleware(SessionMiddleware, secret_key=secret),
        Middleware(Sessions, cookie("USER", User, storage=SessionStorageMemory())),
    ]
    transport = ASGITransport(Starlette(routes=routes, middleware=middleware))
    async with AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        await browser.post("/log-in")
        copied = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        await browser.post("/log-out")
        print("browser:", (await browser.get("/account")).text)
        response = await browser.get("/account", headers={"cookie": copied})
        print("copy:", response.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# browser: signed cookie: None, session id: None
# copy: signed cookie: ada, session id: None
