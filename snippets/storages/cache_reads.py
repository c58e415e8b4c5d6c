"""Remember what was read."""

import asyncio
from datetime import timedelta

from coatcheck import (
    SessionNotFound,
    SessionStorageCache,
    SessionStorageDirectory,
    read_bytes,
    write_bytes,
)


async def main() -> None:
    # --8<-- [start:use]
    now = 0.0
    directory = SessionStorageDirectory(".sessions")
    storage = SessionStorageCache(
        directory, idle_timeout=timedelta(minutes=1), clock=lambda: now
    )
    await write_bytes(storage, "id1", b"a grey coat")
    print(await read_bytes(storage, "id1"))

    await write_bytes(
        directory, "id1", b"a red scarf"
    )  # another process, say: not through the cache
    print(await read_bytes(storage, "id1"))
    now += 60
    print(await read_bytes(storage, "id1"))

    await storage.invalidate("id1")  # through the cache: seen at once
    try:
        await read_bytes(storage, "id1")
    except SessionNotFound:
        print("forgotten")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# b'a grey coat'
# b'a grey coat'
# b'a red scarf'
# forgotten
