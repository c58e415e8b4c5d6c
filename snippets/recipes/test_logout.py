"""Test a logout and two users at once."""

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


async def account(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)
    return PlainTextResponse("please log in" if user is None else user.name)


async def log_out(request: Request) -> PlainTextResponse:
    current_session(request).clear(User)
    return PlainTextResponse("goodbye")


users = cookie("USER", User, storage=SessionStorageMemory())
routes = [Route("/account", account), Route("/log-out", log_out, methods=["POST"])]
app = Sessions(Starlette(routes=routes), users)


# --8<-- [start:use]
def client_with(id: str) -> AsyncClient:
    transport = ASGITransport(app)
    base_url = "https://testserver"
    return AsyncClient(transport=transport, base_url=base_url, cookies={"USER": id})


async def main() -> None:
    id = await users.write(User("ada"))
    async with (
        client_with(id) as ada,
        client_with(id) as thief,
        client_with(await users.write(User("bob"))) as bob,
    ):
        response = await ada.post("/log-out")
        print("removes the cookie:", "USER=; Max-Age=0" in response.headers["set-cookie"])
        print("in the storage:", await users.read(id))
        for name, client in {"ada": ada, "a copy of her cookie": thief, "bob": bob}.items():
            print(f"{name} sees:", (await client.get("/account")).text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# removes the cookie: True
# in the storage: None
# ada sees: please log in
# a copy of her cookie sees: please log in
# bob sees: bob
