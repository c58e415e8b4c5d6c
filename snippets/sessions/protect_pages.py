"""Protect pages with a login."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
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


private = APIRouter(dependencies=[Depends(user_of)])


@private.get("/")
async def account(user: Annotated[User, Depends(user_of)]) -> str:
    return f"the account of {user.name}"


@private.get("/orders")
async def orders() -> str:
    return "your orders"


app = FastAPI()
app.include_router(private)
app.add_middleware(Sessions, cookie("USER", User, storage=SessionStorageMemory()))


@app.get("/log-in", response_class=HTMLResponse)
async def form() -> str:
    return '<form method="post"><button>Log in as Ada</button></form>'


@app.post("/log-in")
async def log_in(request: Request) -> RedirectResponse:
    sessions = current_session(request)
    sessions.set(User("ada"))  # in your app, check a password first
    sessions.renew_id(User)
    return RedirectResponse("/", 303)


async def main() -> None:
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        for path in ("/", "/orders"):
            response = await browser.get(path)
            print(f"{path}: {response.status_code} to {response.headers['location']}")
        await browser.post("/log-in")
        for path in ("/", "/orders"):
            response = await browser.get(path)
            print(f"{path}: {response.status_code} {response.json()}")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# /: 303 to /log-in
# /orders: 303 to /log-in
# /: 200 the account of ada
# /orders: 200 your orders
