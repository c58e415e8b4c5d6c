"""Tasks that take turns: plays any order of their steps, replays it, or finds every order there is.

The code under test marks the points between which another task may go on. Outside a scheduled task, both do nothing:

    async with step("read"):  # waits for its turn, then lets nobody else go on until the block has ended
        ...
    await turn()  # waits for its turn, and goes on from there

An order is named by the tasks that get a turn, one after the other: "ABBA", or ["reader", "writer"].

    scheduler = Scheduler()
    await scheduler.play({"A": withdraw, "B": deposit}, replay("ABBA"))
    scheduler.log  # what was done, in this order: "A.read.1", "B.read.1", "B.write.1", "A.write.1"

Nothing depends on time. A task that neither waits for its turn nor ends, although no other goes on, waits for another,
and gets no turn until that one has let it go. That must not happen within a step, which is waited for.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from anyio import CancelScope, Event, create_task_group
from anyio.lowlevel import checkpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

    from anyio.abc import TaskGroup

    Work = Callable[[], Awaitable[object]]
    Choose = Callable[[Sequence[str]], str]  # whose turn it is, of those who wait for one

T = TypeVar("T")

PATIENCE = 12  # checkpoints; a task that takes more to its next turn waits for another (one that does not takes 6)


class Deadlock(Exception):  # noqa: N818 - the word says it
    """Some tasks wait for each other, and nobody waits for a turn."""


class Task:
    """One task, which goes on only when it is told to."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.ended = False
        self.scope = CancelScope()
        self.log = log
        self.error: Exception | None = None  # what it ended with
        self._gate: Event | None = None
        self._step: Event | None = None  # under way
        self._failure: Exception | None = None

    @property
    def waits(self) -> bool:
        """Whether it waits for its turn."""
        return self._gate is not None

    def go_on(self) -> None:
        """Let it go on to its next turn, or to its end."""
        assert self._gate is not None, f"{self.name} does not wait for a turn"
        self._gate.set()
        self._gate = None

    def cancel(self) -> None:
        """End it where it waits."""
        self._gate = None
        self.scope.cancel()

    def fail(self, error: Exception) -> None:
        """Let it go on with an error in place of its turn."""
        self._failure = error
        self.go_on()

    async def run(self, work: Work) -> None:
        """Do the work."""
        _current.set(self)
        with self.scope:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - the others go on; whoever scheduled it gets to know
                self.error = error
        self.ended = True

    async def turn(self) -> None:
        """Wait for its turn."""
        self._gate = Event()
        await self._gate.wait()
        if self._failure is not None:
            raise self._failure

    @asynccontextmanager
    async def step(self, name: str, *, after: bool) -> AsyncIterator[None]:
        """Wait for its turn, and have the scheduler wait until the block has ended."""
        await self.turn()
        earlier = sum(done.startswith(f"{self.name}.{name}.") for done in self.log)
        self.log.append(f"{self.name}.{name}.{earlier + 1}")
        self._step = Event()
        try:
            yield
        finally:
            self._step.set()
            self._step = None
            if after:
                await self.turn()

    async def settle(self) -> None:
        """Return when no step is under way."""
        if self._step is not None:
            await self._step.wait()


_current: ContextVar[Task | None] = ContextVar("current", default=None)


async def turn() -> None:
    """Wait for a turn."""
    task = _current.get()
    if task is not None:
        await task.turn()


@asynccontextmanager
async def step(name: str, *, after: bool = False) -> AsyncIterator[None]:
    """Wait for a turn; the step that the block does is then in the log, under this name.

    With `after`, a second turn comes when the step is done, and nobody knows yet what came of it.
    """
    task = _current.get()
    if task is None:
        yield
    else:
        async with task.step(name, after=after):
            yield


class Scheduler:
    """Gives out the turns."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.order: list[str] = []  # whose turns were given out
        self.log: list[str] = []  # the steps of all tasks, as they began: "A.read.1", "B.read.1", "A.write.1"

    def start(self, group: TaskGroup, name: str, work: Work) -> Task:
        """Start a task, which goes on to its first turn by itself."""
        task = self.tasks[name] = Task(name, self.log)
        group.start_soon(task.run, work)
        return task

    async def settle(self) -> list[str]:
        """Return who waits for a turn, once each task has ended, or waits for its turn or for another task."""
        tasks = self.tasks.values()
        for _ in range(PATIENCE):
            for task in tasks:
                await task.settle()
            if all(task.waits or task.ended for task in tasks):
                break
            await checkpoint()
        return [task.name for task in tasks if task.waits]

    async def play(self, work: Mapping[str, Work], choose: Choose) -> None:
        """Start a task for each work, and give out the turns until all have ended. The first error is raised then.

        Raises:
            Deadlock: Some tasks wait for each other.
        """
        refused: Exception | None = None
        async with create_task_group() as group:
            for name, do in work.items():
                self.start(group, name, do)
                await self.settle()  # trio begins tasks in any order
            try:
                await self._give_out_turns(choose)
            except Exception as error:  # noqa: BLE001 - raised below, where no group wraps it
                refused = error
            group.cancel_scope.cancel()
        for reason in (refused, *(task.error for task in self.tasks.values())):
            if reason is not None:
                raise reason

    async def _give_out_turns(self, choose: Choose) -> None:
        while waiting := await self.settle():
            self.order.append(choose(waiting))
            self.tasks[self.order[-1]].go_on()
        stuck = [task.name for task in self.tasks.values() if not task.ended]
        if stuck:
            raise Deadlock(f"{' and '.join(stuck)} wait for each other after {self.log}")


def replay(order: Iterable[str]) -> Choose:
    """Return what chooses in this order, and after its end the first who waits."""
    names = iter(order)

    def choose(waiting: Sequence[str]) -> str:
        name = next(names, waiting[0])
        if name not in waiting:
            raise ValueError(f"it cannot be the turn of {name!r}: only {', '.join(waiting)} can go on")
        return name

    return choose


async def every_order(play: Callable[[Choose], Awaitable[T]]) -> list[T]:
    """Play every order, depth first, and return what each play returned. Each must begin afresh, and go the same way.

    Raises:
        RuntimeError: After the same turns, others waited than the time before.
    """
    played: list[T] = []
    path: list[tuple[list[str], int]] = []  # for each turn, who waited for it, and which of them has it this time
    while path or not played:
        turns = iter([*path])

        def choose(waiting: Sequence[str], turns: Iterator[tuple[list[str], int]] = turns) -> str:
            known = next(turns, None)
            if known is None:
                path.append(([*waiting], 0))
                return waiting[0]
            waited, number = known
            if waited != [*waiting]:
                raise RuntimeError(f"not the same again: {waited} could go on, and now {waiting}")
            return waited[number]

        played.append(await play(choose))
        for waited, _ in turns:
            raise RuntimeError(f"not the same again: {waited} could go on, and now nobody")
        while path and path[-1][1] + 1 == len(path[-1][0]):
            path.pop()
        if path:
            waited, number = path[-1]
            path[-1] = waited, number + 1
    return played
