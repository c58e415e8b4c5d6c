"""What a snippet may need besides Python: a real program, started for its run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

START_LIMIT = 10.0
"""Seconds that a program may take until it answers."""


@contextmanager
def redis() -> Iterator[dict[str, str]]:
    """Start a Redis server of its own, and give `REDIS_URL`, the variable that tells where it listens.

    Raises:
        RuntimeError: There is no such program, or it does not answer.
    """
    program = which("redis-server")
    if program is None:
        raise RuntimeError("it needs Redis: install it, for example with `sudo apt-get install -y redis-server`")
    with tempfile.TemporaryDirectory() as folder:
        listening = Path(folder, "redis.sock")
        command = [program, "--port", "0", "--unixsocket", str(listening), "--dir", folder, "--save", ""]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, process_group=0) as process:  # noqa: S603  (our own)
            try:
                _wait_for(listening)
                yield {"REDIS_URL": f"unix://{listening}"}
            finally:
                # Asked to stop, Redis refuses while a child of it writes its first append-only file.
                os.killpg(process.pid, signal.SIGKILL)


SERVICES: dict[str, Callable[[], AbstractContextManager[dict[str, str]]]] = {"redis": redis}
"""By the name that a snippet's `# Needs:` line uses. Each gives the environment that the snippet finds it by."""


def _wait_for(listening: Path) -> None:
    until = time.monotonic() + START_LIMIT
    while True:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(listening))
            except OSError:
                if time.monotonic() > until:
                    raise RuntimeError(f"{listening.stem} did not start within {START_LIMIT:g} seconds") from None
                time.sleep(0.01)
            else:
                return
