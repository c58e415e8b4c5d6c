"""A plot of figures: bars, as an SVG that takes its colours and its width from the page."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import pairwise
from textwrap import wrap
from typing import Literal, NamedTuple

Kind = Literal["ours", "peer", "floor", "other"]

LONGEST = 34  # characters of a name that fit beside a figure on a phone
LINE, BAR, WHISKER, GAP = 1.4, 0.55, 0.5, 0.6  # em, from top to bottom
UNDER = 0.4  # em, between the foot of a line's letters and its end
HEIGHT = 5  # em, of a line that goes up and down
NEAR = "\N{NO-BREAK SPACE}"
WIDTH = 99  # per cent: the longest bar and the thickness of what ends it


class Spread(NamedTuple):
    """A median between its quartiles."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Bar:
    """What is drawn of one contender."""

    name: str
    spread: Spread
    kind: Kind
    """A floor is a line across all bars."""


def shown(figure: float, unit: str) -> str:
    """Return a figure with three digits that count, its thousands apart and its unit beside it on one line."""
    short = float(f"{figure:.3g}") if figure < 1000 else round(figure)  # noqa: PLR2004
    return f"{int(short) if short == int(short) else short:,}{unit and f'{NEAR}{unit}'}"


def draw(title: str, unit: str, bars: list[Bar]) -> str:
    """Return the SVG of these bars, in this order. All text in it is text, and its shapes are told apart by form."""
    full = max(bar.spread.high for bar in bars) or 1
    parts, tops, bottom = [], [], 0.0
    for bar in bars:
        names = wrap(bar.name, LONGEST)
        kind = f"plot-name plot-name-{bar.kind}"
        parts += [_text("0", bottom + LINE * (line + 1) - UNDER, name, kind) for line, name in enumerate(names)]
        parts.append(_text("100%", bottom + LINE - UNDER, shown(bar.spread.middle, unit), "plot-figure"))
        bottom += LINE * len(names)
        tops.append(bottom)
        low, middle, high = (WIDTH * figure / full for figure in bar.spread)
        if bar.kind != "floor":
            parts.append(_bar(bottom, middle, bar.kind))
        if low < high and bar.kind != "floor":
            parts += _whisker(bottom + BAR + WHISKER / 2, low, high)
        bottom += BAR + WHISKER + GAP
    for floor in (bar for bar in bars if bar.kind == "floor"):
        across = WIDTH * floor.spread.middle / full
        parts += [_line(across, top - 0.1, across, top + BAR + WHISKER + 0.1, "plot-floor") for top in tops]
    told = ", ".join(f"{bar.name} {shown(bar.spread.middle, unit)}" for bar in bars)
    return _svg(title, told, bottom - GAP / 2, parts)


def trace(title: str, unit: str, across: str, points: list[tuple[float, float]]) -> str:
    """Return the SVG of a line through these points, above zero. `across` is what is counted from left to right."""
    right, full = points[-1][0], max(y for _, y in points) or 1
    places = [(WIDTH * x / right, LINE + HEIGHT * (1 - y / full)) for x, y in points]
    ground = LINE + HEIGHT
    parts = [_line(*start, *end, "plot-trace") for start, end in pairwise(places)]
    parts.append(_line(0, ground, WIDTH, ground, "plot-whisker"))
    parts.append(_text("100%", LINE - UNDER, shown(points[-1][1], unit), "plot-figure"))
    parts.append(_text("0", ground + LINE, f"0 {across}", "plot-name"))
    parts.append(_text("100%", ground + LINE, f"{shown(right, '')} {across}", "plot-end"))
    told = ", ".join(f"{shown(y, unit)} after {shown(x, '')} {across}" for x, y in points)
    return _svg(title, told, ground + LINE * 1.5, parts)


def _svg(title: str, told: str, height: float, parts: list[str]) -> str:
    return (
        f'<svg role="img" aria-label="{escape(title)}" width="100%" height="{height:.2f}em">'
        f"<desc>{escape(told)}</desc>{''.join(parts)}</svg>"
    )


def _text(x: str, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y:.2f}em">{escape(text)}</text>'


def _bar(y: float, width: float, kind: str) -> str:
    return f'<rect class="plot-{kind}" x="0" y="{y:.2f}em" width="{width:.2f}%" height="{BAR}em"/>'


def _whisker(y: float, low: float, high: float) -> list[str]:
    ends = [_line(end, y - 0.15, end, y + 0.15, "plot-whisker") for end in (low, high)]
    return [_line(low, y, high, y, "plot-whisker"), *ends]


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.2f}%" y1="{y1:.2f}em" x2="{x2:.2f}%" y2="{y2:.2f}em"/>'
