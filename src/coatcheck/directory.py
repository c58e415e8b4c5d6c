"""Sessions in files, one each."""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
import time
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from fcntl import LOCK_EX, LOCK_UN, flock
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from anyio import BrokenResourceError, CancelScope, EndOfStream, to_thread
from anyio.abc import ByteReceiveStream

from .cache import SessionStorageCache
from .duration import TOUCHES, seconds
from .storage import SessionNotFound
from .streams import BytesReceiveStream, BytesSendStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from os import PathLike

    from .storage import ByteReadChannel, ByteWriteChannel, SessionStorage

T = TypeVar("T")

_PIECE = 65536
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
        if self._root.exists() and not self._root.is_dir():
            raise NotADirectoryError(f"{self._root} is not a directory: name another, or one that is still to be made")

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        """Send the session to a temporary file, then put that in its place."""
        draft = self._draft(self._path(id))
        try:
            async with _DraftSendStream(draft) as channel:
                await provider(channel)
            await to_thread.run_sync(self._commit, draft, channel.rest())
        except BaseException:
            await _surely(draft.discard)
            raise

    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        """Open the file, then hand its bytes to `consumer`."""
        path = self._path(id)
        async with _FileReceiveStream(lambda: self._open(path)) as channel:
            await channel.begin()
            return await consumer(channel)

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        """Replace the file by one with `transform` of its bytes, while its lock is held."""
        return await to_thread.run_sync(self._update, self._path(id), transform)

    async def invalidate(self, id: str, /) -> None:
        """Remove the file."""
        await to_thread.run_sync(self._remove, self._path(id))

    async def sweep(self) -> int:
        """Remove the sessions that outlived `retention`, and return their number.

        Call it now and then: as the server starts, or from a daily job. Temporary files that a crash left behind go as
        well, once they are older than a day, or than `retention` if that is shorter, by the system's clock; they are
        not counted. Files that are not the storage's own stay.
        """
        return await to_thread.run_sync(self._sweep)

    def _path(self, id: str) -> Path:
        # "surrogatepass": any string is an id, also one that UTF-8 cannot encode.
        return self._root / f"{sha256(id.encode('utf-8', 'surrogatepass')).hexdigest()}.session"

    def _draft(self, path: Path, *, held: bool = False) -> _Draft:
        return _Draft(path, held=held, durable=self._durable, clock=self._clock)

    def _commit(self, draft: _Draft, data: bytes) -> None:
        draft.commit(data)
        if self._durable and not self._is_root_durable:
            with suppress(PermissionError):  # who may not look into the parent has been given the root
                _sync_directory(self._root.parent)
            self._is_root_durable = True

    def _unused(self, file: int) -> float:
        return self._clock() - os.fstat(file).st_mtime

    def _is_over(self, file: int) -> bool:
        return self._unused(file) >= self._retention

    def _open(self, path: Path) -> int:
        file = _open_session(path)
        if file is None:
            raise SessionNotFound
        with _closing_on_error(file):
            unused = self._unused(file)
            if unused >= self._retention:
                raise SessionNotFound
            if unused >= self._retention / TOUCHES:
                _stamp(file, self._clock())
        return file

    def _update(self, path: Path, transform: Callable[[bytes], bytes]) -> bytes:
        with _held(path) as file:
            if file is None or self._is_over(file):
                raise SessionNotFound
            data = transform(_read(file, os.fstat(file).st_size))
            draft = self._draft(path, held=True)
            try:
                self._commit(draft, data)
            finally:
                draft.discard()
        return data

    def _remove(self, path: Path) -> None:
        with _held(path) as file:
            if file is not None:
                path.unlink(missing_ok=True)
                if self._durable:
                    _sync_directory(self._root)

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
        if self._durable and (removed or errors):  # an error may have come after a removal
            with suppress(FileNotFoundError):  # the whole directory is gone, and they with it
                _sync_directory(self._root)
        if errors:
            raise errors[0]
        return removed

    def _remove_if_over(self, path: Path) -> bool:
        with _held(path) as file:
            if file is None or not self._is_over(file):
                return False
            path.unlink(missing_ok=True)
        return True

    def _remove_leftover(self, path: Path) -> None:
        with suppress(FileNotFoundError):  # its writer has just put it in place
            left = path.lstat()
            if stat.S_ISREG(left.st_mode) and time.time() - left.st_mtime >= min(self._retention, _DAY):
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


@contextmanager
def _held(path: Path) -> Iterator[int | None]:
    """Hold the lock of the session at `path`. Gives its open file, or `None` if no session is there.

    A session's file is its own lock, and where there is none, the directory is. Once the lock is got, the file may have
    been replaced or removed by whoever had it before: then it is not the session's any more, so look again.
    """
    while True:
        file = _open_session(path)
        try:
            lock = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY) if file is None else file
        except FileNotFoundError:  # not even a directory
            yield None
            return
        try:
            flock(lock, LOCK_EX)
            try:
                if _is_at(path, file):
                    yield file
                    return
            finally:
                flock(lock, LOCK_UN)  # closing is not enough where another thread has forked meanwhile
        finally:
            os.close(lock)


