"""A directory storage in trouble: what is called, what is stored before and after, and what must not be left."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from fcntl import LOCK_EX, LOCK_NB, flock
from typing import TYPE_CHECKING

from coatcheck import SessionNotFound, SessionStorageDirectory, read_bytes, write_bytes
from tests.support.file import open_files

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from coatcheck import ByteWriteChannel

    Call = Callable[[SessionStorageDirectory], Awaitable[object]]

OLD = b"a grey coat"
NEW = b"a red scarf"
LARGE = b"a trunk" * 20_000

DAY = timedelta(days=1).total_seconds()


async def write(directory: SessionStorageDirectory) -> None:
    await write_bytes(directory, "id1", NEW)


async def write_in_pieces(directory: SessionStorageDirectory) -> None:
    async def send(channel: ByteWriteChannel) -> None:
        for start in range(0, len(LARGE), 70_000):
            await channel.send(LARGE[start : start + 70_000])

    await directory.write("id1", send)


async def update(directory: SessionStorageDirectory) -> None:
    await directory.update("id1", lambda _: NEW)


async def invalidate(directory: SessionStorageDirectory) -> None:
    await directory.invalidate("id1")


async def content(directory: SessionStorageDirectory) -> bytes | None:
    try:
        return await read_bytes(directory, "id1")
    except SessionNotFound:
        return None


@dataclass(frozen=True)
class Step:
    """A call of the storage, and what is stored before and after."""

    call: Call
    before: bytes | None
    after: bytes | None


STEPS = {
    "write": Step(write, OLD, NEW),
    "write in pieces": Step(write_in_pieces, OLD, LARGE),
    "first write": Step(write, None, NEW),
    "update": Step(update, OLD, NEW),
    "invalidate": Step(invalidate, OLD, None),
    "read": Step(content, OLD, OLD),
}


async def a_directory(root: Path, before: bytes | None, *, durable: bool = True) -> SessionStorageDirectory:
    """Hold `before` since yesterday, so that a read has to note that the session is in use."""
    if before is not None:
        await write_bytes(SessionStorageDirectory(root, clock=lambda: 0), "id1", before)
    return SessionStorageDirectory(root, durable=durable, clock=lambda: DAY)


async def error_of(call: Awaitable[object]) -> int | None:
    """The number of the error that the system gave, if it gave one."""
    try:
        await call
    except OSError as error:
        return error.errno
    return None


def assert_no_lock(place: Path) -> None:
    for path in (place, *place.rglob("*")):
        if path.is_dir() or path.is_file():
            file = os.open(path, os.O_RDONLY)
            try:
                flock(file, LOCK_EX | LOCK_NB)  # BlockingIOError: somebody holds it
            finally:
                os.close(file)


def assert_nothing_is_left(place: Path) -> None:
    assert list(place.rglob("*.tmp")) == []
    assert open_files(place) == []
    assert_no_lock(place)


async def a_directory_to_sweep(root: Path) -> SessionStorageDirectory:
    """One session that stays, two that are over, and what a crash has left."""
    directory = await a_directory(root, OLD)
    for id in ("id2", "id3"):
        await write_bytes(SessionStorageDirectory(root, clock=lambda: -7 * DAY), id, OLD)
    leave_behind(root)
    return directory


def leave_behind(root: Path) -> Path:
    leftover = root / f"{'0' * 64}.leftover.tmp"
    leftover.write_text("half a")
    os.utime(leftover, (0, 0))
    return leftover
