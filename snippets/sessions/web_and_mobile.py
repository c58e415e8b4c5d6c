"""Serve a website and a mobile app with one API."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session, header


@dataclass
class User:
    name: str


# --8<-- [start:use]
async def log_in(request: Request) -> PlainTextResponse:
    body = await request.json()  # in your app, check a password too
    sessions = current_session(request)
    sessions.set(User(body["name"]))
    sessions.renew_id(User)
    return PlainTextResponse("welcome")


async def account(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)
    return PlainTextResponse("please log in" if user is None else user.name)


api = Starlette(
    routes=[Route("/log-in", log_in, methods=["POST"]), Route("/account", account)]
)
storage = SessionStorageMemory()
web = Sessions(api, cookie("USER", User, storage=storage))
mobile = Sessions(api, header("X-User", User, storage=storage))
server = Starlette(routes=[Mount("/web", web), Mount("/mobile", mobile)])


async def main() -> None:
    transport = ASGITransport(server)
    base_url = "https://api.example"
    async with AsyncClient(transport=transport, base_url=base_url) as browser:
        await browser.post("/web/log-in", json={"name": "ada"})
        print("browser:", (await browser.get("/web/account")).text)
    async with AsyncClient(transport=transport, base_url=base_url) as phone:
        response = await phone.post("/mobile/log-in", json={"name": "grace"})
        print("cookies of the phone:", list(phone.cookies))
        id = {"X-User": response.headers["X-User"]}
        print("phone:", (await phone.get("/mobile/account", headers=id)).text)
        print("its id under /web:", (await phone.get("/web/account", headers=id)).text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# browser: ada
# cookies of the phone: []
# phone: grace
# its id under /web: please log in
