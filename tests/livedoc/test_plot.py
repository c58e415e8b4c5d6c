"""A plot shows each figure to scale, says it in text, and has no colour or size of its own."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from livedoc.plot import Bar, Spread, draw, shown, trace

BARS = [
    Bar("bare files", Spread(10, 20, 30), "floor"),
    Bar("<ours>", Spread(40, 50, 60), "ours"),
    Bar("a peer whose name is longer than a line of a phone", Spread(80, 90, 100), "peer"),
    Bar("exact", Spread(70, 70, 70), "other"),
]


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own


def attributes(svg: str, tag: str, kind: str) -> list[dict[str, str]]:
    return [element.attrib for element in parsed(svg).iter(tag) if kind in element.attrib["class"].split()]


def texts(svg: str) -> list[str | None]:
    return [element.text for element in parsed(svg).iter("text")]


@pytest.mark.parametrize(
    ("figure", "told"),
    [(0.7361, "0.736 µs"), (16.0, "16 µs"), (99.96, "100 µs"), (432, "432 µs"), (1095.4, "1,095 µs"), (0, "0 µs")],
)
def test_a_figure_has_three_digits_that_count_and_its_unit_beside_it(figure: float, told: str) -> None:
    assert shown(figure, "µs") == told.replace(" ", "\N{NO-BREAK SPACE}")
    assert shown(figure, "") == told.removesuffix(" µs")


def test_bars_are_to_scale_and_start_at_zero() -> None:
    for kind, width in ("ours", "49.50%"), ("peer", "89.10%"), ("other", "69.30%"):
        [bar] = attributes(draw("read", "µs", BARS), "rect", f"plot-{kind}")
        assert (bar["x"], bar["width"]) == ("0", width)


def test_a_whisker_spans_the_quartiles_where_they_differ() -> None:
    lines = attributes(draw("read", "µs", BARS), "line", "plot-whisker")
    spans = [(line["x1"], line["x2"]) for line in lines]
    ends = [[(end, end) for end in span] for span in (("39.60%", "59.40%"), ("79.20%", "99.00%"))]
    assert spans == [("39.60%", "59.40%"), *ends[0], ("79.20%", "99.00%"), *ends[1]]


def test_a_floor_is_a_line_across_every_row_and_no_bar() -> None:
    svg = draw("read", "µs", BARS)
    lines = attributes(svg, "line", "plot-floor")
    assert {(line["x1"], line["x2"]) for line in lines} == {("19.80%", "19.80%")}
    assert len(lines) == len(BARS)
    assert attributes(svg, "rect", "plot-floor") == []


def test_each_name_and_each_figure_is_text_and_a_long_name_is_broken() -> None:
    assert texts(draw("read", "µs", BARS)) == [
        *("bare files", "20\N{NO-BREAK SPACE}µs", "<ours>", "50\N{NO-BREAK SPACE}µs"),
        *("a peer whose name is longer than a", "line of a phone", "90\N{NO-BREAK SPACE}µs"),
        *("exact", "70\N{NO-BREAK SPACE}µs"),
    ]


def test_a_screen_reader_is_told_the_title_and_all_figures() -> None:
    svg = parsed(draw('a "read"', "µs", BARS))
    assert (svg.attrib["role"], svg.attrib["aria-label"]) == ("img", 'a "read"')
    told = svg.findtext("desc") or ""
    assert told.startswith("bare files 20\N{NO-BREAK SPACE}µs, <ours> 50")


@pytest.mark.parametrize(
    "svg", [draw("read", "µs", BARS), trace("memory", "MB", "requests", [(1, 38), (2, 40)])], ids=["bars", "line"]
)
def test_colours_and_widths_are_the_pages(svg: str) -> None:
    names = {name for element in parsed(svg).iter() for name in element.attrib}
    assert names.isdisjoint({"fill", "stroke", "style", "viewBox", "href"})
    assert parsed(svg).attrib["width"] == "100%"


def test_rows_do_not_overlap() -> None:
    svg = draw("read", "µs", BARS)
    lines = [float(name["y"].removesuffix("em")) for name in attributes(svg, "text", "plot-name")]
    bars = [float(element.attrib["y"].removesuffix("em")) for element in parsed(svg).iter("rect")]
    assert all(after - before > 1 for before, after in pairwise(lines))
    assert [sum(line < bar for line in lines) for bar in bars] == [2, 4, 5]
    assert max(bars) + 1 < float(parsed(svg).attrib["height"].removesuffix("em"))


def test_figures_that_are_all_zero_can_be_drawn() -> None:
    [bar] = attributes(draw("lost", "", [Bar("ours", Spread(0, 0, 0), "ours")]), "rect", "plot-ours")
    assert bar["width"] == "0.00%"


def test_a_line_starts_at_zero_on_both_axes() -> None:
    svg = trace("memory", "MB", "requests", [(100, 20), (200, 40)])
    [line] = attributes(svg, "line", "plot-trace")
    assert (line["x1"], line["x2"]) == ("49.50%", "99.00%")
    [ground] = attributes(svg, "line", "plot-whisker")
    top, bottom = (float(line[name].removesuffix("em")) for name in ("y2", "y1"))
    zero = float(ground["y1"].removesuffix("em"))
    assert zero - top == pytest.approx(2 * (zero - bottom))
    assert texts(svg) == ["40\N{NO-BREAK SPACE}MB", "0 requests", "200 requests"]
