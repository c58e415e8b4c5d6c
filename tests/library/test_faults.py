"""What the system refuses is raised, the old session stays, and nothing is left lying about.

The faults are real: `strace` lets the system calls of the storage's worker thread fail one after the other, a file
system of 64 KiB runs full, the process loses its rights or has no descriptor left, and what is in the way is there.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import itertools
import logging
import os
import re
import resource
import shutil
import stat
import subprocess
import tempfile
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from coatcheck import (
    SessionNotFound,
    SessionStorageDirectory,
    cookie,
    read_bytes,
    write_bytes,
)
from tests.support.cart import Cart, put
from tests.support.client import Look, visit
from tests.support.file import limited_files, open_files
from tests.support.storage import given_up

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AbstractContextManager

    from coatcheck import ByteReadChannel, ByteWriteChannel

    Call = Callable[[SessionStorageDirectory], Awaitable[object]]

OLD = b"a grey coat"
NEW = b"a red scarf"
LARGE = b"a trunk" * 20_000

DAY = timedelta(days=1).total_seconds()


async def write(directory: SessionStorageDirectory) -> None:
    await write_bytes(directory, "id1", NEW)


async def write_in_pieces(directory: SessionStorageDirectory) -> None:
    async def send(channel: ByteWriteChannel) -> None:
        for start in range(0, len(LARGE), 70_000):
            await channel.send(LARGE[start : start + 70_000])

    await directory.write("id1", send)


async def update(directory: SessionStorageDirectory) -> None:
    await directory.update("id1", lambda _: NEW)


async def invalidate(directory: SessionStorageDirectory) -> None:
    await directory.invalidate("id1")


async def content(directory: SessionStorageDirectory) -> bytes | None:
    try:
        return await read_bytes(directory, "id1")
    except SessionNotFound:
        return None


@dataclass(frozen=True)
class Step:
    """A call of the storage, and what is stored before and after."""

    call: Call
    before: bytes | None
    after: bytes | None


STEPS = {
    "write": Step(write, OLD, NEW),
    "write in pieces": Step(write_in_pieces, OLD, LARGE),
    "first write": Step(write, None, NEW),
    "update": Step(update, OLD, NEW),
    "invalidate": Step(invalidate, OLD, None),
    "read": Step(content, OLD, OLD),
}


async def a_directory(root: Path, before: bytes | None, *, durable: bool = True) -> SessionStorageDirectory:
    """Hold `before` since yesterday, so that a read has to note that the session is in use."""
    if before is not None:
        await write_bytes(SessionStorageDirectory(root, clock=lambda: 0), "id1", before)
    return SessionStorageDirectory(root, durable=durable, clock=lambda: DAY)


async def error_of(call: Awaitable[object]) -> int | None:
    """The number of the error that the system gave, if it gave one."""
    try:
        await call
    except OSError as error:
        return error.errno
    return None


def assert_no_lock(place: Path) -> None:
    for path in (place, *place.rglob("*")):
        if path.is_dir() or path.is_file():
            file = os.open(path, os.O_RDONLY)
            try:
                flock(file, LOCK_EX | LOCK_NB)  # BlockingIOError: somebody holds it
            finally:
                os.close(file)


def assert_nothing_is_left(place: Path) -> None:
    assert list(place.rglob("*.tmp")) == []
    assert open_files(place) == []
    assert_no_lock(place)


def test_what_is_left_is_noticed(tmp_path: Path) -> None:
    assert_nothing_is_left(tmp_path)
    (tmp_path / "a.tmp").touch()
    with pytest.raises(AssertionError):
        assert_nothing_is_left(tmp_path)
    (tmp_path / "a.tmp").unlink()
    (tmp_path / "a.session").touch()
    file = os.open(tmp_path / "a.session", os.O_RDONLY)
    assert open_files(tmp_path) == [file]
    flock(file, LOCK_EX)
    with pytest.raises(BlockingIOError):
        assert_no_lock(tmp_path)
    os.close(file)


# --- every system call, one after the other -----------------------------------------------------------------------


@dataclass(frozen=True)
class SystemCall:
    name: str
    turn: int  # the first of its name, the second, ...
    line: str  # as strace prints it

    @property
    def is_commit(self) -> bool:
        return self.name.startswith(("rename", "unlink"))

    @property
    def is_question(self) -> bool:
        """Whether it asks if a folder is there. Where that fails, some versions of Python take it for a "no"."""
        return "stat" in self.name and self.line.partition(") = ")[0].endswith(", 0")

    @property
    def error(self) -> str:
        """What it would fail with on a disk that is full, or broken."""
        needs_room = self.name.startswith(("write", "mkdir", "rename")) or "O_CREAT" in self.line
        return "ENOSPC" if needs_room else "EIO"

    @property
    def fault(self) -> str:
        return f"{self.name}:error={self.error}:when={self.turn}"


@contextmanager
def traced(thread: int, log: Path, *faults: str) -> Iterator[list[SystemCall]]:
    """List what `thread` asks the system about files. `faults` says what goes wrong meanwhile, in strace's words."""
    assert shutil.which("strace"), "strace is missing. Install it; on Debian: sudo apt-get install -y strace"
    ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1))  # PR_SET_PTRACER: a child may trace us, where that is asked
    command = ["strace", "-y", "-o", str(log), "-e", "trace=%file,%desc", "-p", str(thread)]
    for fault in faults:
        command += ["-e", f"inject={fault}"]
    calls: list[SystemCall] = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        try:
            assert strace.stderr is not None
            said = strace.stderr.readline()
            assert "attached" in said, (
                f"strace may not trace this process (a container may need --cap-add SYS_PTRACE): {said}"
            )
            yield calls
        finally:
            strace.terminate()  # it lets go of the thread
    turns = Counter[str]()
    for line in log.read_text().splitlines():
        name = line.partition("(")[0]
        turns[name] += 1
        calls.append(SystemCall(name, turns[name], line))


