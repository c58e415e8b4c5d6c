"""Durations: how long something is kept, and how often that is looked after."""

from __future__ import annotations

from datetime import timedelta
from math import inf

TOUCHES = 10
"""A use counts as noted for this part of a duration: reading does not become writing each time."""


def seconds(duration: timedelta | None, name: str) -> float:
    """Return `duration` in seconds; `None`, no limit, is infinite.

    Raises:
        ValueError: It is zero or negative. `name` is the argument that the message speaks of.
        TypeError: It is something else.
    """
    if duration is None:
        return inf
    if not isinstance(duration, timedelta):
        raise TypeError(f"{name}={duration!r} is no timedelta: pass one, such as timedelta(hours=1), or None")
    if duration <= timedelta(0):
        raise ValueError(f"{name}={duration} would end everything at once: pass more than zero, or None for no limit")
    return duration.total_seconds()
