"""Whole servers: their workers, and a client in another process that keeps them busy over keep-alive connections."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import product
from typing import TYPE_CHECKING, Any

from tests.benchmarks.speed import load, report, served
from tests.benchmarks.speed.measurement import Case, Contender, Row, Target, measure
from tests.support.server import Server, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from random import Random

    from tests.benchmarks.speed.measurement import Role

FACTORY = f"{served.__name__}:make"
COMMANDS = {
    "uvicorn": ("uvicorn", "--factory", FACTORY, "--lifespan", "off", "--log-level", "warning", "--no-access-log"),
    "granian": ("granian", "--factory", FACTORY, "--interface", "asginl", "--log-level", "error"),
}
PACKAGES = ("uvicorn", "httptools", "uvloop", "granian")
ACTIONS = ("read", "change")
MEASURES = {"requests per second": "requests/s", "median latency": "ms", "99th-percentile latency": "ms"}
BETTER = {"requests per second": "more", "median latency": "less", "99th-percentile latency": "less"}
STORAGES = ("directory", "Redis")
FILES = 4096  # that a process may have open: a thousand connections need more than some systems allow by default
PATIENCE = 120  # seconds


@dataclass(frozen=True)
class Plan:
    """What is measured, and for how long."""

    servers: tuple[str, ...] = tuple(COMMANDS)
    apps: tuple[str, ...] = tuple(served.APPS)
    connections: tuple[int, ...] = (1, 100, 1000)
    many: int = 1000
    """With so many connections a slice is longer, because each of them has few turns in it, and there are fewer."""
    workers: tuple[int, ...] = (2, 4)
    storages: tuple[str, ...] = STORAGES
    clients: int = 64
    sessions: int = 16
    """How many sessions the clients of several workers share."""
    turns: int = 4
    seconds: float = 0.2

    def slice(self, connections: int) -> float:
        """Return how many seconds a turn takes."""
        return self.seconds * (2 if connections >= self.many else 1)

    def share(self, connections: int) -> float:
        """Return how many of the turns there are."""
        return 0.6 if connections >= self.many else 1.0

    def about_apps(self) -> str:
        """Return what readers of the figures have to know."""
        return (
            f"A server is one process, and the client that measures it is another, on the same {os.cpu_count()} cores. "
            "Each connection stays open, and is a browser with a session of its own in the server's memory. It sends "
            "its next request when it has the answer to the last. The contenders take turns, in slices of "
            f"{self.slice(1):g} s, or of {self.slice(self.many):g} s with {self.many:,} connections."
        )

    def about_workers(self) -> str:
        """Return the same for several workers."""
        return (
            f"Several workers of a server share one directory or one Redis. {self.clients} clients share "
            f"{self.sessions} sessions. Each request adds 1 to a number in a session with `sessions.update`, and in "
            "the end the numbers show how many changes were lost. The workers, the client and Redis share "
            f"{os.cpu_count()} cores."
        )


@contextmanager
def running(server: str, name: str, folder: Path, workers: int = 1, **where: str) -> Iterator[int]:
    """Start a server that serves this app, and yield its port at once. `ready` waits for it."""
    folder.mkdir()
    port = free_port()
    listening = ("--host", "127.0.0.1", "--port", str(port), "--workers", str(workers))
    process = subprocess.Popen(
        [sys.executable, "-m", *COMMANDS[server], *listening],
        env=os.environ | {served.SERVED: name, served.READY: str(folder), **where},
        start_new_session=True,  # so its workers can be ended with it
    )
    try:
        yield port
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            with suppress(ProcessLookupError):  # a worker that is still there has lost its server
                os.killpg(process.pid, signal.SIGKILL)


def ready(folder: Path, workers: int = 1) -> None:
    """Wait until all workers of a server are ready."""
    wait_until(lambda: len(list(folder.iterdir())) == workers, f"{workers} workers are ready")


class Load:
    """Clients that keep servers busy, in a process of their own."""

    def __init__(self, stack: ExitStack) -> None:
        command = [sys.executable, "-m", load.__name__]
        self._process = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )

    def on(self, port: int, connections: int, sessions: int, seconds: float, action: str) -> dict[str, float]:
        """Return how the server at this port does with so many clients."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(port, connections, sessions, seconds, f"/{action}", file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, "the clients ended, for the reason above"
        found: dict[str, float] = json.loads(answer)
        return found


