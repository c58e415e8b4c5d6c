"""Store sessions in an object store."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

from anyio.to_thread import run_sync
from obstore.exceptions import PreconditionError
from obstore.store import MemoryStore, S3Store

from coatcheck import SessionNotFound, SimplifiedSessionStorage
from coatcheck.testing import CHECKS, UPDATE_CHECKS

# Needs: obstore


# --8<-- [start:use]
def key_of(id: str) -> str:
    return "sessions/" + sha256(id.encode()).hexdigest()


class ObjectStorage(SimplifiedSessionStorage):
    def __init__(self, store: MemoryStore | S3Store) -> None:
        self.store, self.retention = store, timedelta(days=7)

    async def load(self, id: str) -> bytes | None:
        data, _, age = await self.find(id)
        if data is not None and age > self.retention / 10:  # a put per read would be slow
            return await self.update(id, bytes)  # the same bytes, and a new time
        return data

    async def save(self, id: str, data: bytes | None) -> None:
        if data is not None:
            await run_sync(self.store.put, key_of(id), data)
        else:
            with suppress(FileNotFoundError):
                await run_sync(self.store.delete, key_of(id))

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        while True:
            data, version, _ = await self.find(id)
            if data is None:
                raise SessionNotFound
            changed = transform(data)
            with suppress(PreconditionError, FileNotFoundError):  # then start again
                await run_sync(partial(self.store.put, mode=version), key_of(id), changed)
                return changed

    async def find(self, id: str) -> tuple[bytes | None, Any, timedelta]:
        with suppress(FileNotFoundError):
            found = await run_sync(self.store.get, key_of(id))
            age = datetime.now(UTC) - found.meta["last_modified"]
            if age < self.retention:
                version = {k: found.meta[k] for k in ("e_tag", "version") if found.meta[k]}
                return bytes(await run_sync(found.bytes)), version, age
        return None, None, timedelta(0)


async def main() -> None:
    for check in (*CHECKS, *UPDATE_CHECKS):
        await check(ObjectStorage(MemoryStore()))  # your app: S3Store("bucket")
    print("every check passes")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# every check passes
