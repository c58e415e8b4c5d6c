"""A storage that has a file for each session."""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import nullcontext, suppress
from datetime import timedelta
from hashlib import sha256
from importlib.util import find_spec
from math import inf
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .argument import must_be_callable
from .cache import SessionStorageCache
from .duration import TOUCHES, seconds
from .files import create, locked, open_session, read, remove, sync, write
from .steps import PIECE, StepReceiveStream, Steps, StepSendStream
from .storage import SessionNotFound, Whole, collect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from contextlib import AbstractContextManager
    from os import PathLike

    from .storage import ByteReadChannel, ByteWriteChannel

T = TypeVar("T")

_DAY = 86400.0  # seconds
_SESSION = re.compile(r"[0-9a-f]{64}\.session")
_SLICE = 256  # files that a sweep looks at before it gives its thread to others
_TEMPORARY = re.compile(r"[0-9a-f]{64}\.\w+\.tmp")


class SessionStorageDirectory:
    """Stores each session in a file of its own under `root`, safely for several processes on one machine.

    A file's name is a hash of the id, and the file holds the session's bytes and nothing else. The directory is created
    on the first write, for its owner only (0700), as are the files (0600). A read or an `invalidate` creates nothing.

    A write goes to a temporary file beside the final one, which then takes its place in one step, so a reader in any
    process sees the old value or the new one. An error of the system (a full disk, a lost permission) is raised as the
    `OSError` it is. A session below 64 KiB is read in one worker thread call and written in another; a larger one is
    streamed, 64 KiB at a time.

    A process locks the file of a session that it changes (`flock`). The system releases the lock of a process that
    dies. `root` has to be on a local file system, because NFS and SMB often can't lock files: a change then raises an
    `OSError` that says so. On ext4 without `large_dir`, a directory is full after about five million sessions. `update`
    calls `transform` in a worker thread.

    Args:
        root: The directory. It and its parents are created if they are missing.
        retention: Delete a session after this long without a read or write. It isn't found then, and `sweep` removes
            its file. A read is recorded at most once per tenth of this time. `None`: never.
        durable: Whether a change also reaches the disk itself before the call returns (`fsync` of the file and of the
            directory). It then survives a power cut too, and not only a crash of the process.
        clock: Returns the time in seconds since 1970. The last use of a session is its file's time of modification.

    Raises:
        NotADirectoryError: `root` or one of its parents exists and isn't a directory.
        NotImplementedError: The system has no POSIX file locks, as on Windows.
        ValueError: `retention` is zero or negative, or no directory can have the name `root`.
        TypeError: An argument is of another type.
    """

    def __init__(
        self,
        root: str | PathLike[str],
        *,
        retention: timedelta | None = timedelta(days=7),
        durable: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        must_be_callable(clock, "clock", "time.time")
        self.retention = retention
        self._root = _absolute(root)
        self._prefix = os.path.join(self._root, "")
        self._retention = seconds(retention, "retention")
        self._durable = durable
        self._is_root_durable = False  # another process may have made it and died before it was synced
        self._clock = clock
        if find_spec("fcntl") is None:
            raise NotImplementedError(
                "SessionStorageDirectory needs POSIX file locks, which this system lacks; use SessionStorageMemory or "
                "SessionStorageRedis"
            )
        there = next(path for path in (self._root, *self._root.parents) if path.exists() or path.is_symlink())
        if not there.is_dir():
            raise NotADirectoryError(f"{there} is not a directory; name another one, or one that does not exist yet")

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        """Send the session to a temporary file, then put that in its place."""
        is_whole = isinstance(provider, Whole)
        pieces = self._store(self._path(id), inf if is_whole else PIECE)
        next(pieces)  # up to where it takes the first piece
        async with Steps(pieces) as steps:
            if isinstance(provider, Whole):
                return await steps.step(bytes(provider.data))
            async with StepSendStream(steps) as channel:
                await provider(channel)
            return await channel.pass_on()

    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        """Open the file, then pass its bytes to `consumer`."""
        async with Steps(self._load(self._path(id), whole=consumer is collect)) as steps:
            first = await steps.step()
            if consumer is collect:
                return cast("T", first)
            async with StepReceiveStream(first, steps) as channel:
                return await consumer(channel)

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        """Replace the file by one with `transform` of its bytes, while its lock is held."""
        async with Steps(self._update(self._path(id), transform)) as steps:
            return await steps.step()

    async def invalidate(self, id: str, /) -> None:
        """Remove the file."""
        async with Steps(self._remove(self._path(id))) as steps:
            await steps.step()

    async def sweep(self) -> int:
        """Delete the sessions that weren't used for `retention`, and return their number.

        Call it when your app starts, or once a day. It also removes temporary files that a crash left behind, once they
        are older than `retention` by the system's clock (a day, if that is `None`), and doesn't count them. Files that
        aren't the storage's own stay.

        It lets others use its worker thread after every 256 files, and takes no more memory for many sessions than for
        a few. If it's cancelled, it stops there, and what it has deleted stays deleted.
        """
        async with Steps(self._sweep()) as steps:
            while (removed := await steps.step()) is None:
                pass
        return removed

    def _path(self, id: str) -> str:
        return f"{self._prefix}{sha256(id.encode()).hexdigest()}.session"

    def _unused(self, found: os.stat_result) -> float:
        """Return for how many seconds the session wasn't used."""
        return self._clock() - found.st_mtime

    def _touch(self, file: int) -> None:
        now = self._clock()
        os.utime(file, (now, now))

    def _load(self, path: str, *, whole: bool) -> Generator[bytes, None, bytes]:
        """Yield the session 64 KiB at a time, and return the rest, or all if it is to be read as a `whole`."""
        opened = open_session(path)
        if opened is None:
            raise SessionNotFound
        file, found = opened
        try:
            unused = self._unused(found)
            if unused >= self._retention:
                raise SessionNotFound
            if unused >= self._retention / TOUCHES:
                self._touch(file)
            if whole:
                return read(file, found.st_size)
            while len(data := read(file, PIECE)) == PIECE:
                yield data
            return data
        finally:
            os.close(file)

    def _store(self, path: str, piece: float) -> Generator[None, bytes, None]:
        """Take the session piece by piece. One of fewer bytes than `piece` is the last."""
        steps = self._replace(path, locked(path), (yield), piece)  # a name here would hold the first piece to the end
        self._make(self._root, 0o700)
        yield from steps

    def _update(self, path: str, transform: Callable[[bytes], bytes]) -> Generator[bytes, None, bytes]:
        yield from ()  # a single step
        with locked(path) as file:
            if file is None or self._unused(found := os.fstat(file)) >= self._retention:
                raise SessionNotFound
            data = transform(read(file, found.st_size))
            try:
                yield from self._replace(path, nullcontext(), data)
            except FileNotFoundError:  # the directory was removed, and the session with it
                raise SessionNotFound from None
        return data

    def _replace(
        self, path: str, lock: AbstractContextManager[object], data: bytes, piece: float = inf
    ) -> Generator[Any, Any, None]:
        """Put a new file in the place of `path`, or leave no trace if anything failed.

        It has `data`, and what is sent until that is less than `piece` bytes. `lock` is held while it takes its place.
        """
        name = f"{path.removesuffix('.session')}.{token_hex(8)}.tmp"
        file = create(name)
        try:
            try:
                write(file, data)
                while len(data) >= piece:
                    data = yield
                    write(file, data)
                self._touch(file)
                if self._durable:
                    os.fsync(file)
            finally:
                os.close(file)
            with lock:
                os.replace(name, path)
                self._sync(self._root)
        except BaseException:
            remove(name)
            raise
        if not self._is_root_durable:
            with suppress(PermissionError):  # without access to the parent, the root was made by somebody else
                self._sync(self._root.parent)
            self._is_root_durable = True

    def _make(self, directory: Path, mode: int = 0o777) -> None:
        """Make it, and its parents where missing. If `durable`, each is synced before anything is in it."""
        if not directory.exists():
            self._make(directory.parent)
            directory.mkdir(mode, exist_ok=True)
            self._sync(directory.parent)

    def _sync(self, directory: Path) -> None:
        if self._durable:
            sync(directory)

    def _remove(self, path: str) -> Generator[None, None, None]:
        yield from ()  # a single step
        with locked(path) as file:
            if file is not None:
                remove(path)
                self._sync(self._root)

    def _sweep(self) -> Generator[None, None, int]:
        """Yield after each slice, and return how many sessions were removed."""
        removed, errors = 0, []
        with suppress(FileNotFoundError), os.scandir(self._root) as entries:  # there is no root, or no longer
            try:
                for number, entry in enumerate(entries, 1):  # one by one: a list of a million would hold others up
                    try:
                        if _SESSION.fullmatch(entry.name):
                            removed += self._remove_if_unused(entry.path)
                        elif _TEMPORARY.fullmatch(entry.name):
                            self._remove_leftover(entry.path)
                    except OSError as error:  # go on with the others
                        errors.append(error)
                    if number % _SLICE == 0:
                        yield
            finally:  # also if it was cancelled between two slices
                if removed or errors:  # an error may come after a removal
                    self._sync(self._root)
        if errors:
            raise errors[0]
        return removed

    def _remove_if_unused(self, path: str) -> bool:
        with locked(path) as file:
            if file is None or self._unused(os.fstat(file)) < self._retention:
                return False
            remove(path)
        return True

    def _remove_leftover(self, path: str) -> None:
        limit = _DAY if self.retention is None else self._retention
        with suppress(FileNotFoundError):  # its writer just put it in place
            left = os.lstat(path)
            if stat.S_ISREG(left.st_mode) and time.time() - left.st_mtime >= limit:
                remove(path)


def _absolute(root: str | PathLike[str]) -> Path:
    try:
        path = Path(root).absolute()
        with suppress(OSError):  # it need not be there yet
            path.lstat()
    except TypeError:
        raise TypeError(f'root must be a str or a Path, not {root!r}; try ".sessions"') from None
    except ValueError as error:
        raise ValueError(f"root can't be {root!r} ({error}); choose another name") from None
    return path


def directory_session_storage(
    root: str | PathLike[str],
    *,
    cached: bool = False,
    retention: timedelta | None = timedelta(days=7),
    durable: bool = False,
    clock: Callable[[], float] = time.time,
) -> SessionStorageDirectory | SessionStorageCache:
    """Return a storage that has a file for each session under `root`, as Ktor's `directorySessionStorage` does.

    Args:
        root: The directory; see `SessionStorageDirectory`.
        cached: Whether a session that was read is cached for a minute; see `SessionStorageCache`. A change by another
            process, even a logout, may then be seen up to a minute late. Ktor's default is `true`.
        retention: Delete a session after this long without a read or write.
        durable: Whether each change reaches the disk itself before the call returns.
        clock: Returns the time in seconds since 1970.

    Both kinds have `sweep`.

    Raises:
        NotADirectoryError, NotImplementedError, ValueError, TypeError: As for `SessionStorageDirectory`.
    """
    directory = SessionStorageDirectory(root, retention=retention, durable=durable, clock=clock)
    return SessionStorageCache(directory) if cached else directory
