"""The cache: what is fresh, what is shared, what is forgotten, and every interleaving of the calls through it."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from inspect import signature
from itertools import count
from random import Random
from threading import Event as ThreadEvent
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from coatcheck import SessionNotFound, SessionStorageDirectory, SessionStorageMemory, read_bytes, write_bytes
from coatcheck.cache import SessionStorageCache
from coatcheck.streams import BytesReceiveStream, BytesSendStream
from coatcheck.testing import CHECKS, UPDATE_CHECKS
from tests.support.clock import Clock
from tests.support.scheduler import every_order
from tests.support.storage import Ledger, Shelf, is_found
from tests.support.threads import run_in_threads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
    from pathlib import Path

    from anyio.abc import TaskGroup

    from coatcheck import ByteReadChannel, ByteWriteChannel, SessionStorage, UpdatableSessionStorage
    from coatcheck.testing import Check
    from tests.support.scheduler import Choose

    Value = bytes | None  # None: nothing is stored

T = TypeVar("T")

ID = "id"


@pytest.mark.parametrize("delegate", ["memory", "directory", "another cache"])
@pytest.mark.parametrize("check", [*CHECKS, *UPDATE_CHECKS])
async def test_a_cache_keeps_the_contract(check: Check, delegate: str, tmp_path: Path) -> None:
    storages: dict[str, SessionStorage] = {
        "memory": SessionStorageMemory(),
        "directory": SessionStorageDirectory(tmp_path / "sessions"),
        "another cache": SessionStorageCache(SessionStorageMemory()),
    }
    await check(SessionStorageCache(storages[delegate]))


@pytest.fixture
def delegate() -> Ledger:
    return Ledger(SessionStorageMemory())


@pytest.fixture
def cache(delegate: Ledger, clock: Clock) -> SessionStorageCache:
    return SessionStorageCache(delegate, idle_timeout=timedelta(seconds=60), clock=clock)


# --- how long a value is served -------------------------------------------------------------------------------------


async def test_a_value_is_read_from_the_delegate_once(cache: SessionStorageCache, delegate: Ledger) -> None:
    await write_bytes(delegate, ID, b"")  # an empty session is one to keep as well
    assert [await read_bytes(cache, ID) for _ in range(3)] == [b""] * 3
    assert delegate.calls.count("read") == 1


async def test_what_was_written_is_fetched_once_too(cache: SessionStorageCache, delegate: Ledger) -> None:
    await write_bytes(cache, ID, b"data")
    assert [await read_bytes(cache, ID) for _ in range(3)] == [b"data"] * 3
    assert delegate.calls.count("read") == 1


@pytest.mark.parametrize("read_at", [[], [30.0], [1.0, 59.0, 59.9]])
@pytest.mark.parametrize("after", [59.99, 60.0, 60.01, 1e9])
async def test_a_change_made_elsewhere_is_seen_once_the_idle_timeout_has_passed_read_or_not(
    cache: SessionStorageCache, delegate: Ledger, clock: Clock, read_at: list[float], after: float
) -> None:
    await write_bytes(delegate, ID, b"old")
    await read_bytes(cache, ID)
    await write_bytes(delegate, ID, b"new")
    begin = clock.now
    for moment in read_at:
        clock.now = begin + moment
        assert await read_bytes(cache, ID) == b"old"
    clock.now = begin + after
    assert await read_bytes(cache, ID) == (b"old" if after < 60 else b"new")


async def test_an_invalidation_made_elsewhere_is_seen_at_the_idle_timeout(
    cache: SessionStorageCache, delegate: Ledger, clock: Clock
) -> None:
    await write_bytes(delegate, ID, b"data")
    await read_bytes(cache, ID)
    await delegate.invalidate(ID)
    assert await is_found(cache, ID)
    clock.now += 60
    assert not await is_found(cache, ID)


async def test_a_session_made_elsewhere_is_seen_at_once(cache: SessionStorageCache, delegate: Ledger) -> None:
    assert not await is_found(cache, ID)
    await write_bytes(delegate, ID, b"data")
    assert await read_bytes(cache, ID) == b"data"


async def test_a_value_is_kept_for_a_minute_unless_told_otherwise(delegate: Ledger, clock: Clock) -> None:
    cache = SessionStorageCache(delegate, clock=clock)
    await write_bytes(delegate, ID, b"data")
    for passed, loads in [(0, 1), (59.99, 1), (0.01, 2)]:
        clock.now += passed
        await read_bytes(cache, ID)
        assert delegate.calls.count("read") == loads


def test_the_clock_is_one_that_nobody_sets_unless_told_otherwise() -> None:
    assert signature(SessionStorageCache).parameters["clock"].default is time.monotonic


@pytest.mark.parametrize("duration", [timedelta(0), timedelta(microseconds=-1)])
def test_a_timeout_that_leaves_no_time_is_refused(delegate: Ledger, duration: timedelta) -> None:
    with pytest.raises(
        ValueError, match=r"^idle_timeout must be longer than zero, not .*; try timedelta\(minutes=1\)$"
    ):
        SessionStorageCache(delegate, idle_timeout=duration)


STORAGE = "an object with write(id, provider), read(id, consumer), invalidate(id)"
FUNCTION = "a function that takes no arguments and isn't async"
MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no limit": ({"idle_timeout": None}, "idle_timeout must be a timedelta, not None; try timedelta(hours=1)"),
    "seconds": ({"idle_timeout": 60}, "idle_timeout must be a timedelta, not 60; try timedelta(seconds=60)"),
    "no clock": ({"clock": None}, f"clock must be {FUNCTION}, not None; pass time.monotonic"),
    "a time": ({"clock": 1.5}, f"clock must be {FUNCTION}, not 1.5; pass time.monotonic"),
    "no delegate": ({"delegate": None}, f"delegate must be {STORAGE}, not None; pass SessionStorageMemory()"),
    "a path": ({"delegate": ".sessions"}, f"delegate must be {STORAGE}, not a str; pass SessionStorageMemory()"),
    "a class": ({"delegate": SessionStorageMemory}, f"delegate must be {STORAGE}, not {SessionStorageMemory!r}; "),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_wrong_argument_is_refused_by_name_and_value_with_a_way_out(
    arguments: dict[str, Any], message: str, delegate: Ledger
) -> None:
    with pytest.raises(TypeError) as error:
        SessionStorageCache(**({"delegate": delegate} | arguments))
    assert message in str(error.value)


def test_a_url_in_the_place_of_the_delegate_is_refused_without_its_password() -> None:
    url: Any = "redis://:hunter2@localhost"
    with pytest.raises(TypeError, match=r"^delegate must be an object with .*, not a str; pass") as error:
        SessionStorageCache(url)
    assert "hunter2" not in str(error.value)


# --- what is forgotten ----------------------------------------------------------------------------------------------


CALLS: dict[str, Callable[[SessionStorageCache], Awaitable[object]]] = {
    "read": lambda cache: read_bytes(cache, "late"),
    "miss": lambda cache: is_found(cache, "unknown"),
    "write": lambda cache: write_bytes(cache, "other", b"data"),
    "invalidate": lambda cache: cache.invalidate("other"),
    "update": lambda cache: cache.update("other", bytes.upper),
}


@pytest.mark.parametrize("call", CALLS)
async def test_every_due_key_is_evicted_by_the_next_call(
    call: str, cache: SessionStorageCache, delegate: Ledger, clock: Clock
) -> None:
    ids = [f"early {number}" for number in range(10)]
    for id in [*ids, "late", "other"]:
        await write_bytes(delegate, id, b"data")
    for id in ids:
        await read_bytes(cache, id)
        clock.now += 1
    await read_bytes(cache, "late")
    clock.now += 58  # nine of them are due
    assert set(cache._known) == {*ids, "late"}
    await CALLS[call](cache)
    assert set(cache._known) == {ids[-1], "late"}


async def test_a_miss_leaves_nothing_behind(cache: SessionStorageCache) -> None:
    for number in range(100):
        assert not await is_found(cache, f"unknown {number}")
        await cache.invalidate(f"unknown {number}")
        with pytest.raises(SessionNotFound):
            await cache.update(f"unknown {number}", bytes.upper)
    assert not cache._known
    assert not cache._changes


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_evicting_takes_a_fraction_of_the_time_of_fetching(clock: Clock) -> None:
    shelf = Shelf()
    shelf.sessions = {str(number): b"data" for number in range(30_000)}
    cache = SessionStorageCache(shelf, clock=clock)
    begin = time.thread_time()
    for number in range(30_000):
        await read_bytes(cache, str(number))
    fetched = time.thread_time()
    assert len(cache._known) == 30_000
    clock.now += 60
    await cache.invalidate("another")
    assert not cache._known
    assert time.thread_time() - fetched < (fetched - begin) / 4


async def test_nothing_to_wait_for_is_kept_beside_a_value(cache: SessionStorageCache, delegate: Ledger) -> None:
    await write_bytes(delegate, ID, b"data")
    await read_bytes(cache, ID)
    assert not hasattr(cache._known[ID], "over")  # an event takes more room than most sessions


# --- what the delegate can do, the cache can ------------------------------------------------------------------------


async def test_update_reaches_the_delegate_and_is_seen_at_once(cache: SessionStorageCache, delegate: Ledger) -> None:
    await write_bytes(delegate, ID, b"data")
    await read_bytes(cache, ID)
    updatable: UpdatableSessionStorage = cache
    assert await updatable.update(ID, bytes.upper) == b"DATA"
    assert await read_bytes(cache, ID) == await read_bytes(delegate, ID) == b"DATA"


async def test_an_update_that_raises_does_so_as_it_is(cache: SessionStorageCache, delegate: Ledger) -> None:
    await write_bytes(delegate, ID, b"data")
    mine = OSError("on purpose")

    def fail(_: bytes) -> bytes:
        raise mine

    with pytest.raises(OSError, match="on purpose") as caught:
        await cache.update(ID, fail)
    assert caught.value is mine
    assert await read_bytes(cache, ID) == b"data"


def test_there_is_an_update_exactly_when_the_delegate_has_one() -> None:
    assert hasattr(SessionStorageCache(SessionStorageMemory()), "update")
    assert hasattr(SessionStorageCache(SessionStorageCache(SessionStorageMemory())), "update")
    assert not hasattr(SessionStorageCache(Shelf()), "update")
    assert not hasattr(SessionStorageCache(SessionStorageCache(Shelf())), "update")
    with pytest.raises(AttributeError, match="'Shelf' object has no attribute 'update'"):
        _ = SessionStorageCache(Shelf()).update


@pytest.mark.parametrize("retention", [timedelta(days=3), None])
def test_the_retention_is_that_of_the_delegate(retention: timedelta | None) -> None:
    assert SessionStorageCache(SessionStorageMemory(retention=retention)).retention == retention
    assert not hasattr(SessionStorageCache(Shelf()), "retention")


# --- a stage: calls that go on step by step -------------------------------------------------------------------------


class Operation:
    """A call of the cache. It waits before each thing that happens in the delegate, until it is told to proceed."""

    fails_before = fails_after = cancellable = False

    def __init__(self, stage: Stage, mark: bytes = b"new") -> None:
        self.stage = stage
        self.cache = stage.cache
        self.mark = mark
        self.scope = anyio.CancelScope()
        self.gate: anyio.Event | None = None
        self.began = self.ended = 0
        self.result: Value = None
        self.error: Exception | None = None

    async def call(self) -> Value:
        """Return the bytes that the caller got."""
        raise NotImplementedError

    def leads_to(self, value: Value) -> Sequence[Value]:
        """Return what may be stored after this operation where `value` was; nothing if its caller saw otherwise."""
        raise NotImplementedError

    def possible_steps(self) -> list[Callable[[], Awaitable[None]]]:
        if not self.began:
            return [self.begin]
        steps: list[Callable[[], Awaitable[None]]] = []
        if self.gate:
            steps.append(self.proceed)
        if self.cancellable and not self.ended:
            steps.append(self.cancel)
        return steps

    async def run(self) -> None:
        running.set(self)
        self.began = self.stage.tick()
        try:
            with self.scope:
                self.result = await self.call()
        except (SessionNotFound, OSError) as error:
            self.error = error
        self.ended = self.stage.tick()

    async def begin(self) -> None:
        self.stage.tasks.start_soon(self.run)
        await settled()

    async def proceed(self) -> None:
        assert self.gate, "there is nothing to proceed with"
        self.gate.set()
        self.gate = None
        await settled()

    async def cancel(self) -> None:
        self.scope.cancel()
        await settled()

    async def finish(self) -> None:
        while self.gate:
            await self.proceed()
        assert self.ended, "it waits for another"


class Read(Operation):
    async def call(self) -> Value:
        return await read_bytes(self.cache, ID)

    def leads_to(self, value: Value) -> Sequence[Value]:
        return [value] if self.result == value or self.scope.cancelled_caught else []


class Write(Operation):
    async def call(self) -> None:
        await write_bytes(self.cache, ID, self.mark)

    def leads_to(self, value: Value) -> Sequence[Value]:
        return [value, self.mark] if self.error or self.scope.cancelled_caught else [self.mark]


class Invalidate(Operation):
    async def call(self) -> None:
        await self.cache.invalidate(ID)

    def leads_to(self, value: Value) -> Sequence[Value]:
        return [value, None] if self.scope.cancelled_caught else [None]


class Update(Operation):
    async def call(self) -> Value:
        return await self.cache.update(ID, lambda data: data + self.mark)

    def leads_to(self, value: Value) -> Sequence[Value]:
        updated = value if value is None else value + self.mark
        if self.scope.cancelled_caught:
            return [value, updated]
        return [updated] if self.result == updated else []


class CancelledRead(Read):
    cancellable = True


class CancelledWrite(Write):
    cancellable = True


class CancelledInvalidate(Invalidate):
    cancellable = True


class CancelledUpdate(Update):
    cancellable = True


class WriteThatIsLost(Write):
    fails_before = True


class WriteThatFailsWhenItIsDone(Write):
    fails_after = True


class ReadThatFails(Read):
    fails_after = True

    def leads_to(self, value: Value) -> Sequence[Value]:
        return [value] if isinstance(self.error, OSError) else super().leads_to(value)


running: ContextVar[Operation | None] = ContextVar("running", default=None)


class Delegate:
    """Holds one value, and does nothing before the operation that calls it may proceed."""

    def __init__(self, value: Value) -> None:
        self.value = value
        self.reads = 0

    async def write(self, _: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        async with BytesSendStream() as channel:
            await provider(channel)
        async with self.in_one_step():
            self.value = channel.value()

    async def read(self, _: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        self.reads += 1
        async with self.in_one_step():
            data = self.value
        if data is None:
            raise SessionNotFound
        return await consumer(BytesReceiveStream(data))

    async def invalidate(self, _: str, /) -> None:
        async with self.in_one_step():
            self.value = None

    async def update(self, _: str, transform: Callable[[bytes], bytes], /) -> bytes:
        async with self.in_one_step():
            if self.value is None:
                raise SessionNotFound
            self.value = updated = transform(self.value)
        return updated

    @asynccontextmanager
    async def in_one_step(self) -> AsyncIterator[None]:
        operation = running.get()
        await self.may_proceed(operation)
        if operation and operation.fails_before:
            raise OSError("lost")
        yield
        await self.may_proceed(operation)
        if operation and operation.fails_after:
            raise OSError("failed at last")

    async def may_proceed(self, operation: Operation | None) -> None:
        if operation:
            operation.gate = gate = anyio.Event()
            try:
                await gate.wait()
            finally:
                operation.gate = None


class Stage:
    """A cache, its delegate, and the operations on it."""

    def __init__(self, tasks: TaskGroup, value: Value, clock: Callable[[], float]) -> None:
        self.tasks = tasks
        self.delegate = Delegate(value)
        self.cache = SessionStorageCache(self.delegate, idle_timeout=timedelta(seconds=60), clock=clock)
        self.tick = count(1).__next__

    async def begin(self, kind: type[Operation], mark: bytes = b"new") -> Operation:
        operation = kind(self, mark)
        await operation.begin()
        return operation

    async def finds(self, value: Value) -> bool:
        """Whether a reader that comes now gets `value`."""
        operation = await self.begin(Read)
        await operation.finish()
        return operation.result == value


@asynccontextmanager
async def on_stage(value: Value = b"old", clock: Callable[[], float] = lambda: 0) -> AsyncIterator[Stage]:
    async with anyio.create_task_group() as tasks:
        yield Stage(tasks, value, clock)
        tasks.cancel_scope.cancel()


async def settled() -> None:
    """Return when every task waits: one that is told to proceed may wake another, and that one a third."""
    for _ in range(4):
        await checkpoint()


# --- one flight for all ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [b"data", b"", None])
async def test_concurrent_reads_make_one_read_of_the_delegate(value: Value) -> None:
    async with on_stage(value) as stage:
        first, *others = [await stage.begin(Read) for _ in range(10)]
        await first.finish()
        assert all(operation.ended and operation.result == value for operation in others)
        assert stage.delegate.reads == 1


async def test_a_miss_is_told_to_each_in_an_error_of_its_own() -> None:
    async with on_stage(None) as stage:
        first, second = [await stage.begin(Read) for _ in range(2)]
        await first.finish()
        assert isinstance(first.error, SessionNotFound)
        assert isinstance(second.error, SessionNotFound)
        assert first.error is not second.error


async def test_a_read_of_one_id_does_not_wait_for_that_of_another() -> None:
    class ReadsTheSecondForTheFirst(Ledger):
        async def pass_on(self, name: str, id: str, call: Callable[[], Awaitable[T]]) -> T:
            if (name, id) == ("read", "first"):
                assert await read_bytes(its_cache, "second") == b"2"
            return await super().pass_on(name, id, call)

    delegate = ReadsTheSecondForTheFirst(SessionStorageMemory())
    its_cache = SessionStorageCache(delegate)
    await write_bytes(delegate, "first", b"1")
    await write_bytes(delegate, "second", b"2")
    with anyio.fail_after(60):
        assert await read_bytes(its_cache, "first") == b"1"


async def test_a_slow_consumer_delays_nobody(cache: SessionStorageCache, delegate: Ledger) -> None:
    async def use_the_same_id(channel: ByteReadChannel) -> bytes:
        assert await read_bytes(cache, ID) == b"old"
        await write_bytes(cache, ID, b"new")
        assert await read_bytes(cache, ID) == b"new"
        await cache.invalidate(ID)
        assert not await is_found(cache, ID)
        return await channel.receive()

    await write_bytes(delegate, ID, b"old")
    with anyio.fail_after(60):
        assert await cache.read(ID, use_the_same_id) == b"old"


async def test_when_the_first_reader_is_cancelled_another_one_reads_for_all() -> None:
    async with on_stage() as stage:
        first, *others = [await stage.begin(Read) for _ in range(5)]
        await first.cancel()
        late = await stage.begin(Read)
        [reading] = [operation for operation in others if operation.gate]
        await reading.finish()
        assert all(operation.ended and operation.result == b"old" for operation in [*others, late])
        assert await stage.finds(b"old")
        assert stage.delegate.reads == 2


async def test_when_one_reader_after_the_other_is_cancelled_the_last_one_reads() -> None:
    async with on_stage() as stage:
        readers = [await stage.begin(Read) for _ in range(5)]
        for reads in range(1, 5):
            assert stage.delegate.reads == reads
            [reading] = [operation for operation in readers if operation.gate]
            await reading.proceed()  # has read, but has not returned
            await reading.cancel()
            readers.remove(reading)
        await readers[0].finish()
        assert readers[0].result == b"old"
        assert stage.delegate.reads == 5


async def test_a_cancelled_waiter_changes_nothing_for_the_others() -> None:
    async with on_stage() as stage:
        first, second, third = [await stage.begin(Read) for _ in range(3)]
        await second.cancel()
        assert second.ended
        await first.finish()
        assert third.result == b"old"
        assert stage.delegate.reads == 1


async def test_a_cancelled_reader_that_was_alone_leaves_nothing_behind() -> None:
    async with on_stage() as stage:
        reader = await stage.begin(Read)
        await reader.cancel()
        assert not stage.cache._known


async def test_when_a_read_of_the_delegate_fails_those_who_wait_read_for_themselves_at_once() -> None:
    async with on_stage() as stage:
        first = await stage.begin(ReadThatFails)
        others = [await stage.begin(Read) for _ in range(3)]
        await first.finish()
        assert isinstance(first.error, OSError)
        assert all(operation.gate for operation in others)
        for operation in reversed(others):
            await operation.finish()
            assert operation.result == b"old"
        assert await stage.finds(b"old")
        assert stage.delegate.reads == 4


# --- changes that overlap with reads --------------------------------------------------------------------------------


CHANGES = {Write: b"new", Invalidate: None, Update: b"oldnew"}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_value_that_was_fetched_before_a_change_is_not_kept_after_it(change: type[Operation]) -> None:
    async with on_stage() as stage:
        reader = await stage.begin(Read)
        await reader.proceed()  # has read the old value, but has not returned
        changing = await stage.begin(change)
        await changing.finish()
        late = await stage.begin(Read)  # cannot share what began before the change
        assert late.gate
        await reader.finish()
        assert reader.result == b"old"
        await late.finish()
        assert late.result == CHANGES[change]
        assert await stage.finds(CHANGES[change])


@pytest.mark.parametrize("change", CHANGES)
async def test_a_value_that_was_fetched_during_a_change_is_not_kept_after_it(change: type[Operation]) -> None:
    async with on_stage() as stage:
        changing = await stage.begin(change)
        reader = await stage.begin(Read)
        await reader.finish()
        assert reader.result == b"old"
        await changing.proceed()
        reader = await stage.begin(Read)
        await reader.finish()
        assert reader.result == CHANGES[change]
        await changing.proceed()
        assert changing.ended
        assert await stage.finds(CHANGES[change])


async def test_a_read_that_fails_leaves_alone_what_was_fetched_after_a_change() -> None:
    async with on_stage() as stage:
        failing = await stage.begin(ReadThatFails)
        await (await stage.begin(Write)).finish()
        assert await stage.finds(b"new")
        await failing.finish()
        assert isinstance(failing.error, OSError)
        assert await stage.finds(b"new")
        assert stage.delegate.reads == 2


@pytest.mark.parametrize("change", CHANGES)
async def test_readers_that_began_before_a_change_share_what_was_fetched(change: type[Operation]) -> None:
    async with on_stage() as stage:
        first, second = [await stage.begin(Read) for _ in range(2)]
        await first.proceed()
        await (await stage.begin(change)).finish()
        await first.finish()
        assert first.result == second.result == b"old"
        assert stage.delegate.reads == 1


async def test_what_one_reader_saw_is_not_unseen_by_the_next() -> None:
    async with on_stage() as stage:
        first = await stage.begin(Read)
        write = await stage.begin(Write)
        second = await stage.begin(Read)
        await second.finish()
        assert second.result == b"old"
        await write.proceed()  # the new value is there, but the write has not returned
        await first.finish()
        assert first.result == b"new"
        assert await stage.finds(b"new")
        await write.finish()


async def test_the_end_of_one_write_is_not_the_end_of_another() -> None:
    async with on_stage() as stage:
        slow = await stage.begin(Write, b"slow")
        quick = await stage.begin(Write, b"quick")
        await quick.finish()
        assert await stage.finds(b"quick")
        await slow.finish()
        assert await stage.finds(b"slow")


@pytest.mark.parametrize("change", [WriteThatIsLost, WriteThatFailsWhenItIsDone, CancelledWrite, CancelledUpdate])
async def test_a_change_that_fails_drops_the_value_whether_or_not_it_was_stored(change: type[Operation]) -> None:
    async with on_stage() as stage:
        assert await stage.finds(b"old")
        failing = await stage.begin(change)
        await failing.proceed()
        await failing.cancel() if failing.cancellable else await failing.finish()
        assert failing.ended
        assert failing.error or failing.scope.cancelled_caught
        assert await stage.finds(stage.delegate.value)
        assert stage.delegate.reads == 2
        assert not stage.cache._changes


async def test_the_time_of_a_value_counts_from_the_beginning_of_its_fetch() -> None:
    clock = Clock()
    async with on_stage(clock=clock) as stage:
        reader = await stage.begin(Read)
        await reader.proceed()
        clock.now += 59
        await reader.finish()
        stage.delegate.value = b"changed elsewhere"
        assert await stage.finds(b"old")
        clock.now += 1
        assert await stage.finds(b"changed elsewhere")


async def test_a_fetch_that_takes_longer_than_the_idle_timeout_is_neither_shared_nor_kept() -> None:
    clock = Clock()
    async with on_stage(clock=clock) as stage:
        slow = await stage.begin(Read)
        await slow.proceed()
        stage.delegate.value = b"changed elsewhere"
        clock.now += 60
        quick = await stage.begin(Read)
        await slow.finish()
        await quick.finish()
        assert (slow.result, quick.result) == (b"old", b"changed elsewhere")
        assert await stage.finds(b"changed elsewhere")
        assert stage.delegate.reads == 2


# --- every interleaving ---------------------------------------------------------------------------------------------

# Each operation begins, does its work in the delegate and returns: three steps. A schedule is an order of all steps of
# all operations. After it, what the callers saw must be explained by some order of the operations, one after the other,
# in which none comes before one that had returned when it began: the history is linearizable.

READS: list[type[Operation]] = [Read, CancelledRead, ReadThatFails]
KINDS: list[type[Operation]] = [
    *(*READS, Write, Invalidate, Update, CancelledWrite, CancelledInvalidate, CancelledUpdate),
    *(WriteThatIsLost, WriteThatFailsWhenItIsDone),
]
FRESH = pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # trio, which wakes tasks in any order, has its share below
@FRESH
@pytest.mark.parametrize("other", KINDS)
@pytest.mark.parametrize("read", READS)
async def test_every_schedule_of_a_read_and_another_operation_is_linearizable(
    read: type[Operation], other: type[Operation], *, known: bool
) -> None:
    await play_every_schedule([read, other], known=known)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("change", CHANGES)
async def test_every_schedule_of_two_reads_and_a_change_is_linearizable(change: type[Operation]) -> None:
    assert await play_every_schedule([Read, Read, change], known=False) > 500


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_every_schedule_of_two_writes_and_a_read_is_linearizable() -> None:
    assert await play_every_schedule([Write, Write, Read], known=True) > 500


@FRESH
@pytest.mark.parametrize("seed", range(50))
async def test_a_random_schedule_of_six_operations_is_linearizable(seed: int, *, known: bool) -> None:
    random = Random(seed)  # noqa: S311 - it has to be the same each time
    await play([Read, Read, Read, *random.choices(KINDS, k=3)], random.choice, known=known)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([("r", b"0", 1, 2)], True),
        ([("r", b"1", 1, 2)], False),
        ([("w", b"1", 1, 4), ("r", b"1", 2, 3)], True),
        ([("w", b"1", 1, 2), ("r", b"0", 3, 4)], False),
        ([("w", b"1", 1, 8), ("r", b"1", 2, 3), ("r", b"0", 4, 5)], False),
        ([("w", b"1", 1, 8), ("r", b"0", 2, 3), ("r", b"1", 4, 5)], True),
        ([("w", b"1", 1, 4), ("w", b"2", 2, 3), ("r", b"1", 5, 6)], True),
        ([("w", b"1", 1, 2), ("w", b"2", 3, 4), ("r", b"1", 5, 6)], False),
    ],
)
async def test_a_history_that_cannot_be_is_recognised(
    history: list[tuple[str, bytes, int, int]], *, expected: bool
) -> None:
    async with on_stage() as stage:
        operations: list[Operation] = []
        for kind, data, began, ended in history:
            operation = Read(stage) if kind == "r" else Write(stage, data)
            operation.result, operation.began, operation.ended = data, began, ended
            operations.append(operation)
        assert linearizable(operations, b"0") is expected


async def play_every_schedule(kinds: Sequence[type[Operation]], *, known: bool) -> int:
    """Play every schedule there is; return how many there are."""
    return len(await every_order(partial(play, kinds, known=known)))


async def play(kinds: Sequence[type[Operation]], choose: Choose, *, known: bool) -> None:
    """Play one schedule: `choose` picks one of the steps that are possible next."""
    async with on_stage(b"0") as stage:
        if known:
            assert await stage.finds(b"0")
        operations = [kind(stage, b"%d" % number) for number, kind in enumerate(kinds, 1)]
        schedule: list[str] = []
        while True:
            # Of those that are alike and have not begun, it does not matter which one begins.
            unlike = {type(operation): operation for operation in operations if not operation.began}
            candidates = [operation for operation in operations if operation.began or operation in unlike.values()]
            possible = {
                f"{step.__name__} {type(operation).__name__} {operation.mark.decode()}": step
                for operation in candidates
                for step in operation.possible_steps()
            }
            if not possible:
                break
            schedule.append(choose([*possible]))
            await possible[schedule[-1]]()
        assert all(operation.ended for operation in operations), schedule
        assert await stage.finds(stage.delegate.value), schedule
        assert linearizable(operations, b"0"), schedule
        assert not stage.cache._changes, schedule
        assert all(isinstance(fetch.data, bytes) for fetch in stage.cache._known.values()), schedule


def linearizable(operations: Sequence[Operation], value: Value) -> bool:
    """Whether the operations can have happened one after the other, on a storage that held `value`."""
    if not operations:
        return True
    first_end = min(operation.ended for operation in operations)
    return any(
        linearizable([other for other in operations if other is not operation], after)
        for operation in operations
        if operation.began < first_end
        for after in operation.leads_to(value)
    )


# --- several event loops --------------------------------------------------------------------------------------------


class Blocking(Ledger):
    """Memory, whose first read blocks its event loop until it is let go."""

    def __init__(self) -> None:
        super().__init__(SessionStorageMemory())
        self.reading, self.let_go = ThreadEvent(), ThreadEvent()

    async def pass_on(self, name: str, id: str, call: Callable[[], Awaitable[T]]) -> T:
        result = await super().pass_on(name, id, call)
        if name == "read" and not self.reading.is_set():
            self.reading.set()
            self.let_go.wait(120)  # longer than anybody waits for the read
        return result


@contextmanager
def reading_in_another_event_loop(cache: SessionStorageCache, delegate: Blocking, backend: str) -> Iterator[None]:
    """Meanwhile, the old value has been read, but the read has not returned."""
    anyio.run(write_bytes, delegate, ID, b"old", backend=backend)
    found: list[bytes] = []
    thread = Thread(target=lambda: found.append(anyio.run(read_bytes, cache, ID, backend=backend)), daemon=True)
    thread.start()
    try:
        assert delegate.reading.wait(60)
        yield
    finally:
        delegate.let_go.set()
        thread.join(60)
    assert found == [b"old"]


def test_a_read_in_another_event_loop_is_not_waited_for(anyio_backend: str) -> None:
    delegate = Blocking()
    cache = SessionStorageCache(delegate)

    async def overtake() -> None:
        with anyio.fail_after(60):
            assert await read_bytes(cache, ID) == b"old"
            await write_bytes(cache, ID, b"new")
            assert await read_bytes(cache, ID) == b"new"

    with reading_in_another_event_loop(cache, delegate, anyio_backend):
        anyio.run(overtake, backend=anyio_backend)
    assert anyio.run(read_bytes, cache, ID, backend=anyio_backend) == b"new"
    assert delegate.calls.count("read") == 3


def test_a_read_in_another_event_loop_keeps_its_place_among_what_is_to_be_evicted(
    anyio_backend: str, clock: Clock
) -> None:
    delegate = Blocking()
    cache = SessionStorageCache(delegate, idle_timeout=timedelta(seconds=60), clock=clock)

    async def read_before_it_returns() -> None:
        await write_bytes(delegate, "other", b"old")
        clock.now += 10
        await read_bytes(cache, "other")
        clock.now += 10
        with anyio.fail_after(60):
            await read_bytes(cache, ID)
        await write_bytes(delegate, "other", b"new")
        clock.now += 50
        assert await read_bytes(cache, "other") == b"new"

    with reading_in_another_event_loop(cache, delegate, anyio_backend):
        anyio.run(read_before_it_returns, backend=anyio_backend)


def test_threads_with_event_loops_of_their_own_never_see_a_value_again_that_has_gone(anyio_backend: str) -> None:
    cache = SessionStorageCache(SessionStorageMemory())
    anyio.run(write_bytes, cache, ID, b"0", backend=anyio_backend)

    async def increment_and_look() -> None:
        seen = 0
        for _ in range(300):
            seen = int(await cache.update(ID, lambda data: b"%d" % (int(data) + 1)))
            for _ in range(3):
                last, seen = seen, int(await read_bytes(cache, ID))
                assert last <= seen

    run_in_threads([increment_and_look] * 4, anyio_backend)
    assert anyio.run(read_bytes, cache, ID, backend=anyio_backend) == b"1200"
    assert not cache._changes


def test_a_task_that_was_lost_with_its_event_loop_may_end_at_any_time(delegate: Ledger) -> None:
    class Forever:
        def __await__(self) -> Generator[None]:
            yield

    async def send(_: ByteWriteChannel) -> None:
        await Forever()

    def clock() -> float:  # as the garbage collector may
        lost.close()
        return 0.0

    cache = SessionStorageCache(delegate, clock=lambda: 0.0)
    lost = cache.write(ID, send)
    lost.send(None)
    cache._clock = clock
    thread = Thread(target=anyio.run, args=(is_found, cache, "another"), daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert not cache._changes
