"""Show a user's devices, and log one of them out."""

import asyncio
from dataclasses import dataclass
from itertools import count
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from httpx2 import ASGITransport, AsyncClient

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


# --8<-- [start:use]
@dataclass
class User:
    name: str
    browser: str


users = cookie("USER", User, storage=SessionStorageMemory())
app = FastAPI()
app.add_middleware(Sessions, users)
ids: dict[str, dict[int, str]] = {"ada": {}}  # in your app, a table: user, number, id
numbers = count(1)


@app.post("/log-in")
async def log_in(request: Request) -> None:
    sessions = current_session(request)  # in your app, check a password first
    sessions.set(User("ada", request.headers["user-agent"]))
    sessions.renew_id(User)
    await sessions.save()  # from here on, the new id is known
    ids["ada"][next(numbers)] = sessions.id(User) or ""


async def ids_of(request: Request) -> dict[int, str]:
    user = await current_session(request).get(User)
    if user is None:
        raise HTTPException(401)
    return ids[user.name]


@app.get("/")
async def devices(mine: Annotated[dict[int, str], Depends(ids_of)]) -> dict[int, str]:
    found = [(number, await users.read(id)) for number, id in list(mine.items())]
    return {number: user.browser for number, user in found if user is not None}


@app.post("/log-out/{number}")
async def log_out(number: int, mine: Annotated[dict[int, str], Depends(ids_of)]) -> None:
    if number in mine:  # otherwise it's another user's, or has ended
        await users.invalidate(mine.pop(number))


async def main() -> None:
    transport, base_url = ASGITransport(app), "https://shop.example"
    async with AsyncClient(transport=transport, base_url=base_url) as laptop:
        for browser in "phone", "laptop":
            laptop.cookies.clear()
            await laptop.post("/log-in", headers={"user-agent": browser})
        print("before:", (await laptop.get("/")).json())
        await laptop.post("/log-out/1")
        print("after:", (await laptop.get("/")).json())
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# before: {'1': 'phone', '2': 'laptop'}
# after: {'2': 'laptop'}
