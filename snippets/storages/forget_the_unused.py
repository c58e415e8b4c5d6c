"""Forget what nobody uses."""

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
    now = 0.0
    storage = SessionStorageMemory(
        retention=timedelta(hours=1), max_bytes=30, clock=lambda: now
    )
    await write_bytes(storage, "id1", b"a grey coat")
    await write_bytes(storage, "id2", b"a red scarf")

    now += 1800  # half an hour later, one of them is used
    print(await read_bytes(storage, "id1"))
    try:
        await write_bytes(storage, "id3", b"an umbrella")
    except StorageFull as full:
        print(full)

    now += 1800  # after an hour, the other one has gone, and there is room
    await write_bytes(storage, "id3", b"an umbrella")
    try:
        await read_bytes(storage, "id2")
    except SessionNotFound:
        print("the scarf is forgotten")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# b'a grey coat'
# 33 bytes of live sessions would be more than max_bytes=30: raise it
# the scarf is forgotten
