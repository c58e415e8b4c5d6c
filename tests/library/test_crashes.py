"""Several processes on one directory: none undoes what another did, and nobody waits for one that was killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from typing import TYPE_CHECKING

import anyio
import pytest

from coatcheck import CurrentSession, SessionNotFound, SessionStorageDirectory, cookie, read_bytes, write_bytes
from tests.support.client import visit
from tests.support.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CRASHES = PROJECT / "tests" / "benchmarks" / "crashes"
PROCESSES = 4
INCREMENTS = 100


# --- killed at any moment -------------------------------------------------------------------------------------------


def test_two_hundred_kills_lose_nothing_and_lock_nobody_out() -> None:
    command = [sys.executable, str(CRASHES), "--rounds", "200"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (found,) = re.findall(r"\| all \| 200 \| (\d+) \| 0 \| (\d+) \| (\d+) \|", ended.stdout)
    # Kills came after, between and amid changes.
    assert all(int(number) > 0 for number in found), ended.stdout


# --- at once --------------------------------------------------------------------------------------------------------

# Does the same work in several processes, from the moment when it is told to.
SWARM = f"""
import os, signal, sys, traceback
from dataclasses import dataclass
import anyio
from coatcheck import *

WORK

directory = SessionStorageDirectory(sys.argv[1])
anyio.run(anyio.sleep, 0, backend=sys.argv[2])  # loads what all need
for number in range({PROCESSES}):
    if not os.fork():
        try:
            signal.alarm(100)  # should the test be killed
            os.write(1, b"!")
            os.read(0, 1)
            anyio.run(work, number, backend=sys.argv[2])
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
sys.exit(sum(os.waitpid(-1, 0)[1] != 0 for _ in range({PROCESSES})))
"""


@contextmanager
def swarm(work: str, root: Path, backend: str) -> Iterator[subprocess.Popen[bytes]]:
    """Let several processes do this work; killed at the end if they are still at it."""
    script = SWARM.replace("WORK", textwrap.dedent(work))
    command = [sys.executable, "-c", script, str(root), backend]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as running:
        try:
            assert running.stdin is not None
            assert running.stdout is not None
            assert running.stdout.read(PROCESSES) == b"!" * PROCESSES
            running.stdin.write(bytes(PROCESSES))
            running.stdin.flush()
            yield running
        finally:
            with suppress(ProcessLookupError):  # they have ended
                os.killpg(running.pid, signal.SIGKILL)


def stored(number: int) -> bytes:
    """What processes store as this number: of many sizes, and the same from end to end."""
    return b"%d " % number * (1 + number % 3 * 20_000)


COUNT = f"""
    def counted(data):
        number = int(data.split(b" ", 1)[0]) + 1
        return b"%d " % number * (1 + number % 3 * 20_000)

    async def work(_):
        for _ in range({INCREMENTS}):
            await directory.update("counter", counted)
"""


async def test_processes_that_update_at_once_lose_no_update_and_are_seen_to_count_up(
    directory: SessionStorageDirectory, root: Path, anyio_backend: str
) -> None:
    await write_bytes(directory, "counter", stored(0))
    seen = [0]
    with swarm(COUNT, root, anyio_backend) as running:
        while running.poll() is None:
            data = await read_bytes(directory, "counter")
            seen.append(int(data.split(b" ", 1)[0]))
            assert data == stored(seen[-1]), f"{len(data)} bytes were never stored"
        assert running.returncode == 0
    assert await read_bytes(directory, "counter") == stored(PROCESSES * INCREMENTS)
    assert seen == sorted(seen)
    assert len(set(seen)) > 10, "nothing was read while they counted"
    assert [path.suffix for path in root.iterdir()] == [".session"]


@dataclass
class Visits:
    first: int = 0
    second: int = 0
    third: int = 0
    fourth: int = 0
    all: int = 0


VISIT = f"""
    @dataclass
    class Visits:
        first: int = 0
        second: int = 0
        third: int = 0
        fourth: int = 0
        all: int = 0

    def one_more(visits):
        visits.all += 1
        return visits

    async def work(number):
        own = ["first", "second", "third", "fourth"][number]

        async def app(scope, receive, send):
            sessions = current_session(scope)
            visits = await sessions.get(Visits)
            setattr(visits, own, getattr(visits, own) + 1)
            await sessions.update(Visits, one_more)
            await send({{"type": "http.response.start", "status": 200, "headers": []}})

        async def send(_):
            pass

        app = Sessions(app, cookie("VISITS", Visits, storage=directory))
        for _ in range({INCREMENTS}):
            await app({{"type": "http", "headers": [(b"cookie", b"VISITS=id1")]}}, None, send)
