"""A session object to bytes and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from coatcheck import SessionStorageMemory, cookie
from coatcheck.serializer import JSONSerializer


@dataclass
class Cart:
    owner: str
    items: list[str]


class Visit(msgspec.Struct):
    pages: int = 0


@dataclass
class CartNow:
    owner: str
    coupon: str | None = None


@pytest.mark.parametrize("session", [Cart("ada", ["coat", "\u2603"]), Visit(3)])
def test_a_session_comes_back_equal(session: Any) -> None:
    serializer = JSONSerializer(type(session))
    assert serializer.deserialize(serializer.serialize(session)) == session


def test_a_session_is_stored_as_json() -> None:
    assert JSONSerializer(Cart).serialize(Cart("ada", ["coat"])) == b'{"owner":"ada","items":["coat"]}'


def test_a_field_added_with_a_default_decodes_and_a_removed_one_is_ignored() -> None:
    stored = JSONSerializer(Cart).serialize(Cart("ada", ["coat"]))
    assert JSONSerializer(CartNow).deserialize(stored) == CartNow("ada")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no json",
        b"[]",
        b'{"owner": 7, "items": []}',
        b'{"owner": "ada"}',
        b'{"owner": "ada", "items": "no"}',
        b"\xff",
    ],
)
def test_what_is_no_such_session_is_refused(data: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        JSONSerializer(Cart).deserialize(data)


@pytest.mark.parametrize("type", [int, dict, object, list[int]])
def test_a_type_that_is_no_record_is_refused_with_a_way_out(type: Any) -> None:
    with pytest.raises(
        TypeError, match=r"neither a dataclass nor a msgspec\.Struct: make it one, or pass a serializer"
    ):
        cookie("A", type, storage=SessionStorageMemory())


class Reversed:
    def serialize(self, session: Any, /) -> bytes:
        return str(session)[::-1].encode()

    def deserialize(self, data: bytes, /) -> Any:
        return data.decode()[::-1]


def test_a_serializer_of_the_users_own_takes_any_class() -> None:
    provider = cookie("A", str, storage=SessionStorageMemory(), serializer=Reversed())
    assert provider.serializer.deserialize(b"taoc") == "coat"
