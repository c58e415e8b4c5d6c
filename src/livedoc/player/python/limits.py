"""What a browser can't do, and what to write instead."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from traceback import walk_tb
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

TYPING = 'Nobody can type into a program here. Put the value into the code, as in name = "Ada".'
DEBUGGER = 'Nobody can type into a debugger here. Print what you want to look at, as in print(f"{name=}").'
THREADS = (
    "A browser can't start threads. In an async function, await asyncio.to_thread(function) calls a function at once."
)
PROCESSES = "A browser can't start other programs. Run this with Python on your own computer."
CONNECTIONS = (
    "A browser can't open connections for a program. Call your app in the program itself, as with "
    "httpx2.ASGITransport(app), or run this with Python on your own computer."
)
LOOPS = (
    "The browser's event loop is running already, so a function can't wait for another one. "
    "Write asyncio.run(main()) outside of all functions, or await main() inside an async one."
)
WINDOWS = "A program can't open a page or a window here. Print the address instead."
OWN_FILE = "Here a program's own file isn't on the disk. inspect.getsource(function) returns the code of a function."
LIBRARY = (
    "A browser's Python comes without this part of the standard library. Run this with Python on your own computer."
)

ASKING = {"getpass": TYPING, "pdb": DEBUGGER}  # modules that wait for what somebody types, and say so in their own ways
OF_NOTHING = (ArithmeticError, EOFError, LookupError, StopIteration, ValueError)  # what a program makes of empty input
NOTES: list[tuple[type[BaseException] | tuple[type[BaseException], ...], str, str]] = [
    (EOFError, "EOF when reading a line", TYPING),
    (RuntimeError, "can't start new thread", THREADS),
    ((OSError, NotImplementedError), "support processes|OS process APIs|Function not implemented", PROCESSES),
    ((OSError, NotImplementedError), "Exec format error|lacks multiprocessing", PROCESSES),
    (ModuleNotFoundError, "_multiprocessing|_interpreters", PROCESSES),
    ((OSError, NotImplementedError), "Host is unreachable|raw socket|Socket not connected|Not supported", CONNECTIONS),
    (Exception, "Failed to fetch|NetworkError when attempting|Load failed", CONNECTIONS),  # as each browser has it
    (ImportError, "'window' from 'js'", WINDOWS),
    (RuntimeError, "from a running event loop|Already running asyncio|can't wait while an event loop", LOOPS),
]


class Keyboard(io.RawIOBase):
    """Standard input where nobody can type: there is nothing to read."""

    was_read = False

    def fileno(self) -> int:
        """As everywhere."""
        return 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, _: Buffer) -> int:
        """Read nothing."""
        self.was_read = True
        return 0


def refuse_programs() -> None:
    """Let `os.system` raise an error where no program can start. It would only return a number that says so."""
    if sys.platform == "emscripten":
        os.system = _refuse


def _refuse(command: object) -> NoReturn:
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), command)


def note_for(error: BaseException, filename: str, keyboard: Keyboard) -> str | None:
    """What to tell the reader beside this error of the script of this name, if a browser is the reason for it."""
    for related in _chain(error):
        for kinds, words, note in NOTES:
            if isinstance(related, kinds) and re.search(words, str(related)):
                return note
        for frame, _ in walk_tb(related.__traceback__):
            if asked := ASKING.get(frame.f_globals.get("__name__", "")):
                return asked
        if isinstance(related, ModuleNotFoundError) and related.name in sys.stdlib_module_names:
            return LIBRARY
        if isinstance(related, FileNotFoundError) and str(related.filename).endswith(filename):
            return OWN_FILE
    return TYPING if keyboard.was_read and isinstance(error, OF_NOTHING) else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        yield following
        seen.append(following)
        following = following.__cause__ or following.__context__
