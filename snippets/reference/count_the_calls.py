"""Wrap any storage in one that counts the calls."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from coatcheck import (
    ByteReadChannel,
    ByteWriteChannel,
    SessionStorage,
    SessionStorageMemory,
    read_bytes,
    write_bytes,
)
from coatcheck.testing import CHECKS

T = TypeVar("T")
Sender: TypeAlias = Callable[[ByteWriteChannel], Awaitable[None]]
Consumer: TypeAlias = Callable[[ByteReadChannel], Awaitable[T]]


# --8<-- [start:use]
class CountingStorage:
    def __init__(self, delegate: SessionStorage) -> None:
        self.delegate = delegate
        self.calls = Counter[str]()

    async def write(self, id: str, provider: Sender, /) -> None:
        self.calls["write"] += 1
        await self.delegate.write(id, provider)

    async def read(self, id: str, consumer: Consumer[T], /) -> T:
        self.calls["read"] += 1
        return await self.delegate.read(id, consumer)

    async def invalidate(self, id: str, /) -> None:
        self.calls["invalidate"] += 1
        await self.delegate.invalidate(id)


async def main() -> None:
    storage = CountingStorage(SessionStorageMemory())
    await write_bytes(storage, "id1", b"two apples")
    print("stored:", await read_bytes(storage, "id1"))
    print("calls:", dict(storage.calls))

    for check in CHECKS:
        await check(storage)
    print("checks passed:", len(CHECKS))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# stored: b'two apples'
# calls: {'write': 1, 'read': 1}
# checks passed: 30
