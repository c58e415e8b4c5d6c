"""Save a session in a background task."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import (
    SessionAlreadySent,
    Sessions,
    SessionStorageMemory,
    cookie,
    current_session,
)


@dataclass
class Order:
    mail: str = "not sent"
    payment: str = "open"


# --8<-- [start:use]
tasks: set[asyncio.Task[None]] = set()


def paid(order: Order) -> Order:
    order.payment = "paid"
    return order


async def buy(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    order = await sessions.get_or_set(Order, Order)

    async def send_mail() -> None:  # runs before the request ends
        order.mail = "sent"

    async def pay() -> None:  # goes on after it
        await asyncio.sleep(0.1)
        try:
            await sessions.get(Order)
        except SessionAlreadySent as error:
            print("get:", str(error).split(";")[0])
        done = await sessions.update(Order, paid)
        print("update:", done)

    tasks.add(asyncio.create_task(pay()))
    return PlainTextResponse("thank you", background=BackgroundTask(send_mail))


async def main() -> None:
    orders = cookie("ORDER", Order, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=[Route("/buy", buy, methods=["POST"])]), orders)
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        await browser.post("/buy")
        print("stored:", await orders.read(browser.cookies["ORDER"]))
    await asyncio.gather(*tasks)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# stored: Order(mail='sent', payment='open')
# get: the request has ended and nothing more is saved for it
# update: Order(mail='sent', payment='paid')
