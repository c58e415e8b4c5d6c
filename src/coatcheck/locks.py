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
    """Hands out one lock for each key: `async with locks[key]`.

    A lock, or what `make` makes, exists while a task holds it or waits for it. Each event loop has its own.
    """

    def __init__(self, make: Callable[[], Lock | Semaphore]) -> None:
        self._make = make
        self._locks: WeakValueDictionary[Hashable, Lock | Semaphore] = WeakValueDictionary()

    def __getitem__(self, key: Hashable) -> Lock | Semaphore:
        return self._locks.setdefault((current_token(), key), self._make())


class Turn:
    """A lock for tasks of one event loop: `async with turn`. Taking one that is free costs a tenth of AnyIO's `Lock`.

    Who waits is in no order: all are told, and one of them takes it.
    """

    is_taken = False
    _over: Event | None = None  # for all who wait

    async def __aenter__(self) -> None:
        while self.is_taken:
            self._over = self._over or Event()
            await self._over.wait()
        self.is_taken = True

    async def __aexit__(self, *_: object) -> None:
        self.is_taken = False
        if self._over is not None:
            self._over.set()
            self._over = None
