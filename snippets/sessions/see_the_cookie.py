"""Look at the cookie."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class Visit:
    pages: int = 0


async def page(request: Request) -> PlainTextResponse:
    await current_session(request).get_or_set(Visit, Visit)
    return PlainTextResponse("welcome")


async def main() -> None:
    # --8<-- [start:use]
    provider = cookie(
        "__Host-VISIT", Visit, storage=SessionStorageMemory(), max_age=timedelta(hours=1)
    )
    transport = httpx2.ASGITransport(
        Sessions(Starlette(routes=[Route("/", page)]), provider)
    )
    async with httpx2.AsyncClient(
        transport=transport, base_url="https://museum.example"
    ) as browser:
        first = await browser.get("/")
        ticket, *attributes = first.headers["set-cookie"].split("; ")
        print(
            ticket.partition("=")[0],
            "with an id of",
            len(ticket.partition("=")[2]),
            "characters",
        )
        print(attributes)

        second = await browser.get("/")
        print("set-cookie" in second.headers)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# __Host-VISIT with an id of 43 characters
# ['Max-Age=3600', 'Path=/', 'Secure', 'HttpOnly', 'SameSite=Lax']
# False
