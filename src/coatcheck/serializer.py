"""A session object to bytes, and back."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

import msgspec
from msgspec.inspect import DataclassType, StructType, type_info

S = TypeVar("S")


class SessionSerializer(Protocol[S]):
    """Turns a session into bytes and back. Pass your own to `cookie` or `header` for another format."""

    def serialize(self, session: S, /) -> bytes:
        """Return the bytes to store. Equal sessions give equal bytes: that is how a change is noticed."""

    def deserialize(self, data: bytes, /) -> S:
        """Return the session in `data`, or raise: a record that cannot be decoded counts as no session."""


class JSONSerializer(Generic[S]):
    """The default: JSON by msgspec, for dataclasses and `msgspec.Struct`.

    Reading checks every field's type. A field that was added with a default still decodes, a field that was removed is
    ignored. Nothing in the stored bytes can make the reader run code.

    Raises:
        TypeError: `type` is neither a dataclass nor a `msgspec.Struct`.
    """

    def __init__(self, type: type[S]) -> None:
        if not isinstance(type_info(type), DataclassType | StructType):
            raise TypeError(f"{type!r} is neither a dataclass nor a msgspec.Struct: make it one, or pass a serializer")
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(type)

    def serialize(self, session: S, /) -> bytes:
        """Return `session` as JSON."""
        return self._encoder.encode(session)

    def deserialize(self, data: bytes, /) -> S:
        """Return the session in `data`."""
        return self._decoder.decode(data)
