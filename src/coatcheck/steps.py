"""Blocking work done step by step in worker threads, and the channels that feed or drain it."""

from __future__ import annotations

from inspect import GEN_CLOSED, getgeneratorstate
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from anyio import BrokenResourceError, CancelScope, EndOfStream, to_thread
from anyio.abc import AsyncResource

from .streams import BytesReceiveStream, BytesSendStream

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")

PIECE = 65536
"""Bytes that a step takes or returns. A step with fewer is the last.

So a session below 64 KiB is one step, and one step is one hop to a worker thread. The hop is most of what a small read
or write costs: two of them take twice as long, whatever the disk does.
"""


class Steps(AsyncResource, Generic[T]):
    """Blocking work that a generator does step by step, each step in a worker thread. It is closed at the end.

    A task that is cancelled outside AnyIO (by `asyncio.timeout`, say) doesn't wait for its worker thread. The result of
    that thread is held for the next step, and closing waits for the thread. A thread that only starts after that finds
    nothing to do. So a call that has ended changes nothing, even if it was cancelled.
    """

    def __init__(self, generator: Generator[T, Any, T]) -> None:
        self._generator = generator
        self._lock = Lock()  # closing a generator while another thread runs it can crash Python
        self._results: list[T] = []

    async def step(self, item: bytes | None = None) -> T:
        """Send `item` to the generator. Return what it yields or returns then."""
        await to_thread.run_sync(self._step, item)
        return self._results.pop()

    async def aclose(self) -> None:
        """Close the generator, after a thread that still runs it."""
        if not self._has_ended():
            with CancelScope(shield=True):
                try:
                    await to_thread.run_sync(self._close)
                except BaseException:  # cancelled again, and it can't wait for this thread either
                    self._close()
                    raise

    def _has_ended(self) -> bool:
        return getgeneratorstate(self._generator) == GEN_CLOSED

    def _step(self, item: bytes | None) -> None:
        with self._lock:
            if self._results:
                return
            if self._has_ended():
                raise BrokenResourceError(
                    "an earlier step failed, so the session would be incomplete; let its error end the call"
                )
            try:
                self._results.append(self._generator.send(item))
            except StopIteration as end:
                self._results.append(end.value)

    def _close(self) -> None:
        with self._lock:
            self._generator.close()


class StepSendStream(BytesSendStream):
    """Collects what is sent, and passes it on when it has 64 KiB."""

    def __init__(self, steps: Steps[None]) -> None:
        super().__init__()
        self._steps = steps
        self._size = 0
        self._is_whole = True

    async def send(self, item: bytes) -> None:
        """Add `item`, and pass everything on if it is enough for a piece."""
        await super().send(item)
        self._size += len(item)
        if self._size >= PIECE:
            await self.pass_on()

    async def pass_on(self) -> None:
        """Pass on everything that was collected."""
        if not self._is_whole:
            raise BrokenResourceError(
                "a send failed or was cancelled half-way, so the session would be incomplete; let its error end the "
                "write"
            )
        piece = self.value()
        self._chunks.clear()
        self._size = 0
        self._is_whole = False
        await self._steps.step(piece)
        self._is_whole = True


class StepReceiveStream(BytesReceiveStream):
    """Gives one piece after the other. A piece of less than 64 KiB is the last."""

    def __init__(self, first: bytes, steps: Steps[bytes]) -> None:
        super().__init__(first)
        self._steps = steps

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return the next bytes, from the next piece if this one is used up."""
        try:
            return await super().receive(max_bytes)
        except EndOfStream:
            if len(self._data) < PIECE:
                raise
        self._data, self._position = await self._steps.step(), 0
        return await super().receive(max_bytes)
