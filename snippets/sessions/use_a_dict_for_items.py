"""Use a dict for items that are added at once."""

import asyncio
from dataclasses import dataclass, field

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


# --8<-- [start:use]
@dataclass
class Cart:
    in_list: list[str] = field(default_factory=list)
    in_dict: dict[str, int] = field(default_factory=dict)


both_have_read = asyncio.Barrier(2)


async def add(request: Request) -> PlainTextResponse:
    item = request.query_params["item"]
    cart = await current_session(request).get_or_set(Cart, Cart)
    await both_have_read.wait()  # neither request has saved anything yet
    cart.in_list.append(item)
    cart.in_dict[item] = 1
    return PlainTextResponse("added")


async def main() -> None:
    carts = cookie("CART", Cart, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=[Route("/add", add, methods=["POST"])]), carts)
    id = await carts.write(Cart())
    async with AsyncClient(
        transport=ASGITransport(app),
        base_url="https://shop.example",
        cookies={"CART": id},
    ) as browser:
        await asyncio.gather(browser.post("/add?item=tea"), browser.post("/add?item=milk"))
    cart = await carts.read(id)
    if cart is not None:
        print("items in the list:", len(cart.in_list))
        print("items in the dict:", sorted(cart.in_dict))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# items in the list: 1
# items in the dict: ['milk', 'tea']
