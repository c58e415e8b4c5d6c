"""Move from a directory to Redis without logging anyone out."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from anyio import from_thread
from redis.asyncio import Redis

from coatcheck import (
    SessionNotFound,
    SessionStorageDirectory,
    SimplifiedSessionStorage,
    cookie,
    write_bytes,
)
from coatcheck.redis import SessionStorageRedis

# Needs: redis


# --8<-- [start:use]
class MovingStorage(SimplifiedSessionStorage):
    def __init__(self, old: SessionStorageDirectory, new: SessionStorageRedis) -> None:
        self.old, self.new, self.retention = old, new, new.retention

    async def load(self, id: str) -> bytes | None:
        data = await self.new.load(id)
        return await self.move(id) if data is None else data

    async def save(self, id: str, data: bytes | None) -> None:
        await self.old.invalidate(id)  # first, or a read at this moment would move it
        await self.new.save(id, data)

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        with suppress(SessionNotFound):
            return await self.new.update(id, transform)
        await self.move(id)
        return await self.new.update(id, transform)

    async def move(self, id: str) -> bytes | None:
        async def copy(data: bytes) -> None:
            if await self.new.load(id) is None:  # no other process was quicker
                await write_bytes(self.new, id, data)

        def copy_locked(data: bytes) -> bytes:  # called while the file is locked
            from_thread.run(copy, data)
            return data

        with suppress(SessionNotFound):  # there is none, or it has just been moved
            await self.old.update(id, copy_locked)
            await self.old.invalidate(id)
        return await self.new.load(id)


# --8<-- [end:use]
@dataclass
class User:
    name: str


# --8<-- [start:run]
async def main() -> None:
    old = SessionStorageDirectory(".sessions")
    id = await cookie("USER", User, storage=old).write(User("ada"))
    async with Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost")) as client:
        new = SessionStorageRedis(client, prefix="shop:")
        users = cookie("USER", User, storage=MovingStorage(old, new))
        print("while it moves:", await users.read(id))
        users = cookie("USER", User, storage=new)
        print("from Redis alone:", await users.read(id))
    # --8<-- [end:run]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# while it moves: User(name='ada')
# from Redis alone: User(name='ada')
