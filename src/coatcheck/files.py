"""The file of a session: opened safely, locked, read, written and synced with plain blocking calls."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[int | None]:
    """Hold the lock of the session at `path`. Gives its open file, or `None` if no session is there.

    A session's file is its own lock. Without a file the directory is the lock. The process that held the lock before
    may have replaced or removed the file, and then this one locked a file that isn't the session's. So look again.
    """
    from fcntl import LOCK_EX, LOCK_UN, flock  # noqa: PLC0415 - Windows has none, and other storages to use

    while True:
        file = open_session(path)
        try:
            lock = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY) if file is None else file
        except FileNotFoundError:  # not even a directory
            yield None
            return
        with closing(lock):
            try:
                flock(lock, LOCK_EX)
            except OSError as error:
                what = f"the file system of {path.parent} can't lock files ({error.strerror})"
                raise OSError(error.errno, f"{what}; use a local one, not NFS or SMB") from error
            try:
                if _is_still_at(path, file):
                    yield file
                    return
            finally:
                # Closing isn't enough: another thread may have forked, and its child has the file open.
                flock(lock, LOCK_UN)


def open_session(path: Path) -> int | None:
    """Open the session at `path`. Only a regular file is one, not a link that somebody planted."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):  # nothing, a link, a socket
            return None
        raise
    is_session = False
    try:
        is_session = stat.S_ISREG(os.fstat(file).st_mode)
    finally:
        if not is_session:
            os.close(file)
    return file if is_session else None


def _is_still_at(path: Path, file: int | None) -> bool:
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return file is None
    return not stat.S_ISREG(there.st_mode) if file is None else os.path.samestat(os.fstat(file), there)


def read(file: int, size: int) -> bytes:
    """Return all bytes that there are, up to `size`."""
    data = b""
    while part := os.read(file, size - len(data)):  # the system may return fewer than it was asked for
        data += part
    return data


def write(file: int, data: bytes) -> None:
    """Write all of `data`."""
    rest = memoryview(data)
    while rest:  # the system may take fewer than it was given
        rest = rest[os.write(file, rest) :]


def sync(directory: Path) -> None:
    """Return once the disk has what was made, renamed or removed in `directory`."""
    with closing(os.open(directory, os.O_RDONLY | os.O_DIRECTORY)) as file:
        os.fsync(file)


@contextmanager
def closing(file: int) -> Iterator[int]:
    """Close `file` at the end."""
    try:
        yield file
    finally:
        os.close(file)
