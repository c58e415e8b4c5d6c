"""The file of a session: opened safely, locked, read, written, removed and synced with plain blocking calls."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(path: str) -> Iterator[int | None]:
    """Hold the lock of the session at `path`. Gives its open file, or `None` if no session is there.

    A session's file is its own lock. Without a file the directory is the lock. The process that held the lock before
    may have replaced or removed the file, and then this one locked a file that isn't the session's. So look again.
    """
    import fcntl  # noqa: PLC0415 - Windows has none, and other storages to use

    while True:
        file, found = open_session(path) or (None, None)
        try:
            lock = _open_directory(os.path.dirname(path)) if file is None else file
        except FileNotFoundError:  # not even a directory
            yield None
            return
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError as error:
                what = f"the file system of {os.path.dirname(path)} can't lock files ({error.strerror})"
                raise OSError(error.errno, f"{what}; use a local one, not NFS or SMB") from error
            try:
                if _is_still_at(path, found):
                    yield file
                    return
            finally:
                # Closing isn't enough: another thread may have forked, and its child has the file open.
                fcntl.flock(lock, fcntl.LOCK_UN)
        finally:
            os.close(lock)


def open_session(path: str) -> tuple[int, os.stat_result] | None:
    """Open the session at `path`, and say what is known of it. Only a regular file is one, not a link somebody planted.

    Its size is the session's: a session is replaced, and never written in its place.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):  # nothing, a link, a socket
            return None
        raise
    is_session = False
    try:
        found = os.fstat(file)
        is_session = stat.S_ISREG(found.st_mode)
    finally:
        if not is_session:
            os.close(file)
    return (file, found) if is_session else None


def _is_still_at(path: str, found: os.stat_result | None) -> bool:
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return found is None
    return not stat.S_ISREG(there.st_mode) if found is None else os.path.samestat(found, there)


def read(file: int, size: int) -> bytes:
    """Return the next `size` bytes, or all that there are if they are fewer."""
    data = b""
    while len(data) < size and (part := os.read(file, size - len(data))):  # it may return fewer than it was asked for
        data += part
    return data


def create(path: str) -> int:
    """Make a file for its owner only, and open it to write. If anything is there, even a link, it's an error."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def write(file: int, data: bytes) -> None:
    """Write all of `data`."""
    rest = memoryview(data)
    while rest:  # the system may take fewer than it was given
        rest = rest[os.write(file, rest) :]


def remove(path: str) -> None:
    """Remove the file at `path`, if it's still there."""
    with suppress(FileNotFoundError):
        os.unlink(path)


def sync(directory: Path) -> None:
    """Return once the disk has what was made, renamed or removed in `directory`."""
    file = _open_directory(directory)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _open_directory(path: str | Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY)
