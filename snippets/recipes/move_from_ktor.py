"""Move from Ktor's directorySessionStorage without logging anyone out."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass

import anyio
import msgspec
from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


# --8<-- [start:use]
@dataclass
class User:
    name: str
    visits: int = 0  # Ktor leaves out a field that has its default


KTOR_ID = re.compile("([0-9a-f]{32}){1,2}")  # else a cookie could name any file


def file_in_ktor(id: str) -> anyio.Path:
    *folders, last = re.findall("..", id)
    return anyio.Path(".ktor-sessions", *folders, f"{last}.dat")


async def user_of(request: Request) -> User | None:
    sessions = current_session(request)
    user = await sessions.get(User)
    id = request.cookies.get("USER_SESSION", "")
    if user is None and KTOR_ID.fullmatch(id):
        file = file_in_ktor(id)
        with suppress(FileNotFoundError):  # logged out, or never in
            user = msgspec.json.decode(await file.read_bytes(), type=User)
            sessions.set(user)
            await sessions.save()
            await file.unlink()  # a copy of the old cookie opens nothing
    return user


async def account(request: Request) -> PlainTextResponse:
    user = await user_of(request)
    return PlainTextResponse("please log in" if user is None else user.name)


shop = Starlette(routes=[Route("/account", account)])
app = Sessions(shop, cookie("USER", User, storage=SessionStorageMemory()))


async def main() -> None:
    id = "5eed" * 16
    file = file_in_ktor(id)
    await file.parent.mkdir(parents=True)
    await file.write_text('{"name":"ada"}')  # as Ktor 3 stores it
    transport, base_url = ASGITransport(app), "https://shop.example"
    async with AsyncClient(transport=transport, base_url=base_url) as browser:
        browser.cookies.set("USER_SESSION", id)
        for _ in range(2):
            print("the account of", (await browser.get("/account")).text)
    print("in Ktor's directory:", await file.exists())
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# the account of ada
# the account of ada
# in Ktor's directory: False
