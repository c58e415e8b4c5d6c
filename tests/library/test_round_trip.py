"""What is stored reads back equal, or is refused: with the field and both types, never a value."""

from __future__ import annotations

import math
from collections import namedtuple
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator

from coatcheck import SessionStorageMemory, cookie
from coatcheck.difference import difference
from tests.support.client import visit
from tests.support.storage import Ledger

if TYPE_CHECKING:
    from coatcheck import CurrentSession, SessionStorage

SECRET = "hunter2-hunter2"  # noqa: S105 - the value that no message may have
Pair = namedtuple("Pair", "a b")  # noqa: PYI024 - an untyped one


@dataclass
class Inner:
    value: Any = None


@dataclass
class Bag:
    any: Any = None
    items: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    inner: Inner = field(default_factory=Inner)
    number: float = 0


@dataclass
class Unseen:
    value: Any = field(default=None, compare=False)


class StructBag(msgspec.Struct):
    any: Any = None


class ModelBag(BaseModel):
    model_config = ConfigDict(extra="allow", ser_json_inf_nan="constants")
    any: Any = None
    number: float = 0
    hidden: str = Field(default="", exclude=True)
    _private: int = PrivateAttr(0)


class ModelShelf(BaseModel):
    bags: list[ModelBag] = []
    any: Any = None


def with_private(bag: ModelBag) -> ModelBag:
    bag._private = 7
    return bag


REFUSED = [
    (Bag((SECRET,)), "Bag.any is of type tuple and would come back as list"),
    (Bag({5: SECRET}), "a key of Bag.any is of type int and would come back as str"),
    (Bag({"5": 1, 5: 1}), "a key of Bag.any is of type int and would come back as str"),
    (Bag([{"a": date(2026, 1, 1)}]), "Bag.any[...][...] is of type date and would come back as str"),
    (Bag(Decimal("1.5")), "Bag.any is of type Decimal and would come back as str"),
    (Bag(Pair(1, SECRET)), "Bag.any is of type Pair and would come back as list"),
    (Bag({SECRET}), "Bag.any is of type set and would come back as list"),
    (Bag(math.nan), "Bag.any is of type float and would come back as NoneType"),
    (Bag(inner=Inner((1,))), "Bag.inner.value is of type tuple and would come back as list"),
    (Bag(items=(SECRET,)), "Bag.items is of type tuple and would come back as list"),  # type: ignore[arg-type]
    (Bag(Inner(SECRET)), "Bag.any is of type Inner and would come back as dict"),
    (StructBag(b"hunter2-hunter2"), "StructBag.any is of type bytes and would come back as str"),
    (ModelBag(any=(SECRET,)), "ModelBag.any is of type tuple and would come back as list"),
    (ModelBag(number=math.nan), "ModelBag.number is of type float and would come back as another float"),
    (ModelBag(hidden=SECRET), "ModelBag.hidden is of type str and would come back as another str"),
    (ModelBag(more=(1,)), "ModelBag.more is of type tuple and would come back as list"),  # type: ignore[call-arg]
    (with_private(ModelBag()), "ModelBag._private is of type int and would come back as another int"),
    (Bag(number="often"), "Expected `float`, got `str` - at `$.number`"),  # type: ignore[arg-type]
    (ModelBag.model_construct(number=SECRET), "number: float_parsing, got str"),
    (Bag(number=math.nan), "Expected `float`, got `null` - at `$.number`"),
]


@pytest.mark.parametrize(("session", "message"), REFUSED)
async def test_what_would_not_read_back_equal_is_refused_with_field_and_types(
    session: Any, message: str, any_storage: SessionStorage
) -> None:
    storage = Ledger(any_storage)
    provider = cookie("BAG", type(session), storage=storage)

    async def put(sessions: CurrentSession) -> None:
        sessions.set(session)

    async def update(sessions: CurrentSession) -> None:
        await sessions.update(type(session), lambda _: session)

    with pytest.raises(ValueError, match=r".+") as written:
        await provider.write(session)
    with pytest.raises(ValueError, match=r".+") as set_:
        await visit(put, provider)
    assert storage.calls == []
    id = await provider.write(type(session)())
    with pytest.raises(ValueError, match=r".+") as updated:
        await visit(update, provider, id=id)
    assert await provider.read(id) == type(session)()
    for error in (written, set_, updated):
        assert message in str(error.value)
        assert SECRET not in str(error.value)
        assert SECRET not in str(error.value.__cause__)


