"""A session object to bytes and back."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path  # noqa: TC003 - msgspec reads the annotations
from typing import Any, ClassVar, Generic, Literal, TypeVar

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, computed_field

from coatcheck import SessionStorageMemory, cookie, read_bytes
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
    with pytest.raises(ValueError, match=r".+") as error:
        JSONSerializer(Cart).deserialize(data)
    assert error.value.__context__ is None  # it would quote the data


@pytest.mark.parametrize("type", [int, dict, object])
def test_a_type_that_is_no_record_is_refused_with_a_way_out(type: Any) -> None:
    with pytest.raises(
        TypeError,
        match=r"must be a dataclass, a msgspec\.Struct or a pydantic model; make it one, or pass a serializer",
    ):
        cookie("A", type, storage=SessionStorageMemory())


@dataclass
class Tag:
    place: Path


@dataclass
class Holding(Generic[T]):
    what: T


@pytest.mark.parametrize(
    ("type", "way_out"),
    [(Tag, "change its type"), (Holding[int], "type must be a class"), (list[int], "type must be a class")],
)
def test_a_type_that_could_not_be_stored_or_found_is_refused_with_a_way_out(type: Any, way_out: str) -> None:
    with pytest.raises(TypeError, match=way_out):
        cookie("A", type, storage=SessionStorageMemory())


@dataclass
class Payment:
    way: Literal["cash"]


@pytest.mark.parametrize("value", ["4111-1111", "a - at b", "two\nlines"])
def test_an_error_names_the_field_and_tells_nothing_of_what_is_in_it(value: str) -> None:
    with pytest.raises(ValueError, match="Invalid") as error:
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


# --- which field is the reason ------------------------------------------------------------------------------------


class Person(BaseModel):
    name: str = "guest"
    friends: list[Person] = []


@dataclass
class Shelf:
    depth: complex


@dataclass
class Room:
    shelves: dict[str, list[Shelf]]


@dataclass
class Tree:
    children: list[Tree]
    bark: complex


@dataclass
class Owned:
    owner: Person | None


@dataclass
class Either:
    cart: Cart | CartNow


@dataclass
class Unfinished:
    name: str
    when: list[Soon]  # type: ignore[name-defined]  # noqa: F821 - as under TYPE_CHECKING


class UnfinishedModel(BaseModel):
    name: str
    when: Soon  # type: ignore[name-defined]  # noqa: F821 - as under TYPE_CHECKING


@dataclass
class Nested:
    first: int
    inner: Unfinished


class NestedModel(BaseModel):
    first: Person
    inner: list[UnfinishedModel]


@dataclass
class Again:
    inner: Again | Cart


@dataclass
class Counted:
    made: ClassVar[int] = 0
    depth: complex = 0j


@dataclass
class Mixed:
    depth: complex
    inner: Unfinished


@pytest.mark.parametrize(
    ("type", "field", "reason"),
    [
        (Shelf, "'depth' of {}.Shelf", "can't be stored as JSON; change its type, or pass a serializer"),
        (Room, "'depth' of {}.Shelf", "can't be stored as JSON; change its type, or pass a serializer"),
        (Tree, "'bark' of {}.Tree", "can't be stored as JSON; change its type, or pass a serializer"),
        (Either, "'cart' of {}.Either", "can't be stored as JSON; change its type, or pass a serializer"),
        (
            Owned,
            "'owner' of {}.Owned, a pydantic model, which only another pydantic model can hold,",
            "can't be stored",
        ),
        (Unfinished, "'when' of {}.Unfinished", "names Soon, which isn't there at run time; import it outside `if"),
        (Nested, "'when' of {}.Unfinished", "names Soon, which isn't there at run time; import it outside `if"),
        (UnfinishedModel, "'when' of {}.UnfinishedModel", "names Soon, which isn't there at run time; import it"),
        (NestedModel, "'when' of {}.UnfinishedModel", "names Soon, which isn't there at run time; import it"),
        (Again, "'inner' of {}.Again", "can't be stored as JSON; change its type, or pass a serializer"),
        (Counted, "'depth' of {}.Counted", "can't be stored as JSON; change its type, or pass a serializer"),
        (Mixed, "'depth' of {}.Mixed", "can't be stored as JSON; change its type, or pass a serializer"),
    ],
)
def test_a_refused_class_is_told_with_field_class_and_module(type: Any, field: str, reason: str) -> None:
    with pytest.raises(TypeError) as error:
        cookie("A", type, storage=SessionStorageMemory())
    assert str(error.value).startswith(f"field {field.format(__name__)} {reason}")


# --- pydantic -----------------------------------------------------------------------------------------------------


class Account(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(default="guest", alias="userName")
    born: date | None = None
    people: dict[str, Person] = {}

    @computed_field  # type: ignore[prop-decorator]
    @property
    def initial(self) -> str:
        return self.name[0]


class People(RootModel[list[Person]]):
    pass


@pytest.mark.parametrize(
    "session",
    [
        Person(name="ada", friends=[Person(name="bob")]),
        Account(userName="ada", born=date(1815, 12, 10), people={"b": Person(name="bob")}),
        People([Person(name="ada")]),
    ],
)
async def test_a_pydantic_model_is_stored_through_its_own_json(session: Any) -> None:
    storage = SessionStorageMemory()
    provider = cookie("A", type(session), storage=storage)
    id = await provider.write(session)
    _, _, stored = (await read_bytes(storage, f"A:{id}")).partition(b"\n")
    assert json.loads(stored) == json.loads(session.model_dump_json(by_alias=True, round_trip=True))
    assert await provider.read(id) == session


def test_changes_of_a_pydantic_model_are_merged_by_field_and_alias() -> None:
    serializer = JSONSerializer(Account)
    before, mine = Account(people={"b": Person()}), Account(userName="ada", people={"b": Person()})
    theirs = Account(born=date(1815, 12, 10), people={"b": Person(name="bob")})
    result = serializer.merge(*map(serializer.serialize, (before, mine, theirs)))
    assert serializer.deserialize(result) == theirs.model_copy(update={"name": "ada"})


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    name: str = "tom"


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    name: str = "tom"


class Cage(BaseModel):
    pet: Cat | Dog = Field(default_factory=Cat, discriminator="kind")
    cleaned: int = 0


@pytest.mark.parametrize(("mine", "theirs"), [(Dog(), Cat(name="kit")), (Cat(name="kit"), Dog(name="rex"))])
def test_a_pydantic_model_that_either_replaced_by_another_one_is_one_field(mine: Any, theirs: Any) -> None:
    serializer = JSONSerializer(Cage)
    three = Cage(), Cage(pet=mine), Cage(pet=theirs, cleaned=1)
    result = serializer.merge(*map(serializer.serialize, three))
    assert serializer.deserialize(result) == Cage(pet=mine, cleaned=1)


def test_pydantic_is_imported_by_an_app_that_uses_it_and_not_by_the_library() -> None:
    code = "import coatcheck, sys; print(sorted(name for name in sys.modules if name.startswith('pydantic')))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
