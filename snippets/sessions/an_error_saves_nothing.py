"""An error response saves nothing."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class Order:
    status: str = "new"


# --8<-- [start:use]
async def pay(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    order = await sessions.get_or_set(Order, Order)
    order.status = "being paid"
    await sessions.save()  # this change stays
    order.status = "paid"  # this one doesn't
    raise RuntimeError("the bank doesn't answer")


async def show(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(await current_session(request).get(Order)))


async def main() -> None:
    routes = [Route("/pay", pay), Route("/show", show)]
    provider = cookie("ORDER", Order, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=routes), provider)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        print((await browser.get("/pay")).status_code)
        print((await browser.get("/show")).text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 500
# Order(status='being paid')
