"""Implement the three methods."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import TypeAlias, TypeVar

from anyio import CancelScope, Path
from anyio.streams.file import FileReadStream, FileWriteStream

from coatcheck import ByteReadChannel, ByteWriteChannel, SessionNotFound
from coatcheck.testing import CHECKS

T = TypeVar("T")
Sender: TypeAlias = Callable[[ByteWriteChannel], Awaitable[None]]
Consumer: TypeAlias = Callable[[ByteReadChannel], Awaitable[T]]


# --8<-- [start:use]
class FileStorage:
    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def file_of(self, id: str) -> Path:
        return self.folder / sha256(id.encode()).hexdigest()

    async def write(self, id: str, provider: Sender, /) -> None:
        await self.folder.mkdir(mode=0o700, exist_ok=True)  # only for its owner
        new_file = self.folder / secrets.token_hex()
        try:
            async with await FileWriteStream.from_path(new_file) as channel:
                await provider(channel)
            await new_file.replace(self.file_of(id))
        finally:  # a write that failed leaves no file behind
            with CancelScope(shield=True):
                await new_file.unlink(missing_ok=True)

    async def read(self, id: str, consumer: Consumer[T], /) -> T:
        try:
            stream = await FileReadStream.from_path(self.file_of(id))
        except FileNotFoundError:
            raise SessionNotFound("this id is unknown") from None
        async with stream as channel:
            return await consumer(channel)

    async def invalidate(self, id: str, /) -> None:
        await self.file_of(id).unlink(missing_ok=True)


async def main() -> None:
    storage = FileStorage(".sessions")
    for check in CHECKS:
        await check(storage)
    print("checks passed:", len(CHECKS))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# checks passed: 30
