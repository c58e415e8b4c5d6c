"""Fonts hold the letters that the pages have, and no others."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # it ships no types

from livedoc.build import BuildError
from livedoc.font import subset
from tests.support.project import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

FONTS = [PROJECT / name for name in re.findall(r"woff2: (\S+)", (PROJECT / "mkdocs.yml").read_text())]


class Text(HTMLParser):
    """The letters of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.letters: set[int] = set()
        self.feed(file.read_text())

    def handle_data(self, data: str) -> None:
        self.letters |= {ord(letter) for letter in data}


def letters(font: Path) -> set[int]:
    with TTFont(font) as opened:
        return set(opened.getBestCmap())


@pytest.mark.parametrize("font", FONTS, ids=[font.name for font in FONTS])
def test_a_page_loses_no_letter(font: Path, site: Path) -> None:
    shown = set[int]().union(*(Text(page).letters for page in site.rglob("*.html")))
    kept = letters(subset(PROJECT, font))
    assert {chr(letter) for letter in shown & letters(font) - kept} == set()
    assert set(map(ord, "azAZ09\N{EN DASH}\N{RIGHT SINGLE QUOTATION MARK}")) <= kept


@pytest.mark.parametrize("font", FONTS, ids=[font.name for font in FONTS])
def test_a_font_becomes_light(font: Path) -> None:
    assert subset(PROJECT, font).stat().st_size < 0.8 * font.stat().st_size


def test_a_variable_font_stays_one() -> None:
    [figtree] = (font for font in FONTS if "variable" in str(font))
    with TTFont(subset(PROJECT, figtree)) as opened:
        assert "fvar" in opened


def test_a_file_that_is_not_a_font_is_refused(tmp_path: Path) -> None:
    (tmp_path / "coat.woff2").write_text("a coat")
    with pytest.raises(BuildError, match=r"extra\.livedoc\.files"):
        subset(tmp_path, tmp_path / "coat.woff2")
