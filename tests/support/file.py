"""The files of this process: which are open, and how large one may grow."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def open_files(place: Path) -> list[int]:
    """Return the descriptors that this process holds in `place`."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the descriptor of this very listing
            if str(entry.readlink()).startswith(str(place)):
                found.append(int(entry.name))
    return found


@contextmanager
def limited_files(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes: the system then refuses as if the disk was full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


@contextmanager
def descriptors_left(number: int) -> Iterator[None]:
    """Let this process open `number` files more, and none after them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.open(os.devnull, os.O_RDONLY)]
    highest = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    while taken[-1] < highest:  # the limit is on the number of a descriptor, so no lower one may be free
        taken.append(os.dup(taken[0]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken[-1] + 1 + number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for file in taken:
            os.close(file)
