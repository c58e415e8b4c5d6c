"""Find out what two workers share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import (
    Sessions,
    SessionStorage,
    SessionStorageDirectory,
    SessionStorageMemory,
    cookie,
    current_session,
)


@dataclass
class User:
    name: str


async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    sessions.set(User("ada"))  # in your app, check a password first
    sessions.renew_id(User)
    return PlainTextResponse("welcome")


async def home(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)
    return PlainTextResponse("please log in" if user is None else f"hello {user.name}")


# --8<-- [start:use]
def start_worker(storage: SessionStorage) -> Sessions:
    routes = [Route("/", home), Route("/log-in", log_in, methods=["POST"])]
    return Sessions(Starlette(routes=routes), cookie("USER", User, storage=storage))


async def try_two(make_storage: Callable[[], SessionStorage]) -> None:
    workers = cycle([start_worker(make_storage()), start_worker(make_storage())])

    async def take_turns(scope: Any, receive: Any, send: Any) -> None:
        await next(workers)(scope, receive, send)

    transport, base_url = ASGITransport(take_turns), "https://shop.example"
    async with AsyncClient(transport=transport, base_url=base_url) as browser:
        print("  first worker:", (await browser.post("/log-in")).text)
        print("  second worker:", (await browser.get("/")).text)
        print("  first worker:", (await browser.get("/")).text)


async def main() -> None:
    print("each worker has a memory of its own")
    await try_two(SessionStorageMemory)
    print("both workers use one directory")
    await try_two(lambda: SessionStorageDirectory(".sessions"))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# each worker has a memory of its own
#   first worker: welcome
#   second worker: please log in
#   first worker: please log in
# both workers use one directory
#   first worker: welcome
#   second worker: hello ada
#   first worker: hello ada
