"""The scheduler of the tests can be trusted: each order once, every order, and always the same."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from anyio import Event, Lock, create_task_group, to_thread
from anyio.lowlevel import checkpoint

from tests.support.scheduler import Deadlock, Scheduler, every_order, replay, step, turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.scheduler import Choose

    Work = Callable[[], Awaitable[None]]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Account:
    """Money that is read and written in two steps."""

    def __init__(self) -> None:
        self.money = 0

    async def read(self) -> int:
        async with step("read"):
            await checkpoint()
            return self.money

    async def write(self, money: int) -> None:
        async with step("write"):
            await to_thread.run_sync(setattr, self, "money", money)  # takes as long as it likes

    async def deposit(self) -> None:
        await self.write(await self.read() + 1)

    async def deposit_twice(self) -> None:
        await self.deposit()
        await self.deposit()


async def played(work: dict[str, Work], choose: Choose) -> Scheduler:
    scheduler = Scheduler()
    await scheduler.play(work, choose)
    return scheduler


async def test_an_order_is_played_as_it_is_named() -> None:
    account = Account()
    scheduler = await played({"A": account.deposit, "B": account.deposit}, replay("ABBA"))
    assert scheduler.log == ["A.read.1", "B.read.1", "B.write.1", "A.write.1"]
    assert account.money == 1


async def test_a_step_can_be_done_long_before_its_task_goes_on() -> None:
    account, scheduler = Account(), Scheduler()

    async def work() -> None:
        async with step("write", after=True):
            account.money += 1
        account.money += 1

    async with create_task_group() as group:
        task = scheduler.start(group, "A", work)
        await scheduler.settle()
        task.go_on()
        assert await scheduler.settle() == ["A"]
        assert (scheduler.log, account.money) == (["A.write.1"], 1)
        task.go_on()
    assert account.money == 2


async def test_steps_of_one_name_are_counted_for_each_task() -> None:
    account = Account()
    scheduler = await played({"A": account.deposit_twice, "B": account.deposit}, replay("AABBAA"))
    assert scheduler.log == ["A.read.1", "A.write.1", "B.read.1", "B.write.1", "A.read.2", "A.write.2"]


async def test_where_an_order_ends_the_first_who_waits_goes_on() -> None:
    account = Account()
    scheduler = await played({"A": account.deposit, "B": account.deposit}, replay("B"))
    assert scheduler.order == ["B", "A", "A", "B"]


async def test_every_order_is_played_once_and_can_be_played_again() -> None:
    outcomes: dict[str, int] = {}

    async def play(choose: Choose) -> str:
        account = Account()
        scheduler = await played({"A": account.deposit, "B": account.deposit_twice}, choose)
        order = "".join(scheduler.order)
        assert order not in outcomes
        outcomes[order] = account.money
        return order

    orders = await every_order(play)
    assert sorted(orders) == sorted({"".join(order) for order in permutations("AABBBB")})
    assert set(outcomes.values()) == {1, 2, 3}
    for order in orders[::5]:
        account = Account()
        await played({"A": account.deposit, "B": account.deposit_twice}, replay(order))
        assert account.money == outcomes[order]


async def test_what_has_no_steps_has_one_order() -> None:
    async def play(choose: Choose) -> list[str]:
        return (await played({"A": checkpoint, "B": checkpoint}, choose)).order

    assert await every_order(play) == [[]]


async def test_a_task_that_waits_for_another_gets_no_turn() -> None:
    async def play(choose: Choose) -> str:
        lock = Lock()

        async def work() -> None:
            async with lock:
                await turn()
                await turn()

        return "".join((await played({"A": work, "B": work}, choose)).order)

    assert await every_order(play) == ["AABB"]


async def test_tasks_that_wait_for_each_other_are_named_with_what_they_did() -> None:
    first, second = Lock(), Lock()

    async def take(one: Lock, other: Lock) -> None:
        async with one:
            async with step("take"):
                pass
            async with other:
                pass

    with pytest.raises(Deadlock, match=r"^A and B wait for each other after \['B.take.1', 'A.take.1'\]$"):
        await played({"A": lambda: take(first, second), "B": lambda: take(second, first)}, replay("BA"))


async def test_an_order_that_cannot_be_says_who_can_go_on() -> None:
    account = Account()
    with pytest.raises(ValueError, match="it cannot be the turn of 'B': only A can go on"):
        await played({"A": account.deposit, "B": account.deposit}, replay("BBB"))


@pytest.mark.parametrize("again", [["B"], ["A", "C"], []], ids=["fewer", "another", "nobody"])
async def test_a_play_that_does_not_go_the_same_way_again_is_refused(again: list[str]) -> None:
    plays = iter([["A", "B"], again])

    async def play(choose: Choose) -> None:
        await played(dict.fromkeys(next(plays), turn), choose)

    with pytest.raises(RuntimeError, match="not the same again"):
        await every_order(play)


async def test_an_error_of_a_task_arrives_as_it_is_when_the_others_have_ended() -> None:
    account = Account()

    async def fail() -> None:
        await turn()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await played({"A": fail, "B": account.deposit}, replay("A"))
    assert account.money == 1


async def test_outside_of_a_schedule_steps_and_turns_wait_for_nothing() -> None:
    account = Account()
    await account.deposit()
    await turn()
    assert account.money == 1


@pytest.mark.parametrize("end", ["cancel", "fail"])
async def test_a_task_can_be_ended_where_it_waits(end: str) -> None:
    account, scheduler = Account(), Scheduler()
    async with create_task_group() as group:
        task = scheduler.start(group, "A", account.deposit)
        assert await scheduler.settle() == ["A"]
        task.go_on()
        assert await scheduler.settle() == ["A"]
        if end == "cancel":
            task.cancel()
        else:
            task.fail(ConnectionError("lost"))
        assert await scheduler.settle() == []
    assert task.ended
    assert (task.scope.cancelled_caught, isinstance(task.error, ConnectionError)) == (end == "cancel", end == "fail")
    assert (scheduler.log, account.money) == (["A.read.1"], 0)


async def test_a_step_is_waited_for_however_long_it_takes() -> None:
    scheduler, begun, let_go = Scheduler(), Event(), Event()
    seen = Counter[str]()

    async def slow() -> None:
        async with step("wait"):
            begun.set()
            await let_go.wait()
            seen["slow"] += 1

    async def settle() -> None:
        await scheduler.settle()
        assert seen["slow"] == 1

    async with create_task_group() as group:
        scheduler.start(group, "A", slow)
        await scheduler.settle()
        scheduler.tasks["A"].go_on()
        await begun.wait()
        group.start_soon(settle)
        for _ in range(100):
            await checkpoint()
        let_go.set()
