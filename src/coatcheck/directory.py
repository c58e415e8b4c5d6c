"""Sessions in files, one each."""

from __future__ import annotations

import os
import tempfile
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from anyio import BrokenResourceError, CancelScope, EndOfStream, to_thread
from anyio.abc import ByteReceiveStream

from .storage import SessionNotFound
from .streams import BytesReceiveStream, BytesSendStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from os import PathLike

    from .storage import ByteReadChannel, ByteWriteChannel, SessionStorage

T = TypeVar("T")

_PIECE = 65536


class SessionStorageDirectory:
    """Keeps each session in a file of its own under `root`, safely for several processes on one machine.

    A file is named by a hash of its id and holds the session's bytes and nothing else. The directory is made on the
    first write, for its owner only (0700), as are the files (0600). A read or an `invalidate` creates nothing.

    A write goes to a temporary file beside the final one, which then takes its place in one step: a reader, in whatever
    process, sees the old value or the new one. What the system refuses (a full disk, a lost permission) is raised as
    the `OSError` it is. Sessions below 64 KiB are read in one worker thread call and written in another; larger ones
    are streamed, 64 KiB at a time.

    Args:
        root: The directory. Its parents are made as well.
        durable: Whether a write also reaches the disk itself before it returns (`fsync` of the file and of the
            directory), so that it survives a power cut and not only a crash of the process.

    Raises:
        NotADirectoryError: `root` exists and is something else.
    """

    def __init__(self, root: str | PathLike[str], *, durable: bool = False) -> None:
        self._root = Path(root).absolute()
        self._durable = durable
        if self._root.exists() and not self._root.is_dir():
            raise NotADirectoryError(f"{self._root} is not a directory: name another, or one that is still to be made")

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        """Send the session to a temporary file, then put that in its place."""
        draft = _Draft(self._path(id), durable=self._durable)
        try:
            async with _DraftSendStream(draft) as channel:
                await provider(channel)
            await to_thread.run_sync(draft.commit, channel.rest())
        except BaseException:
            await _surely(draft.discard)
            raise

    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        """Open the file, then hand its bytes to `consumer`."""
        async with _FileReceiveStream(self._path(id)) as channel:
            try:
                await channel.open()
            except FileNotFoundError:
                raise SessionNotFound from None
            return await consumer(channel)

    async def invalidate(self, id: str, /) -> None:
        """Remove the file."""
        await to_thread.run_sync(lambda: self._path(id).unlink(missing_ok=True))

    def _path(self, id: str) -> Path:
        # "surrogatepass": any string is an id, also one that UTF-8 cannot encode.
        return self._root / f"{sha256(id.encode('utf-8', 'surrogatepass')).hexdigest()}.session"


def directory_session_storage(root: str | PathLike[str], *, durable: bool = False) -> SessionStorage:
    """Return a storage that keeps sessions in files under `root`, as Ktor's `directorySessionStorage` does.

    Args:
        root: The directory; see `SessionStorageDirectory`.
        durable: Whether each write reaches the disk itself before it returns.
    """
    return SessionStorageDirectory(root, durable=durable)


# A task that is cancelled outside AnyIO (by `asyncio.timeout`, say) does not wait for its worker thread. The locks in
# the two classes below make the clean-up wait for that thread, and a thread that comes late find nothing left to do.


class _Draft:
    """A file that is going to take the place of `path`, or to leave no trace. Its methods block."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        self._path = path
        self._durable = durable
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
        """Write `data`, the rest, and put the file in its place."""
        with self._lock:
            if self._over:
                return
            file, name = self._write(data)
            if self._durable:
                os.fsync(file)
            self._close()
            Path(name).replace(self._path)
            self._over = True
            if self._durable:
                _sync_directory(self._path.parent)

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
            root = self._path.parent
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file, self._name = tempfile.mkstemp(prefix=f"{self._path.stem}.", suffix=".tmp", dir=root)
        rest = memoryview(data)
        while rest:  # the system may take less than it was given
            rest = rest[os.write(self._file, rest) :]
        return self._file, self._name

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
    """The bytes of a file. A small one is closed as soon as it was read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._file: int | None = None
        self._over = False
        self._piece = BytesReceiveStream(b"")
        self._next: bytes | None = None

    async def open(self) -> None:
        """Open the file and read its first piece."""
        await to_thread.run_sync(self._read)
        self._piece, self._next = BytesReceiveStream(self._next or b""), None

    async def receive(self, max_bytes: int = 65536) -> bytes:
        try:
            return await self._piece.receive(max_bytes)
        except EndOfStream:
            if self._over and self._next is None:
                raise
        await self.open()
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
                    self._file = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW)
                data = b""
                while part := os.read(self._file, _PIECE - len(data)):  # the system may give less than it was asked for
                    data += part
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


async def _surely(cleanup: Callable[[], None]) -> None:
    """Run `cleanup` in a worker thread whatever is cancelled, or at once if that thread cannot be waited for."""
    with CancelScope(shield=True):
        try:
            await to_thread.run_sync(cleanup)
        except BaseException:
            cleanup()
            raise


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
