"""Protect pages with a login."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from httpx2 import ASGITransport, AsyncClient

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class User:
    name: str


# --8<-- [start:use]
async def user_of(request: Request) -> User:
    user = await current_session(request).get(User)
    if user is None:
        raise HTTPException(303, headers={"Location": "/log-in"})
    return user


LoggedIn = Annotated[User, Depends(user_of)]
private = APIRouter(dependencies=[Depends(user_of)])


@private.get("/orders")
async def orders() -> str:
    return "your orders"


@private.get("/account")
async def account(user: LoggedIn) -> str:
    return f"the account of {user.name}"


users = cookie("USER", User, storage=SessionStorageMemory())
app = FastAPI()
app.include_router(private)
app.add_middleware(Sessions, users)


async def main() -> None:
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        for path in ("/orders", "/account"):
            response = await browser.get(path)
            print(f"{path}: {response.status_code} to {response.headers['location']}")
        browser.cookies.set("USER", await users.write(User("ada")))  # as after a login
        for path in ("/orders", "/account"):
            response = await browser.get(path)
            print(f"{path}: {response.status_code} {response.json()}")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# /orders: 303 to /log-in
# /account: 303 to /log-in
# /orders: 200 your orders
# /account: 200 the account of ada
