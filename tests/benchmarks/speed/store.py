"""What stores sessions by id: coatcheck's storages, and the floors that nothing can be below."""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Lock
from time import time
from typing import TYPE_CHECKING

from anyio import to_thread

from coatcheck import SessionStorageDirectory, SessionStorageMemory, read_bytes, write_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.benchmarks.speed.measurement import Role

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Store:
    """A way to store sessions. Without `create`, `write` also does that."""

    name: str
    role: Role
    write: Callable[[str, bytes], Awaitable[object]]
    read: Callable[[str], Awaitable[bytes]]
    delete: Callable[[str], Awaitable[object]]
    create: Callable[[str, bytes], Awaitable[object]] | None = None
    clean: Callable[[], Awaitable[object]] | None = None
    """What its documentation says to call now and then."""

    def creating(self) -> Callable[[str, bytes], Awaitable[object]]:
        """Return what stores a session under a new id."""
        return self.create or self.write


def memory(lifetime: timedelta = WEEK) -> Store:
    """Return coatcheck's storage in memory."""
    storage = SessionStorageMemory(retention=lifetime)
    return Store(
        "coatcheck", "coatcheck", partial(write_bytes, storage), partial(read_bytes, storage), storage.invalidate
    )


def directory(root: Path, lifetime: timedelta = WEEK, *, durable: bool = False) -> Store:
    """Return coatcheck's storage in files."""
    storage = SessionStorageDirectory(root, retention=lifetime, durable=durable)
    write, read = partial(write_bytes, storage), partial(read_bytes, storage)
    return Store("coatcheck", "coatcheck", write, read, storage.invalidate, clean=storage.sweep)


def bare_dict(lifetime: timedelta = WEEK) -> Store:
    """Return a dictionary that looks at the time."""
    sessions: dict[str, tuple[bytes, float]] = {}
    seconds = lifetime.total_seconds()

    async def write(id: str, data: bytes) -> None:
        sessions[id] = data, time() + seconds

    async def read(id: str) -> bytes:
        data, until = sessions[id]
        if until <= time():
            raise KeyError(id)
        return data

    async def delete(id: str) -> None:
        sessions.pop(id, None)

    return Store("a dict with expiry", "floor", write, read, delete)


def locked_dict(lifetime: timedelta = WEEK) -> Store:
    """Return a dictionary that several threads may use, and that forgets what nobody uses without a search."""
    sessions: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
    seconds = lifetime.total_seconds()
    lock = Lock()

    def forget(now: float) -> None:
        while sessions and now - next(iter(sessions.values()))[1] >= seconds:
            sessions.popitem(last=False)

    async def write(id: str, data: bytes) -> None:
        with lock:
            now = time()
            forget(now)
            sessions[id] = data, now
            sessions.move_to_end(id)

    async def read(id: str) -> bytes:
        with lock:
            forget(time())
            return sessions[id][0]

    async def delete(id: str) -> None:
        with lock:
            sessions.pop(id, None)

    return Store("a dict with expiry, order and a lock", "floor", write, read, delete)


def bare_files(root: Path, _: timedelta = WEEK, *, durable: bool = False) -> Store:
    """Return open, write and replace, or open and read, with one hop to a worker thread. Nothing expires."""
    root.mkdir()

    def write_now(path: Path, data: bytes) -> None:
        temporary = f"{path}.tmp"
        with open(temporary, "wb") as file:  # noqa: PTH123 - the quickest there is
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file)
        os.replace(temporary, path)  # noqa: PTH105
        if durable:
            entries = os.open(root, os.O_RDONLY)
            os.fsync(entries)
            os.close(entries)

    def read_now(path: Path) -> bytes:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()

    async def write(id: str, data: bytes) -> None:
        await to_thread.run_sync(write_now, root / id, data)

    async def read(id: str) -> bytes:
        return await to_thread.run_sync(read_now, root / id)

    async def delete(id: str) -> None:
        await to_thread.run_sync(os.unlink, root / id)

    return Store("raw files, one hop to a thread", "floor", write, read, delete)
