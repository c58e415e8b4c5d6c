"""Store sessions in SQLite."""

import asyncio
import sqlite3
import time
from hashlib import sha256
from threading import Lock
from typing import Any

from anyio import to_thread

from coatcheck import SimplifiedSessionStorage, read_bytes, write_bytes

# --8<-- [start:use]
WEEK = 7 * 24 * 3600.0  # seconds
TABLE = """CREATE TABLE IF NOT EXISTS sessions
(key BLOB PRIMARY KEY, data BLOB NOT NULL, used REAL NOT NULL)"""
STORE = "REPLACE INTO sessions VALUES (?, ?, ?)"
FIND = "SELECT data, used FROM sessions WHERE key = ? AND used > ?"
TOUCH = "UPDATE sessions SET used = ? WHERE key = ?"


def key_of(id: str) -> bytes:
    return sha256(id.encode()).digest()


class SQLiteStorage(SimplifiedSessionStorage):
    def __init__(self, file: str) -> None:
        self.lock = Lock()  # one thread at a time may use the connection
        self.database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute(TABLE)

    async def load(self, id: str) -> bytes | None:
        now = time.time()
        row = await self.run(FIND, key_of(id), now - WEEK)
        if row and row[1] < now - WEEK / 10:  # a write per read would be slow
            await self.run(TOUCH, now, key_of(id))
        return row[0] if row else None

    async def save(self, id: str, data: bytes | None) -> None:
        if data is None:
            await self.run("DELETE FROM sessions WHERE key = ?", key_of(id))
        else:
            await self.run(STORE, key_of(id), data, time.time())

    async def sweep(self) -> None:
        await self.run("DELETE FROM sessions WHERE used <= ?", time.time() - WEEK)

    async def run(self, sql: str, *values: object) -> Any:
        def run() -> Any:
            with self.lock:
                return self.database.execute(sql, values).fetchone()

        return await to_thread.run_sync(run)


async def main() -> None:
    storage = SQLiteStorage("sessions.db")
    await write_bytes(storage, "id1", b"two apples")
    await storage.sweep()
    print("stored:", await read_bytes(storage, "id1"))
    storage.database.close()
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# stored: b'two apples'
