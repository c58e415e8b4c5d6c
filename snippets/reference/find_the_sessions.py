"""Find the sessions of a request."""

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


def open_browser(app: Sessions | Starlette) -> AsyncClient:
    transport = ASGITransport(app)  # calls the app without a network
    return AsyncClient(transport=transport, base_url="https://shop.example")


# --8<-- [start:use]
async def account(request: Request) -> PlainTextResponse:
    sessions = current_session(request)  # or current_session(request.scope)
    user = await sessions.get(User)
    return PlainTextResponse("a guest" if user is None else user.name)


async def main() -> None:
    shop = Starlette(routes=[Route("/account", account)])
    provider = cookie("USER", User, storage=SessionStorageMemory())
    async with open_browser(Sessions(shop, provider)) as browser:
        response = await browser.get("/account")
        print(response.text)

    async with open_browser(shop) as browser:  # not wrapped in Sessions
        try:
            await browser.get("/account")
        except RuntimeError as error:
            print(error)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# a guest
# no sessions in this scope; wrap your app in Sessions(app, cookie(...)). If it is, this middleware or error handler runs outside of Sessions; change the order, with Sessions around it
