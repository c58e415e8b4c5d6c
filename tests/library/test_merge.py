"""What becomes of a session that several change at once: merged by field, or updated in one step."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
import msgspec
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from coatcheck import (
    CurrentSession,
    SessionNotFound,
    SessionStorageMemory,
    cookie,
    read_bytes,
    write_bytes,
)
from coatcheck.serializer import JSONSerializer
from tests.support.client import found, nothing, visit
from tests.support.storage import Pauses

if TYPE_CHECKING:
    from collections.abc import Callable

    from coatcheck import SessionProvider, SessionStorage
    from tests.support.client import Handler

T = TypeVar("T")


class Size(msgspec.Struct):
    chest: int = 50
    sleeve: int = 60


@dataclass
class Coat:
    colour: str = "grey"
    size: Size = field(default_factory=Size)
    worn: int = 0


@dataclass(frozen=True)
class FrozenCoat:
    colour: str = "grey"
    size: tuple[int, int] = (50, 60)
    worn: int = 0


class SparseCoat(msgspec.Struct, omit_defaults=True):
    colour: str = "grey"
    size: list[int] = []
    worn: int | None = 0


class RenamedCoat(msgspec.Struct, omit_defaults=True, rename="camel"):
    the_colour: str = "grey"
    the_size: list[int] = []
    times_worn: int = 0


class TaggedCoat(msgspec.Struct, tag="coat"):
    colour: str = "grey"
    worn: int = 0


class RowCoat(msgspec.Struct, array_like=True):
    colour: str = "grey"
    worn: int = 0


@dataclass
class Pockets:
    keys: set[int]
    coins: dict[str, int]
    worn: int = 0


# --- merging by field ---------------------------------------------------------------------------------------------


def merged(base: T, mine: T, theirs: T) -> T:
    serializer = JSONSerializer(type(base))
    return serializer.deserialize(serializer.merge(*map(serializer.serialize, (base, mine, theirs))))


@pytest.mark.parametrize("coat", [Coat, FrozenCoat, SparseCoat, TaggedCoat])
def test_changes_of_different_fields_are_both_kept(coat: Callable[..., Any]) -> None:
    assert merged(coat(), coat(colour="red"), coat(worn=1)) == coat(colour="red", worn=1)


@pytest.mark.parametrize("coat", [Coat, FrozenCoat, SparseCoat, TaggedCoat, RowCoat])
def test_of_two_changes_of_one_field_mine_wins(coat: Callable[..., Any]) -> None:
    assert merged(coat(), coat(worn=1), coat(worn=2)) == coat(worn=1)


@pytest.mark.parametrize("coat", [Coat, FrozenCoat, SparseCoat, TaggedCoat])
def test_a_field_that_i_set_back_to_its_default_is_a_change(coat: Callable[..., Any]) -> None:
    before, theirs = coat(colour="red", worn=1), coat(colour="blue", worn=2)
    assert merged(before, coat(colour="red"), theirs) == coat(colour="blue")


@pytest.mark.parametrize("coat", [Coat, FrozenCoat, SparseCoat, TaggedCoat])
def test_a_field_that_they_set_back_to_its_default_stays_so(coat: Callable[..., Any]) -> None:
    before, mine = coat(colour="red", worn=1), coat(colour="blue", worn=1)
    assert merged(before, mine, coat(colour="red")) == coat(colour="blue")


def test_none_is_a_value_as_any_other() -> None:
    assert merged(SparseCoat(worn=1), SparseCoat(worn=None), SparseCoat("red", worn=1)) == SparseCoat("red", worn=None)
    assert merged(SparseCoat(worn=None), SparseCoat(), SparseCoat("red", worn=None)) == SparseCoat("red", worn=0)


def test_fields_of_a_nested_class_are_merged_too() -> None:
    mine, theirs = Coat(size=Size(chest=55)), Coat(size=Size(sleeve=65), worn=1)
    assert merged(Coat(), mine, theirs) == Coat(size=Size(chest=55, sleeve=65), worn=1)


def test_a_list_is_one_field() -> None:
    assert merged(SparseCoat(size=[1]), SparseCoat(size=[1, 2]), SparseCoat(size=[1, 3])) == SparseCoat(size=[1, 2])


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "expected"),
    [
        ({}, {"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"b": 2}, {"a": 1, "b": 3}, {"b": 3}),
        ({"a": 1, "b": 2}, {"a": 5, "b": 2}, {"b": 2}, {"a": 5, "b": 2}),
        ({"a": 1}, {"a": 1, "c": 0}, {}, {"c": 0}),
    ],
)
def test_a_dict_is_merged_by_key_and_a_key_that_either_removed_stays_removed_unless_the_other_changed_it(
    base: dict[str, int], mine: dict[str, int], theirs: dict[str, int], expected: dict[str, int]
) -> None:
    assert merged(*(Pockets(set(), coins) for coins in (base, mine, theirs))) == Pockets(set(), expected)


@dataclass
class Orders:
    of: dict[str, dict[str, int]]


def test_a_key_that_both_added_to_a_dict_is_merged_by_key_within() -> None:
    result = merged(
        Orders({}), Orders({"ada": {"coat": 1}, "bob": {}}), Orders({"ada": {"scarf": 2}, "bob": {"hat": 3}})
    )
    assert result == Orders({"ada": {"coat": 1, "scarf": 2}, "bob": {"hat": 3}})


class Cat(msgspec.Struct, tag=True):
    name: str = "tom"
    fur: str = "long"


class Dog(msgspec.Struct, tag=True):
    name: str = "tom"
    fur: str = "long"


class Bird(msgspec.Struct, tag=True):
    name: str = "tom"


class Cage(msgspec.Struct):
    pet: Cat | Dog | Bird
    cleaned: int = 0


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [(Dog(), Cat(name="kit")), (Cat(name="kit"), Dog()), (Dog(), Bird()), (Bird(name="kit"), Dog(fur="short"))],
)
def test_an_object_that_either_replaced_by_one_of_another_class_is_one_field(mine: Any, theirs: Any) -> None:
    assert merged(Cage(Cat()), Cage(mine), Cage(theirs, cleaned=1)) == Cage(mine, cleaned=1)


class Fish(BaseModel):
    name: str = "tom"
    fur: str = "none"


class Snail(BaseModel):
    name: str = "tom"
    fur: str = "none"
    house: bool = True


class Tank(BaseModel):
    pet: Fish | Snail
    named: dict[str, Fish | Snail] = {}
    cleaned: int = 0


class Pond(BaseModel):
    pet: Snail | None
    size: int | str = 0


def test_an_object_of_a_class_that_no_field_tells_is_one_field() -> None:
    merged = JSONSerializer(Tank).merge
    base, mine, theirs = (
        tank.model_dump_json().encode()
        for tank in (Tank(pet=Fish()), Tank(pet=Fish(name="kit")), Tank(pet=Snail(fur="wet"), cleaned=1))
    )
    assert Tank.model_validate_json(merged(base, mine, theirs)) == Tank(pet=Fish(name="kit"), cleaned=1)
    pond = JSONSerializer(Pond).merge(
        *(Pond(pet=pet).model_dump_json().encode() for pet in (Snail(), Snail(name="kit"), Snail(fur="wet")))
    )
    assert Pond.model_validate_json(pond) == Pond(pet=Snail(name="kit", fur="wet"))


def test_a_struct_that_is_stored_as_an_array_is_one_field() -> None:
    assert merged(RowCoat(), RowCoat(worn=1), RowCoat("red")) == RowCoat(worn=1)


def test_what_is_equal_is_no_change_whatever_its_order() -> None:
    base, mine = Pockets({0, 8}, {"left": 1, "right": 2}), Pockets({8, 0}, {"right": 2, "left": 1}, worn=1)
    assert JSONSerializer(Pockets).serialize(base) != JSONSerializer(Pockets).serialize(Pockets(mine.keys, mine.coins))
    theirs = Pockets({0, 8, 5}, {"left": 1})
    assert merged(base, mine, theirs) == Pockets({0, 8, 5}, {"left": 1}, worn=1)


class Key(msgspec.Struct, frozen=True):
    teeth: int


@dataclass
class Ring:
    keys: set[Key]
    worn: int = 0


def test_a_set_of_what_cannot_be_sorted_can_be_merged() -> None:
    base, theirs = {Key(1), Key(2)}, {Key(3)}
    assert merged(Ring(base), Ring(base, worn=1), Ring(theirs)) == Ring(theirs, worn=1)
    assert merged(Ring(base), Ring({Key(4)}), Ring(base, worn=1)) == Ring({Key(4)}, worn=1)


def test_a_merge_leaves_the_three_as_they_were() -> None:
    three = Coat(), Coat("red"), Coat(worn=1)
    merged(*three)
    assert three == (Coat(), Coat("red"), Coat(worn=1))


COLOURS = st.sampled_from(["grey", "red", "\u2603"])
NUMBERS = st.sampled_from([0, 1, -1])
SIZES = st.lists(st.integers(50, 52), max_size=2)
COATS = st.sampled_from(
    [
        st.builds(Coat, COLOURS, st.builds(Size, NUMBERS, NUMBERS), NUMBERS),
        st.builds(FrozenCoat, COLOURS, st.tuples(NUMBERS, NUMBERS), NUMBERS),
        st.builds(SparseCoat, COLOURS, SIZES, st.none() | NUMBERS),
        st.builds(RenamedCoat, COLOURS, SIZES, NUMBERS),
        st.builds(TaggedCoat, COLOURS, NUMBERS),
    ]
)


def expected_field(base: Any, mine: Any, theirs: Any) -> Any:
    if isinstance(base, Size):
        fields = zip(*map(msgspec.structs.astuple, (base, mine, theirs)), strict=True)
        return Size(*(expected_field(*values) for values in fields))
    return theirs if mine == base else mine


@settings(derandomize=True, max_examples=150, deadline=None)
@given(COATS.flatmap(lambda coats: st.tuples(coats, coats, coats)))
def test_each_field_is_mine_where_i_changed_it_and_theirs_where_i_did_not(coats: tuple[Any, Any, Any]) -> None:
    base, mine, theirs = coats
    for name in type(base).__annotations__:
        values = (getattr(session, name) for session in coats)
        assert getattr(merged(base, mine, theirs), name) == expected_field(*values)


# --- merging what is stored ---------------------------------------------------------------------------------------


def provider_of(type: type[T], serializer: Any = None, storage: SessionStorage | None = None) -> SessionProvider[T]:
    return cookie("COAT", type, storage=storage or SessionStorageMemory(), serializer=serializer)


def coat(**fields: Any) -> bytes:
    return json.dumps({"colour": "grey", "size": {"chest": 50, "sleeve": 60}, "worn": 0} | fields).encode()


def test_stored_sessions_are_merged_by_field() -> None:
    serializer = JSONSerializer(Coat)
    base, mine, theirs = map(serializer.serialize, (Coat(), Coat("red"), Coat(worn=1)))
    assert provider_of(Coat).merge(base, mine, theirs) == serializer.serialize(Coat("red", worn=1))


def test_where_i_changed_nothing_theirs_stays_to_the_last_byte() -> None:
    theirs = b' {"worn": 2, "of another version": true}'
    assert provider_of(Coat).merge(coat(), coat(), theirs) == theirs
    assert provider_of(Coat).merge(coat(), coat(), b"not even JSON") == b"not even JSON"


def test_where_nobody_else_changed_anything_mine_is_stored() -> None:
    assert provider_of(Coat).merge(coat(), coat(worn=1), coat()) == coat(worn=1)


@pytest.mark.parametrize("theirs", [b"", b"not even JSON", b"[]", b'{"worn": "often"}', b"\xff"])
def test_what_others_have_stored_and_i_cannot_read_gives_way_to_mine(theirs: bytes) -> None:
    assert provider_of(Coat).merge(coat(), coat(worn=1), theirs) == coat(worn=1)


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (b'{"colour":"red","worn":0,"lining":"silk"}', Coat("red", worn=1)),  # has a field that mine has no longer
        (b'{"colour":"red"}', Coat("red", worn=1)),  # has not yet the fields that mine has
        (b"{}", Coat(worn=1)),
    ],
)
def test_another_version_of_the_class_can_be_merged_with(theirs: bytes, expected: Coat) -> None:
    provider = provider_of(Coat)
    result = provider.merge(coat(), coat(worn=1), theirs)
    assert provider.serializer.deserialize(result) == expected


class Words:
    """A format of the user's own: words of the form `field=value`."""

    def serialize(self, session: dict[str, str], /) -> bytes:
        return " ".join(f"{name}={value}" for name, value in sorted(session.items())).encode()

    def deserialize(self, data: bytes, /) -> dict[str, str]:
        return dict(word.split("=") for word in data.decode().split())


