"""Get, set and clear a session."""

import asyncio
from dataclasses import dataclass

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class User:
    name: str


# --8<-- [start:use]
async def log_in(request: Request) -> PlainTextResponse:
    current_session(request).set(User(request.path_params["name"]))
    return PlainTextResponse("welcome")


async def who(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)
    return PlainTextResponse(user.name if user else "nobody")


async def log_out(request: Request) -> PlainTextResponse:
    current_session(request).clear(User)
    return PlainTextResponse("goodbye")


async def main() -> None:
    routes = [Route("/in/{name}", log_in), Route("/who", who), Route("/out", log_out)]
    app = Sessions(
        Starlette(routes=routes), cookie("USER", User, storage=SessionStorageMemory())
    )
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(
        transport=transport, base_url="https://museum.example"
    ) as browser:
        for path in ("/who", "/in/ada", "/who", "/out", "/who"):
            print(path, "->", (await browser.get(path)).text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# /who -> nobody
# /in/ada -> welcome
# /who -> ada
# /out -> goodbye
# /who -> nobody
