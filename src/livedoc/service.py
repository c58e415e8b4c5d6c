"""What a snippet may need besides Python: a real program, started for its run."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

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


@contextmanager
def postgresql() -> Iterator[dict[str, str]]:
    """Start a PostgreSQL server of its own, and give `DATABASE_URL`, the variable that tells where it listens.

    Raises:
        RuntimeError: There is no such program, or it does not answer.
    """
    initdb, server = _executable("initdb"), _executable("postgres")
    if initdb is None or server is None:
        raise RuntimeError("it needs PostgreSQL: install it, for example with `sudo apt-get install -y postgresql`")
    with tempfile.TemporaryDirectory() as folder:
        user: dict[str, Any] = {}
        if os.geteuid() == 0:  # as which neither program runs
            owner = pwd.getpwnam("nobody")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": ()}
        data = str(Path(folder, "data"))
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        made = subprocess.run(  # noqa: S603  (our own)
            [initdb, "-D", data, *options], cwd=folder, capture_output=True, text=True, check=False, **user
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        settings = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB"]
        command = [server, "-D", data, "-k", folder, *settings]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(  # noqa: S603  (our own)
            command, cwd=folder, stdout=quiet, stderr=quiet, process_group=0, **user
        ) as process:
            try:
                _wait_for(Path(folder, ".s.PGSQL.5432"))
                yield {"DATABASE_URL": f"postgresql://postgres@/postgres?host={folder}"}
            finally:
                # At once. Its children are in groups of their own, and it ends them before it ends itself.
                os.killpg(process.pid, signal.SIGQUIT)


SERVICES: dict[str, Callable[[], AbstractContextManager[dict[str, str]]]] = {
    "postgresql": postgresql,
    "redis": redis,
}
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


def _executable(name: str) -> str | None:
    """Return where a program of PostgreSQL is. Debian has them outside the PATH, in a folder per version."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return which(name) or which(name, path=os.pathsep.join(map(str, reversed(versions))))
