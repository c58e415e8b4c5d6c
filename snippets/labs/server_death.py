"""End a server that has sessions in memory and in a directory."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient, Cookies
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from coatcheck import (
    Sessions,
    SessionStorageMemory,
    cookie,
    current_session,
    directory_session_storage,
)


# --8<-- [start:app]
@dataclass
class InMemory:
    visits: int = 0


@dataclass
class InDirectory:
    visits: int = 0


async def home(request: Request) -> HTMLResponse:
    session = current_session(request)
    one = await session.get_or_set(InMemory, InMemory)
    other = await session.get_or_set(InDirectory, InDirectory)
    one.visits += 1
    other.visits += 1
    return HTMLResponse(f"In memory: {one.visits}. In the directory: {other.visits}.")


def start() -> Sessions:
    return Sessions(
        Starlette(routes=[Route("/", home)]),
        cookie("MEMORY", InMemory, storage=SessionStorageMemory()),
        cookie("DIRECTORY", InDirectory, storage=directory_session_storage("sessions")),
    )


app = start()
# --8<-- [end:app]


# --8<-- [start:story]
async def main() -> None:
    cookies = Cookies()
    for server in (app, start()):  # the second one begins with an empty memory
        client = AsyncClient(
            transport=ASGITransport(server), base_url="https://app.example"
        )
        client.cookies = cookies  # the browser keeps them
        async with client as browser:
            print((await browser.get("/")).text)
            print((await browser.get("/")).text)
            cookies = browser.cookies
            # --8<-- [end:story]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# In memory: 1. In the directory: 1.
# In memory: 2. In the directory: 2.
# In memory: 1. In the directory: 3.
# In memory: 2. In the directory: 4.
