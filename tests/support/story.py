"""Long random stories, whose steps each say what must come of them.

They are the same each time. `COATCHECK_STORIES=1000 pytest tests/library -k properties` tells 1000 others of each.
"""

from __future__ import annotations

import os
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from coatcheck import SessionAlreadySent, SessionNotFound, StorageFull

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from anyio.abc import TaskGroup, TaskStatus


M = TypeVar("M", bound="Story")
P = ParamSpec("P")
T = TypeVar("T")


class Interrupted(Exception):  # noqa: N818 - nothing has gone wrong
    """What a provider, a consumer, a transform or a handler raises."""


class Story(RuleBasedStateMachine):
    """Random steps, each of which says what must come of it."""

    portal: BlockingPortal  # to the event loop of all stories of a test
    tasks: TaskGroup  # there


def in_loop(step: Callable[Concatenate[M, P], Coroutine[Any, Any, None]]) -> Callable[Concatenate[M, P], None]:
    """Make a step of an async function."""

    @wraps(step)
    def run(self: M, /, *args: P.args, **kwargs: P.kwargs) -> None:
        self.portal.call(partial(step, self, *args, **kwargs))

    return run


async def stay(*, task_status: TaskStatus[TaskGroup]) -> None:
    """Be where the tasks of the stories live."""
    async with anyio.create_task_group() as tasks:
        task_status.started(tasks)
        await anyio.sleep_forever()


def tell(stories: Callable[[], Story], backend: str) -> None:
    number = os.environ.get("COATCHECK_STORIES")
    with start_blocking_portal(backend) as portal:
        staying, tasks = portal.start_task(stay)

        def begin() -> Story:
            story = stories()
            story.portal, story.tasks = portal, tasks
            return story

        run_state_machine_as_test(
            begin,  # type: ignore[arg-type]  # whatever makes a story will do
            settings=settings(
                max_examples=int(number or {"asyncio": 20, "trio": 6}[backend]),
                stateful_step_count=15,
                derandomize=number is None,
                database=None,
                deadline=None,
                phases=[Phase.generate, Phase.shrink],
                report_multiple_bugs=False,
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
        staying.cancel()


def scenes(events: Sequence[T]) -> st.SearchStrategy[list[T]]:
    return st.integers(1, 30).flatmap(lambda size: st.lists(st.sampled_from(events), min_size=size, max_size=size))


EXPECTED = (Interrupted, SessionNotFound, SessionAlreadySent, StorageFull)


def outcome(call: Callable[[], T]) -> T | type[Exception]:
    try:
        return call()
    except EXPECTED as error:
        return type(error)


async def outcome_of(call: Awaitable[T]) -> T | type[Exception]:
    try:
        return await call
    except EXPECTED as error:
        return type(error)
