"""What the system refuses is raised, the old session stays, and nothing is left lying about.

The faults are real: `strace` lets the system calls of the storage's worker thread fail one after the other, a file
system of 64 KiB runs full, and the process loses its rights or has no descriptor left.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import itertools
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from coatcheck import SessionStorageDirectory, cookie, write_bytes
from tests.support.cart import Cart, put
from tests.support.client import visit
from tests.support.file import descriptors_left, limited_files, open_files
from tests.support.trouble import (
    DAY,
    LARGE,
    NEW,
    OLD,
    STEPS,
    Step,
    a_directory,
    a_directory_to_sweep,
    assert_no_lock,
    assert_nothing_is_left,
    content,
    error_of,
    invalidate,
    update,
    write,
    write_in_pieces,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from contextlib import AbstractContextManager

    from coatcheck import ByteWriteChannel
    from tests.support.trouble import Call


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
        assert len(calls) >= 5  # a read opens, asks, touches, reads and closes
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
            is_listing = call.name == "close" and f"<{tmp_path / 'all'}>" in call.line  # of it Python asks no more
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


async def send_large(channel: ByteWriteChannel) -> None:
    await channel.send(LARGE)


@pytest.mark.parametrize(
    ("late", "write"),
    [
        (1, lambda directory: directory.write("id1", send_large)),
        (2, lambda directory: directory.write("id1", send_large)),
        (1, lambda directory: write_bytes(directory, "id1", LARGE)),
    ],
    ids=["piece", "commit", "whole"],
)
def test_a_worker_thread_that_begins_after_the_clean_up_finds_nothing_left_to_do(
    late: int,
    write: Callable[[SessionStorageDirectory], Coroutine[Any, Any, None]],
    directory: SessionStorageDirectory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
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
        writing = asyncio.create_task(write(directory))
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
