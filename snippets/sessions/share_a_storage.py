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
    customers = cookie("CUSTOMER", Customer, storage=storage)
    try:
        cookie("CUSTOMER", Clerk, storage=storage)
    except ValueError as error:
        print("refused:", error)

    clerks = cookie("CLERK", Clerk, storage=storage)
    id = await customers.write(Customer("ada"))
    print("as a customer:", await customers.read(id))
    print("as a clerk:", await clerks.read(id))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# refused: in this storage 'CUSTOMER' is the name of __main__.Customer, not of __main__.Clerk; choose another name, or pass another storage
# as a customer: Customer(name='ada')
# as a clerk: None
