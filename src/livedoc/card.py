"""Draws the picture that other sites show beside a link to a page: its title and what it is about."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import PIL
from PIL import Image, ImageDraw, ImageFont

from livedoc.build import cached

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE = (1200, 630)  # what sites that show links ask for
MARGIN = 96
ROOM = SIZE[0] - 2 * MARGIN
PAPER, INK, SOFT, ACCENT = "#f6f1e6", "#221c15", "#5e5444", "#b98a2e"
EDGE = 56  # the width of a ticket's stub
NAME_SIZE = 40
TITLE_SIZES, TITLE_LINES = (76, 64, 54), 3
TEXT_SIZE, TEXT_LINES, TEXT_WEIGHT = 32, 3, 400
LINE, TEXT_LINE = 1.16, 1.4  # the heights of lines, of the size of their letters
FOOT = 56


@dataclass(frozen=True)
class Card:
    """What a picture says."""

    path: str
    """Of the page's file."""
    title: str
    description: str

    @property
    def name(self) -> str:
        """The path of the picture."""
        return str(PurePosixPath(self.path).with_suffix(".png"))


def draw_cards(project: Path, site_name: str, cards: Sequence[Card], heading: Path, text: Path) -> Path:
    """The folder with the picture of each card, in these two fonts."""

    def build(folder: Path) -> None:
        for card in cards:
            file = folder / card.name
            file.parent.mkdir(parents=True, exist_ok=True)
            draw(card, site_name, heading, text).save(file)

    said = json.dumps([site_name, PIL.__version__, *map(asdict, cards)]).encode()
    return cached(project, "cards", [said, *(file.read_bytes() for file in (heading, text, Path(__file__)))], build)


def draw(card: Card, site_name: str, heading: Path, text: Path) -> Image.Image:
    """The picture of one card."""
    image = Image.new("RGB", SIZE, PAPER)
    pen = ImageDraw.Draw(image)
    _draw_stub(pen)
    pen.text((MARGIN, 64), site_name, SOFT, ImageFont.truetype(heading, NAME_SIZE))
    large, lines = _fitting(card.title, heading)
    top = 150.0
    for line in lines:
        pen.text((MARGIN, top), line, INK, large)
        top += large.size * LINE
    body = ImageFont.truetype(text, TEXT_SIZE)
    body.set_variation_by_axes([TEXT_WEIGHT])
    told = cut(wrapped(card.description, body), TEXT_LINES, body)
    top = SIZE[1] - FOOT - len(told) * TEXT_SIZE * TEXT_LINE
    for line in told:
        pen.text((MARGIN, top), line, SOFT, body)
        top += TEXT_SIZE * TEXT_LINE
    return image.quantize(32, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def wrapped(words: str, font: ImageFont.FreeTypeFont) -> list[str]:
    """`words` in lines that are no wider than a card has room for, unless a single word is."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= ROOM:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line]


def cut(lines: list[str], most: int, font: ImageFont.FreeTypeFont) -> list[str]:
    """The first lines, with dots at the end if there are more than `most`."""
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    while font.getlength(f"{last}…") > ROOM:
        last = last.rpartition(" ")[0]
    return [*lines[: most - 1], f"{last}…"]


def _fitting(title: str, heading: Path) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    """The largest font in which the title has room, and its lines."""
    for size in TITLE_SIZES:
        font = ImageFont.truetype(heading, size)
        lines = wrapped(title, font)
        if len(lines) <= TITLE_LINES and all(font.getlength(line) <= ROOM for line in lines):
            break
    return font, cut(lines, TITLE_LINES, font)


def _draw_stub(pen: ImageDraw.ImageDraw) -> None:
    """The end of a ticket that is torn off at the door."""
    width, height = SIZE
    pen.rectangle((width - EDGE, 0, width, height), ACCENT)
    for top in range(0, height, 30):
        pen.line((width - EDGE + 12, top, width - EDGE + 12, top + 15), PAPER, 4)
