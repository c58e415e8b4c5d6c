"""Sessions in memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from .argument import must_be_callable
from .duration import TOUCHES, seconds
from .simplified import SimplifiedSessionStorage
from .storage import SessionNotFound, StorageFull

if TYPE_CHECKING:
    from collections.abc import Callable


class SessionStorageMemory(SimplifiedSessionStorage):
    """Stores sessions in memory. They are gone when the program ends.

    It is for one process with any number of threads and event loops. Several workers each have a memory of their own,
    so use a directory or Redis for those. Each call also deletes the sessions that are due. No call waits, so none lets
    other tasks run: in a long loop over sessions, await `anyio.sleep(0)` now and then.

    Args:
        retention: Delete a session after this long without a read or write. A read is recorded at most once per tenth
            of this time. `None`: never.
        max_bytes: The most bytes of sessions to store. A write beyond that raises `StorageFull`. `None`: no limit.
        clock: Returns the time in seconds. If it jumps back, nothing is deleted until it has caught up.

    Raises:
        ValueError: `retention` or `max_bytes` is zero or negative.
        TypeError: An argument is of another type.
    """

    def __init__(
        self,
        *,
        retention: timedelta | None = timedelta(days=7),
        max_bytes: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if max_bytes is not None and not isinstance(max_bytes, int):
            raise TypeError(f"max_bytes must be an int or None, not {max_bytes!r}; try 64 * 1024**2")
        if max_bytes is not None and max_bytes < 1:
            raise ValueError(f"max_bytes={max_bytes} leaves no room: pass more than zero, or None for no limit")
        must_be_callable(clock, "clock", "time.time")
        self.retention = retention
        self._retention = seconds(retention, "retention")
        self._touch_after = self._retention / TOUCHES
        self._max_bytes = max_bytes
        self._clock = clock
        # With the time of the last use; the longest unused first. A dict would be slow to lose its first items.
        self._sessions: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._bytes = 0
        self._now = self._oldest = clock()  # no session was unused for longer than since `_oldest`
        self._lock = Lock()

    async def load(self, id: str) -> bytes | None:
        """Return the bytes stored under `id`."""
        with self._lock:
            self._reclaim()
            found = self._sessions.get(id)
            if found is None:
                return None
            data, used = found
            if self._now - used >= self._touch_after:
                self._keep(id, data)
            return data

    async def save(self, id: str, data: bytes | None) -> None:
        """Store `data` under `id`.

        Raises:
            StorageFull: `max_bytes` would be exceeded.
        """
        with self._lock:
            self._reclaim()
            if data is not None:
                self._keep(id, data)
            else:
                old, _ = self._sessions.pop(id, (b"", 0))
                self._bytes -= len(old)

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        """Replace the bytes stored under `id` with `transform` of them.

        Raises:
            SessionNotFound: Nothing is stored under `id`.
            StorageFull: `max_bytes` would be exceeded.
        """
        with self._lock:
            self._reclaim()
            if id not in self._sessions:
                raise SessionNotFound
            data = transform(self._sessions[id][0])
            self._keep(id, data)
            return data

    def _keep(self, id: str, data: bytes) -> None:
        sessions = self._sessions
        size = self._bytes + len(data)
        if id in sessions:
            size -= len(sessions[id][0])
        if self._max_bytes is not None and size > self._max_bytes:
            raise StorageFull(
                f"{size} bytes of live sessions would be more than max_bytes={self._max_bytes}; raise max_bytes or "
                "shorten retention"
            )
        sessions[id] = data, self._now
        sessions.move_to_end(id)
        self._bytes = size

    def _reclaim(self) -> None:
        now = self._clock()
        if now <= self._now:  # nothing more is due
            return
        self._now = now
        while now - self._oldest >= self._retention:
            _, self._oldest = next(iter(self._sessions.values()), (b"", now))
            if now - self._oldest >= self._retention:
                _, (data, _) = self._sessions.popitem(last=False)
                self._bytes -= len(data)
