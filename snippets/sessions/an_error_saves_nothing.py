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


def open_browser(app: Sessions) -> AsyncClient:
    # As a server does, answer an exception with the status 500.
    transport = ASGITransport(app, raise_app_exceptions=False)
    return AsyncClient(transport=transport, base_url="https://shop.example")


# --8<-- [start:use]
async def pay(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    order = await sessions.get_or_set(Order, Order)
    order.status = "payment started"
    await sessions.save()  # this change stays
    order.status = "paid"  # this one is discarded
    raise RuntimeError("the bank doesn't answer")


async def show(request: Request) -> PlainTextResponse:
    order = await current_session(request).get_or_set(Order, Order)
    return PlainTextResponse(order.status)


async def main() -> None:
    routes = [Route("/pay", pay, methods=["POST"]), Route("/order", show)]
    provider = cookie("ORDER", Order, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=routes), provider)
    async with open_browser(app) as browser:
        payment = await browser.post("/pay")
        print("status of the response:", payment.status_code)
        order = await browser.get("/order")
        print("status of the order:", order.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# status of the response: 500
# status of the order: payment started
