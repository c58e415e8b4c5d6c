"""Sessions in files: what is on the disk, before, during and after each call, whatever goes wrong."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
import time
import tracemalloc
from contextlib import contextmanager, suppress
from functools import partial
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from coatcheck import SessionNotFound, SessionStorageDirectory, directory_session_storage, read_bytes, write_bytes
from tests.support.file import limited_files, open_files
from tests.support.server import PATIENCE
from tests.support.storage import given_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coatcheck import ByteReadChannel, ByteWriteChannel


async def do_nothing(_: object) -> None:
    pass


# --- what is on the disk ------------------------------------------------------------------------------------------


async def test_a_session_is_one_file_with_its_bytes_and_nothing_else(
    directory: SessionStorageDirectory, root: Path
) -> None:
    await write_bytes(directory, "id1", b"a grey coat")
    (file,) = root.iterdir()
    assert file.read_bytes() == b"a grey coat"
    assert "id1" not in file.name


async def test_files_and_directory_are_for_their_owner_only(directory: SessionStorageDirectory, root: Path) -> None:
    await write_bytes(directory, "id1", b"a grey coat")
    (file,) = root.iterdir()
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_miss_leaves_nothing_behind(directory: SessionStorageDirectory, root: Path) -> None:
    with pytest.raises(SessionNotFound):
        await read_bytes(directory, "unknown")
    await directory.invalidate("unknown")
    assert not root.parent.exists()
    root.mkdir(parents=True)
    with pytest.raises(SessionNotFound):
        await read_bytes(directory, "unknown")
    await directory.invalidate("unknown")
    assert list(root.iterdir()) == []


async def test_an_invalidated_session_leaves_no_file(directory: SessionStorageDirectory, root: Path) -> None:
    await write_bytes(directory, "id1", b"a grey coat")
    await directory.invalidate("id1")
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("size", [0, 65_535, 65_536, 65_537, 131_072, 200_000])
@pytest.mark.parametrize("piece", [999, 65_536, 150_000])
async def test_a_session_of_any_size_comes_back_as_it_was_sent_in_pieces_of_any_size(
    size: int, piece: int, directory: SessionStorageDirectory
) -> None:
    data = bytes(number % 251 for number in range(size))

    async def send(channel: ByteWriteChannel) -> None:
        for start in range(0, size, piece):
            await channel.send(data[start : start + piece])

    async def receive(channel: ByteReadChannel) -> bytes:
        received = b""
        with suppress(anyio.EndOfStream):
            while True:
                received += await channel.receive(piece)
        with pytest.raises(anyio.EndOfStream):  # and so it stays
            await channel.receive()
        return received

    await directory.write("id1", send)
    assert await directory.read("id1", receive) == data


async def test_another_storage_on_the_same_directory_finds_the_session(root: Path) -> None:
    await write_bytes(directory_session_storage(root), "id1", b"a grey coat")
    assert await read_bytes(directory_session_storage(str(root)), "id1") == b"a grey coat"


def test_both_names_of_a_directory_have_the_same_defaults() -> None:
    here, there = (signature(name).parameters for name in (SessionStorageDirectory, directory_session_storage))
    assert {name: there[name] for name in here} == dict(here)


async def test_a_change_of_the_working_directory_moves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    directory = directory_session_storage(".sessions")
    await write_bytes(directory, "id1", b"a grey coat")
    monkeypatch.chdir("/")
    assert await read_bytes(directory, "id1") == b"a grey coat"


def test_a_root_that_is_a_file_is_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(NotADirectoryError, match="is not a directory; name another"):
        directory_session_storage(tmp_path / "taken")


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("nowhere")])
@pytest.mark.parametrize("below", ["", "sessions", "app/sessions"])
def test_what_could_never_be_a_root_is_refused_when_the_storage_is_built(
    make: Callable[[Path], None], below: str, tmp_path: Path
) -> None:
    make(tmp_path / "taken")
    with pytest.raises(NotADirectoryError) as error:
        SessionStorageDirectory(tmp_path / "taken" / below)
    expected = f"{tmp_path}/taken is not a directory; name another one, or one that does not exist yet"
    assert str(error.value) == expected
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]


async def test_a_root_may_be_a_link_to_a_directory(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    directory = SessionStorageDirectory(tmp_path / "link" / "sessions")
    await write_bytes(directory, "id1", b"coat")
    assert await read_bytes(SessionStorageDirectory(tmp_path / "there" / "sessions"), "id1") == b"coat"


async def test_a_root_may_go_up_from_a_link(tmp_path: Path) -> None:
    (tmp_path / "there" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to("there/below")
    directory = SessionStorageDirectory(tmp_path / "link" / ".." / "sessions")
    await write_bytes(directory, "id1", b"coat")
    assert await directory.update("id1", bytes.upper) == b"COAT"
    assert await read_bytes(SessionStorageDirectory(tmp_path / "there" / "sessions"), "id1") == b"COAT"


MISTAKES: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no root": ({"root": None}, TypeError, 'root must be a str or a Path, not None; try ".sessions"'),
    "a number": ({"root": 5}, TypeError, 'root must be a str or a Path, not 5; try ".sessions"'),
    "bytes": ({"root": b".sessions"}, TypeError, "root must be a str or a Path, not b'.sessions'; try \".sessions\""),
    "a null": ({"root": "a\0b"}, ValueError, "root can't be 'a\\x00b' ("),
    "a surrogate": ({"root": Path("\ud800")}, ValueError, "surrogates not allowed); choose another name"),
    "a time": (
        {"clock": 12.5},
        TypeError,
        "clock must be a function that takes no arguments and isn't async, not 12.5; pass time.time",
    ),
    "no clock": (
        {"clock": None},
        TypeError,
        "clock must be a function that takes no arguments and isn't async, not None; pass time.time",
    ),
    "seconds": ({"retention": 60}, TypeError, "retention must be a timedelta or None, not 60; try"),
}


@pytest.mark.parametrize("make", [SessionStorageDirectory, directory_session_storage])
@pytest.mark.parametrize(("arguments", "kind", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_wrong_argument_is_refused_by_name_and_value_with_a_way_out(
    make: Callable[..., object], arguments: dict[str, Any], kind: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(kind) as error:
        make(**({"root": tmp_path} | arguments))
    assert message in str(error.value)


async def test_foreign_files_in_the_root_harm_no_session(directory: SessionStorageDirectory, root: Path) -> None:
    await write_bytes(directory, "id1", b"a grey coat")
    (root / "notes.txt").write_text("foreign")
    (root / "folder.session").mkdir()
    assert await read_bytes(directory, "id1") == b"a grey coat"


async def test_a_root_that_was_removed_is_made_again(directory: SessionStorageDirectory, root: Path) -> None:
    await write_bytes(directory, "id1", b"a grey coat")
    await directory.invalidate("id1")
    root.rmdir()
    await write_bytes(directory, "id1", b"a red scarf")
    assert await read_bytes(directory, "id1") == b"a red scarf"


async def test_a_planted_link_is_not_followed(directory: SessionStorageDirectory, root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    await write_bytes(directory, "id1", b"a grey coat")
    (file,) = root.iterdir()
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(SessionNotFound):
        await read_bytes(directory, "id1")
    await directory.invalidate("id1")
    await write_bytes(directory, "id1", b"a red scarf")
    assert secret.read_text() == "secret"
    assert await read_bytes(directory, "id1") == b"a red scarf"


# --- what goes wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [40_000, 400_000])
async def test_a_full_disk_is_raised_and_leaves_the_old_session(
    size: int, directory: SessionStorageDirectory, root: Path
) -> None:
    await write_bytes(directory, "id1", b"a grey coat")
    with limited_files(20_000), pytest.raises(OSError, match="File too large") as error:
        await write_bytes(directory, "id1", b"x" * size)
    assert error.value.errno == errno.EFBIG
    assert len(list(root.iterdir())) == 1
    assert await read_bytes(directory, "id1") == b"a grey coat"


@pytest.mark.parametrize("rest", [b"", b"end", b"x" * 100_000])
async def test_a_provider_that_ignores_a_full_disk_does_not_store_half_a_session(
    rest: bytes, directory: SessionStorageDirectory, root: Path
) -> None:
    await write_bytes(directory, "id1", b"a grey coat")

    async def ignore(channel: ByteWriteChannel) -> None:
        with limited_files(20_000), pytest.raises(OSError, match="File too large"):
            await channel.send(b"x" * 100_000)
        if rest:
            with suppress(anyio.BrokenResourceError):
                await channel.send(rest)

    with pytest.raises(anyio.BrokenResourceError, match="would be incomplete; let its error end the"):
        await directory.write("id1", ignore)
    assert len(list(root.iterdir())) == 1
    assert await read_bytes(directory, "id1") == b"a grey coat"


async def test_a_provider_that_ignores_a_cancelled_send_does_not_store_half_a_session(
    directory: SessionStorageDirectory, root: Path
) -> None:
    await write_bytes(directory, "id1", b"a grey coat")

    async def ignore(channel: ByteWriteChannel) -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await channel.send(b"x" * 100_000)
        assert scope.cancelled_caught
        await channel.send(b"end")

    with pytest.raises(anyio.BrokenResourceError, match="would be incomplete; let its error end the"):
        await directory.write("id1", ignore)
    assert len(list(root.iterdir())) == 1
    assert await read_bytes(directory, "id1") == b"a grey coat"


async def test_a_consumer_that_ignores_a_failed_read_does_not_take_half_a_session_for_the_whole(
    directory: SessionStorageDirectory, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write_bytes(directory, "id1", b"x" * 300_000)

    def fail(*_: int) -> bytes:
        raise OSError(errno.EIO, "broken disk")

    async def ignore(channel: ByteReadChannel) -> None:
        await channel.receive(65_536)
        monkeypatch.setattr(os, "read", fail)
        with pytest.raises(OSError, match="broken disk"):
            await channel.receive()
        monkeypatch.undo()
        await channel.receive()

    with pytest.raises(anyio.BrokenResourceError, match="would be incomplete; let its error end the"):
        await directory.read("id1", ignore)
    assert open_files(root) == []


async def test_a_place_that_cannot_be_taken_is_raised_and_leaves_no_temporary_file(
    directory: SessionStorageDirectory, root: Path
) -> None:
    await write_bytes(directory, "id1", b"a grey coat")
    (file,) = root.iterdir()
    file.unlink()
    file.mkdir()
    with pytest.raises(IsADirectoryError):
        await write_bytes(directory, "id1", b"a red scarf")
    assert list(root.iterdir()) == [file]


@pytest.mark.parametrize("sent", [b"", b"new", b"n" * 300_000])
async def test_a_failed_write_leaves_no_temporary_file_and_no_descriptor(
    sent: bytes, directory: SessionStorageDirectory, root: Path
) -> None:
    async def fail(channel: ByteWriteChannel) -> None:
        await channel.send(sent)
        raise ZeroDivisionError

    await write_bytes(directory, "id1", b"a grey coat")
    with pytest.raises(ZeroDivisionError):
        await directory.write("id1", fail)
    assert open_files(root) == []
    assert len(list(root.iterdir())) == 1


@pytest.mark.parametrize("size", [3, 300_000])
async def test_a_read_that_fails_or_stops_early_leaves_no_descriptor(
    size: int, directory: SessionStorageDirectory, root: Path
) -> None:
    await write_bytes(directory, "id1", b"x" * size)

    async def fail(channel: ByteReadChannel) -> None:
        await channel.receive(1)
        raise ZeroDivisionError

    await directory.read("id1", do_nothing)
    with pytest.raises(ZeroDivisionError):
        await directory.read("id1", fail)
    with pytest.raises(SessionNotFound):
        await directory.read("unknown", do_nothing)
    assert open_files(root) == []


async def test_a_cancelled_write_or_read_leaves_no_file_and_no_descriptor(
    directory: SessionStorageDirectory, root: Path
) -> None:
    await write_bytes(directory, "id1", b"x" * 300_000)
    for call in (directory.write, directory.read):
        await given_up(call)
    assert open_files(root) == []
    assert len(list(root.iterdir())) == 1


def test_cancelling_twice_while_no_worker_thread_is_free_leaves_no_file_and_no_descriptor(tmp_path: Path) -> None:
    async def main() -> None:
        directory = SessionStorageDirectory(tmp_path)
        await write_bytes(directory, "id1", b"x" * 300_000)
        begun = asyncio.Event()

        async def wait(channel: Any) -> None:
            await (channel.send(b"n" * 300_000) if hasattr(channel, "send") else channel.receive(1))
            begun.set()
            await asyncio.sleep(3600)

        for call in (directory.write, directory.read):
            begun.clear()
            task = asyncio.ensure_future(call("id1", wait))
            await begun.wait()
            limiter = anyio.to_thread.current_default_thread_limiter()
            tokens, limiter.total_tokens = limiter.total_tokens, 1
            await limiter.acquire_on_behalf_of("another")
            for _ in range(2):
                task.cancel()
                await asyncio.sleep(0.01)
            limiter.release_on_behalf_of("another")
            limiter.total_tokens = tokens
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await task
            assert open_files(tmp_path) == []
            assert cancelled.traceback  # so what its frames hold is not yet given up to the garbage collector
        assert len(list(tmp_path.iterdir())) == 1

    asyncio.run(main())


def test_a_read_that_stops_early_and_is_cancelled_as_it_closes_the_file_ends_as_cancelled(tmp_path: Path) -> None:
    async def main() -> None:
        directory = SessionStorageDirectory(tmp_path)
        await write_bytes(directory, "id1", b"x" * 300_000)
        limiter = anyio.to_thread.current_default_thread_limiter()
        tokens = limiter.total_tokens
        begun = asyncio.Event()

        async def stop_early(channel: ByteReadChannel) -> bytes:
            piece = await channel.receive(1)
            limiter.total_tokens = 1
            await limiter.acquire_on_behalf_of("another")  # so closing the file has to wait for a worker thread
            begun.set()
            return piece

        task = asyncio.ensure_future(directory.read("id1", stop_early))
        await begun.wait()
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        limiter.release_on_behalf_of("another")
        limiter.total_tokens = tokens
        assert open_files(tmp_path) == []

    asyncio.run(main())


async def test_a_piece_that_falls_one_byte_short_is_not_taken_for_the_last(directory: SessionStorageDirectory) -> None:
    sizes = (65_536, 65_535, 1, 65_536, 65_535, 1, 7)

    async def send(channel: ByteWriteChannel) -> None:
        for size in sizes:
            await channel.send(b"x" * size)

    await directory.write("id1", send)
    assert len(await read_bytes(directory, "id1")) == sum(sizes)


def test_a_receive_that_was_given_up_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`asyncio.timeout` lets go of the worker thread; what that thread still reads comes next."""
    data = bytes(range(256)) * 1024
    read = os.read
    slow, given_up = threading.Event(), threading.Event()

    def read_slowly(file: int, size: int) -> bytes:
        if slow.is_set():
            slow.clear()
            given_up.wait()
        return read(file, size)

    async def impatient(channel: ByteReadChannel) -> bytes:
        pieces = [await channel.receive(65_536)]
        slow.set()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await channel.receive()
        given_up.set()
        pieces += [piece async for piece in channel]
        return b"".join(pieces)

    async def main() -> None:
        directory = SessionStorageDirectory(tmp_path)
        await write_bytes(directory, "id1", data)
        monkeypatch.setattr(os, "read", read_slowly)
        assert await directory.read("id1", impatient) == data

    asyncio.run(main())


