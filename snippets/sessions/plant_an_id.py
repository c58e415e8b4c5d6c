"""Plant a session id."""

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
    name: str = "a guest"


# --8<-- [start:use]
async def account(request: Request) -> PlainTextResponse:
    user = await current_session(request).get_or_set(User, User)
    return PlainTextResponse(user.name)


async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    sessions.set(User("ada"))
    if request.query_params.get("renew") != "no":
        sessions.renew_id(User)
    return PlainTextResponse("welcome")


routes = [Route("/", account), Route("/log-in", log_in, methods=["POST"])]
users = cookie("USER", User, storage=SessionStorageMemory())
transport = ASGITransport(Sessions(Starlette(routes=routes), users))


async def attack(address: str, id: str = "") -> str:
    url = "https://shop.example"
    async with (
        AsyncClient(transport=transport, base_url=url) as mallory,
        AsyncClient(transport=transport, base_url=url) as ada,
    ):
        await mallory.get("/")  # starts a session as a guest
        planted = id or mallory.cookies["USER"]
        ada.cookies.set("USER", planted)  # mallory plants the id in ada's browser
        await ada.post(address)
        seen = await mallory.get("/", headers={"cookie": f"USER={planted}"})
        return seen.text


async def main() -> None:
    print("an invented id, no renew_id:", await attack("/log-in?renew=no", "invented"))
    print("a guest's id, no renew_id:", await attack("/log-in?renew=no"))
    print("a guest's id, renew_id:", await attack("/log-in"))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# an invented id, no renew_id: a guest
# a guest's id, no renew_id: ada
# a guest's id, renew_id: a guest
