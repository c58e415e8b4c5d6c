"""What type checkers make of the library: mypy --strict and pyright agree on it, and on what strangers write."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.project import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

MYPY = [sys.executable, "-m", "mypy", "--strict"]
PYRIGHT = [sys.executable, "-m", "basedpyright", "--warnings"]

STRANGER = """
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, assert_type

from anyio.streams.file import FileReadStream, FileWriteStream

from coatcheck import ByteReadChannel, ByteWriteChannel, CurrentSession, SessionNotFound
from coatcheck import cookie, directory_session_storage
from coatcheck.testing import CHECKS, Check, report

T = TypeVar("T")


class Shelf:
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        async with await FileWriteStream.from_path(Path(id)) as channel:
            await provider(channel)

    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        try:
            channel = await FileReadStream.from_path(Path(id))
        except FileNotFoundError:
            raise SessionNotFound from None
        async with channel:
            return await consumer(channel)

    async def invalidate(self, id: str, /) -> None:
        Path(id).unlink(missing_ok=True)


@dataclass
class Cart:
    items: int = 0


async def use(sessions: CurrentSession) -> None:
    provider = cookie("CART", Cart, storage=Shelf())
    assert_type(await sessions.get(Cart), Cart | None)
    assert_type(await sessions.get_or_set(Cart, Cart), Cart)
    assert_type(await sessions.update(Cart, lambda cart: Cart(cart.items + 1)), Cart)
    assert_type(sessions.id(Cart), str | None)
    assert_type(CHECKS, tuple[Check, ...])
    for check in CHECKS:
        await check(Shelf())
    assert_type(await report(Shelf), bool)
    assert_type(await directory_session_storage(".sessions").sweep(), int)
    assert_type(await directory_session_storage(".sessions", cached=True).sweep(), int)
    print(provider.name)
"""
MISTAKES = [  # each right line, and what must not pass in its place
    ("self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /", "self, id: str, /"),
    ("self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T", "self, id: str, /) -> bytes"),
    ("lambda cart: Cart(cart.items + 1)", "lambda cart: cart.items + 1"),
    ("Cart | None)", "Cart)"),
    ("report(Shelf)", "report(Cart)"),
]


def checked(command: list[str], *paths: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, *paths], cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", [MYPY, PYRIGHT], ids=["mypy", "pyright"])
def test_a_strangers_storage_and_use_are_typed(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "stranger.py").write_text(STRANGER)
    ended = checked(command, tmp_path / "stranger.py")
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("command", [MYPY, PYRIGHT], ids=["mypy", "pyright"])
def test_a_strangers_mistakes_are_found(command: list[str], tmp_path: Path) -> None:
    files = []
    for number, (right, wrong) in enumerate(MISTAKES):
        assert right in STRANGER
        files.append(tmp_path / f"mistake_{number}.py")
        files[-1].write_text(STRANGER.replace(right, wrong))
    ended = checked(command, *files)
    for file in files:
        assert file.name in ended.stdout, ended.stdout


def test_pyright_finds_nothing_in_library_and_snippets() -> None:
    ended = checked(PYRIGHT)
    assert ended.returncode == 0, ended.stdout
