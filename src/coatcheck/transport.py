"""How an id travels: what a cookie and a header have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Protocol

Headers = Iterable[tuple[bytes, bytes]]

MAX_ID_LENGTH = 512
_OCTET = r"[!#-+\--:<-\[\]-~]"  # RFC 6265, section 4.1.1: cookie-octet
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2: token

is_well_formed: Callable[[str], object] = re.compile(rf"{_OCTET}{{1,{MAX_ID_LENGTH}}}").fullmatch
"""Whether an id can travel: 1 to 512 characters that neither a cookie nor a header has to escape."""


class Transport(Protocol):
    """Carries a session id between the client and your app."""

    vary: bytes
    """The request header that a response depends on once the id was read."""

    def receive(self, headers: Headers) -> list[str]:
        """Return the ids that the client sent, unverified, in their order."""
        ...

    def send(self, id: str, max_age: int | None) -> tuple[bytes, bytes]:
        """Return the response header that gives the client `id`, valid for `max_age` seconds."""
        ...

    def remove(self) -> tuple[bytes, bytes]:
        """Return the response header that makes the client drop its id."""
        ...


def check_token(name: str, kind: str) -> None:
    """Raise `ValueError` if HTTP doesn't allow `name` as the name of a cookie or header."""
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is not a valid {kind} name; use letters, digits and any of !#$%&'*+-.^_`|~")
