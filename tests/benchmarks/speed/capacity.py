"""How much room sessions take where they are stored: measured, and calculated.

python -m tests.benchmarks.speed.capacity PAYLOAD SESSIONS
"""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import product
from math import ceil, log
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis

from coatcheck import SessionStorageMemory, write_bytes
from coatcheck.redis import SessionStorageRedis
from tests.benchmarks.speed.alone import resident
from tests.benchmarks.speed.cases import seed
from tests.support.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

PAYLOADS = {100: "100 B", 4096: "4 KB"}
POINTS = (10**3, 10**4, 10**5, 10**6)
REASONED = (10**7, 10**8)
UNASKED = {"memory": 10**9, "directory": 10**8, "Redis": 10**9}  # bytes that are measured without being asked for
BLOCK = 4096  # bytes
ID = "{:043x}"  # as long as an id is
NAME = "{:064x}.session"
KEY = "session:{:064x}"
COPY = """
for number = ARGV[1], ARGV[2] - 1 do
    redis.call('COPY', KEYS[1], string.sub(KEYS[1], 1, -65) .. string.format('%064d', number))
end
"""
COPIES = 10_000  # in one script, after which the server looks after itself
FIRST = 5  # copies, with which the server takes what it needs for the script and for answers
REDIS_SERVER = 16 * 2**30  # bytes
STAT_BLOCK = 512  # bytes
BYTES_PER_INODE = 16384  # of an ext4 as `mkfs` makes it
ABOUT = (
    "What sessions take, measured and calculated. In memory it's what the process has more than with one session. It "
    "takes memory in large pieces, so below a few megabytes that is rough. In a directory it's what `du` counts, and "
    "in Redis `used_memory`."
)
ABOUT_REASONED = (
    "Calculated for more sessions than were measured. An ext4 as `mkfs` makes it has an inode for each "
    f"{BYTES_PER_INODE / 1024:.0f} KiB of the disk. A folder was full after 5 million files with such names; with the "
    "option `large_dir` it takes more."
)
FORMULAS = {
    "memory": "An id of 43 characters, the payload, the time of its last use, a pair of these and a place in the order "
    "of last use, each in steps of 16 B; and places in two tables, which double when they are two thirds full.",
    "directory": "The blocks of the payload, of 4,096 B each, and an inode; and in the folder an entry of 80 B, in "
    "blocks that are 69 % full on average (ln 2).",
    "Redis": "A key of 72 B and the payload, each as a string, an object for the payload, and an entry in each of two "
    "tables, in the steps of jemalloc; and 8 B for each slot of the tables, whose number is a power of two.",
}


@dataclass(frozen=True)
class Room:
    """What sessions take."""

    bytes: int
    inodes: int | None = None
    folders: int | None = None
    files_per_folder: int | None = None

    def facts(self) -> dict[str, int]:
        """Return what the file has of it."""
        return {name.replace("_", " "): value for name, value in asdict(self).items() if value is not None}


def in_memory(payload: int, sessions: int) -> Room:
    """Calculate it for CPython on a machine with 64 bits."""
    objects = (
        ID.format(0),
        bytes(payload),
        0.5,
        (b"", 0.5),
    )  # the time of the last use, and a pair of that and the bytes
    node = 32  # in the list that keeps the sessions in the order of their last use
    each = sum(_allocated(sys.getsizeof(part)) for part in objects) + node
    slots = 8
    while slots * 2 // 3 < sessions:
        slots *= 2
    index = 1 if slots < 2**8 else 2 if slots < 2**16 else 4
    return Room(sessions * (each + 16) + slots * (index + 8))  # an entry is two addresses, and a slot has its node's


def _allocated(size: int) -> int:
    """Return what Python takes for an object: steps of 16 bytes, and above 512 the system's header as well."""
    return ceil((size if size <= 512 else size + 8) / 16) * 16


def in_directory(payload: int, sessions: int, block: int = BLOCK) -> Room:
    """Calculate it for ext4. A name takes 80 bytes in the folder, whose blocks are ln 2 full on average."""
    entry = 8 + len(NAME.format(0))
    folder = max(1, ceil(sessions * entry / log(2) / block))
    return Room((sessions * ceil(payload / block) + folder) * block, sessions + 1, 1, sessions)


def in_redis(payload: int, sessions: int) -> Room:
    """Calculate it for Redis 7 with jemalloc."""
    value = payload + 1 + (3 if payload < 2**8 else 5 if payload < 2**16 else 9)  # a string ends with 0, after a header
    key = len(KEY.format(0)) + 1 + 3
    entry, wrapper = 24, 16  # an entry of a table has two addresses and a number or another address
    each = _jemalloc(key) + _jemalloc(value) + wrapper + 2 * _jemalloc(entry)  # one for the value, one for the time
    slots = 4
    while slots < sessions:
        slots *= 2
    return Room(sessions * each + 2 * 8 * slots)


def _jemalloc(size: int) -> int:
    """Return what jemalloc takes: steps of 16 bytes, and above 128 a quarter of the power of two below."""
    step = 16
    while size > step * 8:
        step *= 2
    return ceil(size / step) * step


async def held_in_memory(payload: int, sessions: int) -> int:
    """Return the bytes of memory that this process has more with so many sessions than with one."""
    storage, chance = SessionStorageMemory(), Random(1)  # noqa: S311 - no secret
    await write_bytes(storage, "first", chance.randbytes(payload))
    gc.collect()
    before = resident()
    for number in range(sessions):
        await write_bytes(storage, ID.format(number), chance.randbytes(payload))
    gc.collect()
    return resident() - before


def memory(payload: int, sessions: int, _: Path) -> Room:
    """Measure it in memory, in a process of its own."""
    command = [sys.executable, "-m", __name__, str(payload), str(sessions)]
    return Room(int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout))