async def worker_thread() -> int:
    """The thread that does all blocking work, as long as one call follows the other."""
    return await anyio.to_thread.run_sync(threading.get_native_id)


# These tests have an event loop to themselves: that of the test runner uses worker threads of its own under trio.


@pytest.mark.parametrize("name", STEPS)
def test_whatever_system_call_fails_it_is_raised_and_the_session_is_the_old_one_or_the_new(
    name: str, anyio_backend: str, tmp_path: Path
) -> None:
    step = STEPS[name]

    async def main() -> None:
        thread = await worker_thread()
        (tmp_path / "all").mkdir()
        directory = await a_directory(tmp_path / "all" / "new" / "root", step.before)
        with traced(thread, tmp_path / "log") as calls:
            await step.call(directory)
        assert len(calls) > 5
        commit = next((turn for turn, call in enumerate(calls) if call.is_commit), len(calls))
        for turn, call in enumerate(calls):
            place = tmp_path / str(turn)
            place.mkdir()
            directory = await a_directory(place / "new" / "root", step.before)
            with traced(thread, tmp_path / "log", call.fault) as seen:
                error = await error_of(step.call(directory))
            assert sum("(INJECTED)" in again.line for again in seen) == 1, call
            assert error == getattr(errno, call.error) or (error is None and call.is_question), call
            drop_what_strace_kept_open(call, place)
            assert_nothing_is_left(place)
            assert await content(directory) == (step.before if error and turn <= commit else step.after), call
            await step.call(directory)
            assert await content(directory) == step.after, call

    anyio.run(main, backend=anyio_backend)


def drop_what_strace_kept_open(call: SystemCall, place: Path) -> None:
    """Close what a failed `close` has left: the system would have closed it, but strace does not let the call begin."""
    if call.name == "close":
        (file,) = open_files(place)
        os.close(file)


async def over(root: Path, count: int) -> None:
    """Leave `count` sessions behind that are over."""
    for number in range(count):
        await write_bytes(SessionStorageDirectory(root, clock=lambda: -7 * DAY), f"id-{number}", OLD)


async def a_directory_to_sweep(root: Path) -> SessionStorageDirectory:
    """One session that stays, two that are over, and what a crash has left."""
    directory = await a_directory(root, OLD)
    for id in ("id2", "id3"):
        await write_bytes(SessionStorageDirectory(root, clock=lambda: -7 * DAY), id, OLD)
    leave_behind(root)
    return directory


def leave_behind(root: Path) -> Path:
    leftover = root / f"{'0' * 64}.leftover.tmp"
    leftover.write_text("half a")
    os.utime(leftover, (0, 0))
    return leftover


def test_whatever_system_call_fails_a_sweep_raises_it_and_the_next_one_does_the_rest(
    anyio_backend: str, tmp_path: Path
) -> None:
    async def main() -> None:
        thread = await worker_thread()
        directory = await a_directory_to_sweep(tmp_path / "all")
        with traced(thread, tmp_path / "log") as calls:
            assert await directory.sweep() == 2
        assert sum(call.is_commit for call in calls) == 3
        for turn, call in enumerate(calls):
            place = tmp_path / str(turn)
            directory = await a_directory_to_sweep(place)
            with traced(thread, tmp_path / "log", call.fault):
                error = await error_of(directory.sweep())
            # What is closed first is the listing, and Python does not ask whether that went well.
            is_listing = call.name == "close" and call.turn == 1
            assert error == getattr(errno, call.error) or (error is None and (is_listing or call.is_question)), call
            drop_what_strace_kept_open(call, place)
            assert open_files(place) == []
            assert_no_lock(place)
            await directory.sweep()
            assert len(list(place.iterdir())) == 1, call
            assert await content(directory) == OLD

    anyio.run(main, backend=anyio_backend)


