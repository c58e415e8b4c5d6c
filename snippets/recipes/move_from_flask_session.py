"""Move from Flask-Session without logging anyone out."""

import asyncio
import os
from dataclasses import dataclass

import msgspec
from httpx2 import ASGITransport, AsyncClient
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, cookie, current_session
from coatcheck.redis import SessionStorageRedis

# Needs: redis


# --8<-- [start:use]
@dataclass
class User:
    name: str


client = Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost"))
storage = SessionStorageRedis(client, prefix="shop:")  # Flask-Session's is "session:"


async def user_of(request: Request) -> User | None:
    sessions = current_session(request)
    user = await sessions.get(User)
    if user is None and "session" in request.cookies:  # Flask's cookie
        key = f"session:{request.cookies['session']}"
        found = await client.get(key)
        old = msgspec.msgpack.decode(found) if isinstance(found, bytes) else {}
        if "user" in old:  # logged in before the move
            user = User(old["user"])
            sessions.set(user)
            await sessions.save()
            await client.delete(key)  # a copy of the old cookie opens nothing
    return user


async def account(request: Request) -> PlainTextResponse:
    user = await user_of(request)
    return PlainTextResponse("please log in" if user is None else user.name)


shop = Starlette(routes=[Route("/account", account)])
app = Sessions(shop, cookie("USER", User, storage=storage))


async def main() -> None:
    session = {"_permanent": True, "user": "ada"}  # as Flask-Session stores it
    await client.set("session:id1", msgspec.msgpack.encode(session))
    transport, base_url = ASGITransport(app), "https://shop.example"
    async with AsyncClient(transport=transport, base_url=base_url) as browser:
        browser.cookies.set("session", "id1")
        for _ in range(2):
            print("the account of", (await browser.get("/account")).text)
    print("in Flask-Session now:", await client.get("session:id1"))
    # --8<-- [end:use]
    await client.aclose()


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# the account of ada
# the account of ada
# in Flask-Session now: None
