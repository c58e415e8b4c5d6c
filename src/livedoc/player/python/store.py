"""What a served program keeps: the files in its folder, and the values that its comments ask to see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from .records import formatted

if TYPE_CHECKING:
    from pathlib import Path

WATCH = re.compile(r"# Watch: (?P<expression>\S.*)")
"""The line of a script that names an expression to show after each request."""
MOST_FILES = 30
MOST_BYTES = 4096  # of each file
MOST_ROWS = 50  # of each mapping
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class StoredFile(NamedTuple):
    """A file as it is now."""

    path: str
    size: int
    head: bytes
    """Its first bytes."""
    seconds: float
    """When it was last modified, since 1970."""


class Watched(NamedTuple):
    """What an expression is worth now."""

    expression: str
    text: str
    """The value, or why there is none. For a mapping: what its rows leave out."""
    rows: list[tuple[str, str]] | None
    """The keys and values of a mapping."""


class Store(NamedTuple):
    """All that a program keeps."""

    files: list[StoredFile]
    """The ones that were modified last, by path."""
    unlisted: int
    """How many more there are."""
    watched: list[Watched]


def expressions_in(script: str) -> list[str]:
    """Return the expressions that the comments of a script ask to see."""
    lines = (WATCH.fullmatch(line) for line in script.split("\n"))
    return [line["expression"].rstrip() for line in lines if line]


def stored(folder: Path, expressions: list[str], names: dict[str, Any]) -> Store:
    """Return the files in a folder, and what expressions are worth where these names are known."""
    found = {path: path.stat() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}
    newest = sorted(found, key=lambda path: found[path].st_mtime_ns, reverse=True)[:MOST_FILES]
    files = [
        StoredFile(path.relative_to(folder).as_posix(), found[path].st_size, _head(path), found[path].st_mtime)
        for path in sorted(newest)
    ]
    return Store(files, len(found) - len(files), [watched(expression, names) for expression in expressions])


def watched(expression: str, names: dict[str, Any]) -> Watched:
    """Return what an expression is worth where these names are known: a mapping as rows, anything else as text."""
    try:
        value = eval(expression, names)  # noqa: S307  # it stands in the reader's own script
    except Exception as error:  # noqa: BLE001  # the reader is told, whichever it is
        return Watched(expression, f"[{type(error).__name__}: {formatted(error.__str__)}]", None)
    if not isinstance(value, Mapping):
        return Watched(expression, shown(value), None)
    try:
        rows = [(shown(key), shown(value[key])) for key in islice(value, MOST_ROWS)]
        more = len(value) - len(rows)
    except Exception as error:  # noqa: BLE001  # a mapping of the program's own may raise anything
        return Watched(expression, f"[{type(error).__name__} while this was read]", None)
    return Watched(expression, f"and {more} more" if more > 0 else "", rows)


def shown(value: object) -> str:
    """Return a value as text: a string as it is, bytes as text or else as hexadecimal numbers."""
    if isinstance(value, str):
        return formatted(lambda: value)
    if isinstance(value, bytes | bytearray | memoryview):
        return formatted(lambda: _decoded(bytes(value)))
    return formatted(lambda: repr(value))


def _decoded(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data.hex(" ")
    return data.hex(" ") if UNPRINTABLE.search(text) else text


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    except OSError:  # not even its owner may read some files
        return b""