def test_cancelling_from_outside_anyio_leaves_no_trace_and_no_late_write(tmp_path: Path) -> None:
    """`asyncio` lets go of a worker thread when a task is cancelled; nothing may happen behind the caller's back."""

    async def main() -> None:
        directory = SessionStorageDirectory(tmp_path)
        for delay in range(60):
            for size in (1, 300_000):
                old, new = b"o" * size, b"n" * size
                await write_bytes(directory, "id1", old)
                task = asyncio.create_task(write_bytes(directory, "id1", new))
                reader = asyncio.create_task(read_bytes(directory, "id1"))
                for _ in range(delay // 4):
                    await asyncio.sleep(0)
                if delay % 4:
                    time.sleep(delay % 4 / 10_000)  # let the worker thread get somewhere  # noqa: ASYNC251
                task.cancel()
                reader.cancel()
                results = await asyncio.gather(task, reader, return_exceptions=True)
                stored = await read_bytes(directory, "id1")
                assert stored in (old, new)
                assert results[1] in (old, new) or isinstance(results[1], asyncio.CancelledError)
                await asyncio.sleep(0.002)
                assert await read_bytes(directory, "id1") == stored
                assert len(list(tmp_path.iterdir())) == 1
                assert open_files(tmp_path) == []

    asyncio.run(main())


@pytest.mark.parametrize("call", ["invalidate", "update"])
def test_a_change_that_was_given_up_from_outside_anyio_is_over(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written after it stays: it comes neither late nor in between."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        directory = SessionStorageDirectory(tmp_path)
        await write_bytes(directory, "id1", b"old")
        begun = asyncio.Event()
        lock = fcntl.flock

        def lock_slowly(file: int, operation: int) -> None:
            loop.call_soon_threadsafe(begun.set)
            time.sleep(0.05)
            lock(file, operation)

        monkeypatch.setattr(fcntl, "flock", lock_slowly)
        arguments = (lambda _: b"late",) if call == "update" else ()
        task = asyncio.create_task(getattr(directory, call)("id1", *arguments))
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
        monkeypatch.undo()
        await write_bytes(directory, "id1", b"new")
        await asyncio.sleep(0.1)
        assert await read_bytes(directory, "id1") == b"new"

    asyncio.run(main())


def test_without_file_locks_only_the_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with pytest.raises(NotImplementedError, match="use SessionStorageMemory or SessionStorageRedis"):
        SessionStorageDirectory(tmp_path)
    script = "import sys; sys.modules['fcntl'] = None; import coatcheck; coatcheck.SessionStorageMemory()"
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("number", [errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP])
async def test_a_file_system_that_cannot_lock_is_named_with_its_root_and_a_way_out(
    number: int, directory: SessionStorageDirectory, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(number, os.strerror(number))

    await write_bytes(directory, "id1", b"old")
    await write_bytes(directory, "id2", b"old")
    before = {path: path.read_bytes() for path in root.iterdir()}
    monkeypatch.setattr(fcntl, "flock", refuse)
    calls = (
        partial(write_bytes, directory, "id1", b"new"),
        partial(write_bytes, directory, "unknown", b"new"),
        partial(directory.update, "id2", bytes.upper),
        partial(directory.invalidate, "id1"),
        partial(directory.invalidate, "unknown"),
        directory.sweep,
    )
    for call in calls:
        with pytest.raises(OSError, match="use a local one, not NFS or SMB") as error:
            await call()
        assert error.value.errno == number
        assert f"{root} can't lock files ({os.strerror(number)})" in str(error.value)
    assert {path: path.read_bytes() for path in root.iterdir()} == before
    assert await read_bytes(directory, "id1") == b"old"


@pytest.mark.parametrize("call", ["read", "write"])
def test_what_a_callback_that_failed_has_left_under_way_ends_first(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`asyncio.gather`, for one, leaves a send or a receive behind when another of its tasks fails."""
    old = b"o" * 300_000

    async def main() -> None:
        loop = asyncio.get_running_loop()
        directory = SessionStorageDirectory(tmp_path)
        await write_bytes(directory, "id1", old)
        begun = asyncio.Event()
        left: list[asyncio.Task[object]] = []

        def slowly(name: str) -> None:
            original = getattr(os, name)

            def wait(*arguments: Any) -> Any:
                loop.call_soon_threadsafe(begun.set)
                time.sleep(0.05)
                return original(*arguments)

            monkeypatch.setattr(os, name, wait)

        async def fail(channel: Any) -> None:
            if call == "read":
                await channel.receive(65_536)
            slowly(call)
            left.append(asyncio.ensure_future(channel.receive() if call == "read" else channel.send(b"n" * 300_000)))
            await begun.wait()
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await getattr(directory, call)("id1", fail)
        monkeypatch.undo()
        assert open_files(tmp_path) == []
        assert len(list(tmp_path.iterdir())) == 1
        await asyncio.wait(left)
        assert await read_bytes(directory, "id1") == old
        left.pop().exception()

    asyncio.run(main())


# --- threads and system calls -------------------------------------------------------------------------------------


async def test_a_small_session_costs_one_worker_thread_call_each_way(
    directory: SessionStorageDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    run_sync = anyio.to_thread.run_sync

    async def count(function: Any, *arguments: Any) -> Any:
        calls.append(getattr(function, "__name__", "?"))
        return await run_sync(function, *arguments)

    monkeypatch.setattr(anyio.to_thread, "run_sync", count)
    await write_bytes(directory, "id1", b"x" * 65_535)
    assert len(calls) == 1
    await read_bytes(directory, "id1")
    assert len(calls) == 2
    await directory.invalidate("id1")
    assert len(calls) == 3


async def test_of_a_streamed_session_only_the_piece_at_hand_is_in_memory(directory: SessionStorageDirectory) -> None:
    places = (__file__, f"{Path(SessionStorageDirectory.write.__code__.co_filename).parent}/*")
    ours = [tracemalloc.Filter(inclusive=True, filename_pattern=place, all_frames=True) for place in places]
    held: list[int] = []

    def look() -> None:
        held.append(sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces(ours).traces))

    async def provide(channel: ByteWriteChannel) -> None:
        for size in (1_000_000, 100_000, 100_000):
            await channel.send(b"x" * size)
            look()

    async def consume(channel: ByteReadChannel) -> None:
        for _ in range(3):
            await channel.receive()
            look()

    tracemalloc.start(8)
    try:
        await directory.write("id1", provide)
        await directory.read("id1", consume)
    finally:
        tracemalloc.stop()
    assert len(held) == 6
    assert max(held[1:]) < 500_000, held  # the first piece is large


async def test_the_event_loops_own_thread_touches_no_file(
    directory: SessionStorageDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()
    for name in ("open", "read", "write", "close", "fsync", "unlink"):
        original = getattr(os, name)

        def note(*arguments: Any, original: Any = original, **options: Any) -> Any:
            threads.add(threading.get_ident())
            return original(*arguments, **options)

        monkeypatch.setattr(os, name, note)
    for size in (3, 300_000):
        await write_bytes(directory, "id1", b"x" * size)
        await read_bytes(directory, "id1")
    for call in (directory.write, directory.read):
        await given_up(call)
    assert threads
    assert threading.get_ident() not in threads


async def test_a_short_write_of_the_system_is_completed(
    directory: SessionStorageDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, bytes(data[:1000])))
    await write_bytes(directory, "id1", bytes(range(256)) * 40)
    assert await read_bytes(directory, "id1") == bytes(range(256)) * 40


async def test_a_short_read_of_the_system_is_completed(
    directory: SessionStorageDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(range(256)) * 1000
    await write_bytes(directory, "id1", data)
    read = os.read
    monkeypatch.setattr(os, "read", lambda file, size: read(file, min(size, 1000)))
    assert await read_bytes(directory, "id1") == data

    async def pieces(channel: ByteReadChannel) -> list[bytes]:
        return [piece async for piece in channel]

    assert b"".join(await directory.read("id1", pieces)) == data


async def test_a_durable_write_syncs_the_file_before_and_the_directory_after_it_is_in_place(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, list[str]]] = []
    fsync = os.fsync

    def note(file: int) -> None:
        synced.append((Path(f"/proc/self/fd/{file}").readlink().suffix, sorted(p.suffix for p in root.iterdir())))
        fsync(file)

    monkeypatch.setattr(os, "fsync", note)
    await write_bytes(SessionStorageDirectory(root), "id1", b"a grey coat")
    assert synced == []
    (root / next(iter(root.iterdir())).name).unlink()
    await write_bytes(directory_session_storage(root, durable=True), "id1", b"a grey coat")
    assert synced == [(".tmp", [".tmp"]), (root.suffix, [".session"]), (root.parent.suffix, [".session"])]


# --- several processes --------------------------------------------------------------------------------------------

SIZES = (10, 70_000, 300_000)

# Writes sessions of one repeated letter, of all sizes, until it is killed. It says so once all sizes were written.
WRITER = f"""
import itertools, sys, anyio
from coatcheck import SessionStorageDirectory, write_bytes

async def main():
    directory = SessionStorageDirectory(sys.argv[1])
    for turn in itertools.count():
        await write_bytes(directory, "id1", b"abcdefghij"[turn % 10 : turn % 10 + 1] * {SIZES}[turn % 3])
        if turn == 2:
            print("ready", flush=True)

anyio.run(main)
"""


@contextmanager
def a_writer(root: Path) -> Iterator[None]:
    """Another process that writes; killed at the end."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE) as writer:
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            yield
        finally:
            writer.kill()
    assert writer.returncode == -signal.SIGKILL


def is_whole(data: bytes) -> bool:
    return len(data) in SIZES and data == data[:1] * len(data)


async def test_a_reader_beside_a_writer_in_another_process_never_sees_half_a_session(
    directory: SessionStorageDirectory, root: Path
) -> None:
    seen, reads = set[bytes](), 0
    with anyio.fail_after(PATIENCE), a_writer(root):
        while reads < 1500 or len(seen) < 4:  # on a busy machine the writer may wait for its turn that long
            data = await read_bytes(directory, "id1")
            assert is_whole(data)
            seen.add(data[:1] + b"%d" % len(data))
            reads += 1


async def test_a_process_killed_while_writing_leaves_the_old_session_or_the_new_one(
    directory: SessionStorageDirectory, root: Path
) -> None:
    for turn in range(12):
        with a_writer(root):
            await anyio.sleep(turn / 1000)  # so that the kill comes at another moment each time
        assert is_whole(await read_bytes(directory, "id1"))
    await write_bytes(directory, "id1", b"a grey coat")
    assert await read_bytes(directory, "id1") == b"a grey coat"
