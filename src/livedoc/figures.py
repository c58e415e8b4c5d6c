"""What a benchmark measured, as a page names it: plots, tables, and figures within a sentence."""

from __future__ import annotations

import re
from datetime import date
from difflib import get_close_matches
from functools import partial
from html import escape
from math import log10
from typing import TYPE_CHECKING, Any

from livedoc.plot import Bar, Spread, draw, shown, trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from livedoc.plot import Kind

Results = dict[str, Any]
Cells = list[str]

GROUPS: dict[str, Kind] = {"coatcheck": "ours", "peers": "peer", "floors": "floor", "others": "other"}
VERDICTS = {"yes": "met", "no": "not met"}
UNITS = ("B", "KB", "MB", "GB", "TB")
# What the table of a storage says of it once, and what the page says of each table.
LEFT_OUT = {"storage", "payload", "server", "workers", "connections", "unit", "command"}
# Code is matched as well, and stays as it is.
PART = re.compile(
    r"^(?P<margin> *)(?P<fence>`{3,}|~{3,}) *(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=margin)(?P=fence) *$"
    r"|`[^`\n]+`"
    r"|\{\{ (?P<path>[^{}]+) \}\}",
    re.MULTILINE | re.DOTALL,
)


class FigureError(LookupError):
    """A page names what was not measured. The message names the file, the rule and the fix."""


def fill(markdown: str, results: Results, file: str) -> tuple[str, list[tuple[int, FigureError]]]:
    """Return a page with the figures that it names, and what is wrong by its line. `results` are what `file` holds.

    A fence `plot` names rows, each on a line of its own, and a fence `table` names tables. Within a sentence,
    `{{ row: contender }}` is a median, and `{{ date }}` or `{{ machine: python }}` is what the results say of it.
    """
    figures = Figures(results, file)
    wrong: list[tuple[int, FigureError]] = []

    def noted(line: int, find: Callable[[str], Any], name: str) -> list[Any]:
        try:
            return [find(name)]
        except FigureError as error:
            wrong.append((line, error))
            return []

    def filled(part: re.Match[str]) -> str:
        line = markdown.count("\n", 0, part.start()) + 1
        if part["path"]:
            return "".join(noted(line, figures.text, " ".join(part["path"].split())))
        kind = (part["info"] or "").strip()
        find = {"plot": figures.plot, "table": figures.table}.get(kind)
        if find is None:
            return part[0]
        names = [name.strip() for name in part["body"].splitlines()]
        found = [each for place, name in enumerate(names, line + 1) if name for each in noted(place, find, name)]
        drawn = "".join(found)
        return part["margin"] + (f'<div class="plots" data-search-exclude>{drawn}</div>' if kind == "plot" else drawn)

    return PART.sub(filled, markdown), wrong


