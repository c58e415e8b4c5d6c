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
            starts = message["type"] == "http.response.start"
            if starts and values.items and stored is None:
                current_session(scope).set(values)
            await send(message)

        await app(scope, receive, set_and_send)

    return bridge


async def page(request: Request) -> PlainTextResponse:
    request.session["pages"] = request.session.get("pages", 0) + 1
    return PlainTextResponse(f"page {request.session['pages']} of your visit")


async def main() -> None:
    inner = with_request_session(Starlette(routes=[Route("/", page)]))
    app = Sessions(inner, cookie("VALUES", Values, storage=SessionStorageMemory()))
    transport = ASGITransport(app)
    async with AsyncClient(
        transport=transport, base_url="https://museum.example"
    ) as browser:
        await browser.get("/")
        print((await browser.get("/")).text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# page 2 of your visit
