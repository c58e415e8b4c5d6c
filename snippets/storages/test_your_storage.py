"""Test a storage of your own with pytest."""

import asyncio
import sys
from collections.abc import Callable

import anyio
import pytest
from anyio.lowlevel import checkpoint

from coatcheck import SessionNotFound, SimplifiedSessionStorage
from coatcheck.testing import CHECKS, UPDATE_CHECKS, Check

# Needs: pytest


# --8<-- [start:storage]
class DictionaryStorage(SimplifiedSessionStorage):
    def __init__(self) -> None:
        self.sessions: dict[str, bytes] = {}

    async def load(self, id: str) -> bytes | None:
        await checkpoint()  # the way to a database, during which others run
        return self.sessions.get(id)

    async def save(self, id: str, data: bytes | None) -> None:
        await checkpoint()
        if data is None:
            self.sessions.pop(id, None)
        else:
            self.sessions[id] = data

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        data = await self.load(id)
        if data is None:
            raise SessionNotFound
        changed = transform(data)
        await self.save(id, changed)  # a mistake: by now another update may have saved
        return changed
        # --8<-- [end:storage]


# --8<-- [start:tests]
@pytest.fixture
def storage() -> DictionaryStorage:
    return DictionaryStorage()


@pytest.mark.parametrize("check", [*CHECKS, *UPDATE_CHECKS])
def test_the_storage_keeps_the_contract(check: Check, storage: DictionaryStorage) -> None:
    anyio.run(check, storage)
    # --8<-- [end:tests]


async def main() -> None:
    # --8<-- [start:run]
    pytest_here = [sys.executable, "-m", "pytest", "--noconftest", "-q", "--tb=no"]
    process = await anyio.run_process([*pytest_here, __file__], check=False)
    for line in process.stdout.decode().splitlines():
        if line.startswith("FAILED"):
            print(line.partition("::")[2].partition(" - ")[0])
    # --8<-- [end:run]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# test_the_storage_keeps_the_contract[concurrent_updates_lose_nothing]
# test_the_storage_keeps_the_contract[an_update_undoes_no_write]
# test_the_storage_keeps_the_contract[an_update_undoes_no_invalidation]
