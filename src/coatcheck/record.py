"""The record that is stored of a session, and when it expires."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import msgspec

from .argument import must_be_callable
from .duration import TOUCHES, seconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta


class Record(msgspec.Struct, frozen=True):
    """A session as it is stored: a line of JSON with two times, then the serialised session.

    Both times are seconds since 1970. `created` is when the session started, and `seen` when it was last known to be in
    use, as far as an `idle_timeout` needs it.
    """

    created: float
    seen: float
    data: bytes
    stored: bytes
    """All of it, as it is in the storage."""

    @classmethod
    def of(cls, created: float, seen: float, data: bytes) -> Record:
        """Return the record to store."""
        # Always of one length, so a touch fits into a storage that is full. To the microsecond.
        since = b"%.6f" % created
        until = since if seen == created else b"%.6f" % seen  # half of what a login's record takes
        return cls(created, seen, data, b'{"created":%b,"seen":%b}\n%b' % (since, until, data))

    def with_data(self, data: bytes) -> Record:
        """Return the record with this session in place of its own."""
        return Record(self.created, self.seen, data, self.stored[: len(self.stored) - len(self.data)] + data)

    @classmethod
    def decode(cls, stored: bytes) -> Record:
        """Return the record in `stored`, or raise `ValueError`."""
        line, _, data = stored.partition(b"\n")
        times = _TIMES.decode(line)
        return cls(times.created, times.seen, data, stored)


class _Times(msgspec.Struct):
    created: float
    seen: float


_TIMES = msgspec.json.Decoder(_Times)


class Lifetime:
    """How long sessions of one kind live: `max_age` from their start, `idle_timeout` from their last use."""

    def __init__(
        self, *, max_age: timedelta | None, idle_timeout: timedelta | None, clock: Callable[[], float]
    ) -> None:
        must_be_callable(clock, "clock", "time.time")
        self._max_age = seconds(max_age, "max_age")
        self._idle_timeout = seconds(idle_timeout, "idle_timeout")
        self._is_touched = idle_timeout is not None
        self.now = clock

    def outlasts(self, retention: timedelta) -> bool:
        """Return whether a session may still be live when its storage deletes it."""
        return inf > min(self._max_age, self._idle_timeout) > retention.total_seconds()

    def start(self, data: bytes, *, created: float | None = None) -> Record:
        """Return the record of a session that starts now, or that started at `created` under another id."""
        now = self.now()
        return Record.of(now if created is None else created, now, data)

    def limit_reached(self, record: Record) -> str | None:
        """Return the limit by which the session has expired, or `None`."""
        now = self.now()
        if now - record.created >= self._max_age:
            return "max_age"
        return "idle_timeout" if now - record.seen >= self._idle_timeout else None

    def is_touch_due(self, record: Record) -> bool:
        """Return whether it is time to store that the session is in use, and to renew the cookie's age."""
        return self._is_touched and self.now() - record.seen >= self._idle_timeout / TOUCHES

    def is_fresh(self, record: Record) -> bool:
        """Return whether neither a touch nor a renewal of the cookie's age is due."""
        return not self._is_touched or 0 <= self.now() - record.seen < self._idle_timeout / TOUCHES

    def is_ahead(self, record: Record) -> bool:
        """Return whether the clock was set back: no touch is due for a while, but the cookie keeps ageing."""
        return self._is_touched and self.now() < record.seen

    def rest(self, record: Record) -> int | None:
        """Return the seconds that the session has left, or `None` if it has no limit."""
        rest = min(self._max_age - max(0, record.seen - record.created), self._idle_timeout)
        rest = max(0, rest - max(0, self.now() - record.seen) // 1)  # whole seconds since it was stored
        return None if rest == inf else int(rest)
