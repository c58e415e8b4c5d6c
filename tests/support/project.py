"""Where the things are that tests look at."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
SNIPPETS = PROJECT / "snippets"
PLAYER = PROJECT / "src" / "livedoc" / "player"
