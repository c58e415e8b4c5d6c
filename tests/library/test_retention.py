"""How long a directory stores what nobody uses, and what a sweep deletes."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import time
import tracemalloc
from contextlib import chdir
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.from_thread
import pytest

import coatcheck.directory
from coatcheck import (
    SessionStorageCache,
    SessionStorageDirectory,
    SessionStorageMemory,
    cookie,
    directory_session_storage,
    read_bytes,
    write_bytes,
)
from tests.support.cart import Cart
from tests.support.clock import Clock
from tests.support.storage import is_found, is_updated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from coatcheck import ByteWriteChannel

LIMIT = timedelta(seconds=100)
SHORTLY = 0.125
SLICE = 256


# --- retention --------------------------------------------------------------------------------------------------


@pytest.fixture
def directory(root: Path, clock: Clock) -> SessionStorageDirectory:
    return SessionStorageDirectory(root, retention=LIMIT, clock=clock)


def file_of(root: Path, id: str) -> Path:
    return root / f"{sha256(id.encode()).hexdigest()}.session"


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("ask", [is_found, is_updated])
@pytest.mark.parametrize(("unused", "there"), [(100 - SHORTLY, True), (100, False), (100 + SHORTLY, False)])
async def test_a_directory_keeps_a_session_for_its_retention_and_no_longer(
    directory: SessionStorageDirectory,
    root: Path,
    clock: Clock,
    *,
    ask: Callable[[SessionStorageDirectory, str], Awaitable[bool]],
    unused: float,
    there: bool,
) -> None:
    await write_bytes(directory, "id1", b"coat")
    clock.now += unused
    open_files = descriptors()
    assert await ask(directory, "id1") is there
    assert descriptors() == open_files
    assert [path.suffix for path in root.iterdir()] == [".session"]


async def test_what_a_directory_has_forgotten_can_be_written_anew(
    directory: SessionStorageDirectory, clock: Clock
) -> None:
    await write_bytes(directory, "id1", b"coat")
    clock.now += 100
    await write_bytes(directory, "id1", b"hat")
    assert await read_bytes(directory, "id1") == b"hat"


@pytest.mark.parametrize("size", [4, 200_000])
@pytest.mark.parametrize(
    ("after", "used"), [(0, 0), (10 - SHORTLY, 0), (10, 10), (10 + SHORTLY, 10 + SHORTLY), (99, 99)]
)
async def test_a_read_in_a_directory_counts_as_use_once_a_tenth_has_passed(
    directory: SessionStorageDirectory, root: Path, clock: Clock, *, after: float, used: float, size: int
) -> None:
    await write_bytes(directory, "id1", b"x" * size)
    began, clock.now = clock.now, clock.now + after
    assert await read_bytes(directory, "id1") == b"x" * size
    assert file_of(root, "id1").stat().st_mtime == began + used
    clock.now = began + used + 100 - SHORTLY
    assert await is_updated(directory, "id1")


async def is_replaced(directory: SessionStorageDirectory, id: str) -> None:
    await write_bytes(directory, id, b"hat")


@pytest.mark.parametrize("use", [is_updated, is_replaced])
async def test_a_change_in_a_directory_counts_as_use_at_once(
    use: Callable[[SessionStorageDirectory, str], Awaitable[object]],
    directory: SessionStorageDirectory,
    root: Path,
    clock: Clock,
) -> None:
    await write_bytes(directory, "id1", b"coat")
    clock.now += SHORTLY
    await use(directory, "id1")
    assert file_of(root, "id1").stat().st_mtime == clock.now


async def test_a_clock_that_jumps_back_harms_no_session_in_a_directory(
    directory: SessionStorageDirectory, clock: Clock
) -> None:
    await write_bytes(directory, "id1", b"coat")
    clock.now -= 3_600
    assert await is_found(directory, "id1")
    assert await directory.sweep() == 0
    assert await is_updated(directory, "id1")
    clock.now += 100 - SHORTLY
    assert await is_found(directory, "id1")


@pytest.mark.parametrize("retention", [timedelta(0), timedelta(microseconds=-1), timedelta(days=-1)])
@pytest.mark.parametrize("open", [SessionStorageDirectory, directory_session_storage])
def test_a_retention_that_would_end_everything_at_once_is_refused(
    open: Callable[..., object], retention: timedelta, root: Path
) -> None:
    with pytest.raises(ValueError, match=r"^retention must be longer than zero, not .*; pass None for no limit$"):
        open(root, retention=retention)


@pytest.mark.parametrize("open", [SessionStorageDirectory, directory_session_storage])
@pytest.mark.parametrize("options", [{}, {"durable": True}])
def test_a_directory_keeps_sessions_for_seven_days_unless_it_is_told_otherwise(
    open: Callable[..., Any], options: dict[str, bool], root: Path
) -> None:
    assert open(root, **options).retention == timedelta(days=7)


async def test_directory_session_storage_passes_retention_and_clock_on(root: Path, clock: Clock) -> None:
    storage = directory_session_storage(root, retention=LIMIT, clock=clock)
    assert isinstance(storage, SessionStorageDirectory)
    await write_bytes(storage, "id1", b"coat")
    clock.now += 100
    assert not await is_found(storage, "id1")
    with pytest.raises(ValueError, match="raise retention"):
        cookie("X-Cart", Cart, storage=directory_session_storage(root, cached=True, retention=LIMIT))


# --- sweep --------------------------------------------------------------------------------------------------------


async def test_a_sweep_removes_exactly_what_is_over_and_says_how_much(
    directory: SessionStorageDirectory, root: Path, clock: Clock
) -> None:
    began = clock.now
    for number in range(5):  # over: 100.25, 100.125 and 100 seconds unused
        clock.now = began + number * SHORTLY
        await write_bytes(directory, f"id{number}", b"coat")
    clock.now = began + 100 + 2 * SHORTLY
    open_files = descriptors()
    assert await directory.sweep() == 3
    assert await directory.sweep() == 0
    assert descriptors() == open_files
    assert set(root.iterdir()) == {file_of(root, "id3"), file_of(root, "id4")}
    assert await read_bytes(directory, "id3") == await read_bytes(directory, "id4") == b"coat"


@pytest.mark.parametrize("sessions", [SLICE - 1, SLICE, 2 * SLICE, 2 * SLICE + 1])
async def test_a_sweep_works_in_slices_between_which_others_have_their_turn(
    sessions: int, directory: SessionStorageDirectory, root: Path, clock: Clock
) -> None:
    await write_bytes(directory, "id", b"coat")
    session = file_of(root, "id")
    for number in range(1, sessions):
        shutil.copy2(session, session.with_name(f"{number:064x}.session"))
    clock.now += 100
    only_thread = anyio.to_thread.current_default_thread_limiter()
    only_thread.total_tokens, before = 1, only_thread.total_tokens
    turns = []
    try:
        async with anyio.create_task_group() as tasks:

            async def take_turns() -> None:
                while list(root.iterdir()):
                    turns.append(await anyio.to_thread.run_sync(lambda: len(list(root.iterdir()))))

            tasks.start_soon(take_turns)
            assert await directory.sweep() == sessions
    finally:
        only_thread.total_tokens = before
    assert {sessions - SLICE * number for number in range(1, sessions // SLICE + 1)} <= {*turns, 0}


async def test_a_sweep_takes_no_more_memory_for_many_sessions(root: Path) -> None:
    looks, taken = 0, 0
    place = SessionStorageDirectory.sweep.__code__.co_filename
    its_own = [tracemalloc.Filter(inclusive=True, filename_pattern=place, all_frames=True)]

    def look() -> float:  # at the last session
        nonlocal looks, taken
        looks += 1
        if looks == 10 * SLICE:
            traces = tracemalloc.take_snapshot().filter_traces(its_own).traces
            taken = sum(trace.size for trace in traces)
        return time.time()

    directory = SessionStorageDirectory(root, retention=LIMIT, clock=look)
    await write_bytes(directory, "id", b"coat")
    os.utime(file_of(root, "id"), (0, 0))
    for number in range(1, 10 * SLICE):
        shutil.copy2(file_of(root, "id"), root / f"{number:064x}.session")
    looks = 0
    tracemalloc.start(8)
    try:
        assert await directory.sweep() == 10 * SLICE
    finally:
        tracemalloc.stop()
    assert 0 < taken < 10 * SLICE * 64  # the names alone are longer


async def test_a_sweep_that_is_cancelled_stops_after_its_slice_and_the_next_one_does_the_rest(
    root: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = anyio.CancelScope()

    def cancelling() -> float:
        anyio.from_thread.run_sync(scope.cancel)
        return clock.now

    await write_bytes(SessionStorageDirectory(root, clock=clock), "id", b"coat")
    for number in range(1, 3 * SLICE):
        shutil.copy2(file_of(root, "id"), root / f"{number:064x}.session")
    clock.now += 100
    synced: list[Path] = []
    monkeypatch.setattr(coatcheck.directory, "sync", synced.append)
    open_files = descriptors()
    with scope:
        await SessionStorageDirectory(root, retention=LIMIT, durable=True, clock=cancelling).sweep()
    assert scope.cancelled_caught
    assert len(list(root.iterdir())) == 2 * SLICE
    assert synced == [root], "what was removed by then may come back"
    assert descriptors() == open_files
    assert await SessionStorageDirectory(root, retention=LIMIT, clock=clock).sweep() == 2 * SLICE


async def test_a_sweep_keeps_what_was_read_and_is_no_use_itself(
    directory: SessionStorageDirectory, clock: Clock
) -> None:
    for id in ("id1", "id2"):
        await write_bytes(directory, id, b"coat")
    clock.now += 50
    assert await directory.sweep() == 0
    assert await is_found(directory, "id2")
    clock.now += 50
    assert await directory.sweep() == 1
    assert await is_found(directory, "id2")


async def test_a_sweep_of_a_root_that_is_not_there_makes_none(directory: SessionStorageDirectory, root: Path) -> None:
    assert await directory.sweep() == 0
    assert not root.exists()


async def test_without_retention_a_sweep_removes_no_session(root: Path, clock: Clock) -> None:
    directory = SessionStorageDirectory(root, retention=None, clock=clock)
    await write_bytes(directory, "id1", b"coat")
    clock.now += 1e12
    assert await directory.sweep() == 0
    assert await is_found(directory, "id1")


async def name_of_a_temporary_file(root: Path) -> str:
    """The name of a file that a write of the storage leaves behind if the machine stops half-way."""
    names: list[str] = []

    async def note_the_name(channel: ByteWriteChannel) -> None:
        await channel.send(b"x" * 100_000)
        names.extend(path.name for path in root.glob("*.tmp"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await SessionStorageDirectory(root).write("id1", note_the_name)
    (name,) = names
    return name


@pytest.mark.parametrize("storages_clock", [0, 1e10])
@pytest.mark.parametrize(("retention", "limit"), [(timedelta(hours=2), 2), (timedelta(days=7), 168), (None, 24)])
async def test_a_sweep_removes_old_temporary_files_by_the_systems_clock_and_counts_none(
    retention: timedelta | None, limit: float, storages_clock: float, root: Path
) -> None:
    directory = SessionStorageDirectory(root, retention=retention, clock=Clock(storages_clock))
    leftover = root / await name_of_a_temporary_file(root)
    for hours, there in ((-100, True), (0, True), (limit - 0.1, True), (limit, False), (100_000, False)):
        leftover.write_bytes(b"half a coat")
        modified = time.time() - hours * 3_600
        os.utime(leftover, (modified, modified))
        assert await directory.sweep() == 0
        assert leftover.exists() is there


async def test_a_sweep_leaves_a_write_that_is_under_way_alone(directory: SessionStorageDirectory, clock: Clock) -> None:
    async def sweep_meanwhile(channel: ByteWriteChannel) -> None:
        await channel.send(b"x" * 100_000)
        clock.now += 1e9
        assert await directory.sweep() == 1
        await channel.send(b"y")

    await write_bytes(directory, "id1", b"coat")
    await directory.write("id1", sweep_meanwhile)
    assert await read_bytes(directory, "id1") == b"x" * 100_000 + b"y"


@pytest.mark.parametrize("cached", [False, True])
async def test_what_directory_session_storage_returns_can_be_swept_cached_or_not(
    root: Path, clock: Clock, *, cached: bool
) -> None:
    storage = directory_session_storage(root, cached=cached, retention=LIMIT, clock=clock)
    assert await storage.sweep() == 0
    for id in ("id1", "id2"):
        await write_bytes(storage, id, b"coat")
    clock.now += 50
    await write_bytes(storage, "id3", b"hat")
    clock.now += 50
    assert await storage.sweep() == 2
    assert [path.read_bytes() for path in root.iterdir()] == [b"hat"]
    assert await SessionStorageCache(storage).sweep() == 0  # a cache of a cache
    assert not hasattr(SessionStorageCache(SessionStorageMemory()), "sweep")


@pytest.mark.parametrize(("arguments", "seen"), [({}, b"hat"), ({"cached": True}, b"coat")], ids=["default", "cached"])
async def test_directory_session_storage_sees_a_change_made_elsewhere_at_once_unless_it_is_cached(
    arguments: dict[str, bool], seen: bytes, root: Path
) -> None:
    storage = directory_session_storage(root, **arguments)  # type: ignore[arg-type]  # only `cached` is in it
    await write_bytes(storage, "id1", b"coat")
    assert await read_bytes(storage, "id1") == b"coat"
    await write_bytes(SessionStorageDirectory(root), "id1", b"hat")
    assert await read_bytes(storage, "id1") == seen


def plant_directory(path: Path) -> None:
    path.mkdir()
    (path / "coat").touch()


def plant_link(path: Path) -> None:
    target = path.parent.parent / "not ours"
    target.write_bytes(b"a grey coat")
    os.utime(target, (0, 0))
    path.symlink_to(target)


def plant_dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def plant_socket(path: Path) -> None:
    with chdir(path.parent), socket.socket(socket.AF_UNIX) as listening:  # the whole path may be too long
        listening.bind(path.name)


@pytest.mark.parametrize("ending", [".session", ".abcd1234.tmp"])
@pytest.mark.parametrize("plant", [plant_directory, plant_link, plant_dangling_link, plant_socket, os.mkfifo])
async def test_a_sweep_leaves_alone_what_is_no_file_whatever_its_name(
    plant: Callable[[Path], None], ending: str, directory: SessionStorageDirectory, root: Path, clock: Clock
) -> None:
    for id in ("id1", "id2"):
        await write_bytes(directory, id, b"coat")
    planted = root / f"{'0' * 64}{ending}"
    plant(planted)
    os.utime(planted, (0, 0), follow_symlinks=False)
    clock.now += 100
    with anyio.fail_after(60):
        assert await directory.sweep() == 2
    assert list(root.iterdir()) == [planted]
    assert planted.is_symlink() or planted.stat()
    if plant is plant_link:
        assert planted.read_bytes() == b"a grey coat"


async def test_a_sweep_leaves_alone_what_is_named_otherwise(
    directory: SessionStorageDirectory, root: Path, clock: Clock
) -> None:
    await write_bytes(directory, "id1", b"coat")
    foreign = {
        root / name
        for name in (
            "notes.txt",
            ".session",
            f"{'0' * 63}.session",
            f"{'0' * 65}.session",
            f"{'A' * 64}.session",
            f"{'0' * 64}.session.bak",
            f"{'0' * 64}.session\n",
            f"{'0' * 64}",
            f"{'0' * 64}.tmp",
            f"{'0' * 64}..tmp",
            f"{'0' * 63}.abcd1234.tmp",
            f"{'0' * 64}.abcd1234.tmp~",
            f"{'0' * 64}.a-b.tmp",
        )
    }
    for path in foreign:
        path.touch()
        os.utime(path, (0, 0))
    clock.now += 100
    assert await directory.sweep() == 1
    assert set(root.iterdir()) == foreign


def before_the_first_lock(monkeypatch: pytest.MonkeyPatch, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Let `action` happen between a sweep's look at its first session and the lock on it."""
    pending, flock = [action], fcntl.flock

    def lock(file: int, operation: int) -> None:
        if pending:
            anyio.from_thread.run(pending.pop())
        flock(file, operation)

    monkeypatch.setattr("fcntl.flock", lock)


