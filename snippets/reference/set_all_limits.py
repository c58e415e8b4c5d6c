"""Set every limit of a session."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from coatcheck import SessionStorageCache, SessionStorageDirectory, cookie


@dataclass
class User:
    name: str


async def main() -> None:
    # --8<-- [start:use]
    directory = SessionStorageDirectory(
        ".sessions",
        retention=timedelta(days=20),  # delete the record after this long unused
    )
    storage = SessionStorageCache(
        directory,
        idle_timeout=timedelta(seconds=30),  # "ttl": answer reads for this long
    )
    users = cookie(
        "USER",
        User,
        storage=storage,
        max_age=timedelta(days=30),  # end the session this long after its start
        idle_timeout=timedelta(hours=8),  # end it this long after the last request
    )
    id = await users.write(User("ada"))
    print("stored:", await users.read(id))

    try:
        cookie("GUEST", User, storage=storage, max_age=timedelta(days=30))
    except ValueError as error:
        print(error)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# stored: User(name='ada')
# 'GUEST': sessions may outlive the storage's retention (20 days), which would delete sessions whose id is still valid; raise retention or lower max_age or idle_timeout
