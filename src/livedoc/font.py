"""Makes a font light: only the letters that a page in English has."""

from __future__ import annotations

import sys
from pathlib import Path

from livedoc.build import cached, run

# ASCII; a fixed space, a few of Latin-1; dashes, quotes, dots; arrows, comparisons. Browsers take others elsewhere.
LETTERS = "20-7E,A0,A9,B5,B7,D7,E9,2013,2014,2018-201D,2022,2026,2190-2193,2212,2260,2264,2265"
FEATURES = "ccmp,kern,liga,calt,mark"


def subset(project: Path, font: Path) -> Path:
    """The font with `LETTERS` only.

    Raises:
        BuildError: The file is no font.
    """

    def build(folder: Path) -> None:
        options = [f"--unicodes={LETTERS}", f"--layout-features={FEATURES}", "--flavor=woff2"]
        command = [sys.executable, "-m", "fontTools.subset", str(font), *options, f"--output-file={folder / font.name}"]
        run(command, "name a font in extra.livedoc.files of mkdocs.yml", cwd=project)

    return cached(project, "fonts", [font.read_bytes(), Path(__file__).read_bytes()], build) / font.name
