"""Sessions in memory: how long they stay, what they may take, and who may use them at once."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck import SessionNotFound, SessionStorageMemory, StorageFull, read_bytes, write_bytes
from tests.support.clock import Clock
from tests.support.storage import is_found, is_updated
from tests.support.threads import run_in_threads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Call = Callable[[SessionStorageMemory], Awaitable[object]]

RETENTION = timedelta(seconds=100)
SHORTLY = 0.125


@pytest.fixture
def memory(clock: Clock) -> SessionStorageMemory:
    return SessionStorageMemory(retention=RETENTION, clock=clock)


def kept(memory: SessionStorageMemory) -> tuple[int, int]:
    """How many sessions are kept, and how many bytes count for them."""
    return len(memory._sessions), memory._bytes


# --- retention ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [is_found, is_updated])
@pytest.mark.parametrize(("unused", "there"), [(100 - SHORTLY, True), (100, False), (100 + SHORTLY, False)])
async def test_a_session_is_kept_for_its_retention_and_no_longer(
    unused: float,
    there: bool,  # noqa: FBT001
    ask: Callable[[SessionStorageMemory, str], Awaitable[bool]],
    memory: SessionStorageMemory,
    clock: Clock,
) -> None:
    await write_bytes(memory, "id1", b"coat")
    clock.now += unused
    assert await ask(memory, "id1") is there


@pytest.mark.parametrize("use", [lambda memory: write_bytes(memory, "id1", b"hat"), lambda m: is_updated(m, "id1")])
async def test_a_change_counts_as_use_at_once(use: Call, memory: SessionStorageMemory, clock: Clock) -> None:
    await write_bytes(memory, "id1", b"coat")
    clock.now += SHORTLY
    await use(memory)
    clock.now += 100 - SHORTLY
    assert await is_found(memory, "id1")
    clock.now += 100
    assert not await is_found(memory, "id1")


@pytest.mark.parametrize(
    ("after", "lives_until"),
    [(10 - SHORTLY, 100), (10, 110), (10 + SHORTLY, 110 + SHORTLY), (100 - SHORTLY, 200 - SHORTLY)],
)
async def test_a_read_counts_as_use_once_a_tenth_of_the_retention_has_passed(
    after: float, lives_until: float, clock: Clock
) -> None:
    for offset, there in ((-SHORTLY, True), (0, False)):
        memory = SessionStorageMemory(retention=RETENTION, clock=clock)
        began = clock.now
        await write_bytes(memory, "id1", b"coat")
        clock.now = began + after
        assert await is_found(memory, "id1")
        clock.now = began + lives_until + offset
        assert await is_found(memory, "id1") is there


async def test_the_tenth_counts_from_the_last_use_that_counted(memory: SessionStorageMemory, clock: Clock) -> None:
    await write_bytes(memory, "id1", b"coat")
    for _ in range(3):  # 9, 18 and 27 seconds: the second counts, for the first did not
        clock.now += 9
        assert await is_found(memory, "id1")
    clock.now += 100 - 9 - SHORTLY
    assert await is_found(memory, "id1")
    clock.now += 100
    assert not await is_found(memory, "id1")


async def test_the_bytes_stay_the_same_when_a_read_counts(memory: SessionStorageMemory, clock: Clock) -> None:
    await write_bytes(memory, "id1", b"coat")
    clock.now += 50
    assert await read_bytes(memory, "id1") == b"coat"
    assert kept(memory) == (1, 4)


async def test_what_is_used_outlives_what_is_not(memory: SessionStorageMemory, clock: Clock) -> None:
    for id in ("id1", "id2", "id3"):
        await write_bytes(memory, id, b"coat")
    clock.now += 60
    assert await is_found(memory, "id2")
    clock.now += 40
    assert [await is_found(memory, id) for id in ("id1", "id2", "id3")] == [False, True, False]


async def test_no_retention_keeps_for_ever(clock: Clock) -> None:
    memory = SessionStorageMemory(retention=None, clock=clock)
    await write_bytes(memory, "id1", b"coat")
    clock.now += 1e12
    assert await read_bytes(memory, "id1") == b"coat"


async def test_the_default_is_seven_days(clock: Clock) -> None:
    memory = SessionStorageMemory(clock=clock)
    assert memory.retention == timedelta(days=7)
    for unused, there in ((7 * 86_400 - 1, True), (7 * 86_400, False)):
        await write_bytes(memory, "id1", b"coat")
        clock.now += unused
        assert await is_found(memory, "id1") is there


@pytest.mark.parametrize("retention", [timedelta(0), timedelta(microseconds=-1), timedelta(days=-1)])
def test_a_retention_that_would_end_everything_at_once_is_refused(retention: timedelta) -> None:
    with pytest.raises(ValueError, match=r"retention must be longer than zero, not .*; pass None for no limit"):
        SessionStorageMemory(retention=retention)


# --- reclaimed by whichever call comes next -----------------------------------------------------------------------


async def read_other(memory: SessionStorageMemory) -> None:
    assert await is_found(memory, "other")


async def read_unknown(memory: SessionStorageMemory) -> None:
    assert not await is_found(memory, "unknown")


async def write_other(memory: SessionStorageMemory) -> None:
    await write_bytes(memory, "other", b"HAT")


async def update_other(memory: SessionStorageMemory) -> None:
    assert await is_updated(memory, "other")


async def update_unknown(memory: SessionStorageMemory) -> None:
    assert not await is_updated(memory, "unknown")


async def invalidate_other(memory: SessionStorageMemory) -> None:
    await memory.invalidate("other")


async def invalidate_unknown(memory: SessionStorageMemory) -> None:
    await memory.invalidate("unknown")


@pytest.mark.parametrize(
    ("call", "left"),
    [
        (read_other, (1, 3)),
        (read_unknown, (1, 3)),
        (write_other, (1, 3)),
        (update_other, (1, 3)),
        (update_unknown, (1, 3)),
        (invalidate_other, (0, 0)),
        (invalidate_unknown, (1, 3)),
    ],
)
async def test_what_is_due_is_forgotten_by_the_next_call_whichever_it_is(
    call: Call, left: tuple[int, int], memory: SessionStorageMemory, clock: Clock
) -> None:
    for number in range(5):
        await write_bytes(memory, f"id{number}", b"a grey coat")
    clock.now += SHORTLY
    await write_bytes(memory, "other", b"hat")
    clock.now += 100 - 2 * SHORTLY
    await invalidate_unknown(memory)
    assert kept(memory) == (6, 58)
    clock.now += SHORTLY
    await call(memory)
    assert kept(memory) == left


async def test_what_is_due_can_be_invalidated_and_written_anew(memory: SessionStorageMemory, clock: Clock) -> None:
    await write_bytes(memory, "id1", b"a grey coat")
    clock.now += 100
    await memory.invalidate("id1")
    assert kept(memory) == (0, 0)
    await write_bytes(memory, "id1", b"a grey coat")
    clock.now += 100
    await write_bytes(memory, "id1", b"hat")
    assert kept(memory) == (1, 3)
    assert await read_bytes(memory, "id1") == b"hat"


def test_100_000_abandoned_sessions_do_not_stay(memory: SessionStorageMemory, clock: Clock) -> None:
    async def abandon() -> None:
        for number in range(100_000):
            await memory.save(f"id{number}", b"a grey coat")

    anyio.run(abandon)
    assert kept(memory) == (100_000, 1_100_000)
    clock.now += 100
    anyio.run(read_unknown, memory)
    assert kept(memory) == (0, 0)


async def test_abandoned_sessions_never_pile_up_behind_those_that_come(
    memory: SessionStorageMemory, clock: Clock
) -> None:
    for number in range(5_000):
        clock.now += 1
        await memory.save(f"id{number}", b"coat")
        assert len(memory._sessions) <= 100


@pytest.mark.parametrize("step", [0.0, 0.125])
def test_reclaiming_costs_the_same_for_each_session_however_many_there_are(step: float) -> None:
    def cost(sessions: int) -> float:
        """The seconds of this thread to reclaim so many, all at once or one with each call."""
        clock = Clock()
        memory = SessionStorageMemory(retention=timedelta(days=7), clock=clock)

        async def abandon() -> None:
            for number in range(sessions):
                await memory.save(f"id{number}", b"coat")
                clock.now += step

        async def reclaim() -> float:
            clock.now = Clock().now + 7 * 86_400 - step
            began = time.thread_time()
            for _ in range(sessions if step else 1):
                clock.now += step
                await memory.load("unknown")
            return time.thread_time() - began

        anyio.run(abandon)
        seconds = anyio.run(reclaim)
        assert kept(memory) == (0, 0)
        return seconds

    # Ten times the sessions: ten times the work, or a hundred times if it is not the same for each.
    assert min(cost(40_000) for _ in range(2)) < 35 * min(cost(4_000) for _ in range(3))


# --- max_bytes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_bytes", [0, -1])
def test_no_room_at_all_is_refused(max_bytes: int) -> None:
    with pytest.raises(ValueError, match=r"leaves no room: pass more than zero, or None for no limit"):
        SessionStorageMemory(max_bytes=max_bytes)


@pytest.mark.parametrize("max_bytes", ["64", 1e6, float("nan"), timedelta(1)])
def test_what_is_no_number_of_bytes_is_refused_with_a_way_out(max_bytes: Any) -> None:
    with pytest.raises(TypeError) as error:
        SessionStorageMemory(max_bytes=max_bytes)
    assert str(error.value) == f"max_bytes must be an int or None, not {max_bytes!r}; try 64 * 1024**2"


@pytest.mark.parametrize("clock", [None, 0, 1.5])
def test_a_clock_that_cannot_be_called_is_refused_with_a_way_out(clock: Any) -> None:
    with pytest.raises(TypeError) as error:
        SessionStorageMemory(clock=clock)
    assert (
        str(error.value)
        == f"clock must be a function that takes no arguments and isn't async, not {clock!r}; pass time.time"
    )


async def test_the_stored_bytes_count_to_the_last_one() -> None:
    memory = SessionStorageMemory(max_bytes=10)
    await write_bytes(memory, "id1", b"123456")
    await write_bytes(memory, "an id that is longer than max_bytes", b"7890")
    await write_bytes(memory, "id3", b"")
    with pytest.raises(StorageFull, match="max_bytes=10"):
        await write_bytes(memory, "id4", b"1")
    assert not await is_found(memory, "id4")


async def test_a_single_byte_is_room_enough() -> None:
    memory = SessionStorageMemory(max_bytes=1)
    await write_bytes(memory, "id1", b"1")
    assert await read_bytes(memory, "id1") == b"1"


def twice(data: bytes) -> bytes:
    return data * 2


@pytest.mark.parametrize("change", [lambda m: write_bytes(m, "id1", b"1234567"), lambda m: m.update("id1", twice)])
async def test_a_change_that_does_not_fit_keeps_every_session_and_the_old_value(change: Call) -> None:
    memory = SessionStorageMemory(max_bytes=10)
    await write_bytes(memory, "id1", b"12345")
    await write_bytes(memory, "id2", b"6789")
    with pytest.raises(StorageFull):
        await change(memory)
    assert await read_bytes(memory, "id1") == b"12345"
    assert await read_bytes(memory, "id2") == b"6789"
    assert kept(memory) == (2, 9)


async def test_a_refused_write_is_no_use_of_the_session(clock: Clock) -> None:
    memory = SessionStorageMemory(retention=RETENTION, max_bytes=10, clock=clock)
    await write_bytes(memory, "id1", b"12345")
    clock.now += 50
    with pytest.raises(StorageFull):
        await write_bytes(memory, "id1", b"12345678901")
    clock.now += 50
    assert not await is_found(memory, "id1")


async def test_only_what_a_change_adds_needs_room() -> None:
    memory = SessionStorageMemory(max_bytes=10)
    await write_bytes(memory, "id1", b"1234567890")
    await write_bytes(memory, "id1", b"0987654321")
    assert await memory.update("id1", lambda data: data[:5]) == b"09876"
    assert await memory.update("id1", twice) == b"0987609876"
    await write_bytes(memory, "id1", b"1234")
    await write_bytes(memory, "id2", b"567890")
    assert kept(memory) == (2, 10)


async def test_what_was_invalidated_makes_room() -> None:
    memory = SessionStorageMemory(max_bytes=10)
    for _ in range(2):
        await write_bytes(memory, "id1", b"1234567890")
        await memory.invalidate("id1")
        await memory.invalidate("id1")
    assert kept(memory) == (0, 0)


@pytest.mark.parametrize("change", [lambda m: write_bytes(m, "id3", b"12345"), lambda m: m.update("id2", twice)])
async def test_what_is_due_makes_room_before_a_change_is_refused(change: Call, clock: Clock) -> None:
    memory = SessionStorageMemory(retention=RETENTION, max_bytes=10, clock=clock)
    await write_bytes(memory, "id1", b"12345")
    clock.now += SHORTLY
    await write_bytes(memory, "id2", b"12345")
    clock.now += 100 - 2 * SHORTLY
    with pytest.raises(StorageFull):
        await change(memory)
    clock.now += SHORTLY
    await change(memory)
    assert kept(memory)[1] == 10
    assert not await is_found(memory, "id1")
    assert await is_found(memory, "id2")


async def test_a_full_memory_can_still_be_read(clock: Clock) -> None:
    memory = SessionStorageMemory(retention=RETENTION, max_bytes=4, clock=clock)
    await write_bytes(memory, "id1", b"coat")
    clock.now += 50
    assert await read_bytes(memory, "id1") == b"coat"


# --- a clock that jumps -------------------------------------------------------------------------------------------


async def test_a_clock_that_jumps_back_harms_nothing(clock: Clock) -> None:
    memory = SessionStorageMemory(retention=RETENTION, max_bytes=8, clock=clock)
    await write_bytes(memory, "id1", b"coat")
    began, clock.now = clock.now, clock.now - 86_400
    await write_bytes(memory, "id2", b"hat")
    clock.now += 3_600
    assert await read_bytes(memory, "id1") == b"coat"
    assert await memory.update("id2", bytes.upper) == b"HAT"
    clock.now = began + 100 - SHORTLY  # forward again: nothing was used for longer than its retention
    assert await read_bytes(memory, "id2") == b"HAT"
    assert await read_bytes(memory, "id1") == b"coat"
    clock.now += 100
    await read_unknown(memory)
    assert kept(memory) == (0, 0)


async def test_a_clock_that_has_jumped_back_before_the_first_call_harms_nothing(clock: Clock) -> None:
    memory = SessionStorageMemory(retention=RETENTION, clock=clock)
    clock.now -= 86_400
    await write_bytes(memory, "id1", b"coat")
    clock.now += 86_400 + 100 - SHORTLY
    assert await is_found(memory, "id1")


# --- every history ------------------------------------------------------------------------------------------------


class Step(NamedTuple):
    """What happens to the sessions, so much later than the step before."""

    later: float
    call: str
    id: str
    data: bytes


STEPS = st.lists(
    st.builds(
        Step,
        later=st.sampled_from([0.0, 0.0, SHORTLY, 9.875, 10.0, 45.0, 90.0, 99.875, 100.0, -30.0, -1000.0]),
        call=st.sampled_from(["write", "read", "update", "invalidate"]),
        id=st.sampled_from(["id1", "id2", "id3"]),
        data=st.sampled_from([b"", b"1", b"12345", b"1234567890"]),
    ),
    max_size=40,
)


class Naive:
    """What the memory has to do, one rule after the other, with no thought of speed."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.sessions: dict[str, tuple[bytes, float]] = {}

    def play(self, step: Step, now: float) -> bytes | type[Exception] | None:
        """Do one step, and return what its call is to return or to raise."""
        self.now = max(now, self.now)
        self.sessions = {id: (data, used) for id, (data, used) in self.sessions.items() if self.now - used < 100}
        found, used = self.sessions.get(step.id, (None, 0.0))
        if step.call == "invalidate":
            self.sessions.pop(step.id, None)
            return None
        if step.call == "write":
            return self.change(step.id, step.data)
        if found is None:
            return SessionNotFound
        if step.call == "update":
            return self.change(step.id, found + step.data) or found + step.data
        if self.now - used >= 10:
            self.sessions[step.id] = found, self.now
        return found

    def change(self, id: str, data: bytes) -> type[Exception] | None:
        changed = {**self.sessions, id: (data, self.now)}
        if sum(len(data) for data, _ in changed.values()) > 12:
            return StorageFull
        self.sessions = changed
        return None


