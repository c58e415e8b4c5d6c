"""Refuses, where no event loop runs, a method that has to be awaited. A `def` endpoint runs there."""

from __future__ import annotations

import asyncio
import inspect
from asyncio import get_running_loop
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from anyio import current_time

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
P = ParamSpec("P")


def in_event_loop(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Return `method`, which raises when it is called in a `def` endpoint.

    There its coroutine would be taken for a session: it is never `None`, so a login check would let everyone pass.
    """

    @wraps(method)
    def called(*args: P.args, **options: P.kwargs) -> Coroutine[Any, Any, T]:
        try:
            get_running_loop()
        except RuntimeError:
            _must_be_in_event_loop(method.__name__)  # AnyIO is slower to answer, and knows Trio too
        return method(*args, **options)

    _mark_as_coroutine_function(called)
    return called


def _must_be_in_event_loop(method: str) -> None:
    try:
        current_time()
    except RuntimeError:
        raise RuntimeError(
            f"{method}() was called where no event loop runs; make this endpoint `async def` and await it, or load the "
            "session in an async dependency"
        ) from None


# Frameworks ask whether a function is `async` before they call it, as a background task for example.
_mark_as_coroutine_function: Callable[[Any], object] = getattr(
    inspect,
    "markcoroutinefunction",  # Python 3.12
    lambda function: setattr(function, "_is_coroutine", getattr(asyncio.coroutines, "_is_coroutine", None)),
)
