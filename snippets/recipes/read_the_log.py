"""Read the log of a session."""

import asyncio
import logging
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


# --8<-- [start:printer]
class Printer(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        id_hash = record.__dict__["id_hash"]  # another one in each run
        print(record.getMessage().replace(id_hash, "..."))
        # --8<-- [end:printer]


async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    sessions.set(User("ada"))  # in your app, check a password first
    sessions.renew_id(User)
    return PlainTextResponse("welcome")


# --8<-- [start:use]
async def rename(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)
    if user is not None:
        user.name = "grace"
    return PlainTextResponse("sorry", status_code=500)


async def main() -> None:
    routes = [
        Route("/log-in", log_in, methods=["POST"]),
        Route("/rename", rename, methods=["POST"]),
    ]
    users = cookie("USER", User, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=routes), users)
    logging.getLogger("coatcheck").setLevel(logging.DEBUG)
    logging.getLogger("coatcheck").addHandler(Printer())

    transport = ASGITransport(app)
    base_url = "https://shop.example"
    async with AsyncClient(transport=transport, base_url=base_url) as browser:
        print("--- no cookie")
        await browser.post("/rename")
        print("--- a login")
        await browser.post("/log-in")
        print("--- a cookie, and an error page")
        await browser.post("/rename")
        print("--- an id that isn't stored")
        await browser.post("/rename", headers={"cookie": "USER=old"})
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# --- no cookie
# --- a login
# USER session ...: storage write done
# USER session ...: stored
# --- a cookie, and an error page
# USER session ...: storage read done
# USER session ...: loaded
# USER session ...: changes discarded, because the response is an error
# --- an id that isn't stored
# USER session ...: storage read found nothing
# USER session ...: no session under this id
