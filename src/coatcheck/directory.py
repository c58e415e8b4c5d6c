"""Sessions in files, one each."""

from __future__ import annotations

import os
import re
import stat
import tempfile
import time
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from anyio import to_thread

from .cache import SessionStorageCache
from .duration import TOUCHES, seconds
from .files import locked, open_session, read, write
from .steps import PIECE, StepReceiveStream, Steps, StepSendStream
from .storage import SessionNotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterator
    from contextlib import AbstractContextManager
    from os import PathLike

    from .storage import ByteReadChannel, ByteWriteChannel, SessionStorage

T = TypeVar("T")

_DAY = 86400.0  # seconds
_SESSION = re.compile(r"[0-9a-f]{64}\.session")
_TEMPORARY = re.compile(r"[0-9a-f]{64}\.\w+\.tmp")


class SessionStorageDirectory:
    """Keeps each session in a file of its own under `root`, safely for several processes on one machine.

    A file is named by a hash of its id and holds the session's bytes and nothing else. The directory is made on the
    first write, for its owner only (0700), as are the files (0600). A read or an `invalidate` creates nothing.

    A write goes to a temporary file beside the final one, which then takes its place in one step: a reader, in whatever
    process, sees the old value or the new one. What the system refuses (a full disk, a lost permission) is raised as
    the `OSError` it is. Sessions below 64 KiB are read in one worker thread call and written in another; larger ones
    are streamed, 64 KiB at a time.

    Whoever changes a session holds a lock on its file (`flock`), which the system takes back from a process that dies.
    `update` calls `transform` in a worker thread.

    Args:
        root: The directory. Its parents are made as well.
        retention: How long a session is kept that is neither read nor written; a read counts once a tenth of this time
            has passed since the last that did. Then it is not found, and `sweep` removes its file. `None`: for ever.
        durable: Whether a change also reaches the disk itself before the call returns (`fsync` of the file and of the
            directory), so that it survives a power cut and not only a crash of the process.
        clock: Returns the time in seconds since 1970. The last use of a session is its file's time of modification.

    Raises:
        NotADirectoryError: `root` exists and is something else.
        NotImplementedError: The system has no POSIX file locks: it is Windows.
        ValueError: `retention` is zero or negative.
    """

    def __init__(
        self,
        root: str | PathLike[str],
        *,
        retention: timedelta | None = timedelta(days=7),
        durable: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.retention = retention
        self._root = Path(root).absolute()
        self._retention = seconds(retention, "retention")
        self._durable = durable
        self._is_root_durable = False  # whoever made it may have died before it was sure to stay
        self._clock = clock
        if find_spec("fcntl") is None:
            raise NotImplementedError("a directory needs the file locks of POSIX: keep sessions in memory or in Redis")
        if self._root.exists() and not self._root.is_dir():
            raise NotADirectoryError(f"{self._root} is not a directory: name another, or one that is still to be made")

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        """Send the session to a temporary file, then put that in its place."""
        pieces = self._store(self._path(id))
        next(pieces)  # to where it takes the first
        async with Steps(pieces) as steps:
            async with StepSendStream(steps) as channel:
                await provider(channel)
            await channel.pass_on()

    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        """Open the file, then hand its bytes to `consumer`."""
        pieces = self._load(self._path(id))
        async with Steps(pieces) as steps, StepReceiveStream(await steps.step(), steps) as channel:
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
        """Remove the sessions that outlived `retention`, and return their number.

        Call it now and then: as the server starts, or from a daily job. Temporary files that a crash left behind go as
        well, once they are older than `retention` (than a day, if that is `None`) by the system's clock; they are not
        counted. Files that are not the storage's own stay.
        """
        return await to_thread.run_sync(self._sweep)

    def _path(self, id: str) -> Path:
        # "surrogatepass": any string is an id, also one that UTF-8 cannot encode.
        return self._root / f"{sha256(id.encode('utf-8', 'surrogatepass')).hexdigest()}.session"

    def _is_over(self, file: int, *, part: int = 1) -> bool:
        """Whether the session has not been used for `retention`, or for that divided by `part`."""
        return self._clock() - os.fstat(file).st_mtime >= self._retention / part

    def _touch(self, file: int) -> None:
        now = self._clock()
        os.utime(file, (now, now))

    def _load(self, path: Path) -> Generator[bytes, None, bytes]:
        """Yield the session 64 KiB at a time, and return what is left of it then."""
        file = open_session(path)
        if file is None:
            raise SessionNotFound
        try:
            if self._is_over(file):
                raise SessionNotFound
            if self._is_over(file, part=TOUCHES):
                self._touch(file)
            while len(data := read(file, PIECE)) == PIECE:
                yield data
            return data
        finally:
            os.close(file)

    def _store(self, path: Path) -> Generator[None, bytes, None]:
        """Take the session piece by piece. One of less than 64 KiB is the last: then the file is put in its place."""
        data = yield
        self._make_directory(self._root, 0o700)
        with self._replacement(path, locked(path)) as file:
            write(file, data)
            while len(data) >= PIECE:
                data = yield
                write(file, data)

    def _update(self, path: Path, transform: Callable[[bytes], bytes]) -> Generator[bytes, None, bytes]:
        yield from ()  # a single step
        with locked(path) as file:
            if file is None or self._is_over(file):
                raise SessionNotFound
            data = transform(read(file, os.fstat(file).st_size))
            try:
                with self._replacement(path, nullcontext()) as new:
                    write(new, data)
            except FileNotFoundError:  # whoever removed the directory has ended the session
                raise SessionNotFound from None
        return data

    @contextmanager
    def _replacement(self, path: Path, lock: AbstractContextManager[object]) -> Iterator[int]:
        """Give a new file. In the end it takes the place of `path`, or leaves no trace if anything failed."""
        file, name = tempfile.mkstemp(prefix=f"{path.stem}.", suffix=".tmp", dir=self._root)
        try:
            try:
                yield file
                self._touch(file)
                if self._durable:
                    os.fsync(file)
            finally:
                os.close(file)
            with lock:
                Path(name).replace(path)
                self._sync(self._root)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        if not self._is_root_durable:
            with suppress(PermissionError):  # who may not look into the parent has been given the root
                self._sync(self._root.parent)
            self._is_root_durable = True

    def _make_directory(self, directory: Path, mode: int = 0o777) -> None:
        """Make it and its parents where missing. If `durable`, each is sure to stay before anything is in it."""
        if not directory.exists():
            self._make_directory(directory.parent)
            directory.mkdir(mode, exist_ok=True)
            self._sync(directory.parent)

    def _sync(self, directory: Path) -> None:
        if self._durable:
            file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(file)
            finally:
                os.close(file)

    def _remove(self, path: Path) -> Generator[None, None, None]:
        yield from ()  # a single step
        with locked(path) as file:
            if file is not None:
                path.unlink(missing_ok=True)
                self._sync(self._root)

    def _sweep(self) -> int:
        removed, errors = 0, []
        try:
            paths = list(self._root.iterdir())
        except FileNotFoundError:
            return removed
        for path in paths:
            try:
                if _SESSION.fullmatch(path.name):
                    removed += self._remove_if_over(path)
                elif _TEMPORARY.fullmatch(path.name):
                    self._remove_leftover(path)
            except OSError as error:  # the others can be swept none the less
                errors.append(error)
        if removed or errors:  # an error may have come after a removal
            with suppress(FileNotFoundError):  # the whole directory is gone, and they with it
                self._sync(self._root)
        if errors:
            raise errors[0]
        return removed

    def _remove_if_over(self, path: Path) -> bool:
        with locked(path) as file:
            if file is None or not self._is_over(file):
                return False
            path.unlink(missing_ok=True)
        return True

    def _remove_leftover(self, path: Path) -> None:
        limit = _DAY if self.retention is None else self._retention
        with suppress(FileNotFoundError):  # its writer has just put it in place
            left = path.lstat()
            if stat.S_ISREG(left.st_mode) and time.time() - left.st_mtime >= limit:
                path.unlink()


def directory_session_storage(
    root: str | PathLike[str],
    *,
    cached: bool = False,
    retention: timedelta | None = timedelta(days=7),
    durable: bool = False,
    clock: Callable[[], float] = time.time,
) -> SessionStorage:
    """Return a storage that keeps sessions in files under `root`, as Ktor's `directorySessionStorage` does.

    Args:
        root: The directory; see `SessionStorageDirectory`.
        cached: Whether what was read is remembered for a minute; see `SessionStorageCache`. A change made by another
            process, a logout as well, may then be seen a minute late. Ktor's default is `true`.
        retention: How long a session is kept that is neither read nor written.
        durable: Whether each change reaches the disk itself before the call returns.
        clock: Returns the time in seconds since 1970.
    """
    directory = SessionStorageDirectory(root, retention=retention, durable=durable, clock=clock)
    return SessionStorageCache(directory) if cached else directory
