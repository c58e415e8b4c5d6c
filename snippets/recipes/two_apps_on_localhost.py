"""Run two apps on localhost."""

import asyncio
from dataclasses import dataclass

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


async def home(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)
    return PlainTextResponse("please log in" if user is None else f"hello {user.name}")


# --8<-- [start:use]
def make_app(name: str) -> Sessions:
    routes = [Route("/", home), Route("/log-in", log_in, methods=["POST"])]
    storage = SessionStorageMemory()
    return Sessions(Starlette(routes=routes), cookie(name, User, storage=storage))


async def main() -> None:
    for names in (("USER", "USER"), ("SHOP_USER", "DESK_USER")):
        shop, desk = (ASGITransport(make_app(name)) for name in names)
        mounts = {"https://localhost:8000": shop, "https://localhost:9000": desk}
        async with AsyncClient(mounts=mounts) as browser:
            await browser.post("https://localhost:8000/log-in")
            await browser.get("https://localhost:9000/")
            response = await browser.get("https://localhost:8000/")
        print(f"{names[0]} and {names[1]}:", response.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# USER and USER: please log in
# SHOP_USER and DESK_USER: hello ada
