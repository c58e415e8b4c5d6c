"""The difference between a session and what would be read back of it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_IDENTITY: Any = object.__eq__


def difference(before: Any, after: Any, path: str) -> str | None:
    """Return the first place in which two values differ and both types, never a value; `None` if they are equal.

    Objects with identity equality are equal if their fields are.
    """
    if before == after:
        return None
    same = type(before) is type(after)
    if same and isinstance(before, dict) and before.keys() != after.keys():
        lost, new = (next(iter(keys), "") for keys in (before.keys() - after.keys(), after.keys() - before.keys()))
        return difference(lost, new, f"a key of {path}")
    parts, others = _parts(before), _parts(after)
    if same and parts.keys() == others.keys() and (parts or type(before).__eq__ is _IDENTITY):
        found = (difference(part, others[key], _inside(before, path, key)) for key, part in parts.items())
        return next(filter(None, found), None)
    back = f"another {type(after).__name__}" if same else type(after).__name__
    return f"{path} is of type {type(before).__name__} and would come back as {back}"


def unstorable(value: Any, path: str, encode: Callable[[Any], bytes]) -> str:
    """Return the innermost place in `value` that `encode` refuses, and the type there."""
    for key, part in _parts(value, compared=False).items():
        try:
            encode(part)
        except Exception:  # noqa: BLE001 - it is in there
            return unstorable(part, _inside(value, path, key), encode)
    return f"{path} is of type {type(value).__name__}"


def _parts(value: Any, *, compared: bool = True) -> dict[Any, Any]:
    """Return what `value` consists of, or what of it is compared, by key, index or name."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return dict(enumerate(sorted(value, key=repr) if isinstance(value, set | frozenset) else value))
    if hasattr(type(value), "model_fields"):  # a pydantic model compares these three
        fields_there = {name: getattr(value, name) for name in type(value).model_fields}
        return fields_there | (value.__pydantic_extra__ or {}) | (value.__pydantic_private__ or {})
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value) if field.compare or not compared}
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    return {}


def _inside(value: Any, path: str, key: Any) -> str:
    return f"{path}[...]" if isinstance(value, dict | list | tuple | set | frozenset) else f"{path}.{key}"