class Figures:
    """The results of a benchmark, by what a page calls them."""

    def __init__(self, results: Results, file: str) -> None:
        self._results = results
        self._file = file
        servers, capacity = results.get("servers", {}), results.get("capacity", {})
        self._servers = servers.get("rows", [])
        self._workers = servers.get("workers", {}).get("rows", [])
        self._changes = servers.get("workers", {}).get("changes", {})
        self._measured = [
            {"row": row["row"], "storage": row["storage"], **point}
            for row in capacity.get("rows", ())
            for point in row["points"]
        ]
        self._reasoned = capacity.get("reasoned", {}).get("rows", [])
        crowded = results.get("crowded", {}).get("rows", ())
        self._contests = named([*results.get("rows", ()), *crowded, *self._servers, *self._workers])
        self._growths = named(results.get("growth", {}).get("rows", ()))
        self._capacities = named(capacity.get("rows", ()))
        self._facts = results | self._growths | self._changes
        for each in (*self._reasoned, *self._measured):  # what was measured counts
            self._facts[f"{each['row']}, {each['sessions']:,} sessions"] = each

    def plot(self, title: str) -> str:
        """Return the plot of one row, and the same figures as a table to unfold."""
        row = self._found(self._contests | self._growths | self._capacities, title, f"row `{title}`")
        if title in self._growths:
            return growth(row, self._results["growth"]["unit"])
        return capacity(row) if title in self._capacities else contest(row)

    def text(self, path: str) -> str:
        """Return a figure, or a fact about how it came about."""
        name, *keys = path.split(": ")
        row = self._contests.get(name)
        found = said(row) if row else self._found(self._contests | self._facts, name, f"row or fact `{name}`")
        for key in keys:
            found = self._found(found if isinstance(found, dict) else {}, key, f"`{key}` in `{name}`")
        if isinstance(found, dict | list):
            parts = ", ".join(f"`{path}: {key}`" for key in found) if isinstance(found, dict) else ""
            fix = f"name one of {parts}" if parts else "show it with a fence `plot` or `table`"
            raise FigureError(f"{self._file}: `{path}` is more than one figure: {fix}")
        told = count(found, keys[-1] if keys else name)
        return (
            f"&#{ord(told[0])};{escape(told[1:], quote=False)}"  # else Markdown takes "0." at a line's start for a list
        )

    def table(self, name: str) -> str:
        """Return a table of what was wanted and reached, of the rows where others are ahead, or of what was counted."""
        makes: dict[str, Callable[[], str]] = {"targets": self._targets, "ahead": self._ahead}
        if self._servers:
            makes["servers"] = lambda: listed([{"row": row["row"]} | medians(row) for row in self._servers])
        if self._workers:
            makes["workers"] = lambda: listed([{"row": row["row"]} | medians(row) for row in self._workers])
            makes["workers: changes"] = lambda: listed([{"row": name, **each} for name, each in self._changes.items()])
        if self._capacities:
            formulas = [{"row": name, "formula": row["formula"]} for name, row in self._capacities.items()]
            makes["formulas"] = lambda: listed(formulas)
        measured = [
            {key: each[key] for key in each if key != "bytes"} for each in self._measured
        ]  # there for each session
        for kind, rows in (("measured", measured), ("reasoned", self._reasoned)):
            for storage in {row["storage"] for row in rows}:
                makes[f"{kind}: {storage}"] = partial(listed, [row for row in rows if row["storage"] == storage])
        for key, value in self._results.items():
            if isinstance(value, dict) and all(isinstance(each, dict) for each in value.values()):
                makes[key] = partial(listed, [{"row": name, **each} for name, each in value.items()])
        made: str = self._found(makes, name, f"table `{name}`")()
        return made

    def _targets(self) -> str:
        targets = ((row, each) for row in self._contests.values() for each in row["compared"] if has_target(each))
        return table(["what", "target", "reached", "result"], ([row["row"], *told(row, each)] for row, each in targets))

    def _ahead(self) -> str:
        rows = []
        for row in self._contests.values():
            ranked = ranking(row)
            ours = next(place for place, (_, kind) in enumerate(ranked) if kind == "ours")
            found = dict(spreads(row))
            ahead = [f"{name} {median(row, found[name])}" for name, kind in ranked[:ours] if kind == "peer"]
            if ahead:
                rows.append([row["row"], median(row, found[ranked[ours][0]]), ", ".join(ahead)])
        return table(["what", "coatcheck", "ahead of it"], rows)

    def _found(self, known: dict[str, Any], name: str, missing: str) -> Any:
        if name in known:
            return known[name]
        close = get_close_matches(name, known, 1)
        fix = f"did you mean `{close[0]}`?" if close else "name one that is there, or run `make bench`"
        raise FigureError(f"{self._file}: there is no {missing}: {fix}")


def named(rows: Iterable[Results]) -> dict[str, Results]:
    """Return rows by their names."""
    return {row["row"]: row for row in rows}


def ranking(row: Results) -> list[tuple[str, Kind]]:
    """Return the contenders of a row, the best first."""
    kinds = [(name, kind) for group, kind in GROUPS.items() for name in row.get(group, {})]
    found = dict(spreads(row))
    return sorted(kinds, key=lambda each: found[each[0]][1], reverse=row.get("better") == "more")


def spreads(row: Results) -> Iterable[tuple[str, list[float]]]:
    """Yield the contenders of a row."""
    return (each for group in GROUPS for each in row.get(group, {}).items())


def median(row: Results, spread: list[float]) -> str:
    """Return the middle one of three figures."""
    return shown(spread[1], row["unit"])


def has_target(compared: Results) -> bool:
    """Return whether a comparison is with a target, and not only shown."""
    return compared["at most"] is not None


def told(row: Results, compared: Results) -> Cells:
    """Return of a comparison what was wanted, what was reached, and whether that is enough."""
    rival, limit, verdict = compared["with"], compared["at most"], compared["met"] or ""
    if rival is None:  # the figure itself
        of, low, middle, high = "", *(shown(figure, row["unit"]) for figure in compared["ratio"])
    else:
        of, low, middle, high = f" times {rival}", *(f"{figure:.2f}" for figure in compared["ratio"])
    wanted = "" if limit is None else f"at most {shown(limit, row['unit']) if rival is None else f'{limit:.2f}'}{of}"
    answer, comma, noise = verdict.partition(", ")
    return [wanted, f"{middle}{of} ({low} to {high})", f"{VERDICTS.get(answer, '')}{comma}{noise}"]


