"""Update in one step."""

import asyncio

from coatcheck import (
    SessionNotFound,
    SessionStorageDirectory,
    read_bytes,
    write_bytes,
)


# --8<-- [start:use]
def add_one(stored: bytes) -> bytes:
    count = int(stored) + 1
    return str(count).encode()


async def main() -> None:
    storage = SessionStorageDirectory(".sessions")
    await write_bytes(storage, "id1", b"0")
    async with asyncio.TaskGroup() as group:
        for _ in range(20):  # 20 updates at once
            group.create_task(storage.update("id1", add_one))
    print("after 20 updates:", await read_bytes(storage, "id1"))

    await storage.invalidate("id1")
    try:
        await storage.update("id1", add_one)
    except SessionNotFound as error:
        print("nothing to update:", error)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# after 20 updates: b'20'
# nothing to update: no session is stored under this id
