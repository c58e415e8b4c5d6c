"""The guide to PostgreSQL, with a real server."""

from __future__ import annotations

import asyncio
import runpy
from typing import TYPE_CHECKING, Any

import pytest
from psycopg_pool import AsyncConnectionPool

from coatcheck import SessionNotFound, read_bytes, write_bytes
from coatcheck.testing import CHECKS, UPDATE_CHECKS
from livedoc.service import postgresql
from tests.support.project import SNIPPETS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from coatcheck.testing import Check

GUIDE = runpy.run_path(str(SNIPPETS / "storages" / "sessions_in_postgresql.py"))


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The driver is for asyncio only."""
    return "asyncio"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgresql() as environment, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", environment["DATABASE_URL"])
        asyncio.run(GUIDE["main"]())  # makes the table
        yield environment["DATABASE_URL"]


@pytest.fixture(scope="module")
async def pool(anyio_backend: str, url: str) -> AsyncIterator[AsyncConnectionPool]:  # noqa: ARG001  # its loop
    async with AsyncConnectionPool(url, min_size=4, timeout=60) as pool:
        yield pool


@pytest.fixture
def storage(pool: AsyncConnectionPool) -> Any:
    return GUIDE["PostgreSQLStorage"](pool)


async def age(pool: AsyncConnectionPool, hours: int) -> None:
    async with pool.connection() as connection:
        await connection.execute("UPDATE sessions SET used = now() - %s * interval '1 hour'", [hours])


def increment(data: bytes) -> bytes:
    return b"%d" % (int(data) + 1)


@pytest.mark.parametrize("check", [*CHECKS, *UPDATE_CHECKS], ids=lambda check: check.__name__)
async def test_the_contract_holds_in_postgresql(check: Check, storage: Any) -> None:
    await check(storage)


async def test_four_pools_lose_no_change_in_postgresql(storage: Any, url: str) -> None:
    await write_bytes(storage, "id1", b"0")

    async def count() -> None:
        async with AsyncConnectionPool(url, min_size=1, max_size=2, timeout=60) as pool:
            for _ in range(50):
                await GUIDE["PostgreSQLStorage"](pool).update("id1", increment)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(count())
    assert await read_bytes(storage, "id1") == b"200"


async def test_a_session_that_was_not_used_for_a_week_is_not_found_in_postgresql(
    storage: Any, pool: AsyncConnectionPool
) -> None:
    await write_bytes(storage, "id1", b"0")
    await age(pool, 7 * 24 - 1)
    assert await read_bytes(storage, "id1") == b"0"  # and is noted as a use
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT now() - used < interval '1 hour' FROM sessions WHERE data = '0'")
        assert await cursor.fetchone() == (True,)
    await age(pool, 7 * 24)
    with pytest.raises(SessionNotFound):
        await read_bytes(storage, "id1")
    with pytest.raises(SessionNotFound):
        await storage.update("id1", increment)