class MergingWords(Words):
    """Joins what both sides have made of a field."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def merge(self, base: bytes, mine: bytes, theirs: bytes) -> bytes:
        self.seen = [base, mine, theirs]
        was, is_mine, is_theirs = map(self.deserialize, self.seen)
        return self.serialize({name: f"{is_theirs[name]}+{is_mine[name]}" for name in was})


def test_without_a_merge_of_its_own_a_format_is_one_field() -> None:
    assert provider_of(dict, Words()).merge(b"a=1 b=1", b"a=2 b=1", b"a=1 b=2") == b"a=2 b=1"
    assert provider_of(dict, Words()).merge(b"a=1 b=1", b"a=1 b=1", b"a=1 b=2") == b"a=1 b=2"


def test_a_merge_of_the_users_own_takes_and_returns_bytes() -> None:
    words = MergingWords()
    assert provider_of(dict, words).merge(b"a=1 b=1", b"a=2 b=1", b"a=1 b=2") == b"a=1+2 b=2+1"
    assert words.seen == [b"a=1 b=1", b"a=2 b=1", b"a=1 b=2"]


def test_a_merge_of_the_users_own_is_not_asked_where_one_side_changed_nothing_or_cannot_be_read() -> None:
    words = MergingWords()
    provider = provider_of(dict, words)
    assert provider.merge(b"a=1", b"a=1", b"a=2") == b"a=2"
    assert provider.merge(b"a=1", b"a=2", b"a=1") == b"a=2"
    assert provider.merge(b"a=1", b"a=2", b"what") == b"a=2"
    assert words.seen == []


# --- requests that change one session at once ---------------------------------------------------------------------


@pytest.fixture
def storage(any_storage: SessionStorage) -> SessionStorage:
    return any_storage if hasattr(any_storage, "update") else Pauses(any_storage)


@pytest.fixture
def provider(storage: SessionStorage) -> SessionProvider[Coat]:
    return provider_of(Coat, storage=storage)


async def put_coat(sessions: CurrentSession) -> None:
    sessions.set(Coat())


async def clear(sessions: CurrentSession) -> None:
    sessions.clear(Coat)


async def renew(sessions: CurrentSession) -> None:
    sessions.renew_id(Coat)


async def the_coat(sessions: CurrentSession) -> Coat:
    coat = await sessions.get(Coat)
    assert coat is not None
    return coat


async def dye(sessions: CurrentSession) -> None:
    (await the_coat(sessions)).colour = "red"


async def tear(sessions: CurrentSession) -> None:
    (await the_coat(sessions)).worn = 99


async def wear(sessions: CurrentSession) -> Coat:
    return await sessions.update(Coat, worn_once_more)


def worn_once_more(coat: Coat) -> Coat:
    coat.worn += 1
    return coat


async def begin(provider: SessionProvider[Coat]) -> str:
    return (await visit(put_coat, provider)).id


@pytest.fixture
async def id(provider: SessionProvider[Coat]) -> str:
    """The id of a client that has a grey coat."""
    return await begin(provider)


async def test_requests_that_change_different_fields_both_keep_their_change(
    id: str, provider: SessionProvider[Coat]
) -> None:
    async def dye_while_another_tears(sessions: CurrentSession) -> None:
        await dye(sessions)
        await visit(tear, provider, id=id)

    assert (await visit(dye_while_another_tears, provider, id=id)).ids == []
    assert await found(provider, id) == Coat("red", worn=99)


async def test_of_two_requests_that_change_one_field_the_later_commit_wins(
    id: str, provider: SessionProvider[Coat]
) -> None:
    async def wear_twice_while_another_tears(sessions: CurrentSession) -> None:
        (await the_coat(sessions)).worn = 2
        await visit(tear, provider, id=id)

    await visit(wear_twice_while_another_tears, provider, id=id)
    assert await found(provider, id) == Coat(worn=2)


async def test_a_session_that_is_set_again_changes_the_fields_that_differ(
    id: str, provider: SessionProvider[Coat]
) -> None:
    async def set_while_another_tears(sessions: CurrentSession) -> None:
        await the_coat(sessions)
        sessions.set(Coat("red"))
        await visit(tear, provider, id=id)

    await visit(set_while_another_tears, provider, id=id)
    assert await found(provider, id) == Coat("red", worn=99)


async def test_a_late_change_is_merged_as_well(id: str, provider: SessionProvider[Coat]) -> None:
    async def wear_once(sessions: CurrentSession) -> None:
        (await the_coat(sessions)).worn = 1

    async def dye_while_another_tears(sessions: CurrentSession) -> None:
        await visit(tear, provider, id=id)
        await dye(sessions)

    await visit(wear_once, provider, id=id, late=dye_while_another_tears)
    assert await found(provider, id) == Coat("red", worn=99)


async def test_the_stored_merge_is_no_change_of_this_request_when_it_changes_more(
    id: str, provider: SessionProvider[Coat]
) -> None:
    async def dye_while_another_tears(sessions: CurrentSession) -> None:
        await dye(sessions)
        await visit(tear, provider, id=id)

    async def change_the_size(sessions: CurrentSession) -> None:
        (await the_coat(sessions)).size = Size(55)

    await visit(dye_while_another_tears, provider, id=id, late=change_the_size)
    assert await found(provider, id) == Coat("red", Size(55), 99)


async def test_a_record_that_another_version_spoilt_meanwhile_gives_way(storage: SessionStorage) -> None:
    provider = provider_of(Coat, storage=storage)
    id = await begin(provider)

    async def dye_while_another_spoils(sessions: CurrentSession) -> None:
        await dye(sessions)
        times, _, _ = (await read_bytes(storage, f"COAT:{id}")).partition(b"\n")
        await write_bytes(storage, f"COAT:{id}", times + b'\n{"worn": "often"}')

    await visit(dye_while_another_spoils, provider, id=id)
    assert await found(provider, id) == Coat("red")


async def test_twenty_requests_that_change_a_field_each_keep_them_all(storage: SessionStorage) -> None:
    wardrobe = msgspec.defstruct("wardrobe", [(f"coat{number}", int, 0) for number in range(20)])
    provider = provider_of(wardrobe, storage=storage)

    async def put(sessions: CurrentSession) -> None:
        sessions.set(wardrobe())

    id = (await visit(put, provider)).id

    async def change(number: int) -> None:
        async def handler(sessions: CurrentSession) -> None:
            session = await sessions.get(wardrobe)
            await checkpoint()
            setattr(session, f"coat{number}", number)

        await visit(handler, provider, id=id)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(change, number)
    assert list(msgspec.structs.astuple(await found(provider, id))) == list(range(20))


# --- update -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("storage", "requests"),
    [("memory", 1_000), ("directory", 100), ("memory without update", 100)],
    indirect=["storage"],
)
async def test_concurrent_increments_are_all_counted(storage: SessionStorage, requests: int) -> None:
    provider = provider_of(Coat, storage=storage)
    id = await begin(provider)
    seen: list[int] = []

    async def read_then_wear(sessions: CurrentSession) -> None:
        await the_coat(sessions)
        await checkpoint()  # all have read the same by now
        seen.append((await wear(sessions)).worn)

    async with anyio.create_task_group() as tasks:
        for _ in range(requests):
            tasks.start_soon(partial(visit, read_then_wear, provider, id=id))
    assert await found(provider, id) == Coat(worn=requests)
    assert sorted(seen) == list(range(1, requests + 1))


async def test_an_update_is_stored_at_once_and_returned(id: str, provider: SessionProvider[Coat]) -> None:
    async def update(sessions: CurrentSession) -> None:
        session = await sessions.update(Coat, worn_once_more)
        assert session == Coat(worn=1)
        assert await found(provider, id) == Coat(worn=1)
        assert await sessions.get(Coat) is session
        assert sessions.id(Coat) == id

    assert (await visit(update, provider, id=id)).ids == []
    assert await found(provider, id) == Coat(worn=1)


async def test_a_change_gets_the_session_as_it_is_stored_now(id: str, provider: SessionProvider[Coat]) -> None:
    async def read_while_another_changes_then_update(sessions: CurrentSession) -> None:
        assert await the_coat(sessions) == Coat()
        await visit(tear, provider, id=id)
        await visit(dye, provider, id=id)
        assert await wear(sessions) == Coat("red", worn=100)

    await visit(read_while_another_changes_then_update, provider, id=id)
    assert await found(provider, id) == Coat("red", worn=100)


async def set_red(sessions: CurrentSession) -> None:
    sessions.set(Coat("red"))


@pytest.mark.parametrize("change", [dye, set_red])
async def test_what_a_request_changed_before_an_update_is_stored_with_the_response(
    id: str, change: Handler, provider: SessionProvider[Coat]
) -> None:
    async def change_then_update(sessions: CurrentSession) -> None:
        await change(sessions)
        assert await wear(sessions) == Coat("red", worn=1)
        assert await found(provider, id) == Coat(worn=1)
        assert await wear(sessions) == Coat("red", worn=2)
        assert await found(provider, id) == Coat(worn=2)

    assert (await visit(change_then_update, provider, id=id)).ids == []
    assert await found(provider, id) == Coat("red", worn=2)


async def test_of_a_field_that_was_changed_before_the_update_changes_it_too_the_value_of_the_response_wins(
    id: str, provider: SessionProvider[Coat]
) -> None:
    async def tear_then_update(sessions: CurrentSession) -> None:
        await tear(sessions)
        assert await wear(sessions) == Coat(worn=99)
        assert await found(provider, id) == Coat(worn=1)

    await visit(tear_then_update, provider, id=id)
    assert await found(provider, id) == Coat(worn=99)


async def test_what_a_request_changes_after_an_update_is_stored_with_the_response(
    id: str, provider: SessionProvider[Coat]
) -> None:
    async def update_then_change(sessions: CurrentSession) -> None:
        (await wear(sessions)).colour = "red"
        await visit(tear, provider, id=id)

    await visit(update_then_change, provider, id=id)
    assert await found(provider, id) == Coat("red", worn=99)


async def test_two_tasks_of_a_request_can_update_at_once(id: str, provider: SessionProvider[Coat]) -> None:
    async def update_twice(sessions: CurrentSession) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wear, sessions)
            tasks.start_soon(wear, sessions)

    await visit(update_twice, provider, id=id)
    assert await found(provider, id) == Coat(worn=2)


async def test_an_update_after_the_response_began_is_stored_at_once(id: str, provider: SessionProvider[Coat]) -> None:
    async def update(sessions: CurrentSession) -> None:
        await wear(sessions)
        assert await found(provider, id) == Coat(worn=1)

    assert (await visit(nothing, provider, id=id, late=update)).ids == []
    assert await found(provider, id) == Coat(worn=1)


@pytest.mark.parametrize("handlers", [(wear, renew), (renew, wear)])
async def test_an_update_goes_with_a_new_id(handlers: tuple[Handler, Handler], provider: SessionProvider[Coat]) -> None:
    old = await begin(provider)

    async def both(sessions: CurrentSession) -> None:
        for handler in handlers:
            await handler(sessions)

    new = (await visit(both, provider, id=old)).id
    assert new not in ("", old)
    assert await found(provider, new) == Coat(worn=1)
    assert await found(provider, old) is None


# --- update where there is nothing --------------------------------------------------------------------------------


async def wear_in_vain(sessions: CurrentSession) -> None:
    with pytest.raises(SessionNotFound):
        await wear(sessions)


@pytest.mark.parametrize(("id", "ids"), [(None, []), ("unknown", [""]), ("mal,formed", [""])])
async def test_who_has_no_session_cannot_update_one(
    id: str | None, ids: list[str], provider: SessionProvider[Coat]
) -> None:
    assert (await visit(wear_in_vain, provider, id=id)).ids == ids


async def test_a_session_that_was_cleared_cannot_be_updated(id: str, provider: SessionProvider[Coat]) -> None:
    async def clear_then_update(sessions: CurrentSession) -> None:
        sessions.clear(Coat)
        await wear_in_vain(sessions)

    assert (await visit(clear_then_update, provider, id=id)).ids == [""]
    assert await found(provider, id) is None


@pytest.mark.parametrize("first", [nothing, clear])
async def test_a_session_that_is_not_stored_yet_cannot_be_updated_and_is_stored_none_the_less(
    first: Handler, provider: SessionProvider[Coat]
) -> None:
    old = None if first is nothing else await begin(provider)

    async def begin_then_update(sessions: CurrentSession) -> None:
        await first(sessions)
        sessions.set(Coat("red"))
        with pytest.raises(
            SessionNotFound, match=r"this client has no stored Coat to update; call set\(\) and save\(\) first"
        ):
            await wear(sessions)
        assert await sessions.get(Coat) == Coat("red")

    id = (await visit(begin_then_update, provider, id=old)).id
    assert id not in ("", old)
    assert await found(provider, id) == Coat("red")


@pytest.mark.parametrize("first", [nothing, dye])
async def test_a_session_that_another_request_has_ended_cannot_be_updated_and_is_taken_away(
    id: str, first: Handler, provider: SessionProvider[Coat]
) -> None:
    async def update_while_another_ends_it(sessions: CurrentSession) -> None:
        await the_coat(sessions)
        await first(sessions)
        await visit(clear, provider, id=id)
        await wear_in_vain(sessions)
        assert await sessions.get(Coat) is None
        assert sessions.id(Coat) is None

    assert (await visit(update_while_another_ends_it, provider, id=id)).ids == [""]
    assert await found(provider, id) is None


async def test_a_session_that_ends_while_it_is_updated_is_taken_away() -> None:
    class Ends(SessionStorageMemory):
        async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
            transform(await read_bytes(self, id))
            await self.invalidate(id)
            return await super().update(id, transform)

    provider = provider_of(Coat, storage=Ends())
    id = await begin(provider)

    async def update(sessions: CurrentSession) -> None:
        await wear_in_vain(sessions)
        assert await sessions.get(Coat) is None

    assert (await visit(update, provider, id=id)).ids == [""]


async def test_a_session_that_was_ended_during_the_update_does_not_come_back(
    id: str, provider: SessionProvider[Coat]
) -> None:
    async def update_then_end(sessions: CurrentSession) -> None:
        await wear(sessions)
        await visit(clear, provider, id=id)

    await visit(update_then_end, provider, id=id)
    assert await found(provider, id) is None


# --- a change that fails ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyError("worn"), SessionNotFound("of my own")])
async def test_what_a_change_raises_arrives_as_it_is_and_changes_nothing(
    id: str, error: Exception, provider: SessionProvider[Coat]
) -> None:
    def fail(coat: Coat) -> Coat:
        coat.worn = 99
        raise error

    async def update(sessions: CurrentSession) -> None:
        with pytest.raises(type(error)) as raised:
            await sessions.update(Coat, fail)
        assert raised.value is error
        assert await sessions.get(Coat) == Coat()

    assert (await visit(update, provider, id=id)).ids == []
    assert await found(provider, id) == Coat()


@pytest.mark.parametrize(
    ("returned", "name"), [(None, "NoneType"), ({"worn": 1}, "dict"), (FrozenCoat(), "FrozenCoat")]
)
async def test_a_change_that_returns_something_else_changes_nothing(
    id: str, returned: Any, name: str, provider: SessionProvider[Coat]
) -> None:
    async def update(sessions: CurrentSession) -> None:
        with pytest.raises(
            TypeError, match=f"^change must return an instance of Coat, not of {name}; return the changed session$"
        ):
            await sessions.update(Coat, lambda _: returned)
        assert await sessions.get(Coat) == Coat()

    assert (await visit(update, provider, id=id)).ids == []
    assert await found(provider, id) == Coat()


async def test_a_merge_that_could_not_be_read_back_changes_nothing(storage: SessionStorage) -> None:
    class Spoiling(JSONSerializer[Coat]):
        def merge(self, base: bytes, mine: bytes, theirs: bytes, /) -> bytes:
            return super().merge(base, mine, theirs).replace(b'"worn":1', b'"worn":"often"')

    provider = provider_of(Coat, Spoiling(Coat), storage=storage)
    id = await begin(provider)

    async def dye_while_another_wears(sessions: CurrentSession) -> None:
        await dye(sessions)
        await visit(wear, provider, id=id)

    with pytest.raises(ValueError, match="this Coat could not be read back"):
        await visit(dye_while_another_wears, provider, id=id)
    assert await found(provider, id) == Coat(worn=1)


async def test_what_was_changed_before_an_update_and_cannot_be_stored_is_told_before_it(
    id: str, provider: SessionProvider[Coat]
) -> None:
    async def spoil_then_update(sessions: CurrentSession) -> None:
        (await the_coat(sessions)).colour = cast("str", object())
        await wear(sessions)

    with pytest.raises(TypeError):
        await visit(spoil_then_update, provider, id=id)
    assert await found(provider, id) == Coat()


async def test_a_change_that_could_not_be_read_back_changes_nothing(id: str, provider: SessionProvider[Coat]) -> None:
    spoilt: Any = "often"

    async def update(sessions: CurrentSession) -> None:
        with pytest.raises(ValueError, match="this Coat could not be read back"):
            await sessions.update(Coat, lambda _: Coat(worn=spoilt))

    assert (await visit(update, provider, id=id)).ids == []
    assert await found(provider, id) == Coat()
