"""What is left of sessions in files when `kill -9` ends their process at any moment, thousands of times.

    python tests/benchmarks/crashes [--rounds 5000] [--seed 1]

In each round a process writes, updates or renews a session until it is killed. Then every session must be whole, each
change that the process had reported must be there and at most one more, nobody may be locked out, and all else that is
left must be temporary files that a sweep removes. Stops at the first round in which something is amiss, and fails.
Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import anyio

from coatcheck import Sessions, SessionStorageDirectory, cookie, current_session, read_bytes, write_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from coatcheck import CurrentSession

LONGEST = 0.01  # seconds from a process's first report to its death: no change, or a dozen
PATIENCE = 10  # seconds after which somebody counts as locked out
SIZES = (10, 70_000, 300_000)  # stored in one piece, and in several
BACKENDS = ("asyncio", "trio")
BYSTANDER = b"a session that nobody changes"


def sealed(number: int) -> bytes:
    """Return a session that shows whether it is whole: its number, some bytes of its own, and a checksum."""
    body = b"%d " % number + bytes([number % 256]) * SIZES[number % len(SIZES)]
    return body + crc32(body).to_bytes(4, "big")


def opened(data: bytes) -> int:
    """Return the number of a session that is whole."""
    number = int(data.split(b" ", 1)[0])
    assert data == sealed(number), f"{len(data)} bytes are stored that nobody has written"
    return number


class Writing:
    """Writes one session again and again, each time with the next number."""

    id = "written"

    def __init__(self, directory: SessionStorageDirectory, turn: int) -> None:
        self.directory = directory
        self.turn = turn

    async def begin(self) -> int:
        """Return the number that is stored."""
        return opened(await read_bytes(self.directory, self.id))

    async def change(self, number: int) -> None:
        """Store what comes after `number`."""
        await write_bytes(self.directory, self.id, sealed(number + 1))

    async def inspect(self, reported: int) -> int:
        """Return the number that is stored. It takes an update, so that a lock that is still held shows."""
        number = opened(await self.directory.update(self.id, lambda data: data))
        assert reported <= number <= reported + 1, f"{reported} was reported, and {number} is stored"
        return number


class Updating(Writing):
    """Counts one session up."""

    id = "updated"

    async def change(self, number: int) -> None:  # noqa: ARG002 - whatever it is
        """Count one up."""
        await self.directory.update(self.id, lambda data: sealed(opened(data) + 1))


@dataclass
class Visits:
    """A session of the middleware."""

    number: int
    filling: str

    @classmethod
    def of(cls, number: int) -> Visits:
        """Return the session with this number."""
        return cls(number, "x" * SIZES[number % len(SIZES)])


class Renewing(Writing):
    """Sends requests, each of which counts a session up and renews its id."""

    def __init__(self, directory: SessionStorageDirectory, turn: int) -> None:
        super().__init__(directory, turn)
        numbers = count()
        provider = cookie("VISITS", Visits, storage=directory, new_id=lambda: self.id_of(next(numbers)))
        self.sessions = Sessions(self.app, provider)

    def id_of(self, number: int) -> str:
        """Return the id under which the session has this number."""
        return f"{self.turn}-{number}"

    async def begin(self) -> int:
        """Begin a session."""

        async def begin(sessions: CurrentSession) -> None:
            sessions.set(Visits.of(0))

        await self.request(begin)
        return 0

    async def change(self, number: int) -> None:
        """Count one up, under a new id."""

        async def renew(sessions: CurrentSession) -> None:
            assert await sessions.get(Visits) == Visits.of(number)
            sessions.set(Visits.of(number + 1))
            sessions.renew_id(Visits)

        await self.request(renew, self.id_of(number))

    async def inspect(self, reported: int) -> int:
        """Return the highest number under whose id there is a session, and end them all."""
        found = set()
        for number in {0, max(0, reported - 1), reported, reported + 1}:

            async def look(sessions: CurrentSession, number: int = number) -> None:
                if await sessions.get(Visits) is not None:
                    assert await sessions.update(Visits, lambda visits: visits) == Visits.of(number)
                    sessions.clear(Visits)
                    found.add(number)

            await self.request(look, self.id_of(number))
        assert found, f"the session is lost under its last reported id, {reported}, and under the next"
        assert found <= {reported, reported + 1}, f"{reported} was reported, but ids {found} are alive"
        return max(found)

    async def request(self, handler: Callable[[CurrentSession], Awaitable[None]], id: str = "") -> None:
        """Send one request with this id."""

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        async def send(_: object) -> None:
            """Leave the answer unread: the client knows the id."""

        headers = [(b"cookie", f"VISITS={id}".encode())] if id else []
        await self.sessions({"type": "http", "headers": headers, "handler": handler}, receive, send)

    async def app(self, scope: MutableMapping[str, Any], _: object, send: Callable[[Any], Awaitable[None]]) -> None:
        """Let the handler answer."""
        await scope["handler"](current_session(scope))
        await send({"type": "http.response.start", "status": 200, "headers": []})


KINDS = {"writing": Writing, "updating": Updating, "renewing": Renewing}
AS_REPORTED = 10  # how an inspection ends that found nothing amiss; it adds the changes that were not reported


def forked(run: Callable[[], Awaitable[int]], backend: str) -> int:
    """Return the process id of a copy of this process, which exits with what `run` returns.

    A fresh interpreter would take ten times as long. This process has neither threads nor an event loop.
    """
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        signal.alarm(PATIENCE)
        status = anyio.run(run, backend=backend)
    except BaseException:  # noqa: BLE001 - this process ends here, whatever happens
        traceback.print_exc()
    finally:
        os._exit(status)


def ended(child: int) -> int:
    """Wait for this process, and return its status; the signal that ended it counts below zero."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def prepare(root: Path) -> None:
    """Store the sessions that stay."""

    async def run() -> int:
        directory = SessionStorageDirectory(root)
        await write_bytes(directory, "bystander", BYSTANDER)
        for work in (Writing, Updating):
            await write_bytes(directory, work.id, sealed(0))
        return AS_REPORTED

    assert ended(forked(run, "asyncio")) == AS_REPORTED, "the sessions could not be stored"


