"""Store sessions in PostgreSQL."""

import asyncio
import os
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

from psycopg_pool import AsyncConnectionPool

from coatcheck import SessionNotFound, SimplifiedSessionStorage, read_bytes, write_bytes

# Needs: postgresql

# --8<-- [start:use]
FIND = """SELECT data, used < now() - interval '17 hours' FROM sessions
WHERE key = %s AND used > now() - interval '7 days'"""
TOUCH = "UPDATE sessions SET used = now() WHERE key = %s"
DELETE = "DELETE FROM sessions WHERE key = %(key)s"
STORE = """INSERT INTO sessions VALUES (%(key)s, %(data)s)
ON CONFLICT (key) DO UPDATE SET data = excluded.data, used = now()"""


def key_of(id: str) -> bytes:
    return sha256(id.encode()).digest()


class PostgreSQLStorage(SimplifiedSessionStorage):
    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self.pool, self.retention = pool, timedelta(days=7)

    async def load(self, id: str) -> bytes | None:
        async with self.pool.connection() as db:
            row = await (await db.execute(FIND, [key_of(id)])).fetchone()
            if row and row[1]:  # a write per read would be slow
                await db.execute(TOUCH, [key_of(id)])
        return row[0] if row else None

    async def save(self, id: str, data: bytes | None) -> None:
        async with self.pool.connection() as db:
            await db.execute(
                STORE if data is not None else DELETE, {"key": key_of(id), "data": data}
            )

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        async with self.pool.connection() as db:  # commits at the end, or rolls back
            row = await (await db.execute(FIND + " FOR UPDATE", [key_of(id)])).fetchone()
            if row is None:
                raise SessionNotFound
            data = transform(row[0])  # other changes of this session wait
            await db.execute(STORE, {"key": key_of(id), "data": data})
        return data


async def main() -> None:
    async with AsyncConnectionPool(os.environ["DATABASE_URL"]) as pool:
        async with pool.connection() as db:
            await db.execute("""CREATE TABLE IF NOT EXISTS sessions (key bytea PRIMARY KEY,
            data bytea NOT NULL, used timestamptz NOT NULL DEFAULT now())""")
        await write_bytes(PostgreSQLStorage(pool), "id1", b"two apples")
        print("stored:", await read_bytes(PostgreSQLStorage(pool), "id1"))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# stored: b'two apples'
