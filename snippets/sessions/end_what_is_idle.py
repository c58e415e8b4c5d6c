"""End what is idle."""

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
    visit = await current_session(request).get_or_set(Visit, Visit)
    visit.pages += 1
    return PlainTextResponse(f"page {visit.pages} of this visit")


async def main() -> None:
    # --8<-- [start:use]
    now = 0.0
    provider = cookie(
        *("VISIT", Visit),
        storage=SessionStorageMemory(),
        max_age=timedelta(hours=8),
        idle_timeout=timedelta(minutes=30),
        clock=lambda: now,
    )
    transport = httpx2.ASGITransport(
        Sessions(Starlette(routes=[Route("/", page)]), provider)
    )
    async with httpx2.AsyncClient(
        transport=transport, base_url="https://museum.example"
    ) as browser:
        for minutes in (0, 2, 20, 29, 30):
            now += minutes * 60
            print(minutes, "minutes later:", (await browser.get("/")).text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 0 minutes later: page 1 of this visit
# 2 minutes later: page 2 of this visit
# 20 minutes later: page 3 of this visit
# 29 minutes later: page 4 of this visit
# 30 minutes later: page 1 of this visit
