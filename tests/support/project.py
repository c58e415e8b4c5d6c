"""Where the parts of the project are, and a way to write files like them."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
SNIPPETS = PROJECT / "snippets"
PLAYER = PROJECT / "src" / "livedoc" / "player"


def write(folder: Path, path: str, text: str) -> Path:
    """Write a file, with the folders above it."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file
