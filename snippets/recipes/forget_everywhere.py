"""End remembered logins too when a user logs out everywhere."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class User:
    name: str
    logins: int  # the number that the account had at the login


class Remembered(User):
    pass


accounts = {"ada": 0}  # in your app, a column of the user table


async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)  # in your app, check a password first
    sessions.set(User("ada", accounts["ada"]))
    sessions.renew_id(User)
    sessions.set(Remembered("ada", accounts["ada"]))
    sessions.renew_id(Remembered)
    return PlainTextResponse("welcome")


# --8<-- [start:use]
async def account(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    user = await sessions.get(User)
    remembered = await sessions.get(Remembered)
    if not user and remembered and remembered.logins == accounts[remembered.name]:
        user = User(remembered.name, remembered.logins)
        sessions.set(user)
        sessions.renew_id(User)
    return PlainTextResponse("please log in" if user is None else user.name)


# --8<-- [end:use]
routes = [Route("/", account), Route("/log-in", log_in, methods=["POST"])]
storage = SessionStorageMemory()
user_provider = cookie("USER", User, storage=storage)
remembered_provider = cookie("REMEMBERED", Remembered, storage=storage)


# --8<-- [start:run]
async def main() -> None:
    server = Sessions(Starlette(routes=routes), user_provider, remembered_provider)
    transport, base_url = ASGITransport(server), "https://shop.example"
    async with AsyncClient(transport=transport, base_url=base_url) as browser:
        await browser.post("/log-in")
        browser.cookies.delete("USER")  # the short session ends
        print("remembered:", (await browser.get("/")).text)
        accounts["ada"] += 1  # logged out everywhere, on another device
        browser.cookies.delete("USER")
        print("after a logout everywhere:", (await browser.get("/")).text)
    # --8<-- [end:run]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# remembered: ada
# after a logout everywhere: please log in
