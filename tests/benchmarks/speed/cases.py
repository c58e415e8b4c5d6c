"""What is measured: each row of the table of targets, and what it's compared with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from asyncio import gather, sleep
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from random import Random
from statistics import median
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any

import redis
from redis.asyncio import Redis

from coatcheck import SessionStorageDirectory, read_bytes, write_bytes
from coatcheck.redis import SessionStorageRedis
from tests.benchmarks.speed import alone, app, direct, peers, store
from tests.benchmarks.speed.copies import library_without_log, library_without_promises
from tests.benchmarks.speed.measurement import Case, Contender, Row, Target, longest_stall, typical
from tests.support.server import Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
    from contextlib import AsyncExitStack
    from pathlib import Path

    from tests.benchmarks.speed.app import App
    from tests.benchmarks.speed.measurement import Role
    from tests.benchmarks.speed.store import Store

US, MS = "µs", "ms"
PEER, FLOOR = Target("peer"), Target("floor")  # shown for comparison, without a target
NUMBERS = Random(1)  # noqa: S311 - no secret
SMALL, MIDDLE, LARGE, HUGE = (NUMBERS.randbytes(size) for size in (100, 4096, 65536, 2**20))

EMPTY = bytes(100)


@dataclass(frozen=True)
class Place:
    """Where a case is measured."""

    folder: Path
    sessions: int
    """How many sessions are many."""
    stack: AsyncExitStack
    """Closes what a case opens."""


def fresh_ids(number: int) -> list[str]:
    """Return ids that were never used: 32 hexadecimal digits, which every library takes."""
    return [NUMBERS.randbytes(16).hex() for _ in range(number)]


async def memory(_: Place) -> Case:
    """Compare stores in memory. Nothing waits, so what counts is the processor's time."""
    ids = fresh_ids(1000)

    async def sample(place: Store) -> Mapping[str, float]:
        write, read = place.write, place.read
        begin = thread_time()
        for id in ids:
            await write(id, SMALL)
        written = thread_time()
        for id in ids:
            await read(id)
        return {"write": (written - begin) * 1e6 / len(ids), "read": (thread_time() - written) * 1e6 / len(ids)}

    places = [store.memory(), store.bare_dict(), store.locked_dict(), *(make() for make in peers.MEMORY.values())]
    for place in places:
        for id in ids:
            await place.creating()(id, SMALL)
    rows = [Row(verb, f"memory, {verb} 100 B", US, (Target("peer", 1.0), FLOOR)) for verb in ("write", "read")]
    return Case(rows, [Contender(each.name, each.role, partial(sample, each)) for each in places], 2.0)


async def resident(_: Place) -> Case:
    """Compare the memory that processes take which hold many sessions."""

    async def sample(name: str) -> Mapping[str, float]:
        return {"bytes": float(printed("-m", alone.__name__, "resident", name))}

    places = {name: make() for name, make in alone.MEMORY.items()}
    rows = [Row("bytes", "memory, resident bytes per session at 100,000", "B", (Target("peer", 0.8), FLOOR))]
    return Case(rows, [Contender(each.name, each.role, partial(sample, name)) for name, each in places.items()], 0.05)


def printed(*arguments: str) -> str:
    """Return what this interpreter prints when it's called like this."""
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True).stdout


async def directory(place: Place) -> Case:
    """Compare stores in files with small sessions."""

    async def sample(files: Store) -> Mapping[str, float]:
        ids = fresh_ids(15)
        return {
            "create": await typical(partial(files.creating(), id, MIDDLE) for id in ids),
            "overwrite": await typical(partial(files.write, id, MIDDLE) for id in ids),
            "read": await typical(partial(files.read, id) for id in ids),
            "invalidate": await typical(partial(files.delete, id) for id in ids),
        }

    makes = (store.directory, store.bare_files, *peers.FILES.values())
    limits = {"create": 0.8, "overwrite": 0.8, "read": 0.8, "invalidate": 1.0}
    rows = [Row(key, f"directory, {key} 4 KB", US, (Target("peer", limit), FLOOR)) for key, limit in limits.items()]
    return Case(rows, list(contenders_with_files(place, makes, sample)), 4.0)


