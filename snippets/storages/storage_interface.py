"""Implement the three methods."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import TypeAlias, TypeVar

import anyio
from anyio.streams.file import FileReadStream, FileWriteStream

from coatcheck import (
    ByteReadChannel,
    ByteWriteChannel,
    SessionNotFound,
    read_bytes,
    write_bytes,
)

T = TypeVar("T")
Provider: TypeAlias = Callable[[ByteWriteChannel], Awaitable[None]]
Consumer: TypeAlias = Callable[[ByteReadChannel], Awaitable[T]]


def hook(id: str) -> str:
    return sha256(id.encode()).hexdigest()


# --8<-- [start:use]
class CloakroomStorage:
    async def write(self, id: str, provider: Provider, /) -> None:
        aside = anyio.Path(secrets.token_hex())
        async with await FileWriteStream.from_path(aside) as channel:
            await provider(channel)
        await aside.replace(hook(id))

    async def read(self, id: str, consumer: Consumer[T], /) -> T:
        try:
            stream = await FileReadStream.from_path(hook(id))
        except FileNotFoundError:
            raise SessionNotFound from None
        async with stream as channel:
            return await consumer(channel)

    async def invalidate(self, id: str, /) -> None:
        await anyio.Path(hook(id)).unlink(missing_ok=True)


async def main() -> None:
    storage = CloakroomStorage()
    await write_bytes(storage, "id1", b"a grey coat")
    print(await read_bytes(storage, "id1"))
    await storage.invalidate("id1")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# b'a grey coat'
