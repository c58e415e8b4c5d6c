"""Threads that all run at once, each with an event loop of its own."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

PATIENCE = 60.0  # seconds


@contextmanager
def hasty_threads() -> Iterator[None]:
    """Let threads take turns as often as they can, so that what is not one step comes apart."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def run_in_threads(works: Sequence[Callable[[], Awaitable[Any]]], backend: str) -> None:
    """Run each in a thread and an event loop of its own, all at once, and raise what one of them raised.

    They take turns quickly once all of them run: a thread that begins is given the tracer of the coverage, and Python
    refuses it to one that comes in the middle of another's.
    """
    errors: list[BaseException] = []
    begun = Barrier(len(works) + 1)

    def run(work: Callable[[], Awaitable[Any]]) -> None:
        begun.wait(PATIENCE)
        try:
            anyio.run(work, backend=backend)
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    threads = [Thread(target=run, args=[work], daemon=True) for work in works]
    for thread in threads:
        thread.start()
    begun.wait(PATIENCE)
    with hasty_threads():
        for thread in threads:
            thread.join(PATIENCE)
    for error in errors:
        raise error
    assert not any(thread.is_alive() for thread in threads)