async def large(place: Place) -> Case:
    """Compare stores in files with large sessions. Django's is left out: it compresses them, which takes longer."""

    async def sample(files: Store) -> Mapping[str, float]:
        found = {}
        for size, data, number in (("64 KB", LARGE, 16), ("1 MB", HUGE, 6)):
            ids = fresh_ids(number)
            for id in ids:
                await files.creating()(id, data)
            found[f"read {size}"] = await typical(partial(files.read, id) for id in ids)
            found[f"write {size}"] = await typical(partial(files.write, id, data) for id in ids)
            for id in ids:
                await files.delete(id)
        return found

    makes = [store.directory, store.bare_files, *peers.FILES.values()]
    makes.remove(peers.django_files)
    rows = [
        Row(f"{verb} {size}", f"directory, {verb} {size}", US, (Target("floor", 1.3), PEER))
        for verb in ("read", "write")
        for size in ("64 KB", "1 MB")
    ]
    return Case(rows, list(contenders_with_files(place, makes, sample)), 2.0)


async def durable(place: Place) -> Case:
    """Compare what reaches the disk itself, which no peer does."""

    async def sample(files: Store) -> Mapping[str, float]:
        ids = fresh_ids(8)
        found = {"write": await typical(partial(files.write, id, MIDDLE) for id in ids)}
        for id in ids:
            await files.delete(id)
        return found

    makes = [partial(make, durable=True) for make in (store.directory, store.bare_files)]
    rows = [Row("write", "directory, create 4 KB, durable", US, (FLOOR,))]
    return Case(rows, list(contenders_with_files(place, makes, sample)), 2.0)


async def stall(place: Place) -> Case:
    """Compare how long files let another task wait. Django's is left out: it takes longer than all others together."""

    async def use(files: Store) -> None:
        [id] = fresh_ids(1)
        await files.creating()(id, MIDDLE)
        for _ in range(3):
            await files.write(id, MIDDLE)
            await sleep(0)  # a request does something else, too
            await files.read(id)
            await sleep(0)
        await files.delete(id)

    async def sample(files: Store) -> Mapping[str, float]:
        async def work() -> None:
            await gather(*(use(files) for _ in range(16)))

        return {"stall": median([await longest_stall(work) for _ in range(3)])}  # one alone may be another process

    makes = [store.directory, store.bare_files, *peers.FILES.values()]
    makes.remove(peers.django_files)
    title = "longest stall of another task while 16 tasks use the directory"
    rows = [Row("stall", title, MS, (Target("floor", 1.0), PEER))]
    return Case(rows, list(contenders_with_files(place, makes, sample)), 0.7)


def contenders_with_files(
    place: Place, makes: Any, sample: Callable[[Store], Awaitable[Mapping[str, float]]]
) -> Iterator[Contender]:
    """Yield a contender for each store. It gets a new directory each time.

    Where on the disk a directory lies makes some calls two or three times as slow, so no contender may keep one.
    """

    async def sample_there(make: Callable[[Path], Store]) -> Mapping[str, float]:
        root = place.folder / fresh_ids(1)[0]
        found = await sample(make(root))
        shutil.rmtree(root)
        return found

    for make in makes:
        files = make(place.folder / "unused")
        yield Contender(files.name, files.role, partial(sample_there, make))
        shutil.rmtree(place.folder / "unused", ignore_errors=True)


