"""Refuse sessions that grow too large."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class Notes:
    texts: list[str] = field(default_factory=list)


# --8<-- [start:use]
class TooLargeError(Exception):
    pass


class LimitedStorage(SessionStorageMemory):
    most = 4096  # bytes of one session

    def checked(self, data: bytes) -> bytes:
        if len(data) > self.most:
            raise TooLargeError
        return data

    async def save(self, id: str, data: bytes | None) -> None:
        await super().save(id, None if data is None else self.checked(data))

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        return await super().update(id, lambda stored: self.checked(transform(stored)))


async def add(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    notes = await sessions.get_or_set(Notes, Notes)
    notes.texts.append((await request.body()).decode())
    try:
        await sessions.save()
    except TooLargeError:
        notes.texts.pop()  # otherwise this response would try to save it again
        return PlainTextResponse("too many notes", 413)
    return PlainTextResponse(f"notes: {len(notes.texts)}")


async def main() -> None:
    notes = cookie("NOTES", Notes, storage=LimitedStorage())
    app = Sessions(Starlette(routes=[Route("/", add, methods=["POST"])]), notes)
    transport, base_url = ASGITransport(app), "https://shop.example"
    async with AsyncClient(transport=transport, base_url=base_url) as browser:
        for note in ("tea", "milk " * 1000, "jam"):
            response = await browser.post("/", content=note)
            print(response.status_code, response.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 200 notes: 1
# 413 too many notes
# 200 notes: 2
