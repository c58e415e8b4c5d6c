"""A session object to bytes, and back."""

from __future__ import annotations

import re
from collections import ChainMap
from contextlib import suppress
from dataclasses import is_dataclass
from functools import partial
from inspect import isclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from .difference import unstorable

if TYPE_CHECKING:
    from collections.abc import Callable

S = TypeVar("S")

_VALUE = re.compile(r"(?<=Invalid enum value ).*(?= - at )", re.DOTALL)  # msgspec quotes no other values
_TAG = re.compile(r"'(?:discriminator|propertyName)': '([^']+)'")  # in a schema: the field that tells classes apart
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_COMPARER = msgspec.json.Encoder(order="deterministic")  # equal sets and dictionaries give equal bytes


class _ListsDiffer(Exception):  # noqa: N818 - it's no error
    """Put the sessions in order, and compare them then."""


class SessionSerializer(Protocol[S]):
    """Turns a session into bytes and back. Pass your own to `cookie` or `header` for another format.

    It may have a third method, `merge(base, mine, theirs)`, which takes and returns bytes. It gets what the session was
    when the request loaded it, what the request made of it and what is stored now, and returns what to store. If it
    raises, the later request fails and nothing is stored. Without it, the bytes count as one field, so of two requests
    that change a session at the same time, the later one's change is kept.
    """

    def serialize(self, session: S, /) -> bytes:
        """Return the bytes to store. Equal sessions give equal bytes: that is how a change is noticed."""
        ...

    def deserialize(self, data: bytes, /) -> S:
        """Return the session in `data`, or raise: a record that can't be decoded counts as no session."""
        ...


class JSONSerializer(Generic[S]):
    """The default: JSON, for dataclasses, `msgspec.Struct` and pydantic models.

    Reading checks every field's type. A field that was added with a default still decodes. A field that this version of
    the class doesn't know is ignored, and stays in the stored JSON when the session is changed. Nothing in the stored
    bytes can make the reader run code. A set may come out in another order and is then stored again; in a merge it
    counts as the same if its items can be sorted, but not in a pydantic model.

    Raises:
        TypeError: `type` is something else, or JSON can't hold one of its fields.
    """

    def __init__(self, type: type[S]) -> None:
        schema = _schema(type)
        self._tags = {*_TAG.findall(str(schema))}
        self._is_pydantic = _is_pydantic(type)
        self._merges_inside = not (self._is_pydantic and _has_untagged_models(schema))
        if self._is_pydantic:
            model: Any = type
            # What doesn't fit its field is found when it's read back. A warning of pydantic's would quote it.
            options = {"by_alias": True, "round_trip": True, "warnings": False}
            self._encode: Callable[[Any], bytes] = lambda session: session.model_dump_json(**options).encode()
            self._encode_part: Callable[[Any], bytes] = partial(model.__pydantic_serializer__.to_json, **options)
            self._decode: Callable[[bytes], S] = model.model_validate_json
        else:
            self._encode = self._encode_part = msgspec.json.Encoder().encode
            self._decode = msgspec.json.Decoder(type).decode

    def serialize(self, session: S, /) -> bytes:
        """Return `session` as JSON.

        Raises:
            TypeError: JSON can't hold what is in a field. The message names the field and the type there.
        """
        try:
            return self._encode(session)
        except Exception:  # noqa: BLE001 - the message may quote what is in the session
            place = unstorable(session, type(session).__qualname__, self._encode_part)
        raise TypeError(f"{place}, which can't be stored as JSON; store another type there, or pass a serializer")

    def deserialize(self, data: bytes, /) -> S:
        """Return the session in `data`. An error names the field, and nothing of what is in it."""
        try:
            return self._decode(data)
        except Exception as error:  # noqa: BLE001 - a validator may raise anything
            message = _without_values(error)
        raise ValueError(message)

    def merge(self, base: bytes, mine: bytes, theirs: bytes, /) -> bytes:
        """Return `theirs` with each field that `mine` changed, nested classes and dictionaries included.

        A field that this version of the class doesn't know stays as it is in `theirs`. A list is one field. So are
        a class that is stored as a list and an object that was replaced by one of another class. In a pydantic model
        with a union of models that no field tells apart, each field is merged as a whole. If this version of the class
        can't read `theirs`, it returns `mine`.
        """
        try:
            there = self.deserialize(theirs)
        except ValueError:
            return mine
        if not self._is_pydantic:
            with suppress(_ListsDiffer):
                return self._merged(base, mine, self._encode(there), mine, theirs, lists_may_be_equal=True)
        before, after, known = (self._canonical(data) for data in (base, mine, theirs))
        merged = self._merged(before, after, known, mine, theirs)
        if not self._is_pydantic:
            return merged
        # A validator may read a field that isn't the model's, in place of what changed.
        without_unknown = self._merged(before, after, known, mine, known)
        return merged if self._canonical(merged) == self._canonical(without_unknown) else without_unknown

    def _merged(
        self,
        before: bytes,
        after: bytes,
        known: bytes,
        mine: bytes,
        theirs: bytes,
        *,
        lists_may_be_equal: bool = False,
    ) -> bytes:
        """Return `theirs` with what changed from `before` to `after`, as it is in `mine`. All are JSON.

        `known` is what this version of the class reads from `theirs`, with defaults that aren't stored there yet.

        Raises:
            _ListsDiffer: Two lists differ that may be one set, written in another order.
        """
        if before == after:
            return theirs
        if not (before[:1] == after[:1] == known[:1] == theirs.lstrip()[:1] == b"{"):
            if lists_may_be_equal and after.startswith(b"["):
                raise _ListsDiffer
            return mine
        old, new, now = _FIELDS.decode(before), _FIELDS.decode(after), _FIELDS.decode(known)
        changed = new if mine == after else _FIELDS.decode(mine)
        if self._tags and any(not old.get(tag) == new.get(tag) == now.get(tag) for tag in self._tags):
            return mine
        stored = now.copy() if theirs == known else now | _FIELDS.decode(theirs)
        for name, value in new.items():
            if value == old.get(name):
                continue
            if self._merges_inside:
                stored.setdefault(name, changed[name])
                inside = [bytes(fields.get(name, b"{}")) for fields in (old, new, now, changed, stored)]
                merged = self._merged(*inside, lists_may_be_equal=lists_may_be_equal)
                stored[name] = msgspec.Raw(merged)
            else:
                stored[name] = changed[name]
        for name in old.keys() - new.keys():  # a key that was removed, or a field set back to a default
            stored.pop(name, None)
        return msgspec.json.encode(stored)

    def _canonical(self, data: bytes) -> bytes:
        session = self.deserialize(data)
        try:
            return _COMPARER.encode(session)
        except TypeError:  # a pydantic model, or a set whose items can't be sorted
            return self._encode(session)


