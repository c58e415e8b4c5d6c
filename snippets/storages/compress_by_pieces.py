"""Compress sessions piece by piece."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from anyio.abc import ByteReceiveStream, ByteSendStream

from coatcheck import SessionStorage, directory_session_storage
from coatcheck.testing import CHECKS

T = TypeVar("T")
Sender: TypeAlias = Callable[[ByteSendStream], Awaitable[None]]
Consumer: TypeAlias = Callable[[ByteReceiveStream], Awaitable[T]]


# --8<-- [start:channels]
class Compressing(ByteSendStream):
    def __init__(self, channel: ByteSendStream) -> None:
        self.channel, self.zlib = channel, zlib.compressobj()

    async def send(self, item: bytes) -> None:
        await self.channel.send(self.zlib.compress(item))

    async def aclose(self) -> None:
        await self.channel.aclose()


class Decompressing(ByteReceiveStream):
    def __init__(self, channel: ByteReceiveStream) -> None:
        self.channel, self.zlib = channel, zlib.decompressobj()

    async def receive(self, max_bytes: int = 65536) -> bytes:
        data = b""
        while not data:  # a piece may hold only the beginning of something
            piece = self.zlib.unconsumed_tail or await self.channel.receive()
            data = self.zlib.decompress(piece, max_bytes)
        return data

    async def aclose(self) -> None:
        await self.channel.aclose()
        # --8<-- [end:channels]


# --8<-- [start:storage]
class CompressedStorage:
    def __init__(self, storage: SessionStorage) -> None:
        self.storage, self.invalidate = storage, storage.invalidate

    async def write(self, id: str, provider: Sender, /) -> None:
        async def send(channel: ByteSendStream) -> None:
            compressing = Compressing(channel)
            await provider(compressing)
            await channel.send(compressing.zlib.copy().flush())  # what zlib holds back

        await self.storage.write(id, send)

    async def read(self, id: str, consumer: Consumer[T], /) -> T:
        return await self.storage.read(id, lambda channel: consumer(Decompressing(channel)))


async def main() -> None:
    storage = CompressedStorage(directory_session_storage(".sessions"))
    for check in CHECKS:
        await check(storage)
    print("checks passed:", len(CHECKS))
    # --8<-- [end:storage]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# checks passed: 30
