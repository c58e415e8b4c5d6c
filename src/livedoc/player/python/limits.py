"""What a browser can't do, and what to write instead."""

from __future__ import annotations

import errno
import os
import re
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPING = 'Nobody can type into a program here. Put the value into the code, as in name = "Ada".'
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

NOTES: list[tuple[type[BaseException] | tuple[type[BaseException], ...], str, str]] = [
    (EOFError, "EOF when reading a line", TYPING),
    (RuntimeError, "can't start new thread", THREADS),
    ((OSError, NotImplementedError), "support processes|OS process APIs|Function not implemented", PROCESSES),
    ((OSError, NotImplementedError), "Exec format error|lacks multiprocessing", PROCESSES),
    (ModuleNotFoundError, "_multiprocessing|_interpreters", PROCESSES),
    ((OSError, NotImplementedError), "Host is unreachable|raw socket|Socket not connected|Not supported", CONNECTIONS),
    (RuntimeError, "from a running event loop|Already running asyncio|can't wait while an event loop", LOOPS),
]


def refuse_programs() -> None:
    """Let `os.system` raise an error where no program can start. It would only return a number that says so."""
    if sys.platform == "emscripten":
        os.system = _refuse


def _refuse(command: object) -> NoReturn:
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), command)


def note_for(error: BaseException) -> str | None:
    """What to tell the reader beside this error, if a browser is the reason for it."""
    for related in _chain(error):
        for kinds, words, note in NOTES:
            if isinstance(related, kinds) and re.search(words, str(related)):
                return note
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        yield following
        seen.append(following)
        following = following.__cause__ or following.__context__
