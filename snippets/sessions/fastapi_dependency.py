"""Load the session in a FastAPI dependency."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from httpx2 import ASGITransport, AsyncClient

from coatcheck import (
    CurrentSession,
    Sessions,
    SessionStorageMemory,
    cookie,
    current_session,
)


@dataclass
class User:
    name: str


# --8<-- [start:use]
async def sessions_of(request: Request) -> CurrentSession:
    return current_session(request)


async def user_of(request: Request) -> User | None:
    return await current_session(request).get(User)


app = FastAPI()
app.add_middleware(Sessions, cookie("USER", User, storage=SessionStorageMemory()))


@app.post("/in")
async def log_in(sessions: Annotated[CurrentSession, Depends(sessions_of)]) -> None:
    sessions.set(User("ada"))


@app.get("/who")
def who(user: Annotated[User | None, Depends(user_of)]) -> str:
    return user.name if user else "nobody"


async def main() -> None:
    transport = ASGITransport(app)
    async with AsyncClient(
        transport=transport, base_url="https://museum.example"
    ) as browser:
        print((await browser.get("/who")).json())
        await browser.post("/in")
        print((await browser.get("/who")).json())
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# nobody
# ada
