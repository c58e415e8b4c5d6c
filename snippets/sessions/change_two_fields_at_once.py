"""Change two fields at once."""

import asyncio
from dataclasses import dataclass

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class Profile:
    name: str = "?"
    town: str = "?"


async def main() -> None:
    provider = cookie("PROFILE", Profile, storage=SessionStorageMemory())

    # --8<-- [start:use]
    async def change(request: Request) -> PlainTextResponse:
        profile = await current_session(request).get_or_set(Profile, Profile)
        await asyncio.sleep(
            0.1
        )  # both requests have read the session, neither has stored it
        for field, value in request.query_params.items():
            setattr(profile, field, value)
        return PlainTextResponse(str(profile))

    transport = httpx2.ASGITransport(
        Sessions(Starlette(routes=[Route("/", change)]), provider)
    )
    async with httpx2.AsyncClient(
        transport=transport, base_url="https://museum.example"
    ) as browser:
        await browser.get("/")
        await asyncio.gather(browser.get("/?name=Ada"), browser.get("/?town=London"))
        print((await browser.get("/")).text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# Profile(name='Ada', town='London')
