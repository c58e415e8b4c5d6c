"""How a program ended, as its reader should see it."""

from __future__ import annotations

import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

File: TypeAlias = tuple[str, int, bytes]
"""A file's path in the process's folder, its size and its first bytes."""

MOST_FRAMES = 2000  # of each exception; a program that calls itself without end may have a million
MOST_CHARACTERS = 200_000  # of a traceback, whose message may hold all that a program has
MOST_NAME = 200  # characters of an exception's name
MOST_FILES = 20
MOST_BYTES = 4096  # of each


class Failure(NamedTuple):
    """An exception that the program did not catch."""

    traceback: str
    """Python's own, reduced to the frames of the script."""
    error: str
    """The name of the exception."""
    line: int | None
    """Where in the script, counted from 1."""


class Ending(NamedTuple):
    """How a program ended."""

    failure: Failure | None
    files: list[File]
    unlisted: int
    """How many more files there are."""
    imported: list[str]
    """The modules that it imported, in this order, as far as they would be the same for any program."""


def failure_of(error: BaseException, filename: str) -> Failure:
    """Describe an exception by what it says about the script of this name."""
    shown = traceback.TracebackException.from_exception(error, limit=-MOST_FRAMES)
    _keep_frames_of(filename, shown)
    lines = [frame.lineno for frame in shown.stack]
    if isinstance(error, SyntaxError) and error.filename == filename:
        lines.append(error.lineno)
    return Failure(_cut("".join(shown.format())), type(error).__name__[:MOST_NAME], lines[-1] if lines else None)


def _cut(text: str) -> str:
    """Leave out the middle of a long text: the frames are at its beginning, and the end of the message at its end."""
    left_out = len(text) - MOST_CHARACTERS
    half = MOST_CHARACTERS // 2
    return f"{text[:half]}\n[{left_out} characters are left out]\n{text[-half:]}" if left_out > 0 else text


def _keep_frames_of(filename: str, shown: traceback.TracebackException) -> None:
    shown.stack = traceback.StackSummary.from_list([frame for frame in shown.stack if frame.filename == filename])
    for related in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        if related is not None:
            _keep_frames_of(filename, related)


def files_in(folder: Path) -> tuple[list[File], int]:
    """Return the first files of a folder and its subfolders, and how many more there are."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    files: list[File] = []
    for path in found[:MOST_FILES]:
        with suppress(OSError), path.open("rb") as file:  # not even its owner may read some files
            files.append((path.relative_to(folder).as_posix(), path.stat().st_size, file.read(MOST_BYTES)))
    return files, len(found) - len(files)
