"""Answer with a 503 page when the storage is down."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, StorageFull, cookie, current_session


@dataclass
class Cart:
    items: int = 0


# --8<-- [start:use]
async def add(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    cart = await sessions.get_or_set(Cart, Cart)
    cart.items += 1
    await sessions.save()  # an error of the storage arrives here
    return PlainTextResponse(f"{cart.items} in the cart")


async def storage_is_down(_request: Request, _error: Exception) -> PlainTextResponse:
    return PlainTextResponse("Your cart isn't available. Try again in a minute.", 503)


async def main() -> None:
    storage = SessionStorageMemory(max_bytes=50)  # too small for one session
    handlers = {StorageFull: storage_is_down}
    shop = Starlette(routes=[Route("/add", add)], exception_handlers=handlers)
    transport = ASGITransport(Sessions(shop, cookie("CART", Cart, storage=storage)))
    async with AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        response = await browser.get("/add")
        print(response.status_code, response.text)
        print(dict(response.cookies))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 503 Your cart isn't available. Try again in a minute.
# {}
