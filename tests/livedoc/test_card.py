"""A picture of a page says its title and what it is about, with room around both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageFont

from livedoc.card import EDGE, MARGIN, PAPER, ROOM, SIZE, Card, cut, draw, draw_cards, wrapped
from tests.support.project import PLAYER

if TYPE_CHECKING:
    from pathlib import Path

FONTS = PLAYER / "node_modules"
HEADING = FONTS / "@fontsource" / "besley" / "files" / "besley-latin-500-normal.woff2"
TEXT = FONTS / "@fontsource-variable" / "figtree" / "files" / "figtree-latin-wght-normal.woff2"
COAT = Card("coats/hang.md", "Hang up a coat", "Where the hook is.")
LONG = Card("a.md", "Hang up a coat that is wet " * 4, "Where the hook for a wet coat is, and why. " * 9)


def inked(card: Card) -> tuple[int, int, int, int]:
    """The box with all that is drawn beside the stub."""
    picture = draw(card, "Coats", HEADING, TEXT).convert("RGB").crop((0, 0, SIZE[0] - EDGE, SIZE[1]))
    ground = Image.new("RGB", picture.size, picture.getpixel((0, 0)) or PAPER)
    differing = [
        (at % picture.width, at // picture.width) for at, same in enumerate(_same(picture, ground)) if not same
    ]
    across, down = zip(*differing, strict=True)
    return min(across), min(down), max(across), max(down)


def _same(one: Image.Image, other: Image.Image) -> list[bool]:
    return [a == b for a, b in zip(one.get_flattened_data(), other.get_flattened_data(), strict=True)]


@pytest.mark.parametrize("card", [COAT, LONG], ids=["short", "long"])
def test_what_is_said_keeps_its_distance_from_the_edges(card: Card) -> None:
    left, top, right, bottom = inked(card)
    assert left >= MARGIN
    assert top >= 48
    assert right <= SIZE[0] - MARGIN
    assert bottom <= SIZE[1] - 32


def test_another_title_and_another_description_are_other_pictures() -> None:
    others = [Card(COAT.path, "Take a coat", COAT.description), Card(COAT.path, COAT.title, "Where the hat is.")]
    drawn = [draw(card, "Coats", HEADING, TEXT).tobytes() for card in (COAT, *others)]
    assert len(set(drawn)) == 3


def test_a_line_has_all_the_words_that_have_room() -> None:
    font = ImageFont.truetype(HEADING, 76)
    lines = wrapped(LONG.title, font)
    assert " ".join(lines) == LONG.title.strip()
    assert all(font.getlength(line) <= ROOM for line in lines)
    following = [line.split()[0] for line in lines[1:]]
    assert all(font.getlength(f"{line} {word}") > ROOM for line, word in zip(lines, following, strict=False))


def test_more_lines_than_there_is_room_for_end_with_dots() -> None:
    font = ImageFont.truetype(HEADING, 76)
    lines = wrapped(LONG.title, font)
    shown = cut(lines, 2, font)
    assert len(shown) == 2
    assert shown[1].endswith("…")
    assert font.getlength(shown[1]) <= ROOM
    assert cut(lines, len(lines), font) == lines


def test_each_card_is_a_picture_under_its_pages_path(tmp_path: Path) -> None:
    folder = draw_cards(tmp_path, "Coats", [COAT], HEADING, TEXT)
    with Image.open(folder / "coats" / "hang.png") as picture:
        assert picture.size == SIZE


def test_cards_are_drawn_again_when_one_says_something_else(tmp_path: Path) -> None:
    first = draw_cards(tmp_path, "Coats", [COAT], HEADING, TEXT)
    assert draw_cards(tmp_path, "Coats", [COAT], HEADING, TEXT) == first
    assert draw_cards(tmp_path, "Coats", [LONG], HEADING, TEXT) != first
    assert draw_cards(tmp_path, "Hats", [COAT], HEADING, TEXT) != first