@pytest.mark.parametrize("name", ["write", "write in pieces", "update"])
def test_a_temporary_file_that_cannot_be_removed_either_is_left_to_sweep(
    name: str, anyio_backend: str, tmp_path: Path
) -> None:
    step = STEPS[name]

    async def main() -> None:
        thread = await worker_thread()
        directory = await a_directory(tmp_path / "root", step.before)
        with traced(thread, tmp_path / "log", "/rename:error=ENOSPC", "unlink,unlinkat:error=EROFS"):
            assert await error_of(step.call(directory)) in (errno.ENOSPC, errno.EROFS)
        assert open_files(tmp_path) == []
        assert_no_lock(tmp_path / "root")
        assert await content(directory) == step.before
        (leftover,) = (tmp_path / "root").glob("*.tmp")
        os.utime(leftover, (0, 0))
        await directory.sweep()
        assert_nothing_is_left(tmp_path)
        await step.call(directory)
        assert await content(directory) == step.after

    anyio.run(main, backend=anyio_backend)


@pytest.mark.parametrize(("opened", "removed"), [(1, 0), (3, 1)], ids=["at first", "at last"])
def test_a_root_that_goes_away_beneath_a_sweep_is_an_empty_one(
    opened: int, removed: int, anyio_backend: str, tmp_path: Path
) -> None:
    async def main() -> None:
        thread = await worker_thread()
        await over(tmp_path / "root", 1)
        directory = await a_directory(tmp_path / "root", None)
        with traced(thread, tmp_path / "log", f"openat:error=ENOENT:when={opened}") as calls:
            assert await directory.sweep() == removed
        assert any("(INJECTED)" in call.line for call in calls)

    anyio.run(main, backend=anyio_backend)


# --- what reaches the disk itself, and in which order ---------------------------------------------------------------


def order(calls: list[SystemCall], place: Path) -> list[str]:
    """What was done to which file or folder, one after the other, in short."""
    done = []
    for call in calls:
        verb = re.match(r"write|utime|f(?:data)?sync|rename|unlink|mkdir", call.name)
        if verb and " = -1 " not in call.line:
            (path, *_) = re.findall(rf'[<"]{re.escape(str(place))}/?([^">]*)[">]', call.line)
            path = re.sub(r"[^/]+\.(session|tmp)", r"\1", path)
            done.append(f"{verb[0]} {path}")
    return done


IN_PLACE = ["write root/tmp", "utime root/tmp", "fsync root/tmp", "rename root/tmp", "fsync root"]


@pytest.mark.parametrize(
    ("name", "durably"),
    [
        ("write", IN_PLACE),
        ("write in pieces", IN_PLACE[:1] + IN_PLACE),
        ("update", IN_PLACE),
        ("invalidate", ["unlink root/session", "fsync root"]),
    ],
)
def test_a_durable_change_is_on_the_disk_before_it_is_in_place_and_in_place_before_it_returns(
    name: str, durably: list[str], anyio_backend: str, tmp_path: Path
) -> None:
    step = STEPS[name]

    async def main(*, durable: bool) -> list[str]:
        thread = await worker_thread()
        directory = await a_directory(tmp_path / "root", step.before, durable=durable)
        await write_bytes(directory, "id2", OLD)  # not its first change
        with traced(thread, tmp_path / "log") as calls:
            await step.call(directory)
        return order(calls, tmp_path)

    async def durable() -> list[str]:
        return await main(durable=True)

    async def quick() -> list[str]:
        return await main(durable=False)

    assert anyio.run(durable, backend=anyio_backend) == durably
    assert anyio.run(quick, backend=anyio_backend) == [done for done in durably if "sync" not in done]


def test_a_durable_first_write_makes_sure_of_every_new_folder(anyio_backend: str, tmp_path: Path) -> None:
    async def main() -> None:
        thread = await worker_thread()
        directory = SessionStorageDirectory(tmp_path / "new" / "parent" / "root", durable=True)
        with traced(thread, tmp_path / "log") as calls:
            await write(directory)
        made = ["mkdir new", "fsync ", "mkdir new/parent", "fsync new", "mkdir new/parent/root", "fsync new/parent"]
        in_place = [step.replace("root", "new/parent/root") for step in IN_PLACE]
        assert order(calls, tmp_path) == [*made, *in_place, "fsync new/parent"]

    anyio.run(main, backend=anyio_backend)


