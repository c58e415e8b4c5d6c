"""A lock for each key, and one for the tasks of a request: who waits for whom, and what is left when nobody does."""

from __future__ import annotations

import gc
import threading
from contextlib import suppress

import anyio
import anyio.to_thread
import pytest
from anyio import Lock
from anyio.lowlevel import checkpoint

from coatcheck.locks import Locks, Turn


async def pass_time() -> None:
    """Let every other task go as far as it can."""
    for _ in range(10):
        await checkpoint()


async def test_who_holds_a_key_is_alone_with_it() -> None:
    locks, inside, most = Locks(Lock), 0, 0

    async def enter() -> None:
        nonlocal inside, most
        async with locks["coat"]:
            inside += 1
            most = max(most, inside)
            await pass_time()
            inside -= 1

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(enter)
    assert most == 1
    assert len(locks._locks) == 0


async def test_another_key_is_not_waited_for() -> None:
    locks = Locks(Lock)
    with anyio.fail_after(60):
        async with locks["coat"], locks["hat"], locks["coat", "hat"]:
            assert len(locks._locks) == 3


async def test_who_comes_while_others_wait_waits_as_well() -> None:
    locks, order = Locks(Lock), list[int]()

    async def enter(number: int) -> None:
        async with locks["coat"]:
            order.append(number)
            await pass_time()

    async with anyio.create_task_group() as tasks:
        async with locks["coat"]:
            tasks.start_soon(enter, 1)
            await pass_time()
        tasks.start_soon(enter, 2)  # the first holder has gone, the next has not yet been told
        await pass_time()
        tasks.start_soon(enter, 3)
        await pass_time()
        assert len(locks._locks) <= 1
    assert order == [1, 2, 3]


async def test_a_lock_is_gone_with_its_last_user_whatever_happened() -> None:
    locks = Locks(Lock)

    async def fail() -> None:
        async with locks["coat"]:
            assert len(locks._locks) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with anyio.create_task_group() as tasks, locks["hat"]:
        tasks.start_soon(locks["hat"].acquire)
        await pass_time()
        tasks.cancel_scope.cancel()
    gc.collect()  # an exception may have kept a frame
    assert len(locks._locks) == 0


def test_each_event_loop_has_locks_of_its_own(anyio_backend: str) -> None:
    locks, entered, leave = Locks(Lock), threading.Event(), threading.Event()

    async def hold() -> None:
        async with locks["coat"]:
            entered.set()
            await anyio.to_thread.run_sync(leave.wait, 120)  # longer than anybody waits for the lock

    async def enter() -> None:
        with anyio.fail_after(60):
            async with locks["coat"]:
                assert len(locks._locks) == 2

    thread = threading.Thread(target=lambda: anyio.run(hold, backend=anyio_backend))
    thread.start()
    try:
        assert entered.wait(60)
        anyio.run(enter, backend=anyio_backend)
    finally:
        leave.set()
        thread.join()
    assert len(locks._locks) == 0


# --- the tasks of a request ---------------------------------------------------------------------------------------


async def test_who_has_a_turn_is_alone_and_everyone_gets_one() -> None:
    turn, inside, most, had = Turn(), 0, 0, 0

    async def take() -> None:
        nonlocal inside, most, had
        for _ in range(3):
            await turn.free()
            with turn:
                inside += 1
                most = max(most, inside)
                await pass_time()
                inside -= 1
                had += 1

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(take)
    assert (most, had, turn.is_taken) == (1, 15, False)


async def test_who_raises_in_a_turn_or_gives_up_waiting_for_one_holds_up_nobody() -> None:
    turn, had = Turn(), list[str]()

    async def take(name: str) -> None:
        await turn.free()
        with turn:
            had.append(name)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            with suppress(ZeroDivisionError), turn:
                with anyio.CancelScope() as scope:
                    scope.cancel()
                    await take("cancelled")
                tasks.start_soon(take, "patient")
                await pass_time()
                raise ZeroDivisionError
    assert (had, turn.is_taken) == (["patient"], False)


async def test_a_free_turn_is_taken_at_once() -> None:
    turn, others = Turn(), list[str]()

    async def note() -> None:
        others.append("another task")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(note)
        await turn.free()
        with turn:
            assert others == []


def test_a_turn_that_another_task_has_is_refused() -> None:
    turn = Turn()
    with turn, pytest.raises(RuntimeError, match=r"another task has this turn; await free\(\) first"), turn:
        pass
    assert not turn.is_taken


async def test_who_waits_for_a_turn_sleeps_until_it_is_over() -> None:
    turn = Turn()
    with anyio.fail_after(60):
        for _ in range(2):
            async with anyio.create_task_group() as tasks:
                with turn:
                    tasks.start_soon(turn.free)
                    await anyio.wait_all_tasks_blocked()  # which a task that asks again and again never is
