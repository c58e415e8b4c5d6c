"""A lock for each key, and a lock for the tasks of one request."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from anyio import Event
from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from anyio import Lock, Semaphore


class Locks:
    """Gives one lock for each key: `async with locks[key]`.

    A lock, or what `make` makes, exists while a task holds it or waits for it. Each event loop has its own.
    """

    def __init__(self, make: Callable[[], Lock | Semaphore]) -> None:
        self._make = make
        self._locks: WeakValueDictionary[Hashable, Lock | Semaphore] = WeakValueDictionary()

    def __getitem__(self, key: Hashable) -> Lock | Semaphore:
        return self._locks.setdefault((current_token(), key), self._make())


class Turn:
    """A lock for tasks of one event loop. Taking one that is free costs a twentieth of AnyIO's `Lock`.

    Await `free` while it `is_taken`, and go on with `with turn`. Tasks that wait have no order: all are told, and one
    of them takes it.
    """

    def __init__(self) -> None:
        self.is_taken = False
        self._over: Event | None = None  # for all who wait

    async def free(self) -> None:
        """Return once nobody has it."""
        while self.is_taken:
            self._over = self._over or Event()
            await self._over.wait()

    def __enter__(self) -> None:
        if self.is_taken:
            raise RuntimeError("another task has this turn; await free() first")
        self.is_taken = True

    def __exit__(self, *_: object) -> None:
        self.is_taken = False
        if self._over is not None:
            self._over.set()
            self._over = None
