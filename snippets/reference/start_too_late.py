"""Start a session too late."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from coatcheck import (
    SessionAlreadySent,
    Sessions,
    SessionStorageMemory,
    cookie,
    current_session,
)


@dataclass
class Visit:
    pages: int = 0


def open_browser(app: Sessions) -> AsyncClient:
    transport = ASGITransport(app)  # calls the app without a network
    return AsyncClient(transport=transport, base_url="https://shop.example")


# --8<-- [start:use]
async def page(request: Request) -> StreamingResponse:
    async def text() -> AsyncIterator[str]:
        yield "The headers are sent before this line.\n"
        try:
            current_session(request).set(Visit())
        except SessionAlreadySent as error:
            yield f"SessionAlreadySent: {error}"

    return StreamingResponse(text())


async def main() -> None:
    provider = cookie("VISIT", Visit, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=[Route("/", page)]), provider)
    async with open_browser(app) as browser:
        response = await browser.get("/")
        print(response.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# The headers are sent before this line.
# SessionAlreadySent: cannot start a session after the response has started; call set() earlier
