"""See what a logout ends."""

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


async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    sessions.set(User("ada"))  # in your app, check a password first
    sessions.renew_id(User)
    return PlainTextResponse("welcome")


async def account(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)
    return PlainTextResponse("please log in" if user is None else user.name)


# --8<-- [start:use]
async def log_out(request: Request) -> PlainTextResponse:
    current_session(request).clear(User)
    return PlainTextResponse("goodbye")


async def main() -> None:
    routes = [
        Route("/log-in", log_in, methods=["POST"]),
        Route("/log-out", log_out, methods=["POST"]),
        Route("/account", account),
    ]
    users = cookie("USER", User, storage=SessionStorageMemory())
    transport = ASGITransport(Sessions(Starlette(routes=routes), users))
    laptop, copy, phone = (
        AsyncClient(transport=transport, base_url="https://shop.example") for _ in range(3)
    )
    await laptop.post("/log-in")
    copy.cookies.update(laptop.cookies)  # a thief copied the laptop's cookie
    await phone.post("/log-in")
    goodbye = await laptop.post("/log-out")
    print("sent to the laptop:", goodbye.headers["set-cookie"])
    for name, client in {"laptop": laptop, "copy": copy, "phone": phone}.items():
        print(f"{name}:", (await client.get("/account")).text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# sent to the laptop: USER=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax
# laptop: please log in
# copy: please log in
# phone: ada
