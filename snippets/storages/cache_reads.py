"""Read through a cache."""

import asyncio
from datetime import timedelta

from coatcheck import (
    SessionStorageCache,
    SessionStorageDirectory,
    read_bytes,
    write_bytes,
)


async def main() -> None:
    # --8<-- [start:use]
    directory = SessionStorageDirectory(".sessions")
    storage = SessionStorageCache(directory, idle_timeout=timedelta(minutes=1))
    await write_bytes(storage, "id1", b"one apple")
    print("first read:", await read_bytes(storage, "id1"))

    # Another process changes the session. It doesn't write to this cache.
    await write_bytes(directory, "id1", b"two apples")
    print("from the directory:", await read_bytes(directory, "id1"))
    print("from the cache, for a minute:", await read_bytes(storage, "id1"))

    # This process changes the session.
    await write_bytes(storage, "id1", b"three apples")
    print("from the cache, at once:", await read_bytes(storage, "id1"))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# first read: b'one apple'
# from the directory: b'two apples'
# from the cache, for a minute: b'one apple'
# from the cache, at once: b'three apples'
