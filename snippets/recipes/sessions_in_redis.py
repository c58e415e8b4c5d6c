"""Keep the sessions of several machines in Redis."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI, Request
from httpx2 import ASGITransport, AsyncClient
from redis.asyncio import Redis

from coatcheck import Sessions, cookie, current_session
from coatcheck.redis import SessionStorageRedis

# Needs: redis


@dataclass
class User:
    name: str
    visits: int = 0


url = os.environ.get("REDIS_URL", "redis://localhost")
client = Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2)
storage = SessionStorageRedis(client, prefix="shop:")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    await client.ping()  # so an app with a wrong address doesn't start
    yield
    await client.aclose()


app = FastAPI(lifespan=lifespan)
app.add_middleware(Sessions, cookie("USER", User, storage=storage))


@app.post("/log-in")
async def log_in(request: Request) -> None:
    sessions = current_session(request)
    sessions.set(User("ada"))  # in your app, check a password first
    sessions.renew_id(User)


@app.get("/")
async def home(request: Request) -> str:
    user = await current_session(request).get(User)
    if user is None:
        return "please log in"
    user.visits += 1
    return f"hello {user.name}, visit {user.visits}"


async def main() -> None:  # tries the app without a server; uvicorn doesn't call it
    transport, base_url = ASGITransport(app), "https://shop.example"
    async with (
        lifespan(app),
        AsyncClient(transport=transport, base_url=base_url) as browser,
    ):
        print("before the login:", (await browser.get("/")).json())
        await browser.post("/log-in")
        print("after it:", (await browser.get("/")).json())


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# before the login: please log in
# after it: hello ada, visit 1
