"""Lets AnyIO's files and `to_thread` work in a browser, where no thread can start."""

from __future__ import annotations

import importlib.util
import sys
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def do_without_threads() -> None:
    """Let AnyIO do the work of its worker threads at once, if it's installed and threads can't start."""
    if sys.platform == "emscripten" and importlib.util.find_spec("anyio"):
        from anyio.abc._eventloop import AsyncBackend  # noqa: PLC0415  # present once a script needs it

        # AnyIO's own part for asyncio is large. A script that uses it imports it, and it's a subclass then.
        AsyncBackend.__init_subclass__ = classmethod(_run_all_at_once)  # type: ignore[assignment]
        for backend in AsyncBackend.__subclasses__():
            _run_all_at_once(backend)


def _run_all_at_once(backend: Any) -> None:
    backend.run_sync_in_worker_thread = classmethod(_run_at_once)


async def _run_at_once(backend: Any, function: Callable[..., T], args: tuple[Any, ...], *_: Any, **options: Any) -> T:
    """Stand in for AnyIO's `run_sync_in_worker_thread`. The limiter is the point of cancellation, as it is there."""
    async with options.get("limiter") or backend.current_default_thread_limiter():
        return copy_context().run(function, *args)
