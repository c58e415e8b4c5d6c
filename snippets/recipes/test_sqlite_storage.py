"""Prove a storage in SQLite with the contract kit."""

import asyncio
import sqlite3
import sys
import time
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

STORE = "REPLACE INTO sessions VALUES (?, ?, ?)"
DELETE = "DELETE FROM sessions WHERE key = ?"
FIND = "SELECT data FROM sessions WHERE key = ?"


def key_of(id: str) -> bytes:
    return sha256(id.encode()).digest()


class SQLiteStorage(SimplifiedSessionStorage):
    def __init__(self, file: Path) -> None:
        self.lock = Lock()
        self.database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self.database.execute("CREATE TABLE sessions (key PRIMARY KEY, data, used)")

    async def load(self, id: str) -> bytes | None:
        row = await run_sync(self.run, FIND, key_of(id))
        return row[0] if row else None

    async def save(self, id: str, data: bytes | None) -> None:
        values = (key_of(id),) if data is None else (key_of(id), data, time.time())
        await run_sync(self.run, DELETE if data is None else STORE, *values)

    def run(self, sql: str, *values: object) -> Any:
        with self.lock:
            return self.database.execute(sql, values).fetchone()

    # --8<-- [start:update]
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        def update() -> bytes:
            with self.lock, self.database as db:  # commits at the end, or rolls back
                db.execute("BEGIN IMMEDIATE")  # other processes wait
                row = db.execute(FIND, [key_of(id)]).fetchone()
                if row is None:
                    raise SessionNotFound
                data = transform(row[0])
                db.execute(STORE, (key_of(id), data, time.time()))
                return data

        return await run_sync(update)
        # --8<-- [end:update]


# --8<-- [start:tests]
@pytest.mark.parametrize("check", [*CHECKS, *UPDATE_CHECKS])
def test_the_storage_keeps_the_contract(check: Check, tmp_path: Path) -> None:
    anyio.run(check, SQLiteStorage(tmp_path / "sessions.db"))
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
