"""How fast coatcheck is, beside what users would take instead and beside what nothing can be faster than.

    python -m tests.benchmarks.speed [--only CASE] [--rounds 21] [--seed 1] [--sessions 100000]

Installs the peers into an environment of their own, and measures there. Contenders take turns: in each round each of
them is measured, in an order that changes, so what else the machine does hits all of them. Prints Markdown tables:
medians, the ratio to the named rival (the median of the ratios in each turn) with its 95 % confidence interval, and
whether the target is met. A run of all cases writes `tests/benchmarks/results.json`.

Where nothing waits (in memory, and for imports), the time is the processor's; with files it's the clock's.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from tests.benchmarks.speed import correctness, machine, report
from tests.benchmarks.speed.cases import CASES, Place
from tests.benchmarks.speed.measurement import measure
from tests.support.project import PROJECT

PEERS = PROJECT / ".cache" / "peers"
PYTHON = PEERS / "bin" / "python"
REQUIREMENTS = PROJECT / "requirements-peers.txt"
RESULTS = PROJECT / "tests" / "benchmarks" / "results.json"


def install() -> None:
    """Make the peers' environment, unless it is there and up to date."""
    installed = PEERS / REQUIREMENTS.name
    if installed.exists() and installed.read_bytes() == REQUIREMENTS.read_bytes():
        return
    venv.create(PEERS, clear=True, with_pip=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(REQUIREMENTS)], check=True)
    installed.write_bytes(REQUIREMENTS.read_bytes())


def measure_there() -> int:
    """Run this again in the peers' environment, with the library on the path."""
    install()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (PROJECT / "src", PROJECT)))}
    command = [str(PYTHON), "-m", "tests.benchmarks.speed", *sys.argv[1:]]
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
                cases.append(await CASES[name](Place(folder, options.sessions, stack)))
            return [report.result(each, chance) for each in await measure(cases, options.rounds, chance)]


async def counted() -> dict[str, correctness.Table]:
    """Count what the libraries lose, bring back and leave behind."""
    logging.disable()  # what a peer says about a request whose session has ended
    with tempfile.TemporaryDirectory() as scratch:
        return {"changes and logouts": await correctness.of_apps(), "left behind": correctness.of_stores(Path(scratch))}


def main() -> None:
    """Measure, print the tables, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=[*CASES, "correctness"], action="append")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sessions", type=int, default=100_000, help="how many are many, in a directory")
    options = parser.parse_args()
    if Path(sys.prefix) != PEERS:
        sys.exit(measure_there())
    names = options.only or [*CASES, "correctness"]
    if "redis" in names and shutil.which("redis-server") is None:
        print("Redis is left out: apt-get install redis-server", file=sys.stderr)
        names.remove("redis")
    begin = time.monotonic()
    results: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": machine.commit(),
        "command": "make bench",
        "rounds": options.rounds,
        "seed": options.seed,
        "machine": machine.facts(Path(tempfile.gettempdir())),
        "versions": machine.versions(),
    }
    results["rows"] = asyncio.run(measured([name for name in names if name in CASES], options))
    results |= asyncio.run(counted()) if "correctness" in names else {}
    print(report.targets_table(results["rows"]), report.contenders_table(results["rows"]), sep="\n\n")
    for table in (results[name] for name in ("changes and logouts", "left behind") if name in results):
        print("", report.counts_table(table), sep="\n")
    facts = ", ".join(f"{name} {fact}" for name, fact in results["machine"].items())
    print(f"\nCommit {results['commit']}, {options.rounds} rounds, seed {options.seed}; {facts}.")
    print(f"{time.monotonic() - begin:.0f} s.")
    if options.only is None:
        RESULTS.write_text(report.to_json(results))


if __name__ == "__main__":
    main()
