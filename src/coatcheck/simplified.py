"""A storage from two methods over bytes, for backends that need no channels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

from .storage import SessionNotFound, Whole, collect
from .streams import BytesReceiveStream, BytesSendStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .storage import ByteReadChannel, ByteWriteChannel

T = TypeVar("T")


class SimplifiedSessionStorage(ABC):
    """A `SessionStorage` made of two methods, `load` and `save`.

    Ktor's documentation has such an adaptor as a sample. This one collects a whole session before it calls `save`, and
    `write` returns after it. A failure on the way changes nothing, and its exception reaches the caller.
    """

    @abstractmethod
    async def load(self, id: str) -> bytes | None:
        """Return what is saved under `id`, or `None` if nothing is. `b""` is a session too."""

    @abstractmethod
    async def save(self, id: str, data: bytes | None) -> None:
        """Save `data` under `id` in one step. `None`: delete what is saved there, if anything is."""

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        """Collect what `provider` sends, then save it."""
        if isinstance(provider, Whole):
            return await self.save(id, bytes(provider.data))
        async with BytesSendStream() as channel:
            await provider(channel)
        return await self.save(id, channel.value())

    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        """Load the bytes, then pass them to `consumer`."""
        data = await self.load(id)
        if data is None:
            raise SessionNotFound
        if consumer is collect:
            return data  # type: ignore[return-value]  # that is what `collect` returns; a cast would be a call
        async with BytesReceiveStream(data) as channel:
            return await consumer(channel)

    async def invalidate(self, id: str, /) -> None:
        """Delete what is saved under `id`."""
        await self.save(id, None)
