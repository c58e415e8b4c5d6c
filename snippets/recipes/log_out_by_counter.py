"""Log a user out everywhere with a counter."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from httpx2 import ASGITransport, AsyncClient

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


# --8<-- [start:use]
@dataclass
class User:
    name: str
    logins: int  # the number that the account had at the login


accounts = {"ada": 0}  # in your app, a column of the user table

app = FastAPI()
app.add_middleware(Sessions, cookie("USER", User, storage=SessionStorageMemory()))


async def user_of(request: Request) -> User:
    sessions = current_session(request)
    user = await sessions.get(User)
    if user is None or user.logins != accounts[user.name]:
        sessions.clear(User)
        raise HTTPException(401)
    return user


@app.post("/log-in")
async def log_in(request: Request) -> None:
    sessions = current_session(request)
    sessions.set(User("ada", accounts["ada"]))  # in your app, check a password first
    sessions.renew_id(User)


@app.get("/")
async def account(user: Annotated[User, Depends(user_of)]) -> str:
    return user.name


@app.post("/log-out-everywhere")
async def log_out_everywhere(user: Annotated[User, Depends(user_of)]) -> None:
    accounts[user.name] += 1
    # --8<-- [end:use]


def open_browser() -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app), base_url="https://shop.example")


# --8<-- [start:run]
async def main() -> None:
    async with open_browser() as phone, open_browser() as laptop:
        await phone.post("/log-in")
        await laptop.post("/log-in")
        print("on the phone:", (await phone.get("/")).status_code)
        await laptop.post("/log-out-everywhere")
        print("on the phone now:", (await phone.get("/")).status_code)
        print("on the laptop now:", (await laptop.get("/")).status_code)
    # --8<-- [end:run]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# on the phone: 200
# on the phone now: 401
# on the laptop now: 401
