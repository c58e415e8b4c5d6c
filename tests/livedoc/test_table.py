"""Each cell of a table carries the name of its column."""

from __future__ import annotations

import re

from markdown import Markdown

from livedoc.table import labelled


def columns(markdown: str) -> list[str]:
    return re.findall(r'<td [^>]*data-column="([^"]*)"', labelled(Markdown(extensions=["tables"]).convert(markdown)))


def test_each_cell_has_the_name_of_its_column() -> None:
    assert columns("| coat | hook |\n|---|---|\n| duffel | 1 |\n| parka | 2 |") == ["coat", "hook", "coat", "hook"]


def test_each_table_has_its_own_names() -> None:
    assert columns("| coat |\n|---|\n| duffel |\n\nAnd hats:\n\n| hat |\n|---|\n| bowler |") == ["coat", "hat"]


def test_a_name_is_text_without_its_elements() -> None:
    assert columns('| a **warm** `"coat"` & <b>hat</b> |\n|---|\n| x |') == ["a warm &quot;coat&quot; &amp; hat"]


def test_a_cell_keeps_its_alignment_and_what_is_in_it() -> None:
    table = labelled(Markdown(extensions=["tables"]).convert("| hook |\n|---:|\n| `1` |"))
    assert '<td data-column="hook" style="text-align: right;"><code>1</code></td>' in table


def test_a_cell_that_is_left_out_is_empty_and_has_a_name() -> None:
    assert columns("| coat | hook |\n|---|---|\n| duffel |") == ["coat", "hook"]


def test_the_names_themselves_and_other_tables_are_left_alone() -> None:
    assert "data-column" not in labelled("<table><thead><tr><th>coat</th></tr></thead></table>")
    other = '<table class="numbers"><tr><td>1</td></tr></table><p>td</p>'
    assert labelled(other) == other
