"""The figures, as tables to read and as a file to draw from."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.benchmarks.speed.measurement import quartiles

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from tests.benchmarks.speed.measurement import Measured

INNERMOST = re.compile(r"\[[^\[\]{}]*\]|\{[^\[\]{}]*\}")
COMPARED = re.compile(r"\{\s*\"with\"[^{}]*\}")
GROUPS = {"coatcheck": "coatcheck", "peer": "peers", "floor": "floors", "other": "others"}


def rounded(figure: float) -> float:
    """Return a figure with three digits that count."""
    short = float(f"{figure:.3g}")
    return int(short) if short.is_integer() else short


def result(measured: Measured, chance: Random) -> dict[str, Any]:
    """Return a row as the file has it."""
    found: dict[str, Any] = {"row": measured.row.title, "unit": measured.row.unit}
    for role, group in GROUPS.items():
        spreads = {
            name: [rounded(figure) for figure in quartiles(samples)]
            for name, samples in measured.samples.items()
            if measured.roles[name] == role
        }
        if spreads:
            found[group] = spreads
    found["compared"] = [
        {
            "with": each.rival or None,
            "ratio": [round(figure, 3) for figure in each.ratio],
            "at most": each.at_most,
            "met": each.verdict or None,
        }
        for each in measured.comparisons(chance)
    ]
    return found


def to_json(results: dict[str, Any]) -> str:
    """Return the text of the file. What holds no other lists or objects is on one line."""
    text = json.dumps(results, indent=2, ensure_ascii=False)
    return COMPARED.sub(_on_one_line, INNERMOST.sub(_on_one_line, text)) + "\n"


def _on_one_line(found: re.Match[str]) -> str:
    return (
        re.sub(r"\s*\n\s*", " ", found[0]).replace("[ ", "[").replace(" ]", "]").replace("{ ", "{").replace(" }", "}")
    )


def targets_table(rows: Iterable[dict[str, Any]]) -> str:
    """Return what was reached of what was set."""
    lines = ["| case | coatcheck | compared with | ratio | interval | at most | met |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        [[_, ours, _]] = row["coatcheck"].values()
        for each in row["compared"]:
            rival, (low, middle, high) = each["with"], each["ratio"]
            limit = "" if each["at most"] is None else f"{each['at most']:g}"
            if rival is None:  # the figure itself
                shown = ["", "", f"{rounded(low)} to {rounded(high)} {row['unit']}", limit and f"{limit} {row['unit']}"]
            else:
                [figure] = (row[group][rival][1] for group in GROUPS.values() if rival in row.get(group, {}))
                shown = [f"{rival}: {figure} {row['unit']}", f"{middle:.2f}", f"{low:.2f} to {high:.2f}", limit]
            cells = [row["row"], f"{ours} {row['unit']}", *shown, each["met"] or ""]
            lines.append(f"| {' | '.join(cell.strip() for cell in cells)} |")
    return "\n".join(lines)


def contenders_table(rows: Iterable[dict[str, Any]]) -> str:
    """Return the figures of all contenders."""
    lines = ["| case | contender | median | quartiles |", "|---|---|---|---|"]
    for row in rows:
        for group in GROUPS.values():
            for name, (low, middle, high) in row.get(group, {}).items():
                lines.append(f"| {row['row']} | {name} | {middle} {row['unit']} | {low} to {high} |")
    return "\n".join(lines)


def counts_table(counts: dict[str, dict[str, Any]]) -> str:
    """Return what was counted, by library."""
    titles = next(iter(counts.values())).keys()
    lines = [f"| library | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    for name, found in counts.items():
        lines.append(f"| {name} | {' | '.join('-' if each is None else str(each) for each in found.values())} |")
    return "\n".join(lines)
