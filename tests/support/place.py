"""Every kind of storage for sessions: with `update` and without, cached and not, here and on a server."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from redis.asyncio import Redis

from coatcheck import SessionStorageMemory, directory_session_storage
from coatcheck.redis import SessionStorageRedis
from tests.support.storage import Shelf

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from coatcheck import SessionStorage

PLACES = ("memory", "directory", "cached directory", "simplified", "redis")


@asynccontextmanager
async def place(kind: str, root: Path, port: Callable[[], int]) -> AsyncIterator[SessionStorage]:
    """Yield an empty storage. A directory is at `root`, and Redis at the port that `port` returns."""
    match kind:
        case "memory":
            yield SessionStorageMemory()
        case "simplified":
            yield Shelf()
        case "redis":
            async with Redis(port=port()) as client:
                yield SessionStorageRedis(client, prefix=uuid4().hex)
        case _:
            yield directory_session_storage(root, cached=kind == "cached directory")
