"""Arguments: refused when an object is built, if the first request would fail because of them."""

from __future__ import annotations

from inspect import iscoroutinefunction, signature
from typing import Any


def must_be_callable(value: object, name: str, example: str) -> None:
    """Raise `TypeError` if `value` isn't a function without arguments. The message says what to pass instead."""
    if not _takes(value, 0) or iscoroutinefunction(value):
        kind = "a function that takes no arguments and isn't async"
        raise TypeError(f"{name} must be {kind}, not {_shown(value)}; pass {example}")


def must_be_storage(value: object, name: str) -> None:
    """Raise `TypeError` if `value` isn't a storage. The message says what to pass instead."""
    methods = ("write(id, provider)", "read(id, consumer)", "invalidate(id)")
    must_have(value, name, *methods, example="SessionStorageMemory()", may_be_async=True)


def must_have(value: object, name: str, *methods: str, example: str, may_be_async: bool = False) -> None:
    """Raise `TypeError` if `value` can't be called with these methods. The message says what to pass instead.

    A method is written as it is called: `read(id, consumer)`.
    """
    found = [(getattr(value, each.partition("(")[0], None), each.count(",") + 1) for each in methods]
    if any(not _takes(*each) or (iscoroutinefunction(each[0]) and not may_be_async) for each in found):
        expected = f"{', '.join(methods)}{'' if may_be_async else ', none of them async'}"
        raise TypeError(f"{name} must be an object with {expected}, not {_shown(value)}; pass {example}")


def _takes(value: Any, count: int) -> bool:
    """Return whether `value` can be called with so many arguments, as far as that can be told."""
    try:
        signature(value).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # a function in C
        pass
    return True


def _shown(value: object) -> str:
    return "a str" if isinstance(value, str) else repr(value)  # a URL may hold a password
