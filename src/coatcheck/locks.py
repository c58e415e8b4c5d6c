"""A lock for each key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakValueDictionary

from anyio import Lock, Semaphore
from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


L = TypeVar("L", Lock, Semaphore)


class Locks(Generic[L]):
    """Hands out one lock for each key: `async with locks[key]`.

    A lock, or whatever `make` makes, exists while a task holds it or waits for it. Each event loop has its own.
    """

    def __init__(self, make: Callable[[], L]) -> None:
        self._make: Callable[[], L] = make
        self._locks: WeakValueDictionary[Hashable, L] = WeakValueDictionary()

    def __getitem__(self, key: Hashable) -> L:
        return self._locks.setdefault((current_token(), key), self._make())

    def __len__(self) -> int:
        return len(self._locks)