@pytest.mark.parametrize("change", [write, update])
def test_the_first_durable_change_makes_sure_of_a_root_whose_maker_may_have_died(
    change: Call, anyio_backend: str, tmp_path: Path
) -> None:
    async def main() -> None:
        thread = await worker_thread()
        directory = await a_directory(tmp_path / "root", OLD)
        with traced(thread, tmp_path / "log", "fsync:error=EIO:when=3"):
            assert await error_of(change(directory)) == errno.EIO
        with traced(thread, tmp_path / "log") as calls:
            for _ in range(2):
                await change(directory)
        assert order(calls, tmp_path) == [*IN_PLACE, "fsync ", *IN_PLACE]

    anyio.run(main, backend=anyio_backend)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_durable_sweep_makes_sure_once_that_what_it_removed_stays_away(
    count: int, anyio_backend: str, tmp_path: Path
) -> None:
    async def main() -> None:
        thread = await worker_thread()
        directory = await a_directory(tmp_path / "root", OLD)
        await over(tmp_path / "root", count)
        with traced(thread, tmp_path / "log") as calls:
            assert await directory.sweep() == count
        assert order(calls, tmp_path) == ["unlink root/session"] * count + ["fsync root"] * bool(count)

    anyio.run(main, backend=anyio_backend)


@pytest.mark.parametrize(
    ("count", "fault", "removed"),
    [
        (3, "unlink,unlinkat:error=EIO:when=2", 2),
        (1, "flock:error=EIO:when=2", 1),  # as it gives the lock back, so after the removal
    ],
)
def test_a_durable_sweep_that_fails_at_one_session_makes_sure_that_the_others_stay_away(
    count: int, fault: str, removed: int, anyio_backend: str, tmp_path: Path
) -> None:
    async def main() -> None:
        thread = await worker_thread()
        await over(tmp_path / "root", count)
        directory = await a_directory(tmp_path / "root", None)
        with traced(thread, tmp_path / "log", fault) as calls:
            assert await error_of(directory.sweep()) == errno.EIO
        assert order(calls, tmp_path) == ["unlink root/session"] * removed + ["fsync root"]

    anyio.run(main, backend=anyio_backend)


# --- a full disk ----------------------------------------------------------------------------------------------------


class Disk(Protocol):
    """A place for sessions that can be full."""

    root: Path
    refusal: int

    def full(self, *, but: int = 0) -> AbstractContextManager[None]:
        """Leave room for `but` bytes meanwhile."""


@dataclass
class SmallDisk:
    """A file system of our own."""

    root: Path
    refusal: int = errno.ENOSPC

    @contextmanager
    def full(self, *, but: int = 0) -> Iterator[None]:
        filler = self.root.parent / "filler"
        with filler.open("wb", buffering=0) as file:
            while room := os.fstatvfs(file.fileno()).f_bavail:
                file.write(bytes(room * 4096))
            file.truncate(file.tell() - but)
            try:
                yield
            finally:
                filler.unlink()


