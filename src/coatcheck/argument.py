"""Arguments: refused when an object is built, if the first request would fail because of them."""

from __future__ import annotations

from inspect import isclass


def must_be_callable(value: object, name: str, example: str) -> None:
    """Raise `TypeError` if `value` can't be called. The message says what to pass, such as `example`."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, not {value!r}; pass {example}")


def must_have(value: object, name: str, *methods: str, example: str) -> None:
    """Raise `TypeError` if `value` is a class, or lacks one of the methods. The message says what to pass."""
    missing = [method for method in methods if not callable(getattr(value, method, None))]
    if isclass(value) or missing:
        shown = "a str" if isinstance(value, str) else repr(value)  # a URL may hold a password
        lack = "a class" if isclass(value) else f"{shown}, which has no {' and no '.join(missing)}"
        raise TypeError(f"{name} must be an object such as {example}, not {lack}")
