"""Blocking work done step by step in worker threads, and the channels that feed it or drain it."""

from __future__ import annotations

from inspect import GEN_CLOSED, getgeneratorstate
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from anyio import BrokenResourceError, CancelScope, EndOfStream, to_thread

from .streams import BytesReceiveStream, BytesSendStream

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Self

T = TypeVar("T")

PIECE = 65536
"""Bytes that a step takes or brings; less than that is the last."""


class Steps(Generic[T]):
    """Blocking work that a generator does step by step, each step in a worker thread. It is closed in the end.

    A task that is cancelled outside AnyIO (by `asyncio.timeout`, say) does not wait for its worker thread. What that
    thread still brings is kept for the next step, closing waits for it, and if it comes late it finds nothing to do: a
    call that has ended, however it did, changes nothing any more.
    """

    def __init__(self, generator: Generator[T, Any, T]) -> None:
        self._generator = generator
        self._lock = Lock()  # closing a generator while another thread runs it can crash Python
        self._results: list[T] = []

    async def __aenter__(self) -> Self:
        return self

    async def step(self, item: bytes | None = None) -> T:
        """Send `item` to the generator. Give what it yields then, or returns."""
        await to_thread.run_sync(self._step, item)
        return self._results.pop()

    async def __aexit__(self, *_: object) -> None:
        if not self._has_ended():
            with CancelScope(shield=True):
                try:
                    await to_thread.run_sync(self._close)
                except BaseException:  # this thread cannot be waited for either
                    self._close()
                    raise

    def _has_ended(self) -> bool:
        return getgeneratorstate(self._generator) == GEN_CLOSED

    def _step(self, item: bytes | None) -> None:
        with self._lock:
            if self._results:
                return
            if self._has_ended():
                raise BrokenResourceError("a step failed before, so the session would not be whole")
            try:
                self._results.append(self._generator.send(item))
            except StopIteration as end:
                self._results.append(end.value)

    def _close(self) -> None:
        with self._lock:
            self._generator.close()


class StepSendStream(BytesSendStream):
    """Collects what is sent, and passes it on once it amounts to 64 KiB."""

    def __init__(self, steps: Steps[None]) -> None:
        super().__init__()
        self._steps = steps
        self._size = 0
        self._is_whole = True

    async def send(self, item: bytes) -> None:
        """Add `item`, and pass on what amounts to a piece."""
        await super().send(item)
        self._size += len(item)
        if self._size >= PIECE:
            await self.pass_on()

    async def pass_on(self) -> None:
        """Pass on what was collected."""
        if not self._is_whole:
            raise BrokenResourceError("a send failed or was cancelled half-way, so the session would not be whole")
        piece = self.value()
        self._chunks.clear()
        self._size = 0
        self._is_whole = False
        await self._steps.step(piece)
        self._is_whole = True


class StepReceiveStream(BytesReceiveStream):
    """Hands out one piece after the other. One of less than 64 KiB is the last."""

    def __init__(self, first: bytes, steps: Steps[bytes]) -> None:
        super().__init__(first)
        self._steps = steps

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return the next bytes, of the next piece if this one is at its end."""
        try:
            return await super().receive(max_bytes)
        except EndOfStream:
            if len(self._data) < PIECE:
                raise
        self._data, self._position = await self._steps.step(), 0
        return await super().receive(max_bytes)
