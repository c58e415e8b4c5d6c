"""Encrypt sessions, and change the key."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coatcheck import (
    SessionNotFound,
    SessionStorageDirectory,
    SimplifiedSessionStorage,
    UpdatableSessionStorage,
    read_bytes,
    write_bytes,
)
from coatcheck.testing import CHECKS, UPDATE_CHECKS

# Needs: cryptography


# --8<-- [start:use]
class EncryptedStorage(SimplifiedSessionStorage):
    def __init__(self, inner: UpdatableSessionStorage, *keys: bytes) -> None:
        self.inner, self.keys = inner, [AESGCM(key) for key in keys]  # the newest first
        self.retention = getattr(inner, "retention", None)

    async def load(self, id: str) -> bytes | None:
        with suppress(SessionNotFound):
            return self.decrypt(id, await read_bytes(self.inner, id))
        return None

    async def save(self, id: str, data: bytes | None) -> None:
        if data is None:
            await self.inner.invalidate(id)
        else:
            await write_bytes(self.inner, id, self.encrypt(id, data))

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        def change(stored: bytes) -> bytes:
            return self.encrypt(id, transform(self.decrypt(id, stored)))

        return self.decrypt(id, await self.inner.update(id, change))

    def encrypt(self, id: str, data: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self.keys[0].encrypt(nonce, data, id.encode())

    def decrypt(self, id: str, stored: bytes) -> bytes:
        for key in self.keys:
            with suppress(InvalidTag):
                return key.decrypt(stored[:12], stored[12:], id.encode())
        raise InvalidTag  # neither key fits, or the bytes were changed


async def main() -> None:
    old_key, new_key = AESGCM.generate_key(256), AESGCM.generate_key(256)
    directory = SessionStorageDirectory(".sessions")
    await write_bytes(EncryptedStorage(directory, old_key), "id1", b"two apples")
    storage = EncryptedStorage(directory, new_key, old_key)
    print("with both keys:", await read_bytes(storage, "id1"))
    print("readable on the disk:", b"apples" in await read_bytes(directory, "id1"))
    for check in (*CHECKS, *UPDATE_CHECKS):
        await check(storage)
    print("checks passed:", len(CHECKS) + len(UPDATE_CHECKS))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# with both keys: b'two apples'
# readable on the disk: False
# checks passed: 45