def _open_session(path: Path) -> int | None:
    """Open the session at `path`. What is no regular file, such as a link somebody planted, is no session."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
            return None
        raise
    with _closing_on_error(file):
        is_file = stat.S_ISREG(os.fstat(file).st_mode)
    if is_file:
        return file
    os.close(file)
    return None


@contextmanager
def _closing_on_error(file: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        os.close(file)
        raise


def _is_at(path: Path, file: int | None) -> bool:
    try:
        there = path.lstat()
    except FileNotFoundError:
        return file is None
    return not stat.S_ISREG(there.st_mode) if file is None else os.path.samestat(os.fstat(file), there)


# A task that is cancelled outside AnyIO (by `asyncio.timeout`, say) does not wait for its worker thread. The locks in
# the two classes below make the clean-up wait for that thread, and a thread that comes late find nothing left to do.


class _Draft:
    """A file that is going to take the place of `path`, or to leave no trace. Its methods block."""

    def __init__(self, path: Path, *, held: bool, durable: bool, clock: Callable[[], float]) -> None:
        self._path = path
        self._held = held  # by the caller
        self._durable = durable
        self._clock = clock
        self._lock = Lock()
        self._file: int | None = None
        self._name: str | None = None
        self._over = False

    def append(self, data: bytes) -> None:
        """Write `data` behind what was written so far."""
        with self._lock:
            if not self._over:
                self._write(data)

    def commit(self, data: bytes) -> None:
        """Write `data`, the rest, and put the file in its place once nobody else is changing the session."""
        with self._lock:
            if not self._over:
                name = self._complete(data)
                with nullcontext() if self._held else _held(self._path):
                    self._place(name)

    def discard(self) -> None:
        """Remove the file, unless it is in its place already."""
        with self._lock:
            over, self._over = self._over, True
            try:
                self._close()
            finally:
                if not over and self._name is not None:
                    Path(self._name).unlink(missing_ok=True)

    def _write(self, data: bytes) -> tuple[int, str]:
        if self._file is None or self._name is None:
            try:
                self._file, self._name = self._create()
            except FileNotFoundError:
                if self._held:  # whoever removed the directory has ended the session
                    raise SessionNotFound from None
                _make_directory(self._path.parent, durable=self._durable)
                self._file, self._name = self._create()
        rest = memoryview(data)
        while rest:  # the system may take less than it was given
            rest = rest[os.write(self._file, rest) :]
        return self._file, self._name

    def _create(self) -> tuple[int, str]:
        return tempfile.mkstemp(prefix=f"{self._path.stem}.", suffix=".tmp", dir=self._path.parent)

    def _complete(self, data: bytes) -> str:
        file, name = self._write(data)
        _stamp(file, self._clock())
        if self._durable:
            os.fsync(file)
        self._close()
        return name

    def _place(self, name: str) -> None:
        Path(name).replace(self._path)
        self._over = True
        if self._durable:
            _sync_directory(self._path.parent)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


class _DraftSendStream(BytesSendStream):
    """Collects small pieces and passes large ones on to the draft."""

    def __init__(self, draft: _Draft) -> None:
        super().__init__()
        self._draft = draft
        self._size = 0
        self._whole = True

    async def send(self, item: bytes) -> None:
        self._must_be_whole()
        await super().send(item)
        self._size += len(item)
        if self._size >= _PIECE:
            self._whole = False
            await to_thread.run_sync(self._draft.append, self._take())
            self._whole = True

    def rest(self) -> bytes:
        """Return what has not been passed on yet."""
        self._must_be_whole()
        return self._take()

    def _must_be_whole(self) -> None:
        if not self._whole:
            raise BrokenResourceError("a send failed or was cancelled half-way, so the session would not be whole")

    def _take(self) -> bytes:
        data = self.value()
        self._chunks.clear()
        self._size = 0
        return data


class _FileReceiveStream(ByteReceiveStream):
    """The bytes of the file that `open` opens. A small one is closed as soon as it was read."""

    def __init__(self, open: Callable[[], int]) -> None:
        self._open = open
        self._lock = Lock()
        self._file: int | None = None
        self._over = False
        self._piece = BytesReceiveStream(b"")
        self._next: bytes | None = None

    async def begin(self) -> None:
        """Open the file and read its first piece."""
        await to_thread.run_sync(self._read)
        self._piece, self._next = BytesReceiveStream(self._next or b""), None

    async def receive(self, max_bytes: int = 65536) -> bytes:
        try:
            return await self._piece.receive(max_bytes)
        except EndOfStream:
            if self._over and self._next is None:
                raise
        await self.begin()
        return await self._piece.receive(max_bytes)

    async def aclose(self) -> None:
        await self._piece.aclose()
        if not self._over:
            await _surely(self._close)

    def _read(self) -> None:
        with self._lock:
            if self._over or self._next is not None:  # a receive that was cancelled has left its piece
                return
            try:
                if self._file is None:
                    self._file = self._open()
                data = _read(self._file, _PIECE)
            except BaseException:
                self._end()
                raise
            if len(data) < _PIECE:
                self._end()
            self._next = data

    def _close(self) -> None:
        with self._lock:
            self._end()

    def _end(self) -> None:
        self._over = True
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def _read(file: int, size: int) -> bytes:
    data = b""
    while part := os.read(file, size - len(data)):  # the system may give less than it was asked for
        data += part
    return data


async def _surely(cleanup: Callable[[], None]) -> None:
    """Run `cleanup` in a worker thread whatever is cancelled, or at once if that thread cannot be waited for."""
    with CancelScope(shield=True):
        try:
            await to_thread.run_sync(cleanup)
        except BaseException:
            cleanup()
            raise


def _stamp(file: int, now: float) -> None:
    os.utime(file, (now, now))


def _make_directory(path: Path, *, durable: bool) -> None:
    """Make `path` for its owner only, and its parents; where `durable`, each before anything is in it."""
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(new):
        folder.mkdir(mode=0o700 if folder == path else 0o777, exist_ok=True)
        if durable:
            _sync_directory(folder.parent)


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
