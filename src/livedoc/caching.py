"""Writes `_headers`, which says what a browser may keep without asking again: each file by its own path."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

# Material's files with a hash of their content in their names.
HASHED = ("assets/stylesheets/*", "assets/javascripts/bundle.*", "assets/javascripts/workers/search.*")
# A page names all else by its content, so only the page can be old: a browser asks whether there is a newer one.
ASKED_FOR = "public, max-age=0, must-revalidate"
KEPT = "public, max-age=31536000, immutable"


def write_headers(site: Path, player: str) -> None:
    """Add `_headers` to a built site; all files of the folder `player` have a hash in their names.

    A host sends the headers of a folder's rule with a 404 as well, and a browser would then keep the error for a year.
    No rule here holds for a file that is missing. Of a header that several rules set, the last one counts.
    """
    paths = [file.relative_to(site).as_posix() for file in sorted(site.rglob("*")) if file.is_file()]
    kept = [path for path in paths if any(fnmatchcase(path, pattern) for pattern in (f"{player}*", *HASHED))]
    rules = {"/*": ASKED_FOR} | {f"/{quote(path)}": KEPT for path in kept}
    (site / "_headers").write_text("".join(f"{path}\n  Cache-Control: {value}\n" for path, value in rules.items()))
