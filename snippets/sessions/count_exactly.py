"""Count exactly."""

import asyncio
from dataclasses import dataclass

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class Purse:
    coins: int = 0


# --8<-- [start:use]
def one_more(purse: Purse) -> Purse:
    return Purse(purse.coins + 1)


async def earn(request: Request) -> PlainTextResponse:
    purse = await current_session(request).update(Purse, one_more)
    return PlainTextResponse(f"{purse.coins} coins")


# --8<-- [end:use]
async def begin(request: Request) -> PlainTextResponse:
    current_session(request).set(Purse())
    return PlainTextResponse("welcome")


# --8<-- [start:run]
async def main() -> None:
    routes = [Route("/begin", begin), Route("/earn", earn)]
    app = Sessions(
        Starlette(routes=routes), cookie("PURSE", Purse, storage=SessionStorageMemory())
    )
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="https://museum.example"
    ) as browser:
        await browser.get("/begin")
        await asyncio.gather(*(browser.get("/earn") for _ in range(49)))
        print((await browser.get("/earn")).text)
    # --8<-- [end:run]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 50 coins
