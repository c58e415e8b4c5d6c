"""Durations: how long something is stored, and how often its use is noted."""

from __future__ import annotations

from datetime import timedelta
from math import inf

TOUCHES = 10
"""The use of a session is noted at most once per this part of a duration, or every read would be a write."""


def seconds(duration: timedelta | None, name: str, *, needed: bool = False) -> float:
    """Return `duration` in seconds; `None`, no limit, is infinite. Messages name the argument by `name`.

    Raises:
        ValueError: It is zero or negative.
        TypeError: It isn't a `timedelta`, or `None` although a limit is `needed`.
    """
    if duration is None and not needed:
        return inf
    if not isinstance(duration, timedelta):
        example = f"timedelta(seconds={duration!r})" if isinstance(duration, int | float) else "timedelta(hours=1)"
        raise TypeError(f"{name} must be a timedelta{'' if needed else ' or None'}, not {duration!r}; try {example}")
    if duration <= timedelta(0):
        way_out = "try timedelta(minutes=1)" if needed else "pass None for no limit"
        raise ValueError(f"{name} must be longer than zero, not {duration}; {way_out}")
    return duration.total_seconds()
