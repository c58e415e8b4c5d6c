"""Store sessions as bytes, in two methods."""

import asyncio

from coatcheck import (
    SessionNotFound,
    SimplifiedSessionStorage,
    read_bytes,
    write_bytes,
)


# --8<-- [start:use]
class DictionaryStorage(SimplifiedSessionStorage):
    def __init__(self) -> None:
        self.sessions: dict[str, bytes] = {}

    async def load(self, id: str) -> bytes | None:
        return self.sessions.get(id)

    async def save(self, id: str, data: bytes | None) -> None:
        if data is None:
            self.sessions.pop(id, None)
        else:
            self.sessions[id] = data


async def main() -> None:
    storage = DictionaryStorage()
    await write_bytes(storage, "id1", b"two apples")
    print("stored:", await read_bytes(storage, "id1"))

    await storage.invalidate("id1")
    try:
        await read_bytes(storage, "id1")
    except SessionNotFound as error:
        print("deleted:", error)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# stored: b'two apples'
# deleted: no session is stored under this id
