"""Test when a session expires."""

import asyncio
from collections.abc import Callable
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


async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    sessions.set(User("ada"))  # in your app, check a password first
    sessions.renew_id(User)
    return PlainTextResponse("welcome")


async def account(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)
    return PlainTextResponse("please log in" if user is None else user.name)


# --8<-- [start:use]
def make_app(clock: Callable[[], float]) -> Sessions:
    users = cookie(
        "USER",
        User,
        storage=SessionStorageMemory(),
        max_age=timedelta(hours=8),
        idle_timeout=timedelta(minutes=30),
        clock=clock,
    )
    routes = [Route("/log-in", log_in, methods=["POST"]), Route("/account", account)]
    return Sessions(Starlette(routes=routes), users)


async def main() -> None:
    now = 0.0  # seconds
    transport = ASGITransport(make_app(clock=lambda: now))
    async with AsyncClient(transport=transport, base_url="https://testserver") as browser:
        await browser.post("/log-in")
        for minutes in (20, 20, 31):
            now += minutes * 60
            response = await browser.get("/account")
            print(f"after another {minutes} minutes:", response.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# after another 20 minutes: ada
# after another 20 minutes: ada
# after another 31 minutes: please log in