async def test_a_session_that_is_written_anew_while_a_sweep_waits_for_it_is_kept(
    directory: SessionStorageDirectory, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write_bytes(directory, "id1", b"coat")
    clock.now += 100
    before_the_first_lock(monkeypatch, lambda: write_bytes(directory, "id1", b"hat"))
    assert await directory.sweep() == 0
    assert await read_bytes(directory, "id1") == b"hat"


async def test_a_session_that_is_invalidated_while_a_sweep_waits_for_it_does_not_count(
    directory: SessionStorageDirectory, root: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write_bytes(directory, "id1", b"coat")
    clock.now += 100
    before_the_first_lock(monkeypatch, lambda: directory.invalidate("id1"))
    assert await directory.sweep() == 0
    assert list(root.iterdir()) == []


async def test_a_temporary_file_that_goes_while_a_sweep_is_under_way_harms_nothing(
    directory: SessionStorageDirectory, root: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):  # so many that the sweep comes to a session before it has come to all temporary files
        await write_bytes(directory, f"id{number}", b"coat")
        (root / f"{number:064x}.abcd1234.tmp").touch()
    clock.now += 100

    async def finish_the_writes() -> None:
        for path in root.glob("*.tmp"):
            path.unlink()

    before_the_first_lock(monkeypatch, finish_the_writes)
    assert await directory.sweep() == 20
    assert list(root.iterdir()) == []


async def test_two_sweeps_at_once_count_each_session_once(
    directory: SessionStorageDirectory, root: Path, clock: Clock
) -> None:
    removed: list[int] = []
    for number in range(30):
        await write_bytes(directory, f"id{number}", b"coat")
    clock.now += 100

    async def sweep(storage: SessionStorageDirectory) -> None:
        removed.append(await storage.sweep())

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(sweep, SessionStorageDirectory(root, retention=LIMIT, clock=clock))
    assert sum(removed) == 30
    assert list(root.iterdir()) == []
