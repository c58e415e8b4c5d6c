"""Count the idle time."""

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


async def account(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)
    return PlainTextResponse("please log in" if user is None else user.name)


# --8<-- [start:use]
async def minutes_until_the_end(last_request: float) -> int:
    """Log in at minute 0, send one more request, and wait."""
    now = 0.0  # seconds
    idle_timeout = timedelta(minutes=30)
    users = cookie(
        "USER",
        User,
        storage=SessionStorageMemory(),
        idle_timeout=idle_timeout,
        clock=lambda: now,
    )
    id = await users.write(User("ada"))
    transport = ASGITransport(Sessions(Starlette(routes=[Route("/", account)]), users))
    async with AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        now = last_request * 60
        await browser.get("/", headers={"cookie": f"USER={id}"})
    while await users.read(id):  # looking doesn't extend the session
        now += 60
    return round(now / 60)


async def main() -> None:
    for minute in (1, 2, 3, 25):
        end = await minutes_until_the_end(minute)
        print(f"last request at {minute}: it ends at {end}, {end - minute} minutes later")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# last request at 1: it ends at 30, 29 minutes later
# last request at 2: it ends at 30, 28 minutes later
# last request at 3: it ends at 33, 30 minutes later
# last request at 25: it ends at 55, 30 minutes later
