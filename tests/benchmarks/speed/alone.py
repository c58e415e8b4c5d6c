"""What has to be measured in a process of its own.

python -m tests.benchmarks.speed.alone resident coatcheck
python -m tests.benchmarks.speed.alone left litestar-files /tmp/somewhere
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import tracemalloc
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.benchmarks.speed import peers, store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.speed.store import Store

SESSIONS = 100_000
LARGE = 64 * 1024  # bytes, beside which what a library holds for itself counts for nothing
FEW = 20
LIFETIME = timedelta(seconds=3)  # Django's takes only whole seconds, and the machine may be busy
MEMORY: dict[str, Callable[..., Store]] = {
    "coatcheck": store.memory,
    "dict": store.bare_dict,
    "locked": store.locked_dict,
    **peers.MEMORY,
}
FILES: dict[str, Callable[..., Store]] = {"coatcheck-files": store.directory, **peers.FILES}


def resident() -> int:
    """Return the bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def bytes_per_session(name: str) -> float:
    """Return how many bytes of memory a session of 100 bytes takes."""
    place = MEMORY[name]()
    chance = Random(1)  # noqa: S311 - no secret
    create = place.creating()
    await create("first", chance.randbytes(100))
    gc.collect()
    before = resident()
    for number in range(SESSIONS):
        await create(f"{number:032x}", chance.randbytes(100))
    gc.collect()
    return (resident() - before) / SESSIONS


async def left(name: str, root: Path) -> dict[str, int | None]:
    """Return how many per cent of what was stored are still there after sessions ended."""
    place = FILES[name](root, LIFETIME) if name in FILES else MEMORY[name](LIFETIME)
    tracemalloc.start()

    def held() -> int:
        gc.collect()
        if name in FILES:
            return sum(path.stat().st_size for path in root.iterdir())
        return tracemalloc.get_traced_memory()[0]

    async def fill() -> int:
        chance = Random(1)  # noqa: S311 - no secret
        before = held()
        for number in range(FEW):
            await place.creating()(f"{number:032x}", chance.randbytes(LARGE))
        return held() - before

    async def share() -> int:
        await use(place)  # on which a library may clean up
        return round((held() - empty) * 100 / full)

    await use(place)
    empty = held()
    full = await fill()
    for number in range(FEW):
        await place.delete(f"{number:032x}")
    ended = await share()
    await fill()
    await asyncio.sleep(LIFETIME.total_seconds() + 1.1)
    expired = await share()
    cleaned = None
    if place.clean is not None:
        await place.clean()
        cleaned = await share()
    return {"% left after logouts": ended, "% left after expiry": expired, "% left after its clean-up": cleaned}


async def use(place: Store) -> None:
    """Store, read and end another session."""
    other = "f" * 32
    await place.creating()(other, b"used")
    await place.read(other)
    await place.delete(other)


def main() -> None:
    """Measure, and print it."""
    task, name, *rest = sys.argv[1:]
    measured = bytes_per_session(name) if task == "resident" else left(name, Path(*rest))
    print(json.dumps(asyncio.run(measured)))


if __name__ == "__main__":
    main()