def directory(payload: int, sessions: int, folder: Path) -> Room:
    """Measure it in a directory."""
    root = folder / f"{sessions} of {payload}"
    seed(root, map(str, range(sessions)), bytes(payload))
    found = on_disk(root)
    shutil.rmtree(root)
    return found


def on_disk(root: Path) -> Room:
    """Measure what is on the disk from here down, as `du` does."""
    size = inodes = folders = most = 0
    for path, inside, files in os.walk(root):
        size += (
            os.lstat(path).st_blocks * STAT_BLOCK
            + sum(os.lstat(f"{path}/{name}").st_blocks for name in files) * STAT_BLOCK
        )
        inodes += 1 + len(files)
        folders += 1
        most = max(most, len(files), len(inside))
    return Room(size, inodes, folders, most)


def redis(payload: int, sessions: int, folder: Path) -> Room:
    """Measure it in a server of its own. It's given one session, and makes so many others by copying that."""
    with closing(Server("redis-server", folder)) as server:
        server.start()
        asyncio.run(_write_one(server.port, bytes(payload)))
        [key] = server.stored()
        for number in range(FIRST):
            _copy(server, key, range(number, number + 1))
            before = _used(server)
        _copy(server, key, range(FIRST, FIRST + sessions))
        after = _used(server)
        assert server.do("DBSIZE") == 1 + FIRST + sessions
        return Room(after - before)


def _copy(server: Server, key: bytes, numbers: range) -> None:
    for begin in numbers[::COPIES]:
        server.do("EVAL", COPY, 1, key, begin, min(begin + COPIES, numbers.stop))


def _used(server: Server) -> int:
    return int(server.do("INFO")["used_memory"])


async def _write_one(port: int, data: bytes) -> None:
    async with Redis(port=port) as client:
        await write_bytes(SessionStorageRedis(client), "first", data)


STORAGES: dict[str, tuple[Callable[[int, int, Path], Room], Callable[[int, int], Room]]] = {
    "memory": (memory, in_memory),
    "directory": (directory, in_directory),
    "Redis": (redis, in_redis),
}


def points(storage: str, payload: int, sessions: int) -> list[int]:
    """Return at how many sessions it's measured, if so many are asked for."""
    each = max(payload, BLOCK) if storage == "directory" else payload
    return [number for number in POINTS if number <= max(sessions, UNASKED[storage] // each)]


def rows(
    folder: Path, sessions: int, about: dict[str, str], storages: Iterable[str] = STORAGES
) -> list[dict[str, Any]]:
    """Measure and calculate it for so many sessions at most. `about` says where a point comes from."""
    found = []
    for storage, (payload, title) in product(storages, PAYLOADS.items()):
        measured, calculated = STORAGES[storage]
        row = {"row": f"{storage}, {title}", "storage": storage, "payload": payload, "unit": "B per session"}
        row["formula"] = FORMULAS[storage]
        row["points"] = [
            _point(number, measured(payload, number, folder), calculated(payload, number)) | about
            for number in points(storage, payload, sessions)
        ]
        found.append(row)
    return found


def _point(sessions: int, measured: Room, calculated: Room) -> dict[str, Any]:
    return {
        "sessions": sessions,
        **measured.facts(),
        "bytes per session": round(measured.bytes / sessions),
        "calculated": round(calculated.bytes / sessions),
    }


def reasoned() -> list[dict[str, Any]]:
    """Calculate what is too much to measure."""
    found = []
    for storage, (payload, title), sessions in product(STORAGES, PAYLOADS.items(), REASONED):
        _, calculated = STORAGES[storage]
        room = calculated(payload, sessions)
        row = {
            "row": f"{storage}, {title}",
            "storage": storage,
            "payload": payload,
            "sessions": sessions,
            **room.facts(),
        }
        if room.inodes is not None:
            row["bytes of an ext4 with so many inodes"] = room.inodes * BYTES_PER_INODE
        if storage == "Redis":
            row[f"servers of {REDIS_SERVER // 2**30} GiB"] = ceil(room.bytes / REDIS_SERVER)
        found.append(row)
    return found


def result(
    folder: Path, sessions: int, about: dict[str, str], old: dict[str, Any], storages: Iterable[str] = STORAGES
) -> dict[str, Any]:
    """Return what the file has of capacity. What only an old result has measured stays in it."""
    found = kept(rows(folder, sessions, about, storages), old.get("rows", []))
    more = {"title": "More sessions than were measured", "about": ABOUT_REASONED, "rows": reasoned()}
    return {"title": "How many sessions", "about": ABOUT, "rows": found, "reasoned": more}


def kept(new: list[dict[str, Any]], old: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the new rows, with the points of the old ones that weren't measured again."""
    before = {row["row"]: row["points"] for row in old}
    for row in new:
        again = {point["sessions"] for point in row["points"]}
        row["points"] += [point for point in before.get(row["row"], []) if point["sessions"] not in again]
        row["points"].sort(key=itemgetter("sessions"))
    return new


def table(found: list[dict[str, Any]]) -> str:
    """Return the points, as a table to read."""
    lines = ["| sessions | of | bytes per session | calculated | files in a folder |", "|---|---|---|---|---|"]
    for row in found:
        for point in row["points"]:
            cells = (point["bytes per session"], point["calculated"], point.get("files per folder", "-"))
            lines.append(f"| {point['sessions']:,} | {row['row']} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main() -> None:
    """Measure it in this process's memory, and print it."""
    payload, sessions = sys.argv[1:]
    print(asyncio.run(held_in_memory(int(payload), int(sessions))))


if __name__ == "__main__":
    main()
