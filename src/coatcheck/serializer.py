"""A session object to bytes, and back."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

import msgspec
from msgspec.inspect import DataclassType, StructType, type_info

S = TypeVar("S")


class SessionSerializer(Protocol[S]):
    """Turns a session into bytes and back. Pass your own to `cookie` or `header` for another format.

    It may have a third method, `merge(base, mine, theirs)`: of three sessions, the one that both sides began with and
    what each made of it, it returns the one to store. Without it, of two requests that change one session at the same
    time, the one that ends later wins.
    """

    def serialize(self, session: S, /) -> bytes:
        """Return the bytes to store. Equal sessions give equal bytes: that is how a change is noticed."""
        ...

    def deserialize(self, data: bytes, /) -> S:
        """Return the session in `data`, or raise: a record that cannot be decoded counts as no session."""
        ...


class JSONSerializer(Generic[S]):
    """The default: JSON by msgspec, for dataclasses and `msgspec.Struct`.

    Reading checks every field's type. A field that was added with a default still decodes, a field that was removed is
    ignored. Nothing in the stored bytes can make the reader run code. Changes made at the same time are
    merged by field. A set may come out in another order, and then counts as changed.

    Raises:
        TypeError: `type` is neither a dataclass nor a `msgspec.Struct`.
    """

    def __init__(self, type: type[S]) -> None:
        if not isinstance(type_info(type), DataclassType | StructType):
            raise TypeError(f"{type!r} is neither a dataclass nor a msgspec.Struct: make it one, or pass a serializer")
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(type)
        self._fields = msgspec.json.Decoder(dict[str, msgspec.Raw])

    def serialize(self, session: S, /) -> bytes:
        """Return `session` as JSON."""
        return self._encoder.encode(session)

    def deserialize(self, data: bytes, /) -> S:
        """Return the session in `data`."""
        return self._decoder.decode(data)

    def merge(self, base: S, mine: S, theirs: S) -> S:
        """Return `theirs` with each field that `mine` changed; a struct that is stored as an array is one field."""
        before, after, merged = (self._encoder.encode(session) for session in (base, mine, theirs))
        if not after.startswith(b"{"):
            return mine
        old, new, fields = (self._fields.decode(data) for data in (before, after, merged))
        fields |= {name: value for name, value in new.items() if value != old.get(name)}
        for name in old.keys() - new.keys():  # set back to a default that is not stored
            fields.pop(name, None)
        return self._decoder.decode(self._encoder.encode(fields))
