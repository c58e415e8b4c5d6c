"""A pydantic model is checked when it is saved."""

import asyncio

from httpx2 import ASGITransport, AsyncClient
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


# --8<-- [start:use]
class Cart(BaseModel):
    items: int = Field(ge=0)


async def remove(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    cart = await sessions.get_or_set(Cart, lambda: Cart(items=1))
    cart.items -= 1  # pydantic doesn't check this
    try:
        await sessions.save()
    except ValueError as error:
        return PlainTextResponse(str(error), 500)
    return PlainTextResponse(f"items left: {cart.items}")


async def main() -> None:
    carts = cookie("CART", Cart, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=[Route("/", remove, methods=["POST"])]), carts)
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        for _ in range(2):
            response = await browser.post("/")
            print(response.status_code, response.text)
        print("stored:", await carts.read(browser.cookies["CART"]))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 200 items left: 0
# 500 this Cart could not be read back (items: greater_than_equal, got int); give each field a value of its type
# stored: items=0