def _is_pydantic(type: object) -> bool:
    return hasattr(type, "model_validate_json")


def _has_untagged_models(schema: Any) -> bool:
    """Whether a pydantic schema has a union of models that no field tells apart."""
    if not isinstance(schema, dict):
        return isinstance(schema, list | tuple) and any(map(_has_untagged_models, schema))
    if schema.get("type") == "union" and re.search(r"'type': '(model|definition-ref)'", str(schema["choices"])):
        return True
    return any(map(_has_untagged_models, schema.values()))


def _without_values(error: Any) -> str:
    """Return what an error says of the field and the type, and nothing of what was there."""
    if hasattr(error, "errors"):  # pydantic's
        # Of where it happened only the field: what follows may be the key of a dictionary.
        errors = error.errors()
        found = (f"{(*each['loc'], '$')[0]}: {each['type']}, got {type(each['input']).__name__}" for each in errors)
        return "; ".join(dict.fromkeys(found))
    if isinstance(error, msgspec.DecodeError) and error.__cause__ is None:
        return _VALUE.sub("...", str(error))
    cause = error.__cause__ or error  # a `__post_init__` has raised it
    return type(cause).__name__ + str(error).removeprefix(str(cause))


def _schema(type: Any) -> Any:
    """Return a schema of a session's class, or raise `TypeError` if it's of another kind or JSON can't hold a field."""
    if _is_pydantic(type):
        if type.model_rebuild(raise_errors=False) is False:  # a name is still unknown
            _schema_at(None, type)
        return type.__pydantic_core_schema__
    if is_dataclass(type) or issubclass(type, msgspec.Struct):
        return _schema_at(class_name(type), type)
    way_out = "make it one, or pass a serializer"
    raise TypeError(f"{class_name(type)} must be a dataclass, a msgspec.Struct or a pydantic model; {way_out}")


def _schema_at(place: str | None, type: Any, outer: tuple[Any, ...] = ()) -> Any:
    """Return a schema of `type`, or raise `TypeError` with the innermost field that is the reason, class and module.

    In a pydantic model, which has no `place`, the only reason is an unknown name.
    """
    try:
        return msgspec.json.schema(type)
    except (NameError, TypeError) as error:
        for part in get_args(type):
            _schema_at(place, part, outer)
        for name, hint in _hints(type).items():
            if hint not in outer:
                field = None if _is_pydantic(type) else f"field {name!r} of {class_name(type)}"
                _schema_at(field, hint, (*outer, hint))
        if place is not None:
            kind = ", a pydantic model, which only another pydantic model can hold," if _is_pydantic(type) else ""
            raise TypeError(f"{place}{kind} can't be stored as JSON; change its type, or pass a serializer") from error


def _hints(type: Any) -> dict[str, Any]:
    """Return the type of each field of a class, or raise `TypeError` with the first one that has an unknown name."""
    try:
        hints = get_type_hints(type) if isclass(type) else {}
        return {name: hint for name, hint in hints.items() if get_origin(hint) is not ClassVar}
    except NameError as error:
        written = ChainMap(*(vars(each).get("__annotations__", {}) for each in type.__mro__))
        fields = [f"field {name!r} of " for name, hint in written.items() if re.search(rf"\b{error.name}\b", str(hint))]
        way_out = "which isn't there at run time; import it outside `if TYPE_CHECKING:`"
        raise TypeError(f"{(*fields, '')[0]}{class_name(type)} names {error.name}, {way_out}") from error


def class_name(type: Any) -> str:
    """Return the name of a class with its module."""
    return f"{type.__module__}.{type.__qualname__}"
