"""Expose the header to JavaScript of another origin."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, current_session, header


@dataclass
class Visit:
    pages: int = 0


async def page(request: Request) -> PlainTextResponse:
    visit = await current_session(request).get_or_set(Visit, Visit)
    visit.pages += 1
    return PlainTextResponse(f"page {visit.pages}")


# --8<-- [start:use]
visits = header("X-Visit", Visit, storage=SessionStorageMemory())
server = CORSMiddleware(
    Sessions(Starlette(routes=[Route("/", page)]), visits),
    allow_origins=["https://app.example"],
    allow_headers=["X-Visit"],  # JavaScript may send it
    expose_headers=["X-Visit"],  # JavaScript may read it
)


async def main() -> None:
    transport = ASGITransport(server)
    async with AsyncClient(transport=transport, base_url="https://api.example") as client:
        client.headers["Origin"] = "https://app.example"
        asks = {"Access-Control-Request-Method": "GET"}
        asks["Access-Control-Request-Headers"] = "x-visit"
        preflight = await client.options("/", headers=asks)
        allowed = preflight.headers["Access-Control-Allow-Headers"].split(", ")
        print("the browser may send it:", "X-Visit" in allowed)
        response = await client.get("/")
        print("it may read:", response.headers["Access-Control-Expose-Headers"])
        print("it was sent:", "X-Visit" in response.headers)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# the browser may send it: True
# it may read: X-Visit
# it was sent: True
