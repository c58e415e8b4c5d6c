"""Note the id at login."""

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


ids: dict[str, set[str | None]] = {"ada": set()}


# --8<-- [start:use]
async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    sessions.clear(User)
    sessions.set(User("ada"))
    await sessions.save()
    ids["ada"].add(sessions.id(User))
    return PlainTextResponse("welcome")


async def main() -> None:
    provider = cookie("USER", User, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=[Route("/", log_in)]), provider)
    async with AsyncClient(
        transport=ASGITransport(app), base_url="https://shop.example"
    ) as browser:
        await browser.get("/")
        print(browser.cookies["USER"] in ids["ada"])
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# True
