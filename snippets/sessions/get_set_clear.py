"""Get, set and clear a session."""

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
    name: str


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


async def account(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)
    if user is None:
        return PlainTextResponse("please log in")
    return PlainTextResponse(f"the account of {user.name}")


async def log_out(request: Request) -> PlainTextResponse:
    current_session(request).clear(User)
    return PlainTextResponse("goodbye")


async def main() -> None:
    routes = [
        Route("/log-in", log_in, methods=["POST"]),
        Route("/account", account),
        Route("/log-out", log_out, methods=["POST"]),
    ]
    provider = cookie("USER", User, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=routes), provider)
    async with open_browser(app) as browser:
        response = await browser.post("/log-in", json={"name": "ada"})
        print("POST /log-in:", response.text)
        response = await browser.get("/account")
        print("GET /account:", response.text)
        response = await browser.post("/log-out")
        print("POST /log-out:", response.text)
        response = await browser.get("/account")
        print("GET /account:", response.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# POST /log-in: welcome
# GET /account: the account of ada
# POST /log-out: goodbye
# GET /account: please log in
