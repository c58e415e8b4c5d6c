"""Load the session in a FastAPI dependency."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import Body, Depends, FastAPI, Request
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
provider = cookie("USER", User, storage=SessionStorageMemory())
app.add_middleware(Sessions, provider)


@app.post("/log-in")
async def log_in(
    name: Annotated[str, Body(embed=True)],
    sessions: Annotated[CurrentSession, Depends(sessions_of)],
) -> str:
    sessions.set(User(name))  # in your app, check a password first
    sessions.renew_id(User)
    return "welcome"


@app.get("/account")
def account(user: Annotated[User | None, Depends(user_of)]) -> str:
    if user is None:
        return "please log in"
    return f"the account of {user.name}"


async def main() -> None:
    transport = ASGITransport(app)
    base_url = "https://shop.example"
    async with AsyncClient(transport=transport, base_url=base_url) as browser:
        before = await browser.get("/account")
        print("before the login:", before.json())
        await browser.post("/log-in", json={"name": "ada"})
        after = await browser.get("/account")
        print("after the login:", after.json())
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# before the login: please log in
# after the login: the account of ada