@pytest.mark.parametrize(
    ("session", "place"),
    [
        (Bag([{"a": object()}]), "Bag.any[...][...] is of type object"),
        (Bag(inner=Inner("\ud800" + SECRET)), "Bag.inner.value is of type str"),
        (Bag({(1, 2): SECRET}), "Bag.any is of type dict"),
        (Unseen(object()), "Unseen.value is of type object"),
        (ModelBag(any=object()), "ModelBag.any is of type object"),
        (ModelShelf(bags=[ModelBag()], any=object()), "ModelShelf.any is of type object"),
        (ModelShelf(bags=[ModelBag(any=object())]), "ModelShelf.bags[...].any is of type object"),
    ],
)
async def test_what_json_cannot_hold_is_refused_with_its_field_and_type(session: Any, place: str) -> None:
    provider = cookie("BAG", type(session), storage=SessionStorageMemory())
    with pytest.raises(TypeError) as error:
        await provider.write(session)
    assert str(error.value).startswith(f"{place}, which can't be stored as JSON; ")
    assert error.value.__context__ is None


class Token(msgspec.Struct, eq=False):
    name: str = ""
    inner: Inner = msgspec.field(default_factory=Inner)


@dataclass(eq=False)
class Stamp:
    at: int = 0


@dataclass
class Holder:
    tokens: list[Token] = field(default_factory=list)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    kept: set[Stamp] = field(default_factory=set)
    seen: Any = field(default=0, compare=False)


class Locked(BaseModel):
    name: str = ""
    _lock: object = PrivateAttr(default_factory=object)


@pytest.mark.parametrize(
    "session",
    [
        Token("a"),
        Holder([Token("a"), Token("b", Inner(1))]),
        Holder(stamps={"a": Stamp(1), "b": Stamp(2)}),
        Holder(kept={Stamp(2), Stamp(1)}),
        Holder([Token("a")], seen=(5,)),
        Locked(name="a"),
    ],
)
async def test_types_that_are_equal_only_to_themselves_are_stored_at_any_depth(session: Any) -> None:
    provider = cookie("BAG", type(session), storage=SessionStorageMemory())
    back = await provider.read(await provider.write(session))
    assert difference(session, back, "session") is None
    assert provider.serializer.serialize(back).count(b":") == provider.serializer.serialize(session).count(b":")


async def test_a_difference_inside_a_type_that_is_equal_only_to_itself_is_found() -> None:
    provider = cookie("BAG", Holder, storage=SessionStorageMemory())
    with pytest.raises(ValueError, match=r"^Holder\.tokens\[\.\.\.\]\.inner\.value is of type tuple and would"):
        await provider.write(Holder([Token("a", Inner((1,)))]))


class Picky(BaseModel):
    name: str = ""

    @field_validator("name")
    @classmethod
    def refuse(cls, name: str) -> str:
        if name:
            raise ValueError(f"{name} is taken")
        return name


@dataclass
class PickyBag:
    name: str = ""

    def __post_init__(self) -> None:
        if self.name:
            raise KeyError(self.name) if self.name.startswith("k") else ValueError(self.name)


@pytest.mark.parametrize(
    ("type", "name", "message"),
    [(Picky, SECRET, "name: value_error"), (PickyBag, SECRET, "ValueError"), (PickyBag, "k" + SECRET, "KeyError")],
)
async def test_what_a_validator_says_of_a_value_reaches_no_message(type: Any, name: str, message: str) -> None:
    provider = cookie("BAG", type, storage=SessionStorageMemory())
    session = type()
    session.name = name
    with pytest.raises(ValueError, match=message) as error:
        await provider.write(session)
    assert (
        SECRET
        not in f"{error.value} {error.value.__cause__} {error.value.__cause__ and error.value.__cause__.__context__}"
    )
