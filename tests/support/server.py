"""A Redis or Valkey server for tests."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import redis
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE = 60  # seconds that a server may take for what takes it milliseconds


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} seconds"
        time.sleep(0.005)


class Server:
    """A server of our own on a free port. What it keeps on its disk survives `kill` and `start`."""

    def __init__(self, program: str, folder: Path, *options: str) -> None:
        assert shutil.which(program), f"{program} is not on the PATH: apt-get install {program}"
        self.folder = folder
        self.port = free_port()
        self._command = [
            *(program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", str(folder)),
            *("--logfile", str(folder / "log"), *options),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._admin = redis.Redis(port=self.port)

    def start(self) -> None:
        self._process = subprocess.Popen(self._command)
        wait_until(self._answers, f"{self._command[0]} answers")

    def do(self, *command: str | bytes | float) -> Any:
        """Send a command past everything that is tested."""
        return self._admin.execute_command(*command)  # type: ignore[no-untyped-call]

    def send_signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End the server as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.kill()
        self._admin.close()

    def stored(self) -> list[bytes]:
        """All keys."""
        return sorted(self.do("KEYS", "*"))

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        try:
            return bool(self.do("PING"))
        except RedisError:  # not yet, or still reading what it had written
            return False


@contextmanager
def running(program: str, folder: Path, *options: str) -> Iterator[Server]:
    """Start a server, and end it with the block."""
    with closing(Server(program, folder, *options)) as server:
        server.start()
        yield server
