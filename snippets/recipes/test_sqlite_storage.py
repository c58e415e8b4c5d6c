"""Prove a storage in SQLite with the contract kit."""

import asyncio
import sqlite3
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync

from coatcheck import SessionNotFound, SimplifiedSessionStorage
from coatcheck.testing import CHECKS, UPDATE_CHECKS, Check

# Needs: pytest

TABLE = "CREATE TABLE sessions (key BLOB PRIMARY KEY, data BLOB)"
FIND = "SELECT data FROM sessions WHERE key = :key"
STORE = "REPLACE INTO sessions VALUES (:key, :data)"
SWAP = "UPDATE sessions SET data = :data WHERE key = :key AND data = :old RETURNING 1"
DELETE = "DELETE FROM sessions WHERE key = :key"


class SQLiteStorage(SimplifiedSessionStorage):
    def __init__(self, file: str) -> None:
        self.lock = Lock()
        self.database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self.database.execute(TABLE)

    def run(self, sql: str, id: str, data: bytes | None = None, old: bytes = b"") -> Any:
        values = {"key": sha256(id.encode()).digest(), "data": data, "old": old}
        with self.lock:
            return self.database.execute(sql, values).fetchone()

    async def load(self, id: str) -> bytes | None:
        row = await run_sync(self.run, FIND, id)
        return row[0] if row else None

    async def save(self, id: str, data: bytes | None) -> None:
        await run_sync(self.run, DELETE if data is None else STORE, id, data)

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        while (old := await self.load(id)) is not None:
            new = transform(old)
            if await run_sync(self.run, SWAP, id, new, old):
                return new
        raise SessionNotFound


# --8<-- [start:tests]
@pytest.mark.parametrize("check", [*CHECKS, *UPDATE_CHECKS])
def test_the_storage_keeps_the_contract(check: Check, tmp_path: Path) -> None:
    storage = SQLiteStorage(str(tmp_path / "sessions.db"))
    anyio.run(check, storage)
    storage.database.close()  # or Python 3.13 warns of it
    # --8<-- [end:tests]


async def main() -> None:
    # --8<-- [start:run]
    pytest_here = [sys.executable, "-m", "pytest", "--noconftest", "-p", "no:terminal"]
    process = await anyio.run_process([*pytest_here, __file__])
    print("every test passes:", process.returncode == 0)
    # --8<-- [end:run]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# every test passes: True
