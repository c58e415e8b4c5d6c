"""A session object to bytes, and back."""

from __future__ import annotations

import re
import typing
from inspect import isclass
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec
from msgspec.inspect import DataclassType, StructType, type_info

from .difference import unstorable

S = TypeVar("S")

_VALUE = re.compile(r"(?<=Invalid enum value ).*(?= - at )", re.DOTALL)  # msgspec quotes no other values
_TAG = re.compile(r"'(?:discriminator|propertyName)': '([^']+)'")  # in a schema: the field that tells classes apart
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER = msgspec.json.Encoder()
_COMPARER = msgspec.json.Encoder(order="deterministic")  # equal sets and dictionaries give equal bytes
_NOTHING = msgspec.Raw(b"{}")


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
        self._name = type.__qualname__
        self._tags = {*_TAG.findall(_schema(type))}
        self._model: Any = type if _is_pydantic(type) else None
        self._decoder = msgspec.json.Decoder(type if self._model is None else Any)

    def serialize(self, session: S, /) -> bytes:
        """Return `session` as JSON.

        Raises:
            TypeError: JSON can't hold what is in a field. The message names the field and the type there.
        """
        try:
            return self._encode(session)
        except Exception:  # noqa: BLE001 - the message may quote what is in the session
            place = unstorable(session, self._name, self._encode)
        raise TypeError(f"{place}, which can't be stored as JSON; store another type there, or pass a serializer")

    def deserialize(self, data: bytes, /) -> S:
        """Return the session in `data`. An error names the field, and nothing of what is in it."""
        try:
            if self._model is None:
                return cast("S", self._decoder.decode(data))
            return cast("S", self._model.model_validate_json(data))
        except Exception as error:  # noqa: BLE001 - a validator may raise anything
            message = _without_values(error)
        raise ValueError(message)

    def merge(self, base: bytes, mine: bytes, theirs: bytes, /) -> bytes:
        """Return `theirs` with each field that `mine` changed, nested classes and dictionaries included.

        A field that this version of the class doesn't know stays as it is in `theirs`. A list is one field. So are
        a class that is stored as a list and an object that was replaced by one of another class.
        """
        before, after, known = (self._canonical(data) for data in (base, mine, theirs))
        merged = self._merged(before, after, known, mine, theirs)
        if self._model is not None:  # a validator may read a field that isn't the model's, in place of what changed
            without_unknown = self._merged(before, after, known, mine, known)
            if self._canonical(merged) != self._canonical(without_unknown):
                return without_unknown
        return merged

    def _merged(self, before: bytes, after: bytes, known: bytes, mine: bytes, theirs: bytes) -> bytes:
        """Return `theirs` with what changed from `before` to `after`, as it is in `mine`. All are JSON.

        `known` is what this version of the class reads from `theirs`, with defaults that aren't stored there yet.
        """
        if before == after:
            return theirs
        if not all(data.lstrip().startswith(b"{") for data in (before, after, known, theirs)):
            return mine
        old, new, now, changed, stored = (_FIELDS.decode(data) for data in (before, after, known, mine, theirs))
        if any(not old.get(tag) == new.get(tag) == now.get(tag) for tag in self._tags):
            return mine
        stored = now | stored
        for name in new:
            if new[name] != old.get(name) and name in stored:
                inside = (old.get(name, _NOTHING), new[name], now.get(name, _NOTHING), changed[name], stored[name])
                stored[name] = msgspec.Raw(self._merged(*map(bytes, inside)))
            elif new[name] != old.get(name):
                stored[name] = changed[name]
        for name in old.keys() - new.keys():  # a key that was removed, or a field set back to a default
            stored.pop(name, None)
        return _ENCODER.encode(stored)

    def _canonical(self, data: bytes) -> bytes:
        session = self.deserialize(data)
        try:
            return _COMPARER.encode(session) if self._model is None else self._encode(session)
        except TypeError:  # a set whose items can't be sorted
            return _ENCODER.encode(session)

    def _encode(self, value: Any) -> bytes:
        if self._model is None or not _is_pydantic(type(value)):
            return _ENCODER.encode(value)
        # What doesn't fit its field is found when it's read back. A warning of pydantic's would quote it.
        data: str = value.model_dump_json(by_alias=True, round_trip=True, warnings=False)
        return data.encode()