"""


async def test_requests_in_several_processes_lose_neither_an_update_nor_a_change_of_a_field_of_their_own(
    directory: SessionStorageDirectory, root: Path, anyio_backend: str
) -> None:
    async def begin(sessions: CurrentSession) -> None:
        sessions.set(Visits())

    async def look(sessions: CurrentSession) -> None:
        visits = await sessions.get(Visits)
        assert visits is not None
        seen.append(visits)

    provider = cookie("VISITS", Visits, storage=directory, new_id=lambda: "id1")
    await visit(begin, provider)
    seen: list[Visits] = []
    with swarm(VISIT, root, anyio_backend) as running:
        while running.poll() is None:
            await visit(look, provider, id="id1")
        assert running.returncode == 0
    await visit(look, provider, id="id1")
    assert list(vars(seen[-1]).values()) == [INCREMENTS] * PROCESSES + [INCREMENTS * PROCESSES]
    for field in vars(seen[-1]):
        numbers = [getattr(visits, field) for visits in seen]
        assert numbers == sorted(numbers), f"{field} went down"


MARK = """
    async def work(_):
        while True:
            try:
                await directory.update("id1", lambda data: data[:10] + b" seen" * (len(data) % 3))
            except SessionNotFound:
                pass
"""


async def marked(directory: SessionStorageDirectory, data: bytes) -> None:
    """Wait until another process has updated it."""
    with anyio.fail_after(60):
        while await read_bytes(directory, "id1") == data:
            pass


async def test_no_process_undoes_what_another_wrote(
    directory: SessionStorageDirectory, root: Path, anyio_backend: str
) -> None:
    with swarm(MARK, root, anyio_backend):
        for turn in range(50):
            data = b"%010d" % turn
            await write_bytes(directory, "id1", data)
            for _ in range(10):
                assert (await read_bytes(directory, "id1"))[:10] == data
            await marked(directory, data)


async def test_no_process_brings_back_what_another_ended(
    directory: SessionStorageDirectory, root: Path, anyio_backend: str
) -> None:
    with swarm(MARK, root, anyio_backend):
        for turn in range(50):
            data = b"%010d" % turn
            await write_bytes(directory, "id1", data)
            await marked(directory, data)
            await directory.invalidate("id1")
            for _ in range(10):
                with pytest.raises(SessionNotFound):
                    await read_bytes(directory, "id1")


async def test_processes_that_make_the_directory_at_once_all_get_their_session_into_it(
    tmp_path: Path, anyio_backend: str
) -> None:
    work = """
        async def work(number):
            for turn in range(50):
                new = SessionStorageDirectory(f"{sys.argv[1]}/{turn}/parent/root", durable=True)
                await write_bytes(new, f"id{number}", b"%d" % number)
                await write_bytes(new, "contended", b"%d" % number)
    """
    with swarm(work, tmp_path, anyio_backend) as running:
        assert running.wait() == 0
    for turn in range(50):
        root = tmp_path / str(turn) / "parent" / "root"
        for number in range(PROCESSES):
            assert await read_bytes(SessionStorageDirectory(root), f"id{number}") == b"%d" % number
        assert [path.suffix for path in root.iterdir()] == [".session"] * (PROCESSES + 1)


# --- who holds a lock -----------------------------------------------------------------------------------------------


def is_locked(root: Path) -> bool:
    """Whether somebody holds the lock of the one session in `root`."""
    (path,) = root.glob("*.session")
    with path.open() as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def a_holder(script: str, root: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the session "id1", and ends when nobody listens to it any more."""
    command = [sys.executable, "-c", textwrap.dedent(script), str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def test_a_process_that_is_killed_while_it_holds_a_session_blocks_nobody(
    directory: SessionStorageDirectory, root: Path
) -> None:
    script = """
        import sys, anyio
        from coatcheck import SessionStorageDirectory

        def hold(_):
            print("holding", flush=True)
            sys.stdin.read()

        anyio.run(SessionStorageDirectory(sys.argv[1]).update, "id1", hold)
    """
    await write_bytes(directory, "id1", b"a grey coat")
    with a_holder(script, root) as process:
        assert said(process) == "holding"
        assert is_locked(root)
        assert await read_bytes(directory, "id1") == b"a grey coat"
        process.kill()
        process.wait()
        assert not is_locked(root)
    await directory.update("id1", lambda data: data + b"!")
    await write_bytes(directory, "id1", await read_bytes(directory, "id1") + b"!")
    assert await read_bytes(directory, "id1") == b"a grey coat!!"


async def test_a_process_that_was_forked_while_a_session_was_held_does_not_hold_it(
    directory: SessionStorageDirectory, root: Path
) -> None:
    """The copy of the process has a copy of the descriptor, and the system gives a lock back with the last of them."""
    script = """
        import multiprocessing, signal, sys, threading, anyio
        from coatcheck import SessionStorageDirectory

        held, forked = threading.Event(), threading.Event()

        def hold(_):
            held.set()
            forked.wait()
            raise ZeroDivisionError  # so that the file stays the same

        def update():
            try:
                anyio.run(SessionStorageDirectory(sys.argv[1]).update, "id1", hold)
            except ZeroDivisionError:
                pass

        updating = threading.Thread(target=update)
        updating.start()
        held.wait()
        child = multiprocessing.get_context("fork").Process(target=signal.pause, daemon=True)
        child.start()
        print("forked", flush=True)
        sys.stdin.readline()
        forked.set()
        updating.join()
        print("updated" if child.is_alive() else "alone", flush=True)
        sys.stdin.readline()
    """
    await write_bytes(directory, "id1", b"a grey coat")
    with a_holder(script, root) as process:
        assert said(process) == "forked"
        assert is_locked(root)
        assert process.stdin is not None
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert said(process) == "updated"
        assert not is_locked(root)
        await directory.update("id1", lambda data: data + b"!")
