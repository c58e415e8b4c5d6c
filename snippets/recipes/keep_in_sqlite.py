"""Store sessions in SQLite."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from threading import Lock
from typing import Any

from anyio.to_thread import run_sync

from coatcheck import SessionNotFound, SimplifiedSessionStorage, read_bytes, write_bytes

TABLE = "CREATE TABLE IF NOT EXISTS sessions (key BLOB PRIMARY KEY, data BLOB, used REAL)"
FIND = """SELECT data, used < :now - 60480 FROM sessions
WHERE key = :key AND used > :now - 604800"""  # a tenth of a week, and a week in seconds
TOUCH = "UPDATE sessions SET used = :now WHERE key = :key"
STORE = "REPLACE INTO sessions VALUES (:key, :data, :now)"
SWAP = "UPDATE sessions SET data = :data, used = :now WHERE key = :key AND data = :old"
DELETE = "DELETE FROM sessions WHERE key = :key"


class SQLiteStorage(SimplifiedSessionStorage):
    def __init__(self, file: str) -> None:
        self.lock, self.retention = Lock(), timedelta(days=7)
        self.database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute(TABLE)

    def run(self, sql: str, id: str, data: bytes | None = None, old: bytes = b"") -> Any:
        key = sha256(id.encode()).digest()
        values = {"key": key, "now": time.time(), "data": data, "old": old}
        with self.lock:  # one thread at a time may use the connection
            return self.database.execute(sql, values).fetchone()

    async def load(self, id: str) -> bytes | None:
        row = await run_sync(self.run, FIND, id)
        if row and row[1]:  # a write per read would be slow
            await run_sync(self.run, TOUCH, id)
        return row[0] if row else None

    async def save(self, id: str, data: bytes | None) -> None:
        await run_sync(self.run, DELETE if data is None else STORE, id, data)

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        while (old := await self.load(id)) is not None:
            new = transform(old)
            if await run_sync(self.run, f"{SWAP} RETURNING 1", id, new, old):
                return new  # otherwise another process was quicker: try again
        raise SessionNotFound

    async def sweep(self) -> None:
        await run_sync(self.run, "DELETE FROM sessions WHERE used <= :now - 604800", "")


async def main() -> None:
    storage = SQLiteStorage("sessions.db")
    await write_bytes(storage, "id1", b"two apples")
    print("stored:", await read_bytes(storage, "id1"))
    storage.database.close()


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# stored: b'two apples'
