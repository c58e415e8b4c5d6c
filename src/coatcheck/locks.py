"""A lock for each key."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from anyio import Lock, Semaphore


class Locks:
    """Hands out one lock for each key: `async with locks[key]`.

    A lock, or whatever `make` makes, exists while a task holds it or waits for it. Each event loop has its own.
    """

    def __init__(self, make: Callable[[], Lock | Semaphore]) -> None:
        self._make = make
        self._locks: WeakValueDictionary[Hashable, Lock | Semaphore] = WeakValueDictionary()

    def __getitem__(self, key: Hashable) -> Lock | Semaphore:
        return self._locks.setdefault((current_token(), key), self._make())
