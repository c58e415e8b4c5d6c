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


def open_browser(app: Sessions) -> AsyncClient:
    transport = ASGITransport(app)  # calls the app without a network
    return AsyncClient(transport=transport, base_url="https://shop.example")


# --8<-- [start:use]
ids_of_ada: list[str] = []  # in your app, a table or the index


async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)  # in your app, check a password too
    sessions.set(User("ada"))
    sessions.renew_id(User)
    await sessions.save()  # now, because its id is needed
    id = sessions.id(User)
    if id is not None:
        ids_of_ada.append(id)
    return PlainTextResponse("welcome")


async def main() -> None:
    routes = [Route("/log-in", log_in, methods=["POST"])]
    provider = cookie("USER", User, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=routes), provider)
    async with open_browser(app) as browser:
        await browser.post("/log-in")
        print("ids noted:", len(ids_of_ada))
        print("the cookie has it:", browser.cookies["USER"] in ids_of_ada)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# ids noted: 1
# the cookie has it: True
