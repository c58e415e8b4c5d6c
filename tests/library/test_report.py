"""The report of the contract kit: what it prints as TAP, and that nothing a storage raises ends it early."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from coatcheck.streams import BytesReceiveStream
from coatcheck.testing import CHECKS, UPDATE_CHECKS, report
from tests.library.test_contract import MISTAKES, UPDATE_MISTAKES, FourMethods, Optimistic, ThreeMethods
from tests.support.project import PROJECT
from tests.support.storage import Shelf
from tests.support.tap import Point, read_tap

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from coatcheck import ByteReadChannel, ByteWriteChannel, SessionStorage

T = TypeVar("T")

ALL = [check.__name__ for check in (*CHECKS, *UPDATE_CHECKS)]


async def points_of(make_storage: Callable[[], SessionStorage], capsys: pytest.CaptureFixture[str]) -> list[Point]:
    """Return what a report prints. What it returns has to agree with that."""
    passed = await report(make_storage)
    points = read_tap(capsys.readouterr().out)
    assert [point.name for point in points] == ALL
    assert passed is all(point.ok for point in points)
    return points


# --- what it says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", [FourMethods, Optimistic])
async def test_a_storage_without_a_fault_passes_every_check(
    storage: type[SessionStorage], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await points_of(storage, capsys) == [Point(ok=True, name=name) for name in ALL]


@pytest.mark.parametrize("storage", [Shelf, ThreeMethods])
async def test_the_checks_of_update_are_skipped_where_there_is_none(
    storage: type[SessionStorage], capsys: pytest.CaptureFixture[str]
) -> None:
    points = await points_of(storage, capsys)
    assert [point.name for point in points if point.skipped] == ALL[len(CHECKS) :]
    assert {point.skipped for point in points} == {None, "the storage has no update"}
    assert all(point.ok and point.block is None for point in points)


@pytest.mark.parametrize(("mistake", "caught_by"), [*MISTAKES.items(), *UPDATE_MISTAKES.items()])
async def test_a_mistake_fails_its_rule_and_no_other(
    mistake: type[SessionStorage], caught_by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    points = await points_of(mistake, capsys)
    (failed,) = (point for point in points if not point.ok)
    assert failed.name == caught_by
    check = next(check for check in (*CHECKS, *UPDATE_CHECKS) if check.__name__ == caught_by)
    assert failed.block["rule"] == str(check.__doc__).partition("\n")[0]
    assert re.match(r"[\w.]+", failed.block["seen"])


async def test_each_check_has_a_storage_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    made: list[SessionStorage] = []

    def make() -> SessionStorage:
        made.append(FourMethods())
        return made[-1]

    await points_of(make, capsys)
    assert len({id(storage) for storage in made}) == len(made) == len(ALL)


def test_no_name_and_no_rule_could_be_taken_for_a_directive() -> None:
    for check in (*CHECKS, *UPDATE_CHECKS):
        assert re.fullmatch(r"[a-z_]+", check.__name__)
        assert str(check.__doc__).partition("\n")[0].endswith(".")


# --- whatever is raised -------------------------------------------------------------------------------------------


class Unprintable(Exception):  # noqa: N818 - an error whose text is an error
    def __str__(self) -> str:
        raise ValueError("on purpose")


def circular() -> Exception:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    return one


RAISED: dict[str, tuple[BaseException, str]] = {
    "an error": (ValueError("no shelf"), "ValueError: no shelf\n  in test_report.py, line N: raise error\n"),
    "an end": (SystemExit(3), "SystemExit: 3\n"),
    "a cancellation": (asyncio.CancelledError(), "asyncio.exceptions.CancelledError\n"),
    "a closing": (GeneratorExit(), "GeneratorExit\n"),
    "a stop": (StopAsyncIteration(), "StopAsyncIteration\n"),
    "a bare one": (BaseException("bare"), "BaseException: bare\n"),
    "several lines": (ValueError("one\n\n  two\n...\n---\nok 7"), "ValueError: one\n\n  two\n...\n---\nok 7\n"),
    "no lines": (ValueError(), "ValueError\n"),
    "signs": (ValueError("\ud800 \x00 \x1b[1m \u2028 # SKIP caf\xe9"), "# SKIP caf\\xe9"),
    "a group": (ExceptionGroup("of", [KeyError("a"), SyntaxError("b")]), "  KeyError: 'a'\n  SyntaxError: b\n"),
    "a deep group": (BaseExceptionGroup("", [ExceptionGroup("", [OSError("deep")])]), "    OSError: deep\n"),
    "no text": (Unprintable(), "Unprintable: <exception str() failed>"),
    "a circle": (circular(), "ValueError: one"),
}


@pytest.mark.parametrize(("error", "seen"), RAISED.values(), ids=RAISED)
async def test_every_check_runs_whatever_a_constructor_raises(
    error: BaseException, seen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def make() -> SessionStorage:
        raise error

    points = await points_of(make, capsys)
    assert not any(point.ok for point in points)
    for point in points:
        assert seen in re.sub(r"line \d+", "line N", point.block["seen"])


@pytest.mark.parametrize(("error", "seen"), RAISED.values(), ids=RAISED)
async def test_every_check_runs_whatever_a_method_raises(
    error: BaseException, seen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    class Raises(FourMethods):
        async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
            await super().read(id, consumer)
            raise error

    points = await points_of(Raises, capsys)
    assert sum(not point.ok for point in points) > 20
    assert seen in re.sub(r"line \d+", "line N", points[0].block["seen"])


async def test_what_an_error_came_from_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    class Forgetful(ThreeMethods):
        async def invalidate(self, id: str, /) -> None:
            if self.sessions.pop(id, None) is None:
                raise KeyError("gone")

    points = await points_of(Forgetful, capsys)
    (failed,) = (point for point in points if not point.ok)
    assert re.sub(r"line \d+", "line N", failed.block["seen"]) == (
        "AssertionError: invalidating what is not there raised an error\n"
        "  KeyError: 'gone'\n"
        '    in test_report.py, line N: raise KeyError("gone")\n'
    )


async def test_of_where_an_error_was_raised_the_last_line_that_is_not_the_librarys_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class ClosesTooEarly(ThreeMethods):
        async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
            channel = BytesReceiveStream(b"")
            await channel.aclose()
            await channel.receive()
            return await super().read(id, consumer)

    first, *_ = await points_of(ClosesTooEarly, capsys)
    assert re.sub(r"line \d+", "line N", first.block["seen"]) == (
        "anyio.ClosedResourceError\n  in test_report.py, line N: await channel.receive()\n"
    )


class StaysInAScope(FourMethods):
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        anyio.CancelScope().__enter__()
        await super().write(id, provider)


async def test_a_storage_that_breaks_its_task_ends_no_report(capsys: pytest.CaptureFixture[str]) -> None:
    points = await points_of(StaysInAScope, capsys)
    assert "RuntimeError" in points[0].block["seen"]


def test_a_storage_that_cancels_its_own_task_ends_no_report(capsys: pytest.CaptureFixture[str]) -> None:
    class CancelsItself(FourMethods):
        async def invalidate(self, id: str, /) -> None:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await checkpoint()
            await super().invalidate(id)

    points = asyncio.run(points_of(CancelsItself, capsys))
    assert "CancelledError" in next(point for point in points if not point.ok).block["seen"]


async def test_what_a_narrow_terminal_cannot_show_ends_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def make() -> SessionStorage:
        raise ValueError("\ud800 caf\xe9 \u20ac")

    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    assert not await report(make)
    narrow.seek(0)
    points = read_tap(narrow.read())
    assert points[0].block["seen"].startswith("ValueError: \\ud800 caf\\xe9 \\u20ac\n")


# --- what does end it ---------------------------------------------------------------------------------------------


class Waits(FourMethods):
    """Waits for ever in the third check, and tells when it does."""

    made = 0
    waiting: Any = None

    def __init__(self) -> None:
        super().__init__()
        Waits.made += 1

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        if Waits.made == 3:
            Waits.waiting()
            await anyio.sleep_forever()
        await super().write(id, provider)


@pytest.fixture(autouse=True)
def nothing_made() -> None:
    Waits.made = 0


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]]


async def test_a_cancelled_scope_ends_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    with anyio.CancelScope() as scope:
        Waits.waiting = scope.cancel
        await report(Waits)
    assert scope.cancelled_caught
    assert printed(capsys) == ["ok", "ok"]


async def test_a_cancellation_that_the_storage_swallows_ends_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    class Swallows(Waits):
        async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
            try:
                await super().write(id, provider)
            except anyio.get_cancelled_exc_class():
                self.sessions[id] = b""

    with anyio.CancelScope() as scope:
        Waits.waiting = scope.cancel
        await report(Swallows)
    assert scope.cancelled_caught
    assert printed(capsys) == ["ok", "ok"]


def test_a_cancelled_task_of_asyncio_ends_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        begun = asyncio.Event()
        Waits.waiting = begun.set
        task = asyncio.create_task(report(Waits))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert printed(capsys) == ["ok", "ok"]


@pytest.mark.parametrize("group", [False, True])
async def test_an_interrupt_in_a_storage_ends_the_report(capsys: pytest.CaptureFixture[str], *, group: bool) -> None:
    def interrupt() -> None:
        raise BaseExceptionGroup("", [KeyboardInterrupt()]) if group else KeyboardInterrupt

    Waits.waiting = interrupt
    with pytest.raises(KeyboardInterrupt):
        await report(Waits)
    assert printed(capsys) == ["ok", "ok"]


INTERRUPTED = """
import sys
import anyio
from coatcheck.testing import report
from tests.library.test_report import Waits

Waits.waiting = lambda: print("waiting", flush=True)
anyio.run(report, Waits, backend=sys.argv[1])
"""


def test_ctrl_c_ends_the_report(anyio_backend: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED, anyio_backend]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT / "src"), str(PROJECT)])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as ended:
        assert ended.stdout is not None
        lines = [ended.stdout.readline().split()[0] for _ in range(5)]
        ended.send_signal(signal.SIGINT)
        rest, errors = ended.communicate(timeout=60)
    assert lines == ["TAP", "1..45", "ok", "ok", "waiting"]
    assert rest == ""
    assert "KeyboardInterrupt" in errors
    assert ended.returncode == -signal.SIGINT