async def played(step: Step, memory: SessionStorageMemory) -> bytes | type[Exception] | None:
    try:
        match step.call:
            case "read":
                return await read_bytes(memory, step.id)
            case "update":
                return await memory.update(step.id, lambda data: data + step.data)
            case "write":
                await write_bytes(memory, step.id, step.data)
            case _:
                await memory.invalidate(step.id)
    except (SessionNotFound, StorageFull) as error:
        return type(error)
    return None


@settings(derandomize=True, max_examples=100, deadline=None)
@given(STEPS)
def test_any_history_of_calls_is_as_the_rules_have_it(steps: list[Step]) -> None:
    async def play() -> None:
        clock = Clock()
        naive, memory = Naive(clock.now), SessionStorageMemory(retention=RETENTION, max_bytes=12, clock=clock)
        for step in steps:
            clock.now += step.later
            assert await played(step, memory) == naive.play(step, clock.now)
            left = {id: data for id, (data, _) in naive.sessions.items()}
            assert {id: data for id, (data, _) in memory._sessions.items()} == left
            assert kept(memory) == (len(left), sum(map(len, left.values())))

    anyio.run(play)


# --- update -------------------------------------------------------------------------------------------------------


async def test_an_update_never_creates(memory: SessionStorageMemory) -> None:
    with pytest.raises(SessionNotFound):
        await memory.update("id1", lambda _: b"coat")
    assert kept(memory) == (0, 0)


