"""Keep a late request from undoing a login."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class Guest:
    pages: int = 0


@dataclass
class User:
    name: str


# --8<-- [start:use]
async def news(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    await sessions.get_or_set(Guest, Guest)
    user = await sessions.get(User)
    return PlainTextResponse("news" if user is None else f"news for {user.name}")


async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    sessions.set(User("ada"))
    sessions.renew_id(User)
    return PlainTextResponse("welcome")


async def main() -> None:
    storage = SessionStorageMemory()
    app = Sessions(
        Starlette(routes=[Route("/", news), Route("/log-in", log_in, methods=["POST"])]),
        cookie("GUEST", Guest, storage=storage),
        cookie("USER", User, storage=storage),
    )
    transport = ASGITransport(app)
    base_url = "https://shop.example"
    async with AsyncClient(transport=transport, base_url=base_url) as browser:
        await browser.get("/")
        late = browser.build_request("GET", "/")  # with the cookies of now
        await browser.post("/log-in")
        print("the late request gets:", (await browser.send(late)).text)
        print("the next one gets:", (await browser.get("/")).text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# the late request gets: news
# the next one gets: news for ada
