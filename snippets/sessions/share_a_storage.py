"""Share a storage between several apps."""

import asyncio
from dataclasses import dataclass

from coatcheck import SessionStorageMemory, cookie


@dataclass
class Customer:
    name: str


@dataclass
class Clerk:
    name: str


async def main() -> None:
    # --8<-- [start:use]
    storage = SessionStorageMemory()
    shop = cookie("SESSION", Customer, storage=storage)
    try:
        cookie("SESSION", Clerk, storage=storage)
    except ValueError as error:
        print(str(error).partition(";")[0])

    desk = cookie("DESK_SESSION", Clerk, storage=storage)
    id = await shop.write(Customer("Ada"))
    print("in the shop:", await shop.read(id))
    print("at the desk:", await desk.read(id))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# in this storage 'SESSION' is the name of __main__.Customer, not of __main__.Clerk
# in the shop: Customer(name='Ada')
# at the desk: None