def _is_pydantic(type: object) -> bool:
    return isclass(type) and all(hasattr(type, name) for name in ("model_dump_json", "model_validate_json"))


def _without_values(error: Any) -> str:
    """Return what an error says of the field and the type, and nothing of what was there."""
    if hasattr(error, "errors"):  # pydantic's
        errors = error.errors(include_url=False, include_context=False)
        # Of where it happened only the field: what follows may be the key of a dictionary.
        found = (f"{(*each['loc'], '$')[0]}: {each['type']}, got {type(each['input']).__name__}" for each in errors)
        return "; ".join(dict.fromkeys(found))
    if isinstance(error, msgspec.DecodeError) and error.__cause__ is None:
        return _VALUE.sub("...", str(error))
    cause = error.__cause__ or error  # a `__post_init__` has raised it
    return type(cause).__name__ + str(error).removeprefix(str(cause))


def _schema(type: Any) -> str:
    """Return a schema of `type`, or raise `TypeError`, with field, class and module, if JSON can't hold one."""
    try:
        if _is_pydantic(type):
            type.model_rebuild()  # does nothing if all names were found when the class was made
            return str(type.__pydantic_core_schema__)
        if isinstance(type_info(type), DataclassType | StructType):
            return str(msgspec.json.schema(type))
    except NameError as error:
        field = _field_with(type, error.name)
        way_out = f"names {error.name}, which isn't there at run time; import it outside `if TYPE_CHECKING:`"
        raise TypeError(f"{field or class_name(type)} {way_out}") from error
    except TypeError as error:
        way_out = "change its type, or pass a serializer"
        raise TypeError(f"{_field_with(type) or class_name(type)} can't be stored as JSON; {way_out}") from error
    way_out = "make it one, or pass a serializer"
    raise TypeError(f"{class_name(type)} must be a dataclass, a msgspec.Struct or a pydantic model; {way_out}")


def _field_with(type: Any, unknown: str | None = None, outer: tuple[Any, ...] = ()) -> str | None:
    """Return the innermost field that has no schema (because of an `unknown` name, if any), its class and module."""
    outer = (*outer, type)
    found = [_field_with(part, unknown, outer) for part in typing.get_args(type)]
    for name, hint in _hints(type).items() if isclass(type) else ():
        field, parts = f"field {name!r} of {class_name(type)}", (hint, *typing.get_args(hint))
        if isinstance(hint, str):  # this field or another one of its class has the unknown name
            found += [field] if re.search(rf"\b{unknown}\b", hint) else []
        elif not any(part in outer for part in parts) and not _has_schema(hint):
            if unknown is None and any(map(_is_pydantic, parts)):
                field += ", a pydantic model, which only another pydantic model can hold,"
            found.append(_field_with(hint, unknown, outer) or field)
    return next(filter(None, found), None)


def _has_schema(type: Any) -> bool:
    try:
        msgspec.json.schema(type)
    except (NameError, TypeError):
        return False
    return True


def _hints(type: Any) -> dict[str, Any]:
    """Return the annotations of a class, as they are written if one of them has an unknown name."""
    try:
        return typing.get_type_hints(type)
    except NameError:
        return {
            name: hint
            for each in reversed(type.__mro__)
            for name, hint in vars(each).get("__annotations__", {}).items()
        }


def class_name(type: Any) -> str:
    """Return the name of a class with its module."""
    return f"{type.__module__}.{type.__qualname__}" if isclass(type) else repr(type)
