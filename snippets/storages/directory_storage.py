"""Keep sessions in a directory."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, cookie, current_session, directory_session_storage


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
        cookie("CART", Cart, storage=directory_session_storage(".sessions")),
    )


async def main() -> None:
    cookies = httpx2.Cookies()
    for _ in range(2):  # the second server knows what the first one stored
        transport = httpx2.ASGITransport(start_server())
        async with httpx2.AsyncClient(
            transport=transport, base_url="https://shop.example", cookies=cookies
        ) as browser:
            print((await browser.get("/add")).text)
            cookies = browser.cookies
    (file,) = Path(".sessions").iterdir()
    print(file.suffix, file.read_text().splitlines()[1])
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 1 in the cart
# 2 in the cart
# .session {"items":2}
