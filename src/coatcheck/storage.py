"""A session storage is three methods over byte channels. All errors of the library are here, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec
from anyio.abc import ByteReceiveStream, ByteSendStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

ByteReadChannel = ByteReceiveStream
ByteWriteChannel = ByteSendStream


class SessionNotFound(LookupError):  # noqa: N818 - "not found" is the field's word, and the pinned name
    """Nothing is stored under this id, or no longer.

    The message never contains the id, because an id is a secret.
    """

    def __init__(self, message: str = "no session is stored under this id") -> None:
        super().__init__(message)


class StorageFull(RuntimeError):  # noqa: N818 - the pinned name
    """The storage is full of live sessions. Nothing was stored, and no session was lost."""


class SessionAlreadySent(RuntimeError):  # noqa: N818 - the pinned name
    """A change comes too late. It needs a header and the response has started, or the request has ended."""


class SessionStorage(Protocol):
    """Stores the bytes of sessions, each under an id.

    An id is an opaque secret. Any string that UTF-8 can encode is safe to pass: it is looked up, never interpreted, and
    it appears in no message, log line or `repr`. A storage starts no background task. It closes each channel that it
    opens, so a provider or a consumer must not use its channel after it has returned.

    `coatcheck.testing.CHECKS` holds these rules as functions that a storage passes or fails. The three methods are
    those of Ktor's `SessionStorage`.
    """

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        """Store what `provider` sends, in place of what was there. All or nothing.

        If `provider` raises or is cancelled, the old value stays and the exception arrives as it is. Until `write`
        returns, readers may see the old value; from then on they see the new one. An empty session is a session. A slow
        `provider` delays no other call.
        """

    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        """Return what `consumer` makes of the stored bytes.

        `consumer` sees one version, whole, even while others write or invalidate. It may stop early; what it raises
        arrives as it is.

        Raises:
            SessionNotFound: Nothing is stored under `id`. `consumer` has not been called.
        """
        ...

    async def invalidate(self, id: str, /) -> None:
        """Delete what is stored under `id`. Doing so twice, or for an unknown id, is not an error."""


class UpdatableSessionStorage(SessionStorage, Protocol):
    """A storage that can also change a session in one step: the one optional ability.

    `coatcheck.testing.UPDATE_CHECKS` holds its rules. `Sessions` uses `update` where a storage has it. Then two
    requests that change one session at once undo neither each other's changes nor a logout.
    """

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        """Replace the stored bytes with `transform(stored)` in one step that nothing can come between, and return them.

        `transform` may be called again, and in another thread: keep it quick, and let it change nothing else. If it
        raises, you get its exception and the old value stays.

        Raises:
            SessionNotFound: Nothing is stored under `id`, and an update never creates. `transform` has not been called.
        """
        ...


async def read_bytes(storage: SessionStorage, id: str) -> bytes:
    """Return all bytes stored under `id`.

    Raises:
        SessionNotFound: Nothing is stored under `id`.
    """
    return await storage.read(id, collect)


async def write_bytes(storage: SessionStorage, id: str, data: bytes) -> None:
    """Store `data` under `id`, in place of what was there."""
    await storage.write(id, Whole(data))


async def collect(channel: ByteReadChannel) -> bytes:
    """Return all bytes from `channel`. A storage that gets this consumer may return them itself, which is quicker."""
    return b"".join([chunk async for chunk in channel])


class Revision(msgspec.Struct):
    """A transform of bytes that were read a moment ago. A storage that gets one may try it on those first."""

    read: bytes
    transform: Callable[[bytes], bytes]

    def __call__(self, stored: bytes) -> bytes:
        """Transform `stored`."""
        return self.transform(stored)

    def of_what_was_read(self) -> tuple[bytes, bytes] | None:
        """Return what was read, and its transform. `None` if that fails: by now something else may be stored."""
        try:
            return self.read, self.transform(self.read)
        except Exception:  # noqa: BLE001 - of any kind, if it's the app's
            return None


class Whole(msgspec.Struct):
    """A provider that sends `data`. A storage that gets one may take `data` itself, which is quicker."""

    data: bytes

    async def __call__(self, channel: ByteWriteChannel) -> None:
        """Send `data`."""
        await channel.send(self.data)
