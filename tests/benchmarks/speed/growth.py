"""How the memory of a process grows with the requests that it answers. Each kind of clients has a process of its own.

python -m tests.benchmarks.speed.growth returning 1000000
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from coatcheck import SessionStorageMemory
from tests.benchmarks.speed import app
from tests.benchmarks.speed.alone import resident
from tests.benchmarks.speed.store import WEEK

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from tests.benchmarks.speed.app import App

MARKS = 10
LIVE = 10_000  # sessions
GRAIN = 2**20  # bytes: of a million requests, each would have left one
STEPS = ("/change", "/read", "/change")  # after the login
ABOUT = (
    "Resident memory of one process with sessions in memory, after so many requests. They are sent to the app as a "
    "server sends them, without a socket. Memory grows if the last figure is more than "
    f"{GRAIN / 1e6:.1f} MB above the first."
)
KINDS = {
    "returning": "one client that comes back with each request",
    "passing": f"clients that log in, send {len(STEPS)} requests and never come back; each session expires after "
    f"{LIVE:,} others",
}


async def returning(served: App) -> AsyncGenerator[int, None]:
    """Send the requests of one client, and yield how many there were."""
    cookie = (await served.ask("/login")).cookie
    yield 1
    while True:
        for path in STEPS:
            await served.repeat(path, [cookie] * 10)
        yield 10 * len(STEPS)


async def passing(served: App, expire: Callable[[], None]) -> AsyncGenerator[int, None]:
    """Send the requests of one client after the other, and yield how many there were."""
    while True:
        cookie = (await served.ask("/login")).cookie
        for path in STEPS:
            await served.repeat(path, [cookie])
        expire()
        yield 1 + len(STEPS)


async def marks(clients: AsyncGenerator[int, None], requests: int) -> list[tuple[int, int]]:
    """Return how many requests were sent at each mark, and the bytes of memory that the process had."""
    found: list[tuple[int, int]] = []
    sent = 0
    async with aclosing(clients):
        while len(found) < MARKS:
            sent += await anext(clients)
            if sent * MARKS >= requests * (len(found) + 1):
                gc.collect()
                found.append((sent, resident()))
    return found


async def measured(kind: str, requests: int, live: int = LIVE) -> list[tuple[int, int]]:
    """Return the marks of these clients, who have so many live sessions at most."""
    now = 0.0

    def expire() -> None:
        nonlocal now
        now += WEEK.total_seconds() / live

    served = app.coatcheck(SessionStorageMemory(retention=WEEK, clock=lambda: now))
    return await marks(returning(served) if kind == "returning" else passing(served, expire), requests)


def row(kind: str, found: list[tuple[int, int]]) -> dict[str, Any]:
    """Return a row as the file has it, in megabytes."""
    grown = found[-1][1] - found[0][1]
    return {
        "row": KINDS[kind],
        "requests": [sent for sent, _ in found],
        "resident": [round(held / 1e6, 2) for _, held in found],
        "grown": round(grown / 1e6, 2),
        "grows": grown > GRAIN,
    }


def start(requests: int) -> dict[str, subprocess.Popen[str]]:
    """Start a process for each kind of clients."""
    return {
        kind: subprocess.Popen([sys.executable, "-m", __name__, kind, str(requests)], stdout=subprocess.PIPE, text=True)
        for kind in KINDS
    }


def rows(started: dict[str, subprocess.Popen[str]]) -> list[dict[str, Any]]:
    """Wait for the processes, and return their rows."""
    found = []
    for kind, process in started.items():
        printed, _ = process.communicate()
        assert process.returncode == 0, f"the memory of {kind} clients could not be measured"
        found.append(row(kind, json.loads(printed)))
    return found


def result(started: dict[str, subprocess.Popen[str]]) -> dict[str, Any]:
    """Return what the file has of growth."""
    return {"title": "Memory over many requests", "about": ABOUT, "unit": "MB", "rows": rows(started)}


def table(found: list[dict[str, Any]]) -> str:
    """Return the rows, as a table to read."""
    lines = ["| clients | requests | first mark | last mark | grows |", "|---|---|---|---|---|"]
    for each in found:
        held = each["resident"]
        cells = [
            each["row"],
            f"{each['requests'][-1]:,}",
            f"{held[0]} MB",
            f"{held[-1]} MB",
            str(each["grows"]).lower(),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print it."""
    kind, requests = sys.argv[1:]
    print(json.dumps(asyncio.run(measured(kind, int(requests)))))


if __name__ == "__main__":
    main()
