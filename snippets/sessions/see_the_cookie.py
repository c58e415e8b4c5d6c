"""Look at the cookie."""

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


async def page(request: Request) -> PlainTextResponse:
    visit = await current_session(request).get_or_set(Visit, Visit)
    visit.pages += 1
    return PlainTextResponse(f"page {visit.pages} of your visit")


# --8<-- [start:use]
provider = cookie(
    "__Host-VISIT",
    Visit,
    storage=SessionStorageMemory(),
    max_age=timedelta(hours=1),
)


async def main() -> None:
    app = Sessions(Starlette(routes=[Route("/", page)]), provider)
    async with open_browser(app) as browser:
        first = await browser.get("/")
        id = browser.cookies["__Host-VISIT"]
        print("characters in the id:", len(id))
        print("the cookie:", first.headers["set-cookie"].replace(id, "..."))

        second = await browser.get("/")
        print("set again:", "set-cookie" in second.headers)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# characters in the id: 43
# the cookie: __Host-VISIT=...; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=Lax
# set again: False
