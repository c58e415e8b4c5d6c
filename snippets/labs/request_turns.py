"""Play two requests at once, in an order of your choice."""

import asyncio
import logging
from collections.abc import Callable

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import SessionNotFound, SessionStorageMemory, read_bytes, write_bytes

# --8<-- [start:app]
# Control: order "1212"
order = "1212"  # which request makes the next call to the storage
log = logging.LoggerAdapter(logging.getLogger("race"))


class Naive(SessionStorageMemory):  # don't do this
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        cart = await read_bytes(self, id)
        log.debug("reads %s", cart.decode())
        await asyncio.sleep(0)  # a database takes time, and others get their turn
        await write_bytes(self, id, cart := transform(cart))
        return cart


async def add(storage: SessionStorageMemory, item: bytes) -> None:
    try:
        cart = await storage.update("id", lambda cart: cart + item)
        log.debug("saves %s", cart.decode())
    except SessionNotFound:
        log.debug("finds no session")


async def log_out(storage: SessionStorageMemory) -> None:
    await storage.invalidate("id")
    log.debug("logs out")


async def race(request: Request) -> PlainTextResponse:
    storage = Naive() if "naive" in request.url.path else SessionStorageMemory()
    await write_bytes(storage, "id", b"cart:")
    second = log_out(storage) if "logout" in request.url.path else add(storage, b" milk")
    requests = {"1": add(storage, b" tea"), "2": second}
    for number in f"{order}1122":  # at last, each request goes on to its end
        log.extra = {"lane": f"request {number}"}
        if number in requests:
            try:
                requests[number].send(None)  # it goes on to where it waits
            except StopIteration:
                del requests[number]  # it has ended
    left = await storage.load("id") or b"no session"
    return PlainTextResponse(f"{order}: {left.decode()}")


app = Starlette(routes=[Route("/{storage}/{second}", race)])
# --8<-- [end:app]


# --8<-- [start:story]
async def main() -> None:
    async with AsyncClient(transport=ASGITransport(app), base_url="https://shop") as shop:
        for path in ("/naive/milk", "/naive/logout", "/ours/milk", "/ours/logout"):
            print(path, (await shop.get(path)).text)
    # --8<-- [end:story]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# /naive/milk 1212: cart: milk
# /naive/logout 1212: cart: tea
# /ours/milk 1212: cart: tea milk
# /ours/logout 1212: no session