async def test_a_transform_that_raises_changes_nothing(memory: SessionStorageMemory, clock: Clock) -> None:
    await write_bytes(memory, "id1", b"coat")
    error = ZeroDivisionError()

    def fail(_: bytes) -> bytes:
        raise error

    clock.now += 50
    with pytest.raises(ZeroDivisionError) as raised:
        await memory.update("id1", fail)
    assert raised.value is error
    assert await is_updated(memory, "id1"), "the memory can be changed again"
    assert await read_bytes(memory, "id1") == b"COAT"


async def test_a_transform_that_raised_was_no_use_of_the_session(memory: SessionStorageMemory, clock: Clock) -> None:
    await write_bytes(memory, "id1", b"coat")
    clock.now += 50
    with pytest.raises(UnicodeDecodeError):
        await memory.update("id1", lambda _: b"\xff".decode().encode())
    clock.now += 50
    assert not await is_found(memory, "id1")


# --- threads and event loops --------------------------------------------------------------------------------------


def increment(data: bytes) -> bytes:
    number = int(data)
    for _ in range(20):  # long enough for another thread to come between, if it could
        number += 1
    return b"%d" % (number - 19)


def test_updates_in_several_threads_and_event_loops_lose_nothing(anyio_backend: str) -> None:
    memory = SessionStorageMemory()
    anyio.run(write_bytes, memory, "id1", b"0", backend=anyio_backend)

    async def count() -> None:
        for _ in range(1_000):
            await memory.update("id1", increment)
            await checkpoint()

    run_in_threads([count] * 4, anyio_backend)
    assert anyio.run(read_bytes, memory, "id1", backend=anyio_backend) == b"4000"


def test_the_count_of_bytes_is_right_whatever_threads_do_at_once(anyio_backend: str) -> None:
    memory = SessionStorageMemory()

    async def change() -> None:
        for number in range(2_000):
            await write_bytes(memory, f"id{number % 3}", b"x" * (number % 7))
            await memory.invalidate(f"id{number % 2}")

    run_in_threads([change] * 4, anyio_backend)
    assert memory._bytes == sum(len(data) for data, _ in memory._sessions.values())


@pytest.mark.parametrize("other_backend", ["asyncio", "trio"])
def test_a_session_outlives_the_event_loop_that_wrote_it(anyio_backend: str, other_backend: str) -> None:
    memory = SessionStorageMemory()
    anyio.run(write_bytes, memory, "id1", b"coat", backend=anyio_backend)
    assert anyio.run(memory.update, "id1", bytes.upper, backend=other_backend) == b"COAT"
    assert anyio.run(read_bytes, memory, "id1", backend=other_backend) == b"COAT"
