"""Run old and new code side by side."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, cookie, current_session, directory_session_storage


# --8<-- [start:use]
@dataclass
class OldUser:
    name: str


@dataclass
class NewUser:
    name: str
    theme: str = "light"  # new


async def capitalise(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(OldUser)
    if user is not None:
        user.name = user.name.title()
    return PlainTextResponse(f"old code: {user}")


async def darken(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(NewUser)
    if user is not None:
        user.theme = "dark"
    return PlainTextResponse(f"new code: {user}")


async def main() -> None:
    # In your project these are two releases, each in processes of its own.
    old = cookie("USER", OldUser, storage=directory_session_storage(".sessions"))
    new = cookie("USER", NewUser, storage=directory_session_storage(".sessions"))
    old_app = Sessions(Starlette(routes=[Route("/", capitalise)]), old)
    new_app = Sessions(Starlette(routes=[Route("/", darken)]), new)
    id = await old.write(OldUser("ada"))
    for app in (new_app, old_app, new_app):
        cookies = {"USER": id}
        async with AsyncClient(
            transport=ASGITransport(app), base_url="https://shop.example", cookies=cookies
        ) as browser:
            print((await browser.get("/")).text)
    await new.invalidate(id)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# new code: NewUser(name='ada', theme='dark')
# old code: OldUser(name='Ada')
# new code: NewUser(name='Ada', theme='dark')