@dataclass
class LimitedFiles:
    """What remains where nothing can be mounted: the system refuses to let a file of this process grow."""

    root: Path
    refusal: int = errno.EFBIG

    @contextmanager
    def full(self, *, but: int = 0) -> Iterator[None]:
        with limited_files(but):
            yield


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A file system of 64 KiB that only one other process sees; its /proc entry leads there."""
    mount = 'mount -t tmpfs -o size=64k none "$0" && echo mounted && read -r _'
    own_user = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["env", "unshare", "--mount", *own_user, "sh", "-c", mount, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        if holder.stdout.readline() == b"mounted\n":
            yield SmallDisk(Path(f"/proc/{holder.pid}/root{tmp_path}/sessions"))
        else:
            yield LimitedFiles(tmp_path / "sessions")
        holder.stdin.close()


LARGE_STEPS = {
    "write": Step(lambda directory: write_bytes(directory, "id1", LARGE), OLD, LARGE),
    "write in pieces": Step(write_in_pieces, OLD, LARGE),
    "update": Step(lambda directory: directory.update("id1", lambda _: LARGE), OLD, LARGE),
}


@pytest.mark.parametrize(
    ("step", "but"),
    [(STEPS[name], 0) for name in ("write", "update", "first write")] + [(step, 8192) for step in LARGE_STEPS.values()],
)
async def test_a_full_disk_is_raised_and_leaves_the_old_session(step: Step, but: int, disk: Disk) -> None:
    directory = await a_directory(disk.root, step.before, durable=False)
    with disk.full(but=but):
        assert await error_of(step.call(directory)) == disk.refusal
        assert await content(directory) == step.before
        assert list(disk.root.glob("*.tmp")) == []
    assert_nothing_is_left(disk.root)
    await write(directory)
    assert await content(directory) == NEW


async def test_ending_a_session_needs_no_room(disk: Disk) -> None:
    directory = await a_directory(disk.root, OLD)
    with disk.full():
        await invalidate(directory)
        assert await content(directory) is None


async def test_a_client_gets_no_ticket_for_what_a_full_disk_did_not_take(disk: Disk) -> None:
    sent: list[Any] = []
    provider = cookie("CART", Cart, storage=SessionStorageDirectory(disk.root))
    with disk.full():
        assert await error_of(visit(put("coat"), provider, sent=sent)) == disk.refusal
    assert sent == []


def test_a_write_that_the_disk_takes_in_two_parts_is_completed(anyio_backend: str, tmp_path: Path, disk: Disk) -> None:
    """The disk has room for 8 KiB; strace then keeps the thread waiting for a second, and there is room again."""
    data = bytes(range(256)) * 100

    async def main() -> None:
        thread = await worker_thread()
        directory = await a_directory(disk.root, OLD)
        with traced(thread, tmp_path / "log", "write:delay_exit=1000000:when=1") as calls:
            async with anyio.create_task_group() as group:
                with disk.full(but=8192):
                    group.start_soon(write_bytes, directory, "id1", data)
                    await until(lambda: any(path.stat().st_size for path in disk.root.glob("*.tmp")))
        written = [call.line.rpartition(" = ")[2].split()[0] for call in calls if call.name == "write"]
        assert written == ["8192", str(len(data) - 8192)]
        assert await content(directory) == data

    anyio.run(main, backend=anyio_backend)


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(60):
        while not condition():  # noqa: ASYNC110 - it is a file system that is waited for
            await anyio.sleep(0.001)


# --- a worker thread that comes late --------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [1, 2], ids=["piece", "commit"])
def test_a_worker_thread_that_begins_after_the_clean_up_finds_nothing_left_to_do(
    late: int, directory: SessionStorageDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task that `asyncio` cancels does not wait for its worker thread."""
    run_sync = anyio.to_thread.run_sync
    gate = threading.Event()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        begun, ended = asyncio.Event(), asyncio.Event()
        turns = itertools.count(1)

        async def run_late(function: Callable[..., object], *arguments: object) -> object:
            def wait_and_run() -> None:
                loop.call_soon_threadsafe(begun.set)
                gate.wait()
                try:
                    function(*arguments)
                finally:
                    loop.call_soon_threadsafe(ended.set)

            return await (run_sync(wait_and_run) if next(turns) == late else run_sync(function, *arguments))

        await write_bytes(directory, "id1", OLD)
        monkeypatch.setattr(anyio.to_thread, "run_sync", run_late)
        writing = asyncio.create_task(write_bytes(directory, "id1", LARGE))
        await begun.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        gate.set()
        await ended.wait()
        assert_nothing_is_left(tmp_path)
        assert await content(directory) == OLD

    try:
        asyncio.run(asyncio.wait_for(main(), 60))
    finally:
        gate.set()


# --- lost rights ----------------------------------------------------------------------------------------------------


@pytest.fixture
def own_root() -> Iterator[Path]:
    """A root that belongs to whom nothing else does."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "sessions"
        root.mkdir()
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, -1)
            os.chown(root, NOBODY, -1)
        yield root
        root.chmod(0o700)


NOBODY = 65534


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user whom rights bind, unlike root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


async def test_a_directory_that_may_not_be_written_any_more_is_raised_and_still_read(own_root: Path) -> None:
    with nobody():
        directory = await a_directory_to_sweep(own_root)
        own_root.chmod(0o500)
        for call in (write, write_in_pieces, update, invalidate, SessionStorageDirectory.sweep):
            assert await error_of(call(directory)) == errno.EACCES
            assert await content(directory) == OLD
        assert open_files(own_root) == []
        own_root.chmod(0o700)
        await directory.sweep()
        await write(directory)
        assert await content(directory) == NEW
        assert_nothing_is_left(own_root)


@pytest.mark.parametrize("forbidden", ["directory", "file"])
async def test_a_session_that_may_not_be_read_is_an_error_and_not_a_missing_one(forbidden: str, own_root: Path) -> None:
    """A request that saw no session there would take the client's ticket away."""
    with nobody():
        directory = await a_directory(own_root, OLD)
        (file,) = own_root.iterdir()
        path, mode = (own_root, 0o700) if forbidden == "directory" else (file, 0o600)
        path.chmod(0)
        for call in (content, write, update, invalidate, SessionStorageDirectory.sweep):
            assert await error_of(call(directory)) == errno.EACCES
        path.chmod(mode)
        assert await content(directory) == OLD
        assert_nothing_is_left(own_root)


