"""A read cache in front of another storage."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from contextlib import contextmanager
from datetime import timedelta
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from anyio import Event
from anyio.lowlevel import current_token

from .argument import must_be_callable, must_be_storage
from .duration import seconds
from .storage import SessionNotFound, collect, read_bytes
from .streams import BytesReceiveStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

    from .storage import ByteReadChannel, ByteWriteChannel, SessionStorage, UpdatableSessionStorage

    class _Directory(SessionStorage, Protocol):
        retention: timedelta | None

        async def sweep(self) -> int: ...


T = TypeVar("T")


class SessionStorageCache:
    """Answers reads from memory for a while, and leaves all else to the storage behind it.

    A change made through the cache is seen at once. A change made elsewhere, by another process or in `delegate`
    itself, is seen at most `idle_timeout` after the value was fetched. Until then, a logout in another process may go
    unnoticed. Reads of one id at the same time make one read of `delegate`, unless that id is being changed. Use one
    cache for each process. It serves any number of threads, and each event loop reads for itself.

    The cache has `update`, `retention` and `sweep` if `delegate` has them. A read that it answers from memory does not
    count as a use of the session in `delegate`: keep `idle_timeout` far below the `retention` there.

    Args:
        delegate: The storage that has the sessions.
        idle_timeout: How long a value is served after it was fetched, read or not. The next call after that deletes it.
        clock: Returns the time in seconds, and never goes back.

    Raises:
        ValueError: `idle_timeout` is zero or negative.
        TypeError: An argument is of another type, such as a `delegate` that isn't a storage.
    """

    def __init__(
        self,
        delegate: SessionStorage,
        *,
        idle_timeout: timedelta = timedelta(minutes=1),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        must_be_storage(delegate, "delegate")
        must_be_callable(clock, "clock", "time.monotonic")
        self.delegate = delegate
        self._idle_timeout = seconds(idle_timeout, "idle_timeout", needed=True)
        self._clock = clock
        # The fetch that began first comes first. A dict would be slow to lose its first items.
        self._known: OrderedDict[str, _Fetch] = OrderedDict()
        # How many of an id are under way. Until they end, nothing is known of it and each read goes to the delegate, so
        # none sees what is gone for another.
        self._changes: Counter[str] = Counter()
        # Reentrant: a task that was lost with its event loop ends wherever the garbage collector happens to run.
        self._lock = RLock()

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        """Write to the delegate."""
        with self._change(id):
            await self.delegate.write(id, provider)

    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        """Pass the bytes to `consumer`, from the delegate if they aren't cached."""
        data = await self._load(id)
        if consumer is collect:
            return cast("T", data)
        async with BytesReceiveStream(data) as channel:
            return await consumer(channel)

    async def invalidate(self, id: str, /) -> None:
        """Delete what is stored under `id`, here and in the delegate."""
        with self._change(id):
            await self.delegate.invalidate(id)

    @property
    def update(self) -> Callable[[str, Callable[[bytes], bytes]], Coroutine[Any, Any, bytes]]:
        """The delegate's `update`; an `AttributeError` if it has none."""
        delegate_update = cast("UpdatableSessionStorage", self.delegate).update

        async def update(id: str, transform: Callable[[bytes], bytes], /) -> bytes:
            with self._change(id):
                return await delegate_update(id, transform)

        return update

    @property
    def retention(self) -> timedelta | None:
        """The delegate's `retention`; an `AttributeError` if it has none."""
        return cast("_Directory", self.delegate).retention

    @property
    def sweep(self) -> Callable[[], Coroutine[Any, Any, int]]:
        """The delegate's `sweep`; an `AttributeError` if it has none."""
        return cast("_Directory", self.delegate).sweep

    async def _load(self, id: str) -> bytes:
        while (fetch := self._find(id)) is not None:
            if fetch.data is None:
                await fetch.over.wait()
            if fetch.data is not None:
                return fetch.data
            if fetch.error is SessionNotFound:
                raise SessionNotFound
            if fetch.error is not None:  # all at once: what times out would time out for each in turn
                break
        return await self._fetch(id)

    def _find(self, id: str) -> _Fetch | None:
        with self._lock:
            self._evict()
            fetch = self._known.get(id)
        return None if fetch and fetch.data is None and fetch.loop != current_token() else fetch

    async def _fetch(self, id: str) -> bytes:
        with self._lock:
            fetch = _Fetch(self._clock())
            if id not in self._changes:
                self._known.setdefault(id, fetch)
        try:
            fetch.data = data = await read_bytes(self.delegate, id)
        except Exception as error:
            fetch.error = type(error)
            raise
        finally:
            with self._lock:
                if fetch.data is None and self._known.get(id) is fetch:
                    del self._known[id]
            fetch.over.set()
            del fetch.over  # it is larger than most sessions
        return data

    @contextmanager
    def _change(self, id: str) -> Iterator[None]:
        with self._lock:
            self._evict()
            self._known.pop(id, None)
            self._changes[id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._changes[id] -= 1
                if not self._changes[id]:
                    del self._changes[id]

    def _evict(self) -> None:
        now = self._clock()
        while self._known and now - next(iter(self._known.values())).began >= self._idle_timeout:
            self._known.popitem(last=False)


class _Fetch:
    """A read of the delegate, for all that ask for the same id until it ends, and then its data.

    If it ends with neither `data` nor `error`, it was cancelled, and one of them has to read in its place.
    """

    __slots__ = ("began", "data", "error", "loop", "over")  # there is one for each session that is known

    def __init__(self, began: float) -> None:
        self.began = began
        self.loop = current_token()
        self.over = Event()
        self.data: bytes | None = None
        # Not the error itself: one that is raised in several tasks would tell each of them about the others.
        self.error: type[Exception] | None = None
