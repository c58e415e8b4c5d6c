"""Sessions of one kind: outside a request, when they have expired, and whose names they have."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from coatcheck import (
    SessionStorageCache,
    SessionStorageMemory,
    cookie,
    header,
    read_bytes,
    write_bytes,
)
from tests.support.cart import Cart, User, load_cart, put
from tests.support.client import found, visit
from tests.support.storage import Around, Ledger, Shelf, is_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from coatcheck import CurrentSession, SessionProvider, SessionStorage
    from tests.support.clock import Clock


@pytest.fixture
def storage(any_storage: SessionStorage) -> SessionStorage:
    return any_storage


@pytest.fixture(params=[cookie, header])
def cart(request: pytest.FixtureRequest, storage: SessionStorage) -> SessionProvider[Cart]:
    provider: SessionProvider[Cart] = request.param("X-Cart", Cart, storage=storage)
    return provider


# --- outside a request --------------------------------------------------------------------------------------------


async def test_a_session_that_was_written_outside_a_request_is_the_clients(cart: SessionProvider[Cart]) -> None:
    id = await cart.write(Cart(["coat"]))
    assert await found(cart, id) == Cart(["coat"])
    assert await cart.read(id) == Cart(["coat"])


async def test_a_session_of_a_request_can_be_read_and_ended_outside_it(cart: SessionProvider[Cart]) -> None:
    id = (await visit(put("coat", "scarf"), cart)).id
    assert await cart.read(id) == Cart(["coat", "scarf"])
    await cart.invalidate(id)
    await cart.invalidate(id)
    assert await cart.read(id) is None
    assert (await visit(load_cart, cart, id=id)).ids == [""]


async def test_a_logout_outside_a_request_holds_against_one_that_is_under_way(cart: SessionProvider[Cart]) -> None:
    id = await cart.write(Cart())

    async def change_while_it_is_ended(sessions: CurrentSession) -> None:
        session = await sessions.get(Cart)
        assert session is not None
        session.items.append("coat")
        await cart.invalidate(id)

    assert (await visit(change_while_it_is_ended, cart, id=id)).ids == [""]
    assert await cart.read(id) is None


@pytest.mark.parametrize("id", ["", "unknown", "a,b", "a\nb", "\ud800", "i" * 513])
async def test_no_session_is_under_an_id_that_no_provider_makes(id: str, cart: SessionProvider[Cart]) -> None:
    assert await cart.read(id) is None
    await cart.invalidate(id)


async def test_what_is_written_must_be_of_the_providers_class(cart: SessionProvider[Cart]) -> None:
    other: Any = User()
    with pytest.raises(
        TypeError, match=r"^write\(\) takes an instance of Cart, not of User; pass one, or use another provider$"
    ):
        await cart.write(other)


# --- found expired ------------------------------------------------------------------------------------------------

LIMITS = pytest.mark.parametrize(
    "limits",
    [
        {"max_age": timedelta(seconds=60)},
        {"max_age": None, "idle_timeout": timedelta(seconds=90)},
        {"max_age": timedelta(days=1), "idle_timeout": timedelta(minutes=1)},
    ],
)


def limited(storage: SessionStorage, clock: Clock, **limits: timedelta | None) -> SessionProvider[Cart]:
    return cookie("CART", Cart, storage=storage, clock=clock, **limits)  # type: ignore[arg-type]


@LIMITS
async def test_a_session_that_is_found_expired_leaves_the_storage(
    limits: dict[str, Any], storage: SessionStorage, clock: Clock
) -> None:
    provider = limited(storage, clock, **limits)
    first, second = await provider.write(Cart(["coat"])), await provider.write(Cart(["scarf"]))
    clock.now += 90
    assert (await visit(load_cart, provider, id=first)).ids == [""]
    assert await provider.read(second) is None
    assert [await is_found(storage, f"CART:{id}") for id in (first, second)] == [False, False]


@LIMITS
async def test_a_session_that_expires_during_a_request_leaves_the_storage(
    limits: dict[str, Any], storage: SessionStorage, clock: Clock
) -> None:
    provider = limited(storage, clock, **limits)
    id = await provider.write(Cart())

    async def change_slowly(sessions: CurrentSession) -> None:
        session = await sessions.get(Cart)
        assert session is not None
        session.items.append("coat")
        clock.now += 90

    assert (await visit(change_slowly, provider, id=id)).ids == [""]
    assert not await is_found(storage, f"CART:{id}")


class TouchedElsewhere(Ledger):
    """Another process stores something under an id just after it was read."""

    elsewhere: bytes | None = None

    async def pass_on(self, name: str, id: str, call: Callable[[], Any]) -> Any:
        result = await super().pass_on(name, id, call)
        if name == "read" and self.elsewhere is not None:
            data, self.elsewhere = self.elsewhere, None
            await write_bytes(self.storage, id, data)
        return result


@pytest.mark.parametrize("items", [["coat"], []])
async def test_a_session_that_another_process_has_just_touched_is_live(
    items: list[str], storage: SessionStorage, clock: Clock
) -> None:
    shared = TouchedElsewhere(storage)
    provider = limited(shared, clock, idle_timeout=timedelta(seconds=60))
    id = await provider.write(Cart(items))
    _, _, session = (await read_bytes(storage, f"CART:{id}")).partition(b"\n")
    clock.now += 60
    touched = b'{"created":%.6f,"seen":%.6f}' % (clock.now - 60, clock.now - 1)
    shared.elsewhere = touched + b"\n" + session
    shared.calls.clear()
    assert await provider.read(id) == Cart(items)
    assert set(shared.calls) <= {"read", "update"}  # nothing was written or deleted
    assert await is_found(storage, f"CART:{id}")


# --- names --------------------------------------------------------------------------------------------------------


@dataclass
class Staff:
    desk: int = 0


@pytest.mark.parametrize(
    "wrap", [lambda storage: storage, SessionStorageCache, lambda s: SessionStorageCache(SessionStorageCache(s))]
)
@pytest.mark.parametrize(("first", "second"), [(cookie, cookie), (cookie, header), (header, header)])
async def test_two_classes_cannot_have_one_name_in_one_storage_cached_or_not(
    wrap: Any, first: Any, second: Any, storage: SessionStorage
) -> None:
    provider = first("x-desk", User, storage=storage)
    with pytest.raises(
        ValueError, match=r"'x-desk' is the name of .*cart\.User, not of .*test_provider\.Staff; choose"
    ):
        second("x-desk", Staff, storage=wrap(storage))
    id = await provider.write(User("Ada"))
    assert await second("x-staff", Staff, storage=wrap(storage)).read(id) is None


async def test_one_class_may_have_its_name_twice_also_when_its_module_was_loaded_again(storage: SessionStorage) -> None:
    again: Any = dataclass(
        type("Staff", (), {"__annotations__": {"desk": int}, "desk": 0, "__module__": Staff.__module__})
    )
    first, second = cookie("DESK", Staff, storage=storage), cookie("DESK", again, storage=storage)
    assert await second.read(await first.write(Staff(3))) == again(desk=3)


class Slotted:
    """A storage that can't be weakly referenced."""

    __slots__ = ("shelf",)

    def __init__(self) -> None:
        self.shelf = Shelf()

    async def write(self, id: str, provider: Any, /) -> None:
        await self.shelf.write(id, provider)

    async def read(self, id: str, consumer: Any, /) -> Any:
        return await self.shelf.read(id, consumer)

    async def invalidate(self, id: str, /) -> None:
        await self.shelf.invalidate(id)


@dataclass
class Unhashable(Around):
    storage: SessionStorage


@pytest.mark.parametrize("make", [Slotted, lambda: Unhashable(Shelf()), SessionStorageMemory])
def test_names_are_guarded_in_any_storage_and_are_free_in_another(make: Callable[[], SessionStorage]) -> None:
    for _ in range(50):  # an object may get the number of one that is gone
        storage = make()
        cookie("DESK", User, storage=storage)
        with pytest.raises(ValueError, match="'DESK' is the name of"):
            cookie("DESK", Staff, storage=storage)
        del storage
        gc.collect()
        cookie("DESK", Staff, storage=make())


def test_a_provider_that_was_refused_has_taken_no_name() -> None:
    storage = SessionStorageMemory()
    with pytest.raises(ValueError, match="retention"):
        cookie("DESK", User, storage=storage, max_age=timedelta(days=30))
    cookie("DESK", Staff, storage=storage)