async def test_a_session_that_may_not_be_read_keeps_no_other_from_being_swept(own_root: Path) -> None:
    with nobody():
        directory = SessionStorageDirectory(own_root, clock=lambda: DAY * 7)
        for turn in range(8):
            await write_bytes(SessionStorageDirectory(own_root, clock=lambda: 0), f"id{turn}", OLD)
        barred = sorted(own_root.iterdir())[::4]
        for file in barred:
            file.chmod(0)
        assert await error_of(directory.sweep()) == errno.EACCES
        assert sorted(own_root.iterdir()) == barred


async def test_a_root_that_may_not_be_made_is_raised(own_root: Path) -> None:
    with nobody():
        own_root.chmod(0o500)
        directory = SessionStorageDirectory(own_root / "new" / "root")
        assert await error_of(write(directory)) == errno.EACCES
        assert await content(directory) is None
        own_root.chmod(0o700)
        await write(directory)
        assert await content(directory) == NEW


async def test_a_durable_write_needs_no_right_to_look_into_the_parent(own_root: Path) -> None:
    with nobody():
        own_root.parent.chmod(0o300)
        directory = await a_directory(own_root, OLD)
        await write(directory)
        assert await content(directory) == NEW
        own_root.parent.chmod(0o700)


# --- no descriptor left ---------------------------------------------------------------------------------------------


