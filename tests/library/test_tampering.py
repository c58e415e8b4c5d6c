"""What others do to the directory of a storage: they plant, remove and damage things, and nothing else suffers."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from coatcheck import SessionNotFound, SessionStorageDirectory, cookie, read_bytes, write_bytes
from tests.support.cart import Cart, put
from tests.support.client import Look, visit
from tests.support.file import descriptors_left, limited_files, open_files
from tests.support.storage import given_up
from tests.support.trouble import (
    DAY,
    LARGE,
    NEW,
    OLD,
    a_directory_to_sweep,
    assert_nothing_is_left,
    content,
    error_of,
    invalidate,
    update,
    write,
    write_in_pieces,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from coatcheck import ByteReadChannel, ByteWriteChannel

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
    (record,) = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert re.search(r"can't be decoded and counts as none \(id hash [0-9a-f]{12}\)", record.getMessage())
    assert "damaged" not in caplog.text
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
        with limited_files(0):
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
