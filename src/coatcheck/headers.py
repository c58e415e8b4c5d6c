"""Sessions whose id travels in a header."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from .provider import SessionProvider, new_session_id
from .record import Lifetime
from .transport import Headers, check_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from .serializer import SessionSerializer
    from .storage import SessionStorage

S = TypeVar("S")


def header(
    name: str,
    type: type[S],
    *,
    storage: SessionStorage,
    serializer: SessionSerializer[S] | None = None,
    new_id: Callable[[], str] = new_session_id,
    max_age: timedelta | None = timedelta(days=7),
    idle_timeout: timedelta | None = None,
    clock: Callable[[], float] = time.time,
) -> SessionProvider[S]:
    """Return a provider for sessions of `type` whose id travels in the header `name`, for non-browser clients.

    The response to the request that started a session carries the id, and the client sends it with every request from
    then on. An empty header in a response tells the client to drop its id.

    Args:
        name: The header's name, in requests and in responses. Upper and lower case are the same.
        type: A dataclass, a `msgspec.Struct` or a pydantic model, or any class if you pass a `serializer`.
        storage: Where the sessions are stored. Several providers may share one storage.
        serializer: How a session becomes bytes. `None`: JSON.
        new_id: Makes the ids. They must be impossible to guess: at least 128 random bits.
        max_age: How long a session lives after it started. `None`: no limit.
        idle_timeout: How long a session lives without a request that reads it. Use is recorded at most once per tenth
            of this time. With 30 minutes, a session ends 27 to 30 minutes after its last request. `None`: no limit.
        clock: Returns the time in seconds since 1970. Your app enforces both limits with it.

    Raises:
        ValueError: `name` isn't a header name, or HTTP itself uses it. Or a limit is zero or negative, or longer than
            the storage's `retention`.
        TypeError: The default serializer can't handle `type`, `type` isn't a class, or a limit isn't a `timedelta`.
    """
    transport = HeaderTransport(name)
    lifetime = Lifetime(max_age=max_age, idle_timeout=idle_timeout, clock=clock)
    return SessionProvider(
        name.lower(), type, transport, storage=storage, serializer=serializer, new_id=new_id, lifetime=lifetime
    )


class HeaderTransport:
    """Carries the id in a header of this name, in both directions. An empty value tells the client to drop its id."""

    def __init__(self, name: str) -> None:
        check_token(name, "header")
        self.vary = name.lower().encode()
        if self.vary in _RESERVED or self.vary.startswith(_RESERVED_PREFIXES):
            raise ValueError(f"{name!r} has a meaning of its own in HTTP; choose another name, such as 'X-Session'")

    def receive(self, headers: Headers) -> list[str]:
        """Return the values of the headers of this name."""
        return [value.strip().decode("latin-1") for header, value in headers if header == self.vary]

    def send(self, id: str, max_age: int | None) -> tuple[bytes, bytes]:  # noqa: ARG002 - a header has no age
        """Return the header with `id`."""
        return self.vary, id.encode()

    def remove(self) -> tuple[bytes, bytes]:
        """Return the header without a value."""
        return self.vary, b""


_RESERVED_PREFIXES = (b"accept-", b"access-control-", b"content-", b"if-", b"proxy-", b"sec-")
_RESERVED = frozenset(
    b"""
    accept age allow alt-svc authorization cache-control clear-site-data connection cookie date etag expect expires
    forwarded from host http2-settings keep-alive last-modified link location max-forwards origin pragma range referer
    refresh retry-after server set-cookie strict-transport-security te trailer transfer-encoding upgrade user-agent vary
    via warning www-authenticate
    """.split()
)
