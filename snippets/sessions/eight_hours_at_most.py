"""End a session after 8 hours."""

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


async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    sessions.set(User("ada"))  # in your app, check a password first
    sessions.renew_id(User)
    return PlainTextResponse("welcome")


async def account(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)
    return PlainTextResponse("please log in" if user is None else user.name)


# --8<-- [start:use]
now = 0.0  # in your app, leave out the clock
users = cookie(
    "USER",
    User,
    storage=SessionStorageMemory(),
    max_age=timedelta(hours=8),
    idle_timeout=timedelta(minutes=30),
    clock=lambda: now,
)


async def main() -> None:
    global now  # noqa: PLW0603
    routes = [Route("/log-in", log_in, methods=["POST"]), Route("/", account)]
    transport = ASGITransport(Sessions(Starlette(routes=routes), users))
    async with AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        response = await browser.post("/log-in")
        while "please" not in response.text:
            if now % 7200 == 0 or now > 7 * 3600:
                age = response.headers["set-cookie"].split("; ")[1]
                print(f"after {timedelta(seconds=now)}: {response.text}, {age}")
            now += 20 * 60
            response = await browser.get("/")
        print(f"after {timedelta(seconds=now)}: {response.text}")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# after 0:00:00: welcome, Max-Age=1800
# after 2:00:00: ada, Max-Age=1800
# after 4:00:00: ada, Max-Age=1800
# after 6:00:00: ada, Max-Age=1800
# after 7:20:00: ada, Max-Age=1800
# after 7:40:00: ada, Max-Age=1200
# after 8:00:00: please log in