async def crowd(place: Place) -> Case:
    """Compare a directory with many sessions to one with a thousand."""

    async def sample(storage: SessionStorageDirectory, there: list[str]) -> Mapping[str, float]:
        some, new = NUMBERS.sample(there, 15), fresh_ids(15)
        return {
            "create": await typical(partial(write_bytes, storage, id, MIDDLE) for id in new),
            "overwrite": await typical(partial(write_bytes, storage, id, MIDDLE) for id in new),
            "read": await typical(partial(read_bytes, storage, id) for id in some),
            "invalidate": await typical(partial(storage.invalidate, id) for id in new),
        }

    many = f"with {place.sessions:,} sessions against 1,000"
    rows = [
        Row(verb, f"directory {many}, {verb}", US, (Target("floor", 1.3),))
        for verb in ("create", "overwrite", "read", "invalidate")
    ]
    return Case(rows, await contenders_with_crowds(place, sample), 2.0)


async def sweep(place: Place) -> Case:
    """Compare a sweep that finds nothing to delete, with many sessions, with ten thousand and with a thousand."""

    async def sample(storage: SessionStorageDirectory, there: list[str]) -> Mapping[str, float]:
        taken = []

        async def sweep() -> None:
            begin = perf_counter()
            await storage.sweep()
            taken.append((perf_counter() - begin) * 1e6 / len(there))

        stalls = [await longest_stall(sweep) for _ in range(max(1, 20_000 // len(there)))]
        return {"sweep": median(taken), "stall": max(stalls)}

    many = f"with {place.sessions:,} sessions"
    rows = [
        Row("sweep", f"directory {many} against 1,000, sweep, per session", US, (Target("floor", 1.3),)),
        Row("stall", f"directory {many}, longest stall of another task during a sweep", MS, (Target(None),)),
    ]
    return Case(rows, await contenders_with_crowds(place, sample, 10_000), 0.1)


async def contenders_with_crowds(
    place: Place, sample: Callable[[SessionStorageDirectory, list[str]], Awaitable[Mapping[str, float]]], *others: int
) -> list[Contender]:
    """Return a contender for each directory: with many sessions, with a thousand, and with other numbers.

    All but the one with many are new ones each time, as above. They stay until the end: after many files were removed,
    ext4 takes several times as long to create one.
    """
    root = place.folder.with_name("many")
    many = filled(root, place.sessions)
    storage = SessionStorageDirectory(root)
    assert await read_bytes(storage, many[0]) == EMPTY

    async def sample_new(ids: list[str]) -> Mapping[str, float]:
        new = place.folder / fresh_ids(1)[0]
        seed(new, ids)
        return await sample(SessionStorageDirectory(new), ids)

    def contender(role: Role, number: int) -> Contender:
        return Contender(f"coatcheck with {number:,} sessions", role, partial(sample_new, fresh_ids(number)))

    crowded = Contender(f"coatcheck with {len(many):,} sessions", "coatcheck", partial(sample, storage, many))
    return [crowded, contender("floor", 1000), *(contender("other", number) for number in others)]


@cache
def filled(root: Path, sessions: int) -> list[str]:
    """Make a directory with so many sessions, which may take a minute, for all cases. Return their ids."""
    ids = fresh_ids(sessions)
    seed(root, ids)
    os.sync()  # or the disk would still be busy with them
    return ids


def seed(root: Path, ids: Iterable[str], data: bytes = b"") -> None:
    """Make the files of sessions as the documentation says they are named.

    Without `data` they have a size and no blocks, which would take minutes to remove. The directory is as large as with
    blocks.
    """
    root.mkdir(mode=0o700)
    for id in ids:
        name = sha256(id.encode()).hexdigest()
        file = os.open(f"{root}/{name}.session", os.O_CREAT | os.O_WRONLY, 0o600)
        if data:
            os.write(file, data)
        else:
            os.ftruncate(file, len(EMPTY))
        os.close(file)


async def request(place: Place) -> Case:
    """Compare requests to apps with sessions in memory. Nothing waits, so what counts is the processor's time."""
    number = 60

    async def taken(each: App, path: str, cookies: list[str | None]) -> float:
        begin = thread_time()
        await each.repeat(path, cookies)
        return (thread_time() - begin) * 1e6 / number

    async def sample(each: App) -> Mapping[str, float]:
        first = (await each.ask("/login")).cookie
        before = [(await each.ask("/login")).cookie for _ in range(number)]
        found = {
            "untouched": await taken(each, "/untouched", [first] * number),
            "read": await taken(each, "/read", [first] * number),
            "change": await taken(each, "/change", [first] * number),
            "login": await taken(each, "/login", [None] * number),
            "renew": await taken(each, "/login", before),
        }
        if (await each.ask("/read", before[0])).body == app.USER:  # the old id is still good, so it wasn't renewed
            del found["renew"]
        return found

    makes = (app.bare, direct.direct, app.coatcheck, *peers.ASGI_APPS, *peers.WSGI_APPS, *peers.BARE_APPS)
    apps = [make() for make in makes]
    hasty = app.coatcheck(library=library_without_promises(place.folder))
    hasty.name, hasty.role = "coatcheck without four of its promises", "other"
    contenders = [Contender(each.name, each.role, partial(sample, each), each.without) for each in (*apps, hasty)]
    targets = (Target(None, 3.0), Target("peer", 0.7))
    rows = [
        Row("untouched", "request, session untouched, over the app without sessions", US, targets, is_added=True),
        Row("read", "request, read only", US, (Target("peer", 0.7), FLOOR)),
        Row("change", "request, read and changed", US, (Target("peer", 0.8), FLOOR)),
        Row("login", "request, login, of a client without a session", US, (Target("peer", 0.8), FLOOR)),
        Row("renew", "request, login, of a client with a session", US, (Target("peer", 0.8), FLOOR)),
    ]
    return Case(rows, contenders, 2.0)


async def together(_: Place) -> Case:
    """Compare requests that change one session at the same time. The peers lose nearly all of the changes.

    One after the other, all keep all changes, and none has to merge.
    """
    changes = [f"/put/{number}" for number in range(100)]

    async def at_once(each: App, cookie: str | None, paths: list[str]) -> None:
        await gather(*(each.ask(path, cookie) for path in paths))

    async def in_turn(each: App, cookie: str | None, paths: list[str]) -> None:
        for path in paths:
            cookie = (await each.ask(path, cookie)).cookie or cookie

    async def taken(send: Callable[..., Awaitable[None]], each: App, paths: list[str]) -> float:
        cookie = (await each.ask("/login")).cookie
        begin = thread_time()
        await send(each, cookie, paths)
        return (thread_time() - begin) * 1e6 / len(paths)

    async def sample(each: App) -> Mapping[str, float]:
        return {"change": await taken(at_once, each, changes), "add": await taken(at_once, each, ["/add"] * 1000)}

    async def sample_in_turn(each: App) -> Mapping[str, float]:
        return {"change": await taken(in_turn, each, changes)}

    apps = [make() for make in (app.coatcheck, *peers.ASGI_APPS)]
    contenders = [Contender(each.name, each.role, partial(sample, each)) for each in apps]
    contenders += [
        Contender(f"{each.name}, one after the other", "other", partial(sample_in_turn, each)) for each in apps
    ]
    rows = [
        Row("change", "100 requests at once on one session, each", US, (Target("peer", 1.5),)),
        Row("add", "1,000 concurrent increments of one session, each", US, (Target("peer", 1.5),)),
    ]
    return Case(rows, contenders)


async def log(place: Place) -> Case:
    """Compare the library with a copy that doesn't log. DEBUG is off, so neither writes anything."""
    number = 200

    async def sample(each: App) -> Mapping[str, float]:
        cookie = (await each.ask("/login")).cookie
        begin = thread_time()
        await each.repeat("/change", [cookie] * number)
        return {"change": (thread_time() - begin) * 1e6 / number}

    silent = library_without_log(place.folder)
    apps = [app.coatcheck(), app.coatcheck(library=silent)]
    roles: tuple[Role, ...] = ("coatcheck", "floor")
    names = ("coatcheck", "coatcheck without the calls")
    contenders = [
        Contender(name, role, partial(sample, each)) for name, role, each in zip(names, roles, apps, strict=True)
    ]
    rows = [Row("change", "DEBUG log off, request that reads and changes", US, (Target("floor", 1.02),))]
    return Case(rows, contenders, 4.0)


TIMED = "from time import process_time; begin = process_time(); import {}; print((process_time() - begin) * 1000)"
LOADED = "import sys, coatcheck; print(*(name for name in sys.modules if name.split('.')[0] in {names}))"


async def imports(_: Place) -> Case:
    """Compare imports, each in a process of its own. AnyIO loads its parts only when they are used."""
    loaded = printed("-c", LOADED.format(names=("anyio", "asyncio", "msgspec"))).split()

    async def sample(modules: str, keys: list[str]) -> Mapping[str, float]:
        return dict.fromkeys(keys, float(printed("-c", TIMED.format(modules))))

    alone, used = "import anyio, msgspec", "import the parts of asyncio, anyio and msgspec that coatcheck uses"
    contenders = [
        Contender("import coatcheck", "coatcheck", partial(sample, "coatcheck", ["alone", "used"])),
        Contender(alone, "floor", partial(sample, "anyio, msgspec", ["alone"])),
        Contender(used, "floor", partial(sample, ", ".join(loaded), ["used"])),
    ]
    rows = [
        Row("alone", "import, against anyio and msgspec alone", MS, (Target("floor", 1.1),)),
        Row("used", "import, against what it uses of asyncio, anyio and msgspec", MS, (Target("floor", 1.1),)),
    ]
    return Case(rows, contenders)


END = NUMBERS.randbytes(16).hex()


async def round_trips(place: Place) -> Case:
    """Count the commands that a server gets in a request. For coatcheck each is a round trip of its own."""
    server = Server("redis-server", place.folder)
    place.stack.callback(server.close)
    server.start()
    client = Redis(port=server.port)
    place.stack.push_async_callback(client.aclose)
    watching = redis.Redis(port=server.port)
    place.stack.callback(watching.close)

    async def sent(each: App, path: str, cookie: str | None) -> float:
        with watching.monitor() as monitor:  # type: ignore[no-untyped-call]
            await each.ask(path, cookie)
            server.do("ECHO", END)
            number = 0
            while END not in (command := monitor.next_command())["command"]:
                number += command["client_type"] != "lua"  # a script's commands stay in the server
        return number

    async def sample(each: App) -> Mapping[str, float]:
        cookie = (await each.ask("/login")).cookie
        return {
            "read": await sent(each, "/read", cookie),
            "login": await sent(each, "/login", None),
            "change": await sent(each, "/change", cookie),
        }

    apps = [app.coatcheck(SessionStorageRedis(client)), *(make(client) for make in peers.REDIS_APPS)]
    rows = [
        Row("read", "Redis, commands sent by a request that reads", "", (Target(None, 1), PEER)),
        Row("login", "Redis, commands sent by a login", "", (Target(None, 1), PEER)),
        Row("change", "Redis, commands sent by a request that reads and changes", "", (Target(None, 2), PEER)),
    ]
    return Case(rows, [Contender(each.name, each.role, partial(sample, each)) for each in apps], 0.01)


CASES: dict[str, Callable[[Place], Awaitable[Case]]] = {
    "memory": memory,
    "resident": resident,
    "directory": directory,
    "large": large,
    "durable": durable,
    "crowd": crowd,
    "sweep": sweep,
    "stall": stall,
    "request": request,
    "together": together,
    "redis": round_trips,
    "log": log,
    "import": imports,
}
