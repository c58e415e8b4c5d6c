"""Arguments that the first request would fail with: refused when the provider is built."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import pytest

from coatcheck import SessionStorageMemory, cookie, header, new_session_id
from tests.support.cart import Cart, User
from tests.support.storage import Around, Shelf

MEMORY = SessionStorageMemory()
A_PROVIDER = cookie("USER", User, storage=SessionStorageMemory())


class Halfway:
    async def read(self, id: str, consumer: Any, /) -> None: ...
    async def write(self, id: str, /) -> None: ...
    async def invalidate(self, id: str, /) -> None: ...


class AsyncJSON:
    async def serialize(self, session: Any, /) -> bytes:
        return str(session).encode()

    def deserialize(self, data: bytes, /) -> Any:
        return data


class NoArguments:
    def serialize(self) -> None: ...
    def deserialize(self) -> None: ...


async def an_async_function() -> str:
    return "id"


def shown(value: Any) -> str:
    return "a str" if isinstance(value, str) else repr(value)


METHODS = "an object with write(id, provider), read(id, consumer), invalidate(id), not"
SERIALIZER = "an object with serialize(session), deserialize(data), none of them async, not"
FUNCTION = "a function that takes no arguments and isn't async, not"


STORAGES: list[Any] = ["redis://x", None, {}, 5, A_PROVIDER]
SERIALIZERS: list[Any] = [object(), "json", AsyncJSON(), NoArguments()]
FUNCTIONS: list[Any] = ["abc", None, an_async_function, 43]


@pytest.mark.parametrize("make", [cookie, header])
@pytest.mark.parametrize(
    ("name", "value", "expected", "example"),
    [
        *(("storage", value, METHODS, "SessionStorageMemory()") for value in STORAGES),
        ("storage", Halfway(), METHODS, "SessionStorageMemory()"),
        ("storage", SessionStorageMemory, METHODS, "SessionStorageMemory()"),
        ("storage", Shelf, METHODS, "SessionStorageMemory()"),
        *(("serializer", value, SERIALIZER, "None for JSON") for value in SERIALIZERS),
        ("serializer", AsyncJSON, SERIALIZER, "None for JSON"),
        *(("new_id", value, FUNCTION, "new_session_id") for value in FUNCTIONS),
        ("new_id", lambda length: "x" * length, FUNCTION, "new_session_id"),
        *(("clock", value, FUNCTION, "time.time") for value in FUNCTIONS),
    ],
)
def test_an_argument_that_would_fail_later_is_refused_by_name_with_value_and_way_out(
    make: Any, name: str, value: Any, expected: str, example: str
) -> None:
    with pytest.raises(TypeError) as error:
        make("X-Cart", Cart, **{"storage": MEMORY, name: value})
    message = str(error.value)
    assert f"{name} must be {expected}" in message
    assert f" {shown(value)}; pass {example}" in message


@pytest.mark.parametrize("storage", [SessionStorageMemory(), Shelf(), Around(Shelf())])
@pytest.mark.parametrize("new_id", [new_session_id, partial(str, "id"), lambda length=43: "x" * length])
@pytest.mark.parametrize("clock", [time.time, lambda: 0.0, int])
def test_an_argument_that_can_be_called_as_it_must_be_is_taken(storage: Any, new_id: Any, clock: Any) -> None:
    cookie("CART", Cart, storage=storage, new_id=new_id, clock=clock)
