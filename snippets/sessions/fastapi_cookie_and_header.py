"""Serve browsers and a mobile app from one FastAPI app."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from httpx2 import ASGITransport, AsyncClient

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session, header


# --8<-- [start:use]
@dataclass
class User:
    name: str


class MobileUser(User): ...  # one Sessions needs a class for each provider


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield  # open a database above this line and close it below


storage = SessionStorageMemory()
app = FastAPI(lifespan=lifespan)
app.add_middleware(
    Sessions,
    cookie("USER", User, storage=storage),
    header("X-User", MobileUser, storage=storage),
)


async def user_of(request: Request) -> User | None:
    sessions = current_session(request)
    return await sessions.get(User) or await sessions.get(MobileUser)


@app.post("/log-in")
@app.post("/mobile/log-in")
async def log_in(request: Request) -> None:
    kind = MobileUser if request.url.path.startswith("/mobile") else User
    sessions = current_session(request)
    sessions.set(kind("ada"))  # in your app, check a password first
    sessions.renew_id(kind)


@app.get("/account")
async def account(user: Annotated[User | None, Depends(user_of)]) -> str:
    return user.name if user else "please log in"


async def main() -> None:
    transport, base_url = ASGITransport(app), "https://api.example"
    for path in "/log-in", "/mobile/log-in":
        async with AsyncClient(transport=transport, base_url=base_url) as client:
            response = await client.post(path)
            id = response.headers.get("X-User", "")
            account = await client.get("/account", headers={"X-User": id})
            print(f"{path}: cookies {list(client.cookies)}, id in the header {id != ''}")
            print("  the account of", account.json())
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# /log-in: cookies ['USER'], id in the header False
#   the account of ada
# /mobile/log-in: cookies [], id in the header True
#   the account of ada
