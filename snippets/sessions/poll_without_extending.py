"""Poll without extending the session."""

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


# --8<-- [start:use]
now = 0.0  # in your app, leave out the clock
users = cookie(
    "USER",
    User,
    storage=SessionStorageMemory(),
    idle_timeout=timedelta(minutes=30),
    clock=lambda: now,
)


async def careless_news(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)  # extends the session
    return PlainTextResponse("logged out" if user is None else "nothing new")


async def news(request: Request) -> PlainTextResponse:
    user = await users.read(request.cookies.get(users.name, ""))
    return PlainTextResponse("logged out" if user is None else "nothing new")


async def main() -> None:
    global now  # noqa: PLW0603
    routes = [Route("/careless-news", careless_news), Route("/news", news)]
    transport = ASGITransport(Sessions(Starlette(routes=routes), users))
    for path in ("/careless-news", "/news"):
        cookies = {users.name: await users.write(User("ada"))}
        async with AsyncClient(
            transport=transport, base_url="https://shop.example", cookies=cookies
        ) as browser:
            for _ in range(60):  # a poll each minute, and nothing else
                now += 60
                await browser.get(path)
            print(f"{path} after an hour:", (await browser.get(path)).text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# /careless-news after an hour: nothing new
# /news after an hour: logged out
