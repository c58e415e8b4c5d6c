"""Renew the id after a login."""

import asyncio
from dataclasses import dataclass

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class User:
    name: str = "guest"


# --8<-- [start:use]
async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    user = await sessions.get_or_set(User, User)
    user.name = "ada"
    sessions.renew_id(User)
    return PlainTextResponse(f"welcome, {user.name}")


# --8<-- [end:use]
async def who(request: Request) -> PlainTextResponse:
    user = await current_session(request).get_or_set(User, User)
    return PlainTextResponse(user.name)


# --8<-- [start:run]
async def main() -> None:
    routes = [Route("/in", log_in), Route("/who", who)]
    app = Sessions(
        Starlette(routes=routes), cookie("USER", User, storage=SessionStorageMemory())
    )
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="https://museum.example"
    ) as browser:
        print((await browser.get("/who")).text)
        old = dict(browser.cookies)
        print((await browser.get("/in")).text)
        print("new id:", dict(browser.cookies) != old)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="https://museum.example"
    ) as thief:
        print(
            "with the old id:",
            (await thief.get("/who", headers={"cookie": f"USER={old['USER']}"})).text,
        )
    # --8<-- [end:run]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# guest
# welcome, ada
# new id: True
# with the old id: guest