def medians(row: Results) -> dict[str, str]:
    """Return what each contender of a row took."""
    return {name: median(row, spread) for name, spread in spreads(row)}


def said(row: Results) -> dict[str, str]:
    """Return what a sentence may say of a row: its contenders, and of its target or else of what it's compared with."""
    [ours] = row["coatcheck"].values()
    found = medians(row)
    found["coatcheck"] = median(row, ours)
    compared = next(filter(has_target, row["compared"]), next(iter(row["compared"]), None))
    if compared is not None:
        wanted, reached, verdict = told(row, compared)
        ratio = f"{compared['ratio'][1]:.2f}"
        found |= {"rival": compared["with"] or "", "ratio": ratio, "target": wanted, "reached": reached, "met": verdict}
    return found


def contest(row: Results) -> str:
    """Return the plot of a row with contenders, the best first."""
    found = dict(spreads(row))
    bars = [Bar(name, Spread(*found[name]), kind) for name, kind in ranking(row)]
    compared = [told(row, each) for each in row["compared"] if each["with"] or has_target(each)]
    notes = [f"{reached}{wanted and f'; target {wanted}: {verdict}'}" for wanted, reached, verdict in compared]
    cells = (
        [name, shown(middle, row["unit"]), f"{shown(low, '')} to {shown(high, '')}"]
        for name, (low, middle, high) in ((bar.name, bar.spread) for bar in bars)
    )
    drawn = draw(row["row"], row["unit"], bars)
    return figure(row["row"], drawn, notes, table(["contender", "median", "quartiles"], cells))


def growth(row: Results, unit: str) -> str:
    """Return the plot of a row that goes on for long."""
    points = list(zip(row["requests"], row["resident"], strict=True))
    cells = ([shown(requests, ""), shown(resident, unit)] for requests, resident in points)
    drawn = trace(row["row"], unit, "requests", points)
    return figure(row["row"], drawn, [], table(["requests", "resident memory"], cells))


def capacity(row: Results) -> str:
    """Return the plot of what a session takes, as measured and as calculated."""
    sizes = [(f"{point['sessions']:,} sessions", point["bytes per session"]) for point in row["points"]]
    bars = [Bar(name, Spread(size, size, size), "ours") for name, size in sizes]
    bars += [Bar("calculated", Spread(*[point["calculated"]] * 3), "floor") for point in row["points"][-1:]]
    cells = ([bar.name, shown(bar.spread.middle, "B")] for bar in bars)
    return figure(row["row"], draw(row["row"], "B", bars), [], table(["sessions", "each takes"], cells))


def figure(title: str, drawn: str, notes: Iterable[str], cells: str) -> str:
    """Return a plot with what there is to say of it, and a table to unfold."""
    told = "".join(f"<p>{escape(note, quote=False)}</p>" for note in notes)
    return (
        f"<figure><figcaption>{escape(title, quote=False)}</figcaption>{drawn}{told}"
        f"<details><summary>The figures</summary>{cells}</details></figure>"
    )


def listed(rows: list[Results]) -> str:
    """Return a table with a column for each key that a row has."""
    keys = [key for key in dict.fromkeys(key for row in rows for key in row) if key not in LEFT_OUT]
    keys = [key for key in keys if any(row.get(key) is not None for row in rows)]
    cells = ([count(row.get(key), key) for key in keys] for row in rows)
    return table(["what" if key == "row" else key for key in keys], cells)


def count(found: Any, key: str = "") -> str:
    """Return what a cell or a sentence says of what was counted or noted."""
    if found is None:
        return "-"
    if key == "bytes" or key.startswith("bytes of"):
        power = min(int(log10(found or 1)) // 3, len(UNITS) - 1)
        return shown(found / 1000**power, UNITS[power])
    if key == "date":
        return f"{date.fromisoformat(found):%-d %B %Y}"
    return shown(found, "") if isinstance(found, int | float) else str(found)


def table(head: Cells, rows: Iterable[Cells]) -> str:
    """Return an HTML table."""
    first = "".join(f'<th scope="col">{escape(cell, quote=False)}</th>' for cell in head)
    rest = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{first}</tr></thead><tbody>{rest}</tbody></table>"


def _cell(text: str) -> str:
    return f"<td>{escape(text, quote=False)}</td>"
