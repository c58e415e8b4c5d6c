"""Finds out what is on the disk if a program dies before it does something to a file."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from contextlib import contextmanager
from io import IOBase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EVENTS = {"open": "open", "os.utime": "utime", "os.rename": "rename", "os.remove": "remove"}
"""Python's audit events, by which it announces what it's going to do, and what a page calls it."""
_watch: Callable[[str, Any], None] | None = None
_is_hooked = False


class Cut:
    """What was on the disk before the first operation of a kind, if there was one.

    Args:
        folder: The files that count. At the end it's put back to that moment.
        operation: Such as `rename`.
    """

    def __init__(self, folder: Path, operation: str) -> None:
        self.is_made = False
        self._folder = folder
        self._operation = operation
        self._lock = threading.Lock()

    @contextmanager
    def watched(self) -> Iterator[Cut]:
        """Have the program go on after the operation, which it can't tell from dying, and undo what it did to files."""
        global _watch  # noqa: PLW0603  # an audit hook can't be taken away, so there is one that asks here
        _hook()
        with TemporaryDirectory() as aside:
            self._aside = Path(aside, "disk")
            _watch = self._see
            sys.setprofile(_profile)
            try:
                yield self
            finally:
                sys.setprofile(None)
                _watch = None
                if self.is_made:
                    _replace(self._folder, self._aside)

    def _see(self, operation: str, path: Any) -> None:
        if operation != self._operation or not self._is_inside(path):
            return
        with self._lock:
            if not self.is_made:
                self.is_made = True
                shutil.copytree(self._folder, self._aside, symlinks=True)

    def _is_inside(self, path: Any) -> bool:
        if isinstance(path, int):  # a file that is open: which one, only some systems say
            return path > sys.__stderr__.fileno() if sys.__stderr__ else True
        return Path(os.fsdecode(path)).absolute().is_relative_to(self._folder)


@contextmanager
def threads_seen() -> Iterator[None]:
    """Also see what threads write that start in this context."""
    before = threading.getprofile()
    threading.setprofile(_profile)
    try:
        yield
    finally:
        threading.setprofile(cast("Any", before))


def _hook() -> None:
    global _is_hooked  # noqa: PLW0603  # as long as the interpreter
    if not _is_hooked:
        _is_hooked = True
        sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _watch is None or event not in EVENTS:
        return
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_CREAT | os.O_TRUNC)):
        return  # to open a file changes nothing, unless it's made or emptied
    _watch(EVENTS[event], arguments[0])


def _profile(_frame: object, event: str, called: Any) -> None:
    """Python announces no write, but calls a function for it."""
    if event != "c_call" or _watch is None or getattr(called, "__name__", "") != "write":
        return
    owner = getattr(called, "__self__", None)
    if owner is sys.modules.get(os.name):
        _watch("write", sys.maxsize)
    elif isinstance(owner, IOBase) and isinstance(name := getattr(owner, "name", None), str | bytes | int):
        _watch("write", name)


def _replace(folder: Path, other: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    shutil.copytree(other, folder, symlinks=True, dirs_exist_ok=True)
