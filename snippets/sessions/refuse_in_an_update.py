"""Refuse a change inside of update."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class Wallet:
    coins: int = 0


# --8<-- [start:use]
class TooExpensiveError(Exception):
    pass


def pay_three(wallet: Wallet) -> Wallet:
    if wallet.coins < 3:  # noqa: PLR2004
        raise TooExpensiveError
    return Wallet(wallet.coins - 3)


async def buy(request: Request) -> PlainTextResponse:
    try:
        wallet = await current_session(request).update(Wallet, pay_three)
    except TooExpensiveError:
        return PlainTextResponse("not enough coins", 409)
    return PlainTextResponse(f"bought, coins left: {wallet.coins}")


async def main() -> None:
    wallets = cookie("WALLET", Wallet, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=[Route("/buy", buy, methods=["POST"])]), wallets)
    id = await wallets.write(Wallet(coins=10))
    async with AsyncClient(
        transport=ASGITransport(app),
        base_url="https://shop.example",
        cookies={"WALLET": id},
    ) as browser:
        responses = await asyncio.gather(*(browser.post("/buy") for _ in range(5)))
    for text in sorted(response.text for response in responses):
        print(text)
    print("stored:", await wallets.read(id))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# bought, coins left: 1
# bought, coins left: 4
# bought, coins left: 7
# not enough coins
# not enough coins
# stored: Wallet(coins=1)
