"""Delete unused sessions."""

import asyncio
from datetime import timedelta

from coatcheck import (
    SessionNotFound,
    SessionStorageMemory,
    StorageFull,
    read_bytes,
    write_bytes,
)


async def main() -> None:
    # --8<-- [start:use]
    storage = SessionStorageMemory(
        retention=timedelta(seconds=0.1),  # in your app, say seven days
    )
    await write_bytes(storage, "id1", b"two apples")
    await asyncio.sleep(0.2)
    try:
        await read_bytes(storage, "id1")
    except SessionNotFound:
        print("id1 was not used for too long, so it is deleted")

    small_storage = SessionStorageMemory(max_bytes=15)
    await write_bytes(small_storage, "id1", b"two apples")
    try:
        await write_bytes(small_storage, "id2", b"three pears")
    except StorageFull as error:
        print("id2 is not stored:", error)
    print("id1 is still there:", await read_bytes(small_storage, "id1"))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# id1 was not used for too long, so it is deleted
# id2 is not stored: 21 bytes of live sessions would be more than max_bytes=15; raise max_bytes or shorten retention
# id1 is still there: b'two apples'
