"""A page names figures, and gets plots, tables and text from what a benchmark wrote down, or is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from markdown import Markdown

from livedoc.figures import fill
from livedoc.table import labelled

FILE = "results.json"
READ: dict[str, Any] = {
    "row": "request, read only",
    "unit": "µs",
    "coatcheck": {"coatcheck": [15.7, 16, 16.3]},
    "peers": {"Quick & small": [13.1, 13.3, 13.6], "Slow": [30, 31, 32]},
    "floors": {"bare": [0.719, 0.736, 0.746]},
    "others": {"another task": [1, 2, 3]},
    "compared": [
        {"with": "Quick & small", "ratio": [1.184, 1.208, 1.222], "at most": 0.7, "met": "no"},
        {"with": "bare", "ratio": [21.64, 21.911, 22.049], "at most": None, "met": None},
    ],
}
UNTOUCHED: dict[str, Any] = {
    "row": "request, untouched",
    "unit": "µs",
    "coatcheck": {"coatcheck": [2.31, 2.35, 2.4]},
    "compared": [{"with": None, "ratio": [2.321, 2.351, 3.1], "at most": 3.0, "met": "yes, within noise"}],
}
SERVER: dict[str, Any] = {
    "row": "server, read, requests per second",
    "better": "more",
    "unit": "requests/s",
    "coatcheck": {"coatcheck": [9100, 9300, 9400]},
    "peers": {"Slow": [8800, 9000, 9100], "Quick & small": [9900, 9990, 10000]},
    "compared": [],
}
WORKERS: dict[str, Any] = {
    "row": "2 workers on one directory, requests per second",
    "better": "more",
    "unit": "requests/s",
    "coatcheck": {"coatcheck": [3000, 3100.4, 3200]},
    "compared": [],
}
POINT = {"bytes per session": 4200, "calculated": 4203, "command": "make bench", "date": "2026-11-28"}
RESULTS: dict[str, Any] = {
    "date": "2026-11-28",
    "rounds": 21,
    "machine": {"processor": "AMD <EPYC>", "cores": 2},
    "rows": [READ, UNTOUCHED],
    "changes and logouts": {"coatcheck": {"lost": 0, "back": 0}, "Slow": {"lost": 999, "back": None}},
    "servers": {
        "about": "A server.",
        "rows": [SERVER],
        "workers": {"rows": [WORKERS], "changes": {"2 workers on one directory": {"changes": 1939, "lost": 0}}},
    },
    "crowded": {
        "date": "2026-11-29",
        "rows": [
            {
                "row": "directory with 1,000,000 sessions against 1,000, read",
                "unit": "µs",
                "coatcheck": {"coatcheck with 1,000,000 sessions": [310, 320, 330]},
                "floors": {"coatcheck with 1,000 sessions": [300, 310, 320]},
                "compared": [
                    {"with": "coatcheck with 1,000 sessions", "ratio": [1.01, 1.03, 1.06], "at most": 1.3, "met": "yes"}
                ],
            }
        ],
    },
    "growth": {
        "unit": "MB",
        "rows": [{"row": "one client", "requests": [100000, 200000], "resident": [38.1, 38.2], "grown": 0.1}],
    },
    "capacity": {
        "rows": [
            {
                "row": "directory, 100 B",
                "storage": "directory",
                "payload": 100,
                "formula": "a block",
                "points": [{"sessions": 1000, "bytes": 4200000, "inodes": 1001, **POINT}],
            }
        ],
        "reasoned": {
            "rows": [
                {"row": "directory, 100 B", "storage": "directory", "sessions": 1000, "bytes": 1},
                {
                    "row": "directory, 100 B",
                    "storage": "directory",
                    "sessions": 10**8,
                    "bytes": 420300000000,
                    "bytes of an ext4": 1638400000000,
                },
            ],
        },
    },
}


PARTS = ("coatcheck", "rival", "ratio", "target", "reached", "met")


def filled(markdown: str) -> str:
    text, wrong = fill(markdown, RESULTS, FILE)
    assert wrong == []
    return text


def html(markdown: str) -> str:
    """What the site makes of it, as a reader sees it, with an ordinary space between a figure and its unit."""
    text = Markdown(extensions=["md_in_html", "tables"]).convert(filled(markdown))
    return re.sub(r"&#(\d+);", lambda letter: chr(int(letter[1])), text).replace("\N{NO-BREAK SPACE}", " ")


def refusals(markdown: str) -> list[str]:
    return [f"{line}: {error}" for line, error in fill(markdown, RESULTS, FILE)[1]]


def cells(markdown: str) -> list[list[str]]:
    rows = html(markdown).split("<tbody>")[1].split("</tbody>")[0].split("<tr>")[1:]
    return [
        [cell.split(">", 1)[1].removesuffix("</td>") for cell in row.split("</tr>")[0].split("<td")[1:]] for row in rows
    ]


# Within a sentence


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("request, read only: coatcheck", "16 µs"),
        ("request, read only: Quick & small", "13.3 µs"),
        ("request, read only: bare", "0.736 µs"),
        ("request, read only: rival", "Quick &amp; small"),
        ("request, read only: ratio", "1.21"),
        ("request, read only: met", "not met"),
        ("request, read only: target", "at most 0.70 times Quick &amp; small"),
        ("request, untouched: reached", "2.35 µs (2.32 µs to 3.1 µs)"),
        ("request, untouched: met", "met, within noise"),
        ("server, read, requests per second: coatcheck", "9,300 requests/s"),
        ("date", "28 November 2026"),
        ("rounds", "21"),
        ("crowded: date", "29 November 2026"),
        ("directory with 1,000,000 sessions against 1,000, read: ratio", "1.03"),
        ("machine: processor", "AMD &lt;EPYC&gt;"),
        ("changes and logouts: Slow: lost", "999"),
        ("servers: about", "A server."),
        ("2 workers on one directory: changes", "1,939"),
        ("one client: grown", "0.1"),
        ("directory, 100 B, 1,000 sessions: bytes", "4.2 MB"),
        ("directory, 100 B, 100,000,000 sessions: bytes", "420 GB"),
    ],
)
def test_a_sentence_says_what_was_measured(path: str, told: str) -> None:
    assert html(f"It is {{{{ {path} }}}}, says the page.") == f"<p>It is {told}, says the page.</p>"


def test_a_figure_may_be_named_across_two_lines() -> None:
    assert html("It is {{ one\nclient: grown }} MB.") == "<p>It is 0.1 MB.</p>"


def test_a_figure_at_the_start_of_a_line_begins_no_list() -> None:
    item = html("- Lost:\n  {{ changes and logouts: coatcheck: lost }}. Good.")
    assert "".join(item.split()) == "<ul><li>Lost:0.Good.</li></ul>"


@pytest.mark.parametrize("code", ["`{{ date }}`", "```text\n{{ date }}\n```", "````text\n```plot\nx\n```\n````"])
def test_code_stays_as_it_is(code: str) -> None:
    assert filled(f"Write this:\n\n{code}\n") == f"Write this:\n\n{code}\n"


# Plots


def test_a_plot_names_every_contender_the_best_first_with_the_verdict_and_a_table() -> None:
    page = html("```plot\nrequest, read only\n```\n\nAfter it.")
    assert page.count("<figure>") == page.count("<svg") == page.count("<details>") == 1
    assert "<figcaption>request, read only</figcaption>" in page
    assert (
        "<p>1.21 times Quick &amp; small (1.18 to 1.22); target at most 0.70 times Quick &amp; small: not met</p>"
        in page
    )
    assert "<p>21.91 times bare (21.64 to 22.05)</p>" in page
    assert [row[0] for row in cells("```plot\nrequest, read only\n```")] == [
        *("bare", "another task", "Quick &amp; small", "coatcheck", "Slow"),
    ]
    assert cells("```plot\nrequest, read only\n```")[3] == ["coatcheck", "16 µs", "15.7 to 16.3"]
    assert page.endswith("<p>After it.</p>")


def test_of_requests_per_second_the_most_come_first() -> None:
    names = [row[0] for row in cells("```plot\nserver, read, requests per second\n```")]
    assert names == ["Quick &amp; small", "coatcheck", "Slow"]


def test_a_fence_has_a_plot_for_each_line() -> None:
    assert filled("```plot\nrequest, read only\nrequest, untouched\n```").count("<figure>") == 2


def test_growth_is_drawn_as_a_line_and_capacity_beside_what_was_calculated() -> None:
    assert cells("```plot\none client\n```") == [["100,000", "38.1 MB"], ["200,000", "38.2 MB"]]
    assert "plot-trace" in filled("```plot\none client\n```")
    assert cells("```plot\ndirectory, 100 B\n```") == [["1,000 sessions", "4,200 B"], ["calculated", "4,203 B"]]


# Tables


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        (
            "targets",
            [
                [
                    "request, read only",
                    "at most 0.70 times Quick &amp; small",
                    "1.21 times Quick &amp; small (1.18 to 1.22)",
                    "not met",
                ],
                ["request, untouched", "at most 3 µs", "2.35 µs (2.32 µs to 3.1 µs)", "met, within noise"],
                [
                    "directory with 1,000,000 sessions against 1,000, read",
                    "at most 1.30 times coatcheck with 1,000 sessions",
                    "1.03 times coatcheck with 1,000 sessions (1.01 to 1.06)",
                    "met",
                ],
            ],
        ),
        (
            "ahead",
            [
                ["request, read only", "16 µs", "Quick &amp; small 13.3 µs"],
                ["server, read, requests per second", "9,300 requests/s", "Quick &amp; small 9,990 requests/s"],
            ],
        ),
        ("changes and logouts", [["coatcheck", "0", "0"], ["Slow", "999", "-"]]),
        (
            "servers",
            [["server, read, requests per second", "9,300 requests/s", "9,000 requests/s", "9,990 requests/s"]],
        ),
        ("workers", [["2 workers on one directory, requests per second", "3,100 requests/s"]]),
        ("workers: changes", [["2 workers on one directory", "1,939", "0"]]),
        ("formulas", [["directory, 100 B", "a block"]]),
        (
            "measured: directory",
            [["directory, 100 B", "1,000", "1,001", "4,200", "4,203", "28 November 2026"]],
        ),
        (
            "reasoned: directory",
            [["directory, 100 B", "1,000", "1 B", "-"], ["directory, 100 B", "100,000,000", "420 GB", "1.64 TB"]],
        ),
    ],
)
def test_a_table_has_what_was_found(name: str, rows: list[list[str]]) -> None:
    assert cells(f"```table\n{name}\n```") == rows


def test_a_cell_carries_the_title_of_its_column() -> None:
    assert '<td data-column="target">at most 3' in labelled(filled("```table\ntargets\n```"))


# What is refused


def test_an_unknown_row_is_refused_with_its_line_and_the_fix() -> None:
    page = "# Fast\n\n```plot\nrequest, read only\nrequest, read onyl\n```\n"
    assert refusals(page) == [
        "5: results.json: there is no row `request, read onyl`: did you mean `request, read only`?"
    ]


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("{{ rouns }}", "there is no row or fact `rouns`: did you mean `rounds`?"),
        (
            "{{ request, read only: Quik & small }}",
            "there is no `Quik & small` in `request, read only`: did you mean `Quick & small`?",
        ),
        (
            "{{ request, untouched }}",
            "`request, untouched` is more than one figure: name one of "
            + ", ".join(f"`request, untouched: {part}`" for part in PARTS),
        ),
        ("{{ rows }}", "`rows` is more than one figure: show it with a fence `plot` or `table`"),
        ("```table\ntarget\n```", "there is no table `target`: did you mean `targets`?"),
    ],
)
def test_what_was_not_measured_is_refused(text: str, refusal: str) -> None:
    [found] = refusals(text)
    assert found.split(": ", 2)[2] == refusal


def test_without_results_everything_is_refused() -> None:
    _, [(line, error)] = fill("{{ date }}", {}, FILE)
    assert (line, str(error)) == (
        1,
        "results.json: there is no row or fact `date`: name one that is there, or run `make bench`",
    )
