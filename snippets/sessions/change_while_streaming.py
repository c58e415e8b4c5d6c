"""Change a session while a response is streamed."""

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
class Export:
    rows: int = 0
    done: bool = False


@dataclass
class Visit:
    pages: int = 0


# --8<-- [start:use]
storage = SessionStorageMemory()
exports = cookie("EXPORT", Export, storage=storage)
visits = cookie("VISIT", Visit, storage=storage)


def add_row(export: Export) -> Export:
    return Export(export.rows + 1)


async def export(request: Request) -> StreamingResponse:
    sessions = current_session(request)
    await sessions.get_or_set(Export, Export)  # starts before the response does

    async def rows() -> AsyncIterator[str]:
        for number in (1, 2):
            yield f"row {number}\n"
            current = await sessions.update(Export, add_row)  # saved at once
            print("stored:", await exports.read(sessions.id(Export) or ""))
        current.done = True  # saved at the end
        try:
            sessions.set(Visit())
        except SessionAlreadySent as error:
            print(error)

    return StreamingResponse(rows())


async def main() -> None:
    app = Sessions(Starlette(routes=[Route("/", export)]), exports, visits)
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        await browser.get("/")
        print("at the end:", await exports.read(browser.cookies["EXPORT"]))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# stored: Export(rows=1, done=False)
# stored: Export(rows=2, done=False)
# cannot start a session after the response has started; call set() earlier
# at the end: Export(rows=2, done=True)
