"""Ask for the password again."""

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
@dataclass
class Confirmed:
    name: str


now = 0.0  # in your app, leave out the clock
limit = timedelta(minutes=10)
storage = SessionStorageMemory()
users = cookie("USER", User, storage=storage)
confirmed = cookie(
    "CONFIRMED", Confirmed, storage=storage, max_age=limit, clock=lambda: now
)


async def confirm(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    user = await sessions.get(User)
    if user is not None:  # in your app, check the password first
        sessions.set(Confirmed(user.name))
        sessions.renew_id(Confirmed)
    return PlainTextResponse("thank you")


async def delete(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    user, proof = await sessions.get(User), await sessions.get(Confirmed)
    if user is None or proof is None or proof.name != user.name:
        return PlainTextResponse("your password, please", 403)
    return PlainTextResponse("deleted")


async def main() -> None:
    global now  # noqa: PLW0603
    routes = [Route("/confirm", confirm, methods=["POST"])]
    routes += [Route("/delete", delete, methods=["POST"])]
    transport = ASGITransport(Sessions(Starlette(routes=routes), users, confirmed))
    async with AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        browser.cookies.set("USER", await users.write(User("ada")))  # as after a login
        print("at first:", (await browser.post("/delete")).text)
        await browser.post("/confirm")
        print("after the password:", (await browser.post("/delete")).text)
        now += 10 * 60
        print("10 minutes later:", (await browser.post("/delete")).text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# at first: your password, please
# after the password: deleted
# 10 minutes later: your password, please
