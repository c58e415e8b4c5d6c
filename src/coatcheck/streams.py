"""Byte streams over bytes in memory. They never wait, so they aren't checkpoints."""

from __future__ import annotations

from anyio import ClosedResourceError, EndOfStream
from anyio.abc import ByteReceiveStream, ByteSendStream


class BytesReceiveStream(ByteReceiveStream):
    """Gives `data`, piece by piece."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._closed = False

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return the next 1 to `max_bytes` bytes.

        Raises:
            EndOfStream: There are no more.
            ClosedResourceError: The stream was closed.
            ValueError: `max_bytes` is below 1.
        """
        if self._closed:
            raise ClosedResourceError
        if max_bytes < 1:
            raise ValueError(f"max_bytes must be at least 1, not {max_bytes}")
        piece = self._data[self._position : self._position + max_bytes]
        if not piece:
            raise EndOfStream
        self._position += len(piece)
        return piece

    async def aclose(self) -> None:
        """Close the stream and discard the rest."""
        self._closed = True


class BytesSendStream(ByteSendStream):
    """Collects what is sent; `value` returns it all."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._closed = False

    async def send(self, item: bytes) -> None:
        """Add `item`. A copy is kept where it could change later.

        Raises:
            ClosedResourceError: The stream was closed.
        """
        if self._closed:
            raise ClosedResourceError
        self._chunks.append(bytes(item))

    async def aclose(self) -> None:
        """Close the stream. It keeps what was sent."""
        self._closed = True

    def value(self) -> bytes:
        """Return everything that was sent, in order."""
        return b"".join(self._chunks)
