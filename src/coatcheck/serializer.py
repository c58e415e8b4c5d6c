"""A session object to bytes, and back."""

from __future__ import annotations

import re
from typing import Generic, Protocol, TypeVar

import msgspec
from msgspec.inspect import DataclassType, StructType, type_info

S = TypeVar("S")

_VALUE = re.compile(
    r"(?<=Invalid enum value ).*(?= - at )", re.DOTALL
)  # the only message of msgspec with a value in it


class SessionSerializer(Protocol[S]):
    """Turns a session into bytes and back. Pass your own to `cookie` or `header` for another format.

    It may have a third method, `merge(base, mine, theirs)`: of three sessions, the one that both sides began with and
    what each made of it, it returns the one to store. What it raises fails the later request, and nothing is stored.
    Without it, of two requests that change one session at the same time, the one that ends later wins.
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
    ignored. Nothing in the stored bytes can make the reader run code. Changes made at the same time are merged by
    field. A set may come out in another order, and is then stored again; in a merge it counts as the same.

    Raises:
        TypeError: `type` is neither a dataclass nor a `msgspec.Struct`, or JSON has nothing for one of its fields.
    """

    def __init__(self, type: type[S]) -> None:
        if not isinstance(type_info(type), DataclassType | StructType):
            raise TypeError(f"{type!r} is neither a dataclass nor a msgspec.Struct: make it one, or pass a serializer")
        try:
            msgspec.json.schema(type)
        except TypeError as error:
            raise TypeError(f"{type!r} has a field that is no JSON: change its type, or pass a serializer") from error
        self._encoder = msgspec.json.Encoder()
        self._comparer = msgspec.json.Encoder(order="deterministic")  # equal sets and dictionaries give equal bytes
        self._decoder = msgspec.json.Decoder(type)
        self._fields = msgspec.json.Decoder(dict[str, msgspec.Raw])

    def serialize(self, session: S, /) -> bytes:
        """Return `session` as JSON."""
        return self._encoder.encode(session)

    def deserialize(self, data: bytes, /) -> S:
        """Return the session in `data`. An error names the field, and nothing of what is in it."""
        try:
            return self._decoder.decode(data)
        except msgspec.ValidationError as error:
            raise msgspec.ValidationError(_VALUE.sub("...", str(error))) from None

    def merge(self, base: S, mine: S, theirs: S) -> S:
        """Return `theirs` with each field that `mine` changed; a struct that is stored as an array is one field."""
        before, after = (self._comparer.encode(session) for session in (base, mine))
        if not after.startswith(b"{"):
            return mine
        old, new = self._fields.decode(before), self._fields.decode(after)
        fields, changed = (self._fields.decode(self._encoder.encode(session)) for session in (theirs, mine))
        fields |= {name: changed[name] for name, value in new.items() if value != old.get(name)}
        for name in old.keys() - new.keys():  # set back to a default that is not stored
            fields.pop(name, None)
        return self.deserialize(self._encoder.encode(fields))
