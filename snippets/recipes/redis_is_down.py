"""Answer at once when Redis is down."""

import asyncio
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from httpx2 import ASGITransport, AsyncClient
from redis import RedisError
from redis.asyncio import Redis

from coatcheck import Sessions, cookie, current_session
from coatcheck.redis import SessionStorageRedis

# Needs: redis


@dataclass
class User:
    name: str


# --8<-- [start:use]
client = Redis.from_url(
    "redis://localhost:1",  # nothing listens there
    socket_connect_timeout=1,
    socket_timeout=1,
)
app = FastAPI()
app.add_middleware(Sessions, cookie("USER", User, storage=SessionStorageRedis(client)))


@app.exception_handler(RedisError)
async def sorry(_request: Request, _error: RedisError) -> PlainTextResponse:
    return PlainTextResponse("Back soon.", 503, {"Retry-After": "10"})


@app.post("/log-in")
async def log_in(request: Request) -> str:
    sessions = current_session(request)
    sessions.set(User("ada"))  # in your app, check a password first
    sessions.renew_id(User)
    await sessions.save()  # without it, the client gets a plain 500
    return "welcome"


@app.get("/account")
async def account(request: Request) -> str:
    user = await current_session(request).get(User)
    return "please log in" if user is None else user.name


async def main() -> None:
    transport, base_url = ASGITransport(app), "https://shop.example"
    cookies = {"USER": "id1"}
    async with AsyncClient(
        transport=transport, base_url=base_url, cookies=cookies
    ) as browser:
        for response in await browser.get("/account"), await browser.post("/log-in"):
            print(response.status_code, response.text)
            print("  the cookie is left alone:", "set-cookie" not in response.headers)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 503 Back soon.
#   the cookie is left alone: True
# 503 Back soon.
#   the cookie is left alone: True
