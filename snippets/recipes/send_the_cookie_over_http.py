"""Send the cookie over plain HTTP."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
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
    return PlainTextResponse(f"page {visit.pages}")


# --8<-- [start:use]
async def main() -> None:
    for secure in (True, False):
        visits = cookie("VISIT", Visit, storage=SessionStorageMemory(), secure=secure)
        app = Sessions(Starlette(routes=[Route("/", page)]), visits)
        transport = ASGITransport(app)
        base_url = "http://localhost:8000"
        async with AsyncClient(transport=transport, base_url=base_url) as browser:
            first, second = await browser.get("/"), await browser.get("/")
        print(f"secure={secure}:", first.text, "and then", second.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# secure=True: page 1 and then page 1
# secure=False: page 1 and then page 2
