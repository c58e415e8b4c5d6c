"""A lock for each key."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from anyio import Lock
from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from collections.abc import Hashable


class Locks:
    """Hands out one lock for each key: `async with locks[key]`.

    A lock exists while somebody holds it or waits for it. Each event loop has locks of its own.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, Lock] = WeakValueDictionary()

    def __getitem__(self, key: Hashable) -> Lock:
        return self._locks.setdefault((current_token(), key), Lock())

    def __len__(self) -> int:
        return len(self._locks)
