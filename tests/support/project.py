"""Where the things are that tests look at, and folders like them."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
SNIPPETS = PROJECT / "snippets"
PLAYER = PROJECT / "src" / "livedoc" / "player"


def write(folder: Path, path: str, text: str) -> Path:
    """The file at this path in the folder, with this text."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file
