"""Gives each cell of a table the name of its column, for a screen where cells are below each other."""

from __future__ import annotations

import re
from html import escape, unescape
from itertools import count

TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)  # one with a class is laid out by what made it
NAME = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
ROW = re.compile(r"<tr>.*?</tr>", re.DOTALL)
CELL = re.compile(r"<td\b(?! data-column=)")
TAG = re.compile(r"<[^>]*>")


def labelled(html: str) -> str:
    """`html` with the name of its column in `data-column` of each cell."""
    return TABLE.sub(lambda table: _labelled(table[0]), html)


def _labelled(table: str) -> str:
    head, end, rest = table.partition("</thead>")
    names = [escape(" ".join(unescape(TAG.sub("", name)).split())) for name in NAME.findall(head)]
    return head + end + ROW.sub(lambda row: _row(row[0], names), rest)


def _row(row: str, names: list[str]) -> str:
    columns = count()
    return CELL.sub(lambda cell: f'{cell[0]} data-column="{names[next(columns)]}"', row)
