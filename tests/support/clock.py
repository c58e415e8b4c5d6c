"""A clock for tests."""

from __future__ import annotations


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now: float = 1_800_000_000) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
