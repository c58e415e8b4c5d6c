"""How fast coatcheck is, beside what users would take instead and beside what nothing can be faster than.

    python -m tests.benchmarks.speed [--only CASE] [--rounds 15] [--seed 1] [--sessions 100000] [--keep]

Installs the peers into an environment of their own, and measures there. Contenders take turns: in each round each of
them is measured, in an order that changes, so what else the machine does hits all of them. Prints Markdown tables:
medians, the ratio to the named rival (the median of the ratios in each turn) with its 95 % confidence interval, and
whether the target is met. A run of all cases writes `tests/benchmarks/results.json`.

What a million sessions take on the disk is measured with `--only capacity --sessions 1000000 --keep`, and the calls on
a directory that has so many with `--only crowd --sessions 1000000 --keep`. Both stay in the file. To remove what has
blocks on the disk takes hours on a file system with the option `discard`; `TMPDIR` names another one.

Where nothing waits (in memory, and for imports), the time is the processor's; with files it's the clock's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from tests.benchmarks.speed import capacity, correctness, growth, machine, report, servers
from tests.benchmarks.speed.cases import CASES, Place
from tests.benchmarks.speed.measurement import measure
from tests.support.environment import python_with
from tests.support.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

PEERS = PROJECT / ".cache" / "peers"
REQUIREMENTS = PROJECT / "requirements-peers.txt"
RESULTS = PROJECT / "tests" / "benchmarks" / "results.json"
OTHERS = ("correctness", "servers", "growth", "capacity")
CROWDED = ("crowd", "sweep", "capacity")  # what is measured with more sessions than a run of all has time for
MANY = 100_000  # sessions in a directory
REQUESTS = 1_000_000  # after which memory must not have grown


def measure_there() -> int:
    """Run this again in the peers' environment, with the library on the path."""
    python = python_with(REQUIREMENTS, PEERS)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (PROJECT / "src", PROJECT)))}
    environment["PYTHONDONTWRITEBYTECODE"] = ""  # a timed import has nothing to compile
    command = [str(python), "-m", "tests.benchmarks.speed", *sys.argv[1:]]
    return subprocess.run(command, env=environment, check=False).returncode


async def measured(names: list[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure these cases, and return their rows."""
    chance = Random(options.seed)  # noqa: S311 - to be repeated, not to be secret
    with tempfile.TemporaryDirectory() as scratch:
        async with AsyncExitStack() as stack:
            cases = []
            for name in names:
                folder = Path(scratch) / name
                folder.mkdir()
                cases.append(await CASES[name](Place(folder, options.sessions or MANY, stack)))
            return [report.result(each, chance) for each in await measure(cases, options.rounds, chance)]


async def counted() -> dict[str, correctness.Table]:
    """Count what the libraries lose, bring back and leave behind."""
    logging.disable()  # what a peer says about a request whose session has ended
    with tempfile.TemporaryDirectory() as scratch:
        return {"changes and logouts": await correctness.of_apps(), "left behind": correctness.of_stores(Path(scratch))}


def served(options: argparse.Namespace, storages: list[str]) -> dict[str, Any]:
    """Measure whole servers."""
    plan = servers.Plan(storages=tuple(name for name in servers.STORAGES if name in storages))
    with tempfile.TemporaryDirectory() as scratch:
        chance = Random(options.seed)  # noqa: S311 - to be repeated, not to be secret
        return asyncio.run(servers.result(plan, Path(scratch), chance))


def stored(sessions: int, storages: list[str], about: dict[str, str]) -> dict[str, Any]:
    """Measure what sessions take."""
    old = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as scratch:
        return capacity.result(Path(scratch), sessions, about, old.get("capacity", {}), storages)


def kept(results: dict[str, Any], *, is_whole: bool) -> dict[str, Any]:
    """Return what the file has from now on: all results, or the old ones with what was measured of many sessions."""
    old = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if is_whole:
        return {"crowded": old.get("crowded", {})} | results
    if "rows" in results:
        old["crowded"] = {name: results[name] for name in ("command", "commit", "date", "rows")}
    return old | {name: results[name] for name in ("capacity",) if name in results}


def tables(results: dict[str, Any]) -> Iterator[str]:
    """Yield what was measured, as tables to read."""
    if "rows" in results:
        yield report.targets_table(results["rows"])
        yield report.contenders_table(results["rows"])
    for name in ("changes and logouts", "left behind"):
        if name in results:
            yield report.counts_table(results[name])
    if "servers" in results:
        yield report.targets_table(results["servers"]["rows"])
        yield report.contenders_table(results["servers"]["workers"]["rows"])
        yield report.counts_table(results["servers"]["workers"]["changes"])
    if "growth" in results:
        yield growth.table(results["growth"]["rows"])
    if "capacity" in results:
        yield capacity.table(results["capacity"]["rows"])


def main() -> None:
    """Measure, print the tables, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=[*CASES, *OTHERS], action="append")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sessions", type=int, help=f"how many are many in a directory; {MANY:,} if you don't say it")
    parser.add_argument("--keep", action="store_true", help="write into the file what `--sessions` had measured")
    options = parser.parse_args()
    if options.keep and not (options.sessions and set(options.only or ()) <= set(CROWDED)):
        parser.error(f"--keep needs --sessions, and --only with one or more of: {', '.join(CROWDED)}")
    if Path(sys.prefix) != PEERS:
        sys.exit(measure_there())
    names, storages = options.only or [*CASES, *OTHERS], list(capacity.STORAGES)
    if shutil.which("redis-server") is None:
        print("Redis is left out: apt-get install redis-server", file=sys.stderr)
        names = [name for name in names if name != "redis"]
        storages.remove("Redis")
    begin = time.monotonic()
    results: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": machine.commit(),
        "command": shlex.join(["python", "-m", "tests.benchmarks.speed", *sys.argv[1:]])
        if options.only
        else "make bench",
        "rounds": options.rounds,
        "seed": options.seed,
        "machine": machine.facts(Path(tempfile.gettempdir())),
        "versions": machine.versions(),
    }
    if any(name in CASES for name in names):
        results["rows"] = asyncio.run(measured([name for name in names if name in CASES], options))
    if "servers" in names:
        results["servers"] = served(options, storages)
    growing = growth.start(REQUESTS) if "growth" in names else {}  # what comes after it counts as well, and may be slow
    if "correctness" in names:
        results |= asyncio.run(counted())
    if "capacity" in names:
        about = {name: results[name] for name in ("command", "commit", "date")}
        results["capacity"] = stored(options.sessions or 0, storages, about)
    if growing:
        results["growth"] = growth.result(growing)
    print(*tables(results), sep="\n\n")
    facts = ", ".join(f"{name} {fact}" for name, fact in results["machine"].items())
    print(f"\nCommit {results['commit']}, {options.rounds} rounds, seed {options.seed}; {facts}.")
    print(f"{time.monotonic() - begin:.0f} s.")
    if options.only is None or options.keep:
        RESULTS.write_text(report.to_json(kept(results, is_whole=options.only is None)))


if __name__ == "__main__":
    main()