def kill(work: Writing, backend: str, delay: float) -> list[int]:
    """Let a process do this work, kill it `delay` seconds after its first report, and return its reports."""
    receive, send = os.pipe()

    async def run() -> int:
        for number in count(await work.begin()):
            os.write(send, number.to_bytes(8, "big"))
            await work.change(number)
        return 0

    child = forked(run, backend)
    os.close(send)
    reports = os.read(receive, 8)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    assert ended(child) == -signal.SIGKILL, "the process ended by itself; see above"
    while more := os.read(receive, 65536):
        reports += more
    os.close(receive)
    return [int.from_bytes(reports[start : start + 8], "big") for start in range(0, len(reports), 8)]


def inspect(work: Writing, backend: str, root: Path, reported: int) -> int:
    """Return by how many changes the session is ahead of what was reported, after all was found in order."""

    async def run() -> int:
        ahead = await work.inspect(reported) - reported
        assert await read_bytes(work.directory, "bystander") == BYSTANDER
        for path in root.iterdir():
            assert path.suffix in (".session", ".tmp"), f"{path.name} was left"
        await SessionStorageDirectory(root, retention=timedelta(microseconds=1), clock=lambda: 0).sweep()
        left = [path.suffix for path in root.iterdir()]
        assert left == [".session"] * 3, f"{left} are there after a sweep"
        return AS_REPORTED + ahead

    status = ended(forked(run, backend))
    assert status != -signal.SIGALRM, f"somebody was locked out for {PATIENCE} seconds"
    assert status >= AS_REPORTED, "something is amiss; see above"
    return status - AS_REPORTED


def measure(rounds: int, seed: int) -> dict[str, Counter[str]]:
    """Run so many rounds, and count by kind what was found after them."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    counts = {kind: Counter[str]() for kind in KINDS}
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "sessions"
        prepare(root)
        for turn in range(rounds):
            kind = list(KINDS)[turn % 3]
            durable = turn // 3 % 2 == 1
            backend = BACKENDS[turn // 6 % 2]
            delay = chance.random() * LONGEST
            work = KINDS[kind](SessionStorageDirectory(root, durable=durable), turn)
            try:
                reports = kill(work, backend, delay)
                leftover = any(root.glob("*.tmp"))
                ahead = inspect(work, backend, root, reports[-1])
            except Exception as error:
                error.add_note(
                    f"round {turn} of seed {seed}: {kind}, {durable=}, {backend}, killed after {delay:.6f} s"
                )
                raise
            counts[kind].update(rounds=1, reported=len(reports) - 1, ahead=ahead, leftover=leftover)
    return counts


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for backend in BACKENDS:  # loads what the processes need, once for all
        anyio.run(anyio.sleep, 0, backend=backend)
    begin = time.monotonic()
    counts = measure(options.rounds, options.seed)
    seconds = time.monotonic() - begin
    counts["all"] = sum(counts.values(), Counter[str]())
    sys.stdout.write(
        "| killed while | rounds | changes reported | lost | not reported, but there | temporary file left |\n"
        "|---|---|---|---|---|---|\n"
    )
    for kind, found in counts.items():
        sys.stdout.write(
            f"| {kind} | {found['rounds']} | {found['reported']} | 0 | {found['ahead']} | {found['leftover']} |\n"
        )
    sys.stdout.write(
        f"\nSeed {options.seed}, {seconds:.0f} s. After every kill each session was whole, nobody was locked out, "
        "and a sweep removed what was left.\n"
    )


if __name__ == "__main__":
    main()
