"""A session object to bytes and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - msgspec reads the annotations
from typing import Any, Generic, Literal, TypeVar

import msgspec
import pytest

from coatcheck import SessionStorageMemory, cookie
from coatcheck.serializer import JSONSerializer

T = TypeVar("T")


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


@dataclass
class Tag:
    place: Path


@dataclass
class Holding(Generic[T]):
    what: T


@pytest.mark.parametrize(("type", "way_out"), [(Tag, "change its type"), (Holding[int], "type must be a class")])
def test_a_type_that_could_not_be_stored_or_found_is_refused_with_a_way_out(type: Any, way_out: str) -> None:
    with pytest.raises(TypeError, match=way_out):
        cookie("A", type, storage=SessionStorageMemory())


@dataclass
class Payment:
    way: Literal["cash"]


@pytest.mark.parametrize("value", ["4111-1111", "a - at b", "two\nlines"])
def test_an_error_names_the_field_and_tells_nothing_of_what_is_in_it(value: str) -> None:
    with pytest.raises(msgspec.ValidationError) as error:
        JSONSerializer(Payment).deserialize(json.dumps({"way": value}).encode())
    assert str(error.value) == "Invalid enum value ... - at `$.way`"


class Reversed:
    def serialize(self, session: Any, /) -> bytes:
        return str(session)[::-1].encode()

    def deserialize(self, data: bytes, /) -> Any:
        return data.decode()[::-1]


def test_a_serializer_of_the_users_own_takes_any_class() -> None:
    provider = cookie("A", str, storage=SessionStorageMemory(), serializer=Reversed())
    assert provider.serializer.deserialize(b"taoc") == "coat"
