"""A cookie that browsers would ignore is refused."""

import asyncio
from dataclasses import dataclass

from coatcheck import SessionStorageMemory, cookie


@dataclass
class Visit:
    pages: int = 0


async def main() -> None:
    # --8<-- [start:use]
    storage = SessionStorageMemory()
    try:
        cookie("__Host-VISIT", Visit, storage=storage, path="/shop")
    except ValueError as error:
        print(error)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# the prefix of '__Host-VISIT' needs path='/' and no domain; browsers ignore the cookie otherwise