@contextmanager
def descriptors_left(number: int) -> Iterator[None]:
    """Let this process open `number` files more, and none after them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.open(os.devnull, os.O_RDONLY)]
    highest = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    while taken[-1] < highest:  # the limit is on the number of a descriptor, so no lower one may be free
        taken.append(os.dup(taken[0]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken[-1] + 1 + number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for file in taken:
            os.close(file)


@pytest.mark.parametrize("name", STEPS)
async def test_running_out_of_descriptors_is_raised_and_leaves_the_old_session(name: str, tmp_path: Path) -> None:
    step = STEPS[name]
    errors = []
    for number in range(4):
        place = tmp_path / str(number)
        directory = await a_directory(place / "root", step.before)
        with descriptors_left(number):
            errors.append(await error_of(step.call(directory)))
        assert_nothing_is_left(place)
        # With one left, the session is in place, but its directory cannot be opened to be synced.
        assert await content(directory) in ((step.before, step.after) if errors[-1] else (step.after,))
        await step.call(directory)
        assert await content(directory) == step.after
    assert errors[0] == errno.EMFILE
    assert errors[-1] is None
    assert set(errors) == {errno.EMFILE, None}


# --- what others have put there -------------------------------------------------------------------------------------

PLANTED: dict[str, Callable[[Path], None]] = {
    "link to nothing": lambda path: path.symlink_to(path.parent / "nothing"),
    "link to itself": lambda path: path.symlink_to(path),
    "link to another session": lambda path: path.symlink_to(another(path)),
    "link to a folder": lambda path: path.symlink_to(path.parent),
    "FIFO": os.mkfifo,
    "socket": lambda path: os.mknod(path, stat.S_IFSOCK | 0o600),
    "folder": Path.mkdir,
}


def another(path: Path) -> Path:
    return next(other for other in path.parent.glob("*.session") if other != path)


async def plant(kind: str, directory: SessionStorageDirectory, root: Path) -> Path:
    """Put something in the place of the session "id1", beside another session."""
    await write_bytes(directory, "id1", OLD)
    (path,) = root.iterdir()
    await write_bytes(directory, "id2", OLD)
    path.unlink()
    PLANTED[kind](path)
    return path


@pytest.mark.parametrize("kind", PLANTED)
async def test_what_is_no_regular_file_is_no_session(
    kind: str, directory: SessionStorageDirectory, root: Path, tmp_path: Path
) -> None:
    path = await plant(kind, directory, root)
    before = path.lstat()
    with pytest.raises(SessionNotFound):
        await read_bytes(directory, "id1")
    with pytest.raises(SessionNotFound):
        await directory.update("id1", lambda _: NEW)
    await directory.invalidate("id1")
    assert await SessionStorageDirectory(root, clock=lambda: 0).sweep() == 0
    assert path.lstat().st_ino == before.st_ino
    assert await read_bytes(directory, "id2") == OLD
    assert_nothing_is_left(tmp_path)


@pytest.mark.parametrize("kind", PLANTED)
async def test_a_write_takes_the_place_of_what_is_no_session_and_follows_no_link(
    kind: str, directory: SessionStorageDirectory, root: Path, tmp_path: Path
) -> None:
    await plant(kind, directory, root)
    if kind == "folder":
        assert await error_of(write(directory)) == errno.EISDIR
    else:
        await write(directory)
        assert await content(directory) == NEW
    assert await read_bytes(directory, "id2") == OLD
    assert {path.suffix for path in root.iterdir()} == {".session"}
    assert_nothing_is_left(tmp_path)


async def test_what_bears_the_names_of_the_storage_but_is_none_of_its_files_harms_no_sweep(root: Path) -> None:
    directory = await a_directory_to_sweep(root)
    foreign = []
    for turn, suffix in enumerate((".session", ".folder.tmp") * 4):
        folder = root / f"{turn:064x}{suffix}"
        folder.mkdir()
        (folder / "notes.txt").touch()
        os.utime(folder, (0, 0))
        foreign.append(folder)
    assert await directory.sweep() == 2
    assert not list(root.glob("*.leftover.tmp"))
    assert all((folder / "notes.txt").exists() for folder in foreign)
    assert await content(directory) == OLD


ROOTS: dict[str, Callable[[Path], None]] = {
    "file": Path.touch,
    "link to a file": lambda path: path.symlink_to(__file__),
    "FIFO": os.mkfifo,
    "socket": lambda path: os.mknod(path, stat.S_IFSOCK | 0o600),
}


@pytest.mark.parametrize("kind", ROOTS)
async def test_a_root_that_is_no_directory_is_refused_when_it_is_named_and_when_it_became_one_later(
    kind: str, directory: SessionStorageDirectory, root: Path
) -> None:
    root.parent.mkdir()
    ROOTS[kind](root)
    before = root.lstat()
    with pytest.raises(NotADirectoryError, match="name another"):
        SessionStorageDirectory(root)
    for call in (content, write, write_in_pieces, update, invalidate, SessionStorageDirectory.sweep):
        assert await error_of(call(directory)) == errno.ENOTDIR
    assert root.lstat().st_ino == before.st_ino
    assert [*root.parent.iterdir()] == [root]


async def test_a_root_that_is_a_link_to_nowhere_is_refused_by_a_write(
    directory: SessionStorageDirectory, root: Path
) -> None:
    root.parent.mkdir()
    root.symlink_to("nowhere")
    assert await content(directory) is None
    await invalidate(directory)
    assert await directory.sweep() == 0
    assert await error_of(write(directory)) == errno.EEXIST
    assert [*root.parent.iterdir()] == [root]


async def test_a_root_that_is_a_link_to_a_directory_is_as_good_as_that(
    directory: SessionStorageDirectory, root: Path, tmp_path: Path
) -> None:
    root.parent.mkdir()
    (tmp_path / "elsewhere").mkdir()
    root.symlink_to(tmp_path / "elsewhere")
    await write(directory)
    await directory.update("id1", lambda data: data + b"!")
    assert await content(SessionStorageDirectory(tmp_path / "elsewhere")) == NEW + b"!"
    assert root.is_symlink()
    assert_nothing_is_left(tmp_path)


# --- a root that is removed while the server runs -------------------------------------------------------------------


@pytest.mark.parametrize("made_anew", [False, True])
async def test_a_root_that_is_removed_during_a_write_is_raised_and_made_by_the_next(
    made_anew: bool,  # noqa: FBT001
    directory: SessionStorageDirectory,
    root: Path,
) -> None:
    async def send(channel: ByteWriteChannel) -> None:
        await channel.send(LARGE)
        shutil.rmtree(root)
        if made_anew:
            root.mkdir()
        await channel.send(LARGE)
        await channel.send(NEW)

    await write_bytes(directory, "id1", OLD)
    with pytest.raises(FileNotFoundError):
        await directory.write("id1", send)
    assert open_files(root) == []
    assert root.exists() == made_anew
    assert await content(directory) is None
    await write(directory)
    assert await content(directory) == NEW
    assert_nothing_is_left(root)


async def test_a_root_that_is_removed_before_a_write_has_begun_its_file_is_made_anew(
    directory: SessionStorageDirectory, root: Path
) -> None:
    async def send(channel: ByteWriteChannel) -> None:
        await channel.send(b"a red ")
        shutil.rmtree(root)
        await channel.send(b"scarf")

    await write_bytes(directory, "id1", OLD)
    await directory.write("id1", send)
    assert await content(directory) == NEW


async def test_an_update_does_not_bring_back_what_was_removed_with_the_root(
    directory: SessionStorageDirectory, root: Path
) -> None:
    def remove(_: bytes) -> bytes:
        shutil.rmtree(root)
        return NEW

    await write_bytes(directory, "id1", OLD)
    with pytest.raises(SessionNotFound):
        await directory.update("id1", remove)
    assert await content(directory) is None
    assert not root.exists()
    assert open_files(root) == []


async def test_a_reader_keeps_its_version_when_the_root_is_removed(
    directory: SessionStorageDirectory, root: Path
) -> None:
    async def receive(channel: ByteReadChannel) -> bytes:
        pieces = [await channel.receive(1)]
        shutil.rmtree(root)
        return b"".join([*pieces, *[piece async for piece in channel]])

    await write_in_pieces(directory)
    assert await directory.read("id1", receive) == LARGE
    assert await content(directory) is None
    assert await directory.sweep() == 0
    assert open_files(root) == []


# --- records that are damaged ---------------------------------------------------------------------------------------


async def test_a_damaged_record_is_no_session_is_reported_once_and_harms_no_other(
    directory: SessionStorageDirectory, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ids = iter(["damaged", "sound", "fresh"])
    provider = cookie("CART", Cart, storage=directory, new_id=lambda: next(ids))
    look = Look(Cart)

    await visit(put("coat"), provider)
    (file,) = root.iterdir()
    await visit(put("coat"), provider)
    whole = file.read_bytes()
    damages = [whole[:length] for length in range(len(whole))]
    damages += [bytes(len(whole)), bytes(range(256)), whole + whole, b"[]\n{}", b"\xff\n{}", whole[::-1], b"{" * 10**6]
    with caplog.at_level(logging.DEBUG):
        for damage in damages:
            file.write_bytes(damage)
            answer = await visit(look, provider, id="damaged")
            assert look.found.pop() is None, damage
            assert (answer.id, answer.max_age) == ("", 0)
            assert (await visit(look, provider, id="sound")).ids == []
            assert look.found.pop() == Cart(["coat"])
    (record,) = caplog.records
    assert re.search(r"can't be decoded and counts as none \(id hash [0-9a-f]{12}\)", record.getMessage())
    assert "damaged" not in record.getMessage()
    assert (await visit(put("coat"), provider, id="damaged")).id == "fresh"
    assert await directory.sweep() == 0
    file.write_bytes(whole)
    await visit(look, provider, id="damaged")
    assert look.found == [Cart(["coat"])]


# --- nothing grows --------------------------------------------------------------------------------------------------


async def refused(error: type[Exception], call: Awaitable[object]) -> None:
    with pytest.raises(error):
        await call


async def fail(_: object) -> None:
    raise ZeroDivisionError


def divide_by_zero(data: bytes) -> bytes:
    return data[: 1 // 0]


async def test_a_thousand_calls_that_succeed_fail_or_are_given_up_leave_no_descriptor_and_no_thread(
    directory: SessionStorageDirectory, root: Path, tmp_path: Path
) -> None:
    expired = SessionStorageDirectory(root, clock=lambda: -100 * DAY)
    full = LimitedFiles(root)
    path = await plant("FIFO", directory, root)
    os.mkfifo(planted := path.with_name(f"{'f' * 64}.session"))

    async def round_of_calls() -> int:
        calls: list[Awaitable[object]] = [
            write(directory),
            content(directory),
            update(directory),
            write_in_pieces(directory),
            content(directory),
            refused(ZeroDivisionError, directory.write("id1", fail)),
            refused(ZeroDivisionError, directory.read("id1", fail)),
            refused(ZeroDivisionError, directory.update("id1", divide_by_zero)),
            refused(SessionNotFound, read_bytes(directory, "unknown")),
            refused(SessionNotFound, directory.update("unknown", divide_by_zero)),
            given_up(directory.write),
            given_up(directory.read),
            invalidate(directory),
            invalidate(directory),
            write_bytes(expired, "id3", OLD),
            refused(SessionNotFound, read_bytes(directory, "id3")),
            directory.sweep(),
        ]
        for call in calls:
            await call
        with full.full():
            for call in (write(directory), write_in_pieces(directory)):
                assert await error_of(call) == errno.EFBIG
        with descriptors_left(0):
            for call in (write(directory), read_bytes(directory, "id2"), directory.update("id2", bytes)):
                assert await error_of(call) == errno.EMFILE
        return len(calls) + 5

    await round_of_calls()
    descriptors, threads = len([*Path("/proc/self/fd").iterdir()]), threading.active_count()
    count = 0
    while count < 1000:
        count += await round_of_calls()
    assert len([*Path("/proc/self/fd").iterdir()]) == descriptors
    assert threading.active_count() <= threads
    assert planted.exists()
    assert_nothing_is_left(tmp_path)
