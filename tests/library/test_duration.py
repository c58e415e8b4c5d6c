"""Durations as arguments: what they are in seconds, and which are refused."""

from __future__ import annotations

from datetime import timedelta
from math import inf
from typing import Any

import pytest

from coatcheck.duration import seconds


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (timedelta(days=7), 604_800),
        (timedelta(milliseconds=1_500), 1.5),
        (timedelta(microseconds=1), 0.000_001),
        (timedelta.max, timedelta.max.total_seconds()),
        (None, inf),
    ],
)
def test_a_duration_is_its_seconds_and_none_is_no_limit(duration: timedelta | None, expected: float) -> None:
    assert seconds(duration, "max_age") == expected


@pytest.mark.parametrize(("duration", "example"), [(3600, "seconds=3600"), (0.5, "seconds=0.5"), ("1h", "hours=1")])
def test_what_is_no_duration_is_refused_with_a_way_out(duration: Any, example: str) -> None:
    with pytest.raises(TypeError) as error:
        seconds(duration, "max_age")
    assert str(error.value) == f"max_age must be a timedelta or None, not {duration!r}; try timedelta({example})"


@pytest.mark.parametrize("duration", [timedelta(0), timedelta(microseconds=-1), timedelta(days=-1), timedelta.min])
def test_what_would_end_everything_at_once_is_refused_with_a_way_out(duration: timedelta) -> None:
    with pytest.raises(
        ValueError, match=r"^max_age must be longer than zero, not .*; pass None for no limit$"
    ) as error:
        seconds(duration, "max_age")
    assert str(duration) in str(error.value)
