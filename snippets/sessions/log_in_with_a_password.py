"""Log in with a password."""

import asyncio
import hashlib
import hmac
import os
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session

# Needs: scrypt


@dataclass
class User:
    name: str


# --8<-- [start:hash]
def hash_of(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=5)


def new_hash(password: str) -> tuple[bytes, bytes]:
    salt = os.urandom(16)
    return salt, hash_of(password, salt)


accounts = {"ada": new_hash("correct horse")}  # in your app, a table
nobody = new_hash("")  # an unknown name takes as long as a wrong password


def is_right(name: str, password: str) -> bool:
    salt, stored = accounts.get(name, nobody)
    matches = hmac.compare_digest(hash_of(password, salt), stored)
    return matches and name in accounts
    # --8<-- [end:hash]


# --8<-- [start:use]
async def log_in(request: Request) -> PlainTextResponse:
    async with request.form() as form:
        name, password = str(form["name"]), str(form["password"])
    if not await asyncio.to_thread(is_right, name, password):
        return PlainTextResponse("wrong name or password", 403)
    sessions = current_session(request)
    sessions.set(User(name))
    sessions.renew_id(User)
    return PlainTextResponse(f"welcome {name}")


async def main() -> None:
    users = cookie("USER", User, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=[Route("/log-in", log_in, methods=["POST"])]), users)
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        for name, password in [("ada", "guess"), ("eve", ""), ("ada", "correct horse")]:
            form = {"name": name, "password": password}
            response = await browser.post("/log-in", data=form)
            cookies = list(response.cookies)
            print(response.status_code, response.text, cookies)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 403 wrong name or password []
# 403 wrong name or password []
# 200 welcome ada ['USER']