def allow_connections() -> None:
    """Let this process, and those that it starts, have enough files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))


async def sampled(plan: Plan, clients: Load, role: Role, port: int, connections: int) -> dict[str, float]:
    """Return the figures of one turn. An app without sessions does the same for each action."""
    found: dict[str, dict[str, float]] = {}
    for action in ACTIONS:
        if role != "floor" or not found:
            figures = clients.on(port, connections, connections, plan.slice(connections), action)
        found[action] = figures
    return {f"{action} {key}": figure for action, figures in found.items() for key, figure in figures.items()}


async def of_apps(plan: Plan, folder: Path, chance: Random) -> list[dict[str, Any]]:
    """Compare apps with sessions in memory, each served by one worker of each server. Return the rows."""
    allow_connections()
    apps = {name: served.APPS[name]() for name in plan.apps}
    targets = tuple(Target(each.role) for each in apps.values() if each.role != "coatcheck")
    cases, facts = [], []
    with ExitStack() as stack:
        clients = Load(stack)
        ports = {
            (server, name): stack.enter_context(running(server, name, folder / f"{server}, {name}"))
            for server, name in product(plan.servers, apps)
        }
        for server, connections in product(plan.servers, plan.connections):
            rows = []
            for action, (quantity, unit) in product(ACTIONS, MEASURES.items()):
                title = f"{server}, {connections:,} connection{'s' if connections > 1 else ''}, {action}, {quantity}"
                rows.append(Row(f"{action} {quantity}", title, unit, targets))
                facts.append({"server": server, "connections": connections, "action": action, "measure": quantity})

            contenders = [
                Contender(
                    each.name, each.role, partial(sampled, plan, clients, each.role, ports[server, name], connections)
                )
                for name, each in apps.items()
            ]
            cases.append(Case(rows, contenders, plan.share(connections)))
        for server, name in ports:
            ready(folder / f"{server}, {name}")
        found = await measure(cases, plan.turns, chance)
    return [_with(report.result(each, chance), fact) for each, fact in zip(found, facts, strict=True)]


async def of_workers(
    plan: Plan, folder: Path, chance: Random
) -> tuple[list[dict[str, Any]], dict[str, dict[str, int]]]:
    """Let several workers change the same sessions. Return the rows, and how many changes were lost."""
    redis = Server("redis-server", folder)
    cases, facts, counts = [], [], {}
    with ExitStack() as stack:
        stack.callback(redis.close)
        redis.start()
        clients = Load(stack)
        for server, workers, storage in product(plan.servers, plan.workers, plan.storages):
            title = f"{server}, {workers} workers on one {storage}"
            counts[title] = {"changes": 0, "lost": 0}
            where = {served.REDIS: str(redis.port)} if storage == "Redis" else {served.DIRECTORY: str(folder / storage)}
            port = stack.enter_context(running(server, "coatcheck", folder / title, workers, **where))

            async def sample(port: int, title: str) -> Mapping[str, float]:
                found = clients.on(port, plan.clients, plan.sessions, plan.seconds, "add")
                for name in counts[title]:
                    counts[title][name] += round(found[name])
                return found

            rows = [Row(key, f"{title}, {key}", unit, ()) for key, unit in MEASURES.items()]
            cases.append(Case(rows, [Contender("coatcheck", "coatcheck", partial(sample, port, title))]))
            facts += [{"server": server, "workers": workers, "storage": storage, "measure": key} for key in MEASURES]
        for server, workers, storage in product(plan.servers, plan.workers, plan.storages):
            ready(folder / f"{server}, {workers} workers on one {storage}", workers)
        found = await measure(cases, plan.turns, chance)
    assert not any(each["lost"] for each in counts.values()), f"changes were lost: {counts}"
    return [_with(report.result(each, chance), fact) for each, fact in zip(found, facts, strict=True)], counts


async def result(plan: Plan, folder: Path, chance: Random) -> dict[str, Any]:
    """Return what the file has of servers."""
    for name in ("apps", "workers"):
        (folder / name).mkdir()
    rows = await of_apps(plan, folder / "apps", chance)
    shared, changes = await of_workers(plan, folder / "workers", chance)
    return {
        "title": "Whole servers",
        "about": plan.about_apps(),
        "turns": plan.turns,
        "versions": {name: version(name) for name in PACKAGES},
        "rows": rows,
        "workers": {"title": "Several workers", "about": plan.about_workers(), "rows": shared, "changes": changes},
    }


def _with(row: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Put what a row is about after its title."""
    return {"row": row["row"], **facts, "better": BETTER[facts["measure"]], **row}
