"""Add Sessions to a FastAPI app, or wrap the app."""

import asyncio
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from httpx2 import ASGITransport, AsyncClient

from coatcheck import (
    SessionAlreadySent,
    Sessions,
    SessionStorageMemory,
    cookie,
    current_session,
)


@dataclass
class User:
    name: str


# --8<-- [start:use]
def make_app() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def fail() -> None:
        raise ZeroDivisionError

    @app.exception_handler(Exception)
    async def sorry(request: Request, _error: Exception) -> PlainTextResponse:
        try:
            user = await current_session(request).get(User)
        except SessionAlreadySent:
            return PlainTextResponse("Sorry, the sessions are out of reach.", 500)
        return PlainTextResponse(f"Sorry, {user.name if user else 'guest'}.", 500)

    return app


storage = SessionStorageMemory()
users = cookie("USER", User, storage=storage)

added = make_app()
added.add_middleware(Sessions, users)
wrapped = Sessions(make_app(), users)


async def main() -> None:
    cookies = {"USER": await users.write(User("ada"))}
    for app in added, wrapped:
        transport = ASGITransport(app, raise_app_exceptions=False)
        base_url = "https://shop.example"
        async with AsyncClient(
            transport=transport, base_url=base_url, cookies=cookies
        ) as browser:
            print(f"{type(app).__name__}:", (await browser.get("/")).text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# FastAPI: Sorry, the sessions are out of reach.
# Sessions: Sorry, ada.
