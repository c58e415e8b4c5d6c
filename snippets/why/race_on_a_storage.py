"""Lose a change and a logout in a race."""

import asyncio
from collections.abc import Callable

from coatcheck import (
    SessionNotFound,
    SessionStorageMemory,
    SimplifiedSessionStorage,
    UpdatableSessionStorage,
    read_bytes,
    write_bytes,
)


# --8<-- [start:use]
class NaiveStorage(SimplifiedSessionStorage):
    def __init__(self) -> None:
        self.sessions: dict[str, bytes | None] = {}

    async def load(self, id: str) -> bytes | None:
        return self.sessions.get(id)

    async def save(self, id: str, data: bytes | None) -> None:
        self.sessions[id] = data

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        stored = await self.load(id)
        if stored is None:
            raise SessionNotFound
        await asyncio.sleep(0)  # a database takes time, and others get their turn
        changed = transform(stored)
        await self.save(id, changed)
        return changed


async def race(storage: UpdatableSessionStorage) -> None:
    await write_bytes(storage, "id1", b"cart:")
    tea = storage.update("id1", lambda cart: cart + b" tea")
    milk = storage.update("id1", lambda cart: cart + b" milk")
    await asyncio.gather(tea, milk)
    print(type(storage).__name__, await read_bytes(storage, "id1"))

    jam = storage.update("id1", lambda cart: cart + b" jam")
    logout = storage.invalidate("id1")
    await asyncio.gather(jam, logout)
    try:
        print("after the logout:", await read_bytes(storage, "id1"))
    except SessionNotFound:
        print("after the logout: nothing")


async def main() -> None:
    await race(NaiveStorage())
    await race(SessionStorageMemory())
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# NaiveStorage b'cart: milk'
# after the logout: b'cart: milk jam'
# SessionStorageMemory b'cart: tea milk'
# after the logout: nothing
