"""Offer request.session to a library."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


def open_browser(app: Sessions) -> AsyncClient:
    transport = ASGITransport(app)  # calls the app without a network
    return AsyncClient(transport=transport, base_url="https://shop.example")


# --8<-- [start:use]
@dataclass
class Values:
    items: dict[str, Any] = field(default_factory=dict)


def with_request_session(app: ASGIApp) -> ASGIApp:
    async def bridge(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        stored = await current_session(scope).get(Values)
        values = Values() if stored is None else stored
        scope["session"] = values.items

        async def set_and_send(message: Message) -> None:
            response_starts = message["type"] == "http.response.start"
            if response_starts and values.items and stored is None:
                current_session(scope).set(values)
            await send(message)

        await app(scope, receive, set_and_send)

    return bridge


async def page(request: Request) -> PlainTextResponse:
    request.session["pages"] = request.session.get("pages", 0) + 1
    return PlainTextResponse(f"page {request.session['pages']} of your visit")


async def main() -> None:
    shop = with_request_session(Starlette(routes=[Route("/", page)]))
    provider = cookie("VALUES", Values, storage=SessionStorageMemory())
    async with open_browser(Sessions(shop, provider)) as browser:
        first = await browser.get("/")
        print(first.text)
        second = await browser.get("/")
        print(second.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# page 1 of your visit
# page 2 of your visit
