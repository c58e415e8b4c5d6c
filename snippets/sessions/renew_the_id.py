"""Renew the id after a login."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class User:
    name: str = "a guest"


def open_browser(app: Sessions) -> AsyncClient:
    transport = ASGITransport(app)  # calls the app without a network
    return AsyncClient(transport=transport, base_url="https://shop.example")


# --8<-- [start:use]
async def log_in(request: Request) -> PlainTextResponse:
    body = await request.json()  # in your app, check a password too
    sessions = current_session(request)
    sessions.set(User(body["name"]))
    sessions.renew_id(User)
    return PlainTextResponse("welcome")


# --8<-- [end:use]
async def account(request: Request) -> PlainTextResponse:
    user = await current_session(request).get_or_set(User, User)
    return PlainTextResponse(f"the account of {user.name}")


# --8<-- [start:run]
async def main() -> None:
    routes = [
        Route("/log-in", log_in, methods=["POST"]),
        Route("/account", account),
    ]
    provider = cookie("USER", User, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=routes), provider)
    async with open_browser(app) as browser, open_browser(app) as thief:
        await browser.get("/account")
        old_id = browser.cookies["USER"]  # a thief knows it
        await browser.post("/log-in", json={"name": "ada"})
        response = await browser.get("/account")
        print("with the new id:", response.text)

        thief.cookies.set("USER", old_id)
        response = await thief.get("/account")
        print("with the old id:", response.text)
    # --8<-- [end:run]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# with the new id: the account of ada
# with the old id: the account of a guest
