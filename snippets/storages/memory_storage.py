"""Keep sessions in memory."""

import asyncio
from dataclasses import dataclass

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class Cart:
    items: int = 0


async def add(request: Request) -> PlainTextResponse:
    cart = await current_session(request).get_or_set(Cart, Cart)
    cart.items += 1
    return PlainTextResponse(f"{cart.items} in the cart")


# --8<-- [start:use]
def start_server() -> Sessions:
    return Sessions(
        Starlette(routes=[Route("/add", add)]),
        cookie("CART", Cart, storage=SessionStorageMemory()),
    )


async def main() -> None:
    cookies = httpx2.Cookies()
    for server in (
        "first",
        "second",
    ):  # the second server knows nothing of what the first one kept
        transport = httpx2.ASGITransport(start_server())
        async with httpx2.AsyncClient(
            transport=transport, base_url="https://shop.example", cookies=cookies
        ) as browser:
            for _ in range(2):
                print(f"{server} server:", (await browser.get("/add")).text)
            cookies = browser.cookies
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# first server: 1 in the cart
# first server: 2 in the cart
# second server: 1 in the cart
# second server: 2 in the cart
