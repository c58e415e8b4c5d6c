"""A retention that is too short is refused."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from coatcheck import SessionStorageMemory, cookie


@dataclass
class User:
    name: str


async def main() -> None:
    # --8<-- [start:use]
    month = timedelta(days=30)
    try:
        cookie("USER", User, storage=SessionStorageMemory(), max_age=month)
    except ValueError as error:
        print(error)
    users = cookie(
        "USER", User, storage=SessionStorageMemory(retention=month), max_age=month
    )
    print("accepted:", users.name)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 'USER': sessions may outlive the storage's retention (7 days), which would delete sessions whose id is still valid; raise retention or lower max_age or idle_timeout
# accepted: USER
