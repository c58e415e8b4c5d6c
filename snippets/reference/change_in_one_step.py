"""Change a session in one step."""

import asyncio

from coatcheck import (
    SessionNotFound,
    SessionStorageMemory,
    UpdatableSessionStorage,
    write_bytes,
)


# --8<-- [start:use]
async def count(storage: UpdatableSessionStorage, id: str) -> bytes:
    return await storage.update(id, lambda stored: b"%d" % (int(stored) + 1))


async def main() -> None:
    storage = SessionStorageMemory()
    await write_bytes(storage, "id1", b"0")
    await asyncio.gather(*(count(storage, "id1") for _ in range(20)))
    print("the 21st update returns:", await count(storage, "id1"))
    try:
        await count(storage, "id2")
    except SessionNotFound as error:
        print("an update never creates:", error)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# the 21st update returns: b'21'
# an update never creates: no session is stored under this id
