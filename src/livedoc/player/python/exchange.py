"""One request and its response, as an ASGI server sees them."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_BYTES = 1_000_000  # of a response's body: a page couldn't show more
MOST_HEADER_BYTES = 65_536  # as many clients have it
BODILESS = (204, 304)


class Exchange:
    """Gives an app its request, and takes down the response.

    Args:
        method: The response to a HEAD has no body.
        body: The body of the request.
    """

    def __init__(self, method: str, body: bytes) -> None:
        self.status: int | None = None
        self.headers: list[tuple[str, str]] = []
        self.body = b""
        self.size = 0
        """How many bytes the response's body has. `body` is the first of them."""
        self.is_complete = False
        self.seconds = 0.0
        self._method = method
        self._request: dict[str, Any] | None = {"type": "http.request", "body": body, "more_body": False}
        self._ended = asyncio.Event()
        self._begin = perf_counter()

    async def receive(self) -> dict[str, Any]:
        """Return the request, and later, once the response is complete, that the client has gone."""
        if self._request:
            request, self._request = self._request, None
            return request
        await self._ended.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        """Take a part of the response.

        Raises:
            RuntimeError: This kind of message can't come now.
            TypeError: The message isn't of the types that ASGI says.
        """
        kind = message["type"]
        if kind == "http.response.start" and self.status is None:
            self._start(message)
        elif kind == "http.response.body" and self.status is not None and not self.is_complete:
            self._continue(message)
        else:
            when = "the response is complete" if self.is_complete else f"it has{' not' * (self.status is None)} started"
            raise RuntimeError(f"the app sent {kind!r}, which can't come when {when}")

    def check(self) -> None:
        """Refuse an app that has returned too early.

        Raises:
            RuntimeError: The response isn't complete.
        """
        if self.status is None:
            raise RuntimeError("the app returned without a response")
        if not self.is_complete:
            raise RuntimeError("the app returned before its response was complete")

    def end(self) -> None:
        """Close the exchange. Where the app has sent nothing, the response is that of a server whose app failed."""
        if self.status is None:
            self.status = 500
            self.headers = [("content-type", "text/plain; charset=utf-8")]
            self._append(b"Internal Server Error")
        self._finish()

    def _start(self, message: Mapping[str, Any]) -> None:
        status, headers = message["status"], [(name, value) for name, value in message.get("headers", [])]
        if not isinstance(status, int):
            raise TypeError(f"the status of a response must be an int, not {status!r}")
        if not all(isinstance(part, bytes) for header in headers for part in header):
            raise TypeError("the headers of a response must be pairs of bytes")
        size = sum(len(part) for header in headers for part in header)
        if size > MOST_HEADER_BYTES:
            raise RuntimeError(f"the headers of a response can have {MOST_HEADER_BYTES} bytes, not {size}")
        self.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        self.status = int(status)

    def _continue(self, message: Mapping[str, Any]) -> None:
        body = message.get("body", b"")
        if not isinstance(body, bytes | bytearray | memoryview):
            raise TypeError(f"the body of a response must be bytes, not {type(body).__name__}")
        self._append(bytes(body))
        if not message.get("more_body", False):
            self._finish()

    def _append(self, body: bytes) -> None:
        if self._method == "HEAD" or self.status in BODILESS:
            return
        self.size += len(body)
        self.body += body[: MOST_BYTES - len(self.body)]

    def _finish(self) -> None:
        if not self.is_complete:
            self.is_complete = True
            self.seconds = perf_counter() - self._begin
            self._ended.set()
