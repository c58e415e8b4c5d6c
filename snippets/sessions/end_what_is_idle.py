"""Expire an idle session."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class Visit:
    pages: int = 0


def open_browser(app: Sessions) -> AsyncClient:
    transport = ASGITransport(app)  # calls the app without a network
    return AsyncClient(transport=transport, base_url="https://shop.example")


# --8<-- [start:use]
provider = cookie(
    "VISIT",
    Visit,
    storage=SessionStorageMemory(),
    max_age=timedelta(hours=8),
    idle_timeout=timedelta(seconds=1),  # in your app, say 30 minutes
)


async def page(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    visit = await sessions.get(Visit)
    if visit is None:
        sessions.set(Visit(pages=1))
        return PlainTextResponse("a new visit begins")
    visit.pages += 1
    return PlainTextResponse(f"page {visit.pages} of your visit")


async def main() -> None:
    app = Sessions(Starlette(routes=[Route("/", page)]), provider)
    async with open_browser(app) as browser:
        first = await browser.get("/")
        print(first.text)
        await asyncio.sleep(1.1)
        late = await browser.get("/")
        print("after more than a second:", late.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# a new visit begins
# after more than a second: a new visit begins
