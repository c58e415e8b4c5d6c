"""TAP version 14, read strictly."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml

POINT = re.compile(r"(ok|not ok) (\d+) - ([^#\\]*?)(?: # SKIP (.+))?")


class Point(NamedTuple):
    """A test point: its result, its name, why it was skipped, and its YAML block."""

    ok: bool
    name: str
    skipped: str | None = None
    block: Any = None


def read_tap(text: str) -> list[Point]:
    """Return the test points. Nothing else may be in `text`, and there must be as many as planned."""
    version, plan, *lines = text.splitlines()
    assert version == "TAP version 14"
    points: list[Point] = []
    while lines:
        line = lines.pop(0)
        if line == "  ---":
            end = lines.index("  ...")
            block, lines = lines[:end], lines[end + 1 :]
            assert all(not part or part.startswith("  ") for part in block), block
            points[-1] = points[-1]._replace(block=yaml.safe_load("".join(f"{part[2:]}\n" for part in block)))
        else:
            point = POINT.fullmatch(line)
            assert point, line
            result, number, name, skipped = point.groups()
            points.append(Point(result == "ok", name, skipped))
            assert int(number) == len(points)
    assert plan == f"1..{len(points)}"
    return points
