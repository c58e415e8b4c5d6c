"""What has to be awaited is refused where no event loop runs, which is where a `def` endpoint runs."""

from __future__ import annotations

import asyncio
import inspect
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
        if not _is_in_event_loop():
            raise RuntimeError(
                f"{method.__name__}() was called where no event loop runs; make this endpoint `async def` and await "
                "it, or load the session in an async dependency"
            )
        return method(*args, **options)

    _mark_as_coroutine_function(called)
    return called


def _is_in_event_loop() -> bool:
    for ask in (asyncio.get_running_loop, current_time):  # asyncio is quicker to answer, and AnyIO knows Trio too
        try:
            ask()
        except RuntimeError:
            continue
        return True
    return False


# Frameworks ask whether a function is `async` before they call it, as a background task for example.
_mark_as_coroutine_function: Callable[[Any], object] = getattr(
    inspect,
    "markcoroutinefunction",  # Python 3.12
    lambda function: setattr(function, "_is_coroutine", getattr(asyncio.coroutines, "_is_coroutine", None)),
)
