"""When sessions end: by `max_age` and `idle_timeout`."""

from __future__ import annotations

import json
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
import anyio.from_thread
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck import (
    CurrentSession,
    SessionNotFound,
    SessionStorageCache,
    SessionStorageDirectory,
    SessionStorageMemory,
    cookie,
    header,
    read_bytes,
)
from tests.support.cart import Cart, load_cart, put, renew_cart
from tests.support.client import Ids, Look, found, nothing, visit
from tests.support.clock import Clock
from tests.support.storage import DoesInBetween, Ledger, is_found

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coatcheck import SessionProvider, SessionStorage, UpdatableSessionStorage
    from tests.support.client import Handler, Response

LIMIT = timedelta(seconds=100)
SHORTLY = 0.125


put_scarf = put("scarf")


async def look_then_put_scarf(sessions: CurrentSession) -> None:
    await sessions.get(Cart)
    sessions.set(Cart(["scarf"]))


async def add_scarf(sessions: CurrentSession) -> None:
    cart = await sessions.get(Cart)
    assert cart is not None
    cart.items.append("scarf")


async def update_scarf(sessions: CurrentSession) -> None:
    await sessions.update(Cart, lambda cart: Cart([*cart.items, "scarf"]))


async def clear_then_put_scarf(sessions: CurrentSession) -> None:
    sessions.clear(Cart)
    sessions.set(Cart(["scarf"]))


CHANGES = pytest.mark.parametrize("change", [put_scarf, look_then_put_scarf, add_scarf, update_scarf])


async def begin(provider: SessionProvider[Cart]) -> str:
    """Begin a session with a coat in it, and return its id."""
    return (await visit(put("coat"), provider)).id


class Stored(NamedTuple):
    """What the storage holds of a session."""

    created: float
    seen: float
    session: Any


async def stored(storage: SessionStorage, provider: SessionProvider[Cart], id: str) -> Stored:
    times, session = (await read_bytes(storage, f"{provider.name}:{id}")).split(b"\n")
    return Stored(**json.loads(times), session=json.loads(session))


@pytest.fixture
def memory() -> SessionStorageMemory:
    return SessionStorageMemory()


@pytest.fixture
def ledger(memory: SessionStorageMemory) -> Ledger:
    return Ledger(memory)


@pytest.fixture(params=["cookie", "header"])
def provide(request: pytest.FixtureRequest, clock: Clock) -> Callable[..., SessionProvider[Cart]]:
    """Builds a provider for each transport in turn."""

    def build(storage: SessionStorage, **options: Any) -> SessionProvider[Cart]:
        transport = {"cookie": cookie, "header": header}[request.param]
        return transport("X-Cart", Cart, storage=storage, clock=clock, **options)

    return build


def takes_away(response: Response) -> bool:
    return response.ids == [""] and response.max_age in (0, None)


# --- the deadlines ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits", [{"max_age": LIMIT}, {"idle_timeout": LIMIT}, {"max_age": None, "idle_timeout": LIMIT}]
)
async def test_a_session_ends_on_the_server_when_its_limit_is_reached_and_not_before(
    limits: dict[str, Any],
    provide: Callable[..., SessionProvider[Cart]],
    storage: UpdatableSessionStorage,
    clock: Clock,
) -> None:
    provider = provide(storage, **limits)
    for unused, there in ((100 - SHORTLY, True), (100, False), (100 + SHORTLY, False), (1e9, False)):
        id = await begin(provider)
        clock.now += unused
        look = Look(Cart)
        assert takes_away(await visit(look, provider, id=id)) is not there
        assert look.found == [Cart(["coat"]) if there else None]


async def test_use_does_not_move_the_end_by_max_age(
    provide: Callable[..., SessionProvider[Cart]], storage: UpdatableSessionStorage, clock: Clock
) -> None:
    provider = provide(storage, max_age=LIMIT, idle_timeout=LIMIT)
    id = await begin(provider)
    clock.now += 50
    await visit(add_scarf, provider, id=id)
    clock.now += 50 - SHORTLY
    assert await found(provider, id) == Cart(["coat", "scarf"])
    clock.now += SHORTLY
    assert await found(provider, id) is None


@pytest.mark.parametrize(
    ("after", "lives_until"),
    [(10 - SHORTLY, 100), (10, 110), (10 + SHORTLY, 110 + SHORTLY), (100 - SHORTLY, 200 - SHORTLY)],
)
async def test_a_read_moves_the_end_by_idle_timeout_once_a_tenth_has_passed(
    after: float, lives_until: float, storage: UpdatableSessionStorage, clock: Clock
) -> None:
    provider = cookie("X-Cart", Cart, storage=storage, clock=clock, idle_timeout=LIMIT)
    for offset, there in ((-SHORTLY, True), (0, False)):
        began, id = clock.now, await begin(provider)
        clock.now = began + after
        assert await found(provider, id) == Cart(["coat"])
        clock.now = began + lives_until + offset
        assert (await found(provider, id) is not None) is there


# --- touches ------------------------------------------------------------------------------------------------------


async def test_what_is_stored_can_be_read_by_people(
    provide: Callable[..., SessionProvider[Cart]], storage: UpdatableSessionStorage, clock: Clock
) -> None:
    provider = provide(storage, idle_timeout=LIMIT)
    began, id = clock.now, await begin(provider)
    clock.now += 12.5
    await visit(load_cart, provider, id=id)
    record = (await read_bytes(storage, f"{provider.name}:{id}")).decode()
    assert record == '{"created":1800000000.000000,"seen":1800000012.500000}\n{"items":["coat"]}'
    assert await stored(storage, provider, id) == (began, clock.now, {"items": ["coat"]})


async def test_a_read_within_a_tenth_writes_nothing_and_tells_nothing(
    provide: Callable[..., SessionProvider[Cart]], ledger: Ledger, clock: Clock
) -> None:
    provider = provide(ledger, idle_timeout=LIMIT)
    id = await begin(provider)
    before = await stored(ledger, provider, id)
    ledger.calls.clear()
    clock.now += 10 - SHORTLY
    assert (await visit(load_cart, provider, id=id)).ids == []
    assert ledger.calls == ["read"]
    assert await stored(ledger, provider, id) == before


async def test_a_read_after_a_tenth_is_noted_once_and_told(
    provide: Callable[..., SessionProvider[Cart]], ledger: Ledger, clock: Clock
) -> None:
    provider = provide(ledger, idle_timeout=LIMIT)
    began, id = clock.now, await begin(provider)
    ledger.calls.clear()
    clock.now += 10
    response = await visit(load_cart, provider, id=id)
    assert response.id == id
    assert ledger.calls == ["read", "update"]
    assert await stored(ledger, provider, id) == (began, clock.now, {"items": ["coat"]})
    ledger.calls.clear()
    assert (await visit(load_cart, provider, id=id)).ids == []
    assert ledger.calls == ["read"]


@CHANGES
async def test_a_change_within_a_tenth_moves_no_deadline(
    change: Handler, provide: Callable[..., SessionProvider[Cart]], ledger: Ledger, clock: Clock
) -> None:
    provider = provide(ledger, idle_timeout=LIMIT)
    began, id = clock.now, await begin(provider)
    ledger.calls.clear()
    clock.now += 10 - SHORTLY
    assert (await visit(change, provider, id=id)).ids == []
    assert ledger.calls == ["read", "update"]
    record = await stored(ledger, provider, id)
    assert (record.created, record.seen, record.session["items"][-1]) == (began, began, "scarf")


@CHANGES
async def test_a_change_after_a_tenth_is_stored_and_noted(
    change: Handler, provide: Callable[..., SessionProvider[Cart]], ledger: Ledger, clock: Clock
) -> None:
    provider = provide(ledger, idle_timeout=LIMIT)
    began, id = clock.now, await begin(provider)
    ledger.calls.clear()
    clock.now += 10
    response = await visit(change, provider, id=id)
    assert response.id == id
    # An update is stored at once, when nobody knows yet whether a response will tell the client.
    assert ledger.calls == ["read", "update", *(["update"] if change is update_scarf else [])]
    record = await stored(ledger, provider, id)
    assert (record.created, record.seen, record.session["items"][-1]) == (began, clock.now, "scarf")


async def test_without_idle_timeout_a_read_is_never_a_write(
    provide: Callable[..., SessionProvider[Cart]], ledger: Ledger, clock: Clock
) -> None:
    provider = provide(ledger, max_age=LIMIT)
    id = await begin(provider)
    ledger.calls.clear()
    clock.now += 100 - SHORTLY
    look = Look(Cart)
    assert (await visit(look, provider, id=id)).ids == []
    assert look.found == [Cart(["coat"])]
    assert ledger.calls == ["read"]


async def test_a_session_that_nobody_reads_is_not_in_use(
    provide: Callable[..., SessionProvider[Cart]], ledger: Ledger, clock: Clock
) -> None:
    provider = provide(ledger, idle_timeout=LIMIT)
    id = await begin(provider)
    ledger.calls.clear()
    clock.now += 50
    assert (await visit(nothing, provider, id=id)).ids == []
    assert ledger.calls == []


async def test_after_the_response_began_no_deadline_is_moved_that_the_cookie_could_not_follow(
    provide: Callable[..., SessionProvider[Cart]], ledger: Ledger, clock: Clock
) -> None:
    provider = provide(ledger, idle_timeout=LIMIT)
    began, id = clock.now, await begin(provider)
    clock.now += 50
    ledger.calls.clear()
    assert (await visit(nothing, provider, id=id, late=load_cart)).ids == []
    assert ledger.calls == ["read"]
    for change in (put_scarf, add_scarf, update_scarf):
        assert (await visit(nothing, provider, id=id, late=change)).ids == []
        assert (await stored(ledger, provider, id)).seen == began


async def test_a_touch_keeps_what_another_request_has_changed_meanwhile(
    storage: UpdatableSessionStorage, clock: Clock
) -> None:
    provider = cookie("X-Cart", Cart, storage=storage, clock=clock, idle_timeout=LIMIT)
    id = await begin(provider)
    clock.now += 50

    async def look_while_another_changes(sessions: CurrentSession) -> None:
        await load_cart(sessions)
        await visit(add_scarf, provider, id=id)

    await visit(look_while_another_changes, provider, id=id)
    assert (await stored(storage, provider, id)).session == {"items": ["coat", "scarf"]}


async def test_a_touch_brings_no_session_back_that_another_request_has_ended(
    storage: UpdatableSessionStorage, clock: Clock
) -> None:
    provider = cookie("X-Cart", Cart, storage=storage, clock=clock, idle_timeout=LIMIT)
    id = await begin(provider)
    clock.now += 50

    async def clear(sessions: CurrentSession) -> None:
        sessions.clear(Cart)

    async def look_while_another_ends_it(sessions: CurrentSession) -> None:
        await load_cart(sessions)
        await visit(clear, provider, id=id)

    assert takes_away(await visit(look_while_another_ends_it, provider, id=id))
    assert await found(provider, id) is None


# --- the cookie ---------------------------------------------------------------------------------------------------


def seconds(duration: float | None) -> timedelta | None:
    return None if duration is None else timedelta(seconds=duration)


@pytest.mark.parametrize(
    ("limits", "max_age"),
    [
        ({}, 604_800),
        ({"max_age": 100}, 100),
        ({"max_age": 100, "idle_timeout": 60}, 60),
        ({"max_age": 60, "idle_timeout": 100}, 60),
        ({"max_age": None, "idle_timeout": 60}, 60),
        ({"max_age": None}, None),
        ({"max_age": 1}, 1),
        ({"max_age": 1.75}, 1),
        ({"idle_timeout": 59.875}, 59),
    ],
)
async def test_a_new_cookie_lasts_as_long_as_its_session(limits: dict[str, float | None], max_age: int | None) -> None:
    options: dict[str, Any] = {name: seconds(limit) for name, limit in limits.items()}
    for start in (1_800_000_000, 1_800_000_000.1, 1_763_933_423.123_456_7):
        provider = cookie("X-Cart", Cart, storage=SessionStorageMemory(), clock=Clock(start), **options)
        response = await visit(put_scarf, provider)
        assert response.max_age == max_age


@pytest.mark.parametrize("handler", [load_cart, add_scarf, put_scarf, update_scarf, renew_cart])
async def test_a_cookie_is_sent_again_for_the_least_of_what_is_left(handler: Handler, clock: Clock) -> None:
    storage, idle_timeout = SessionStorageMemory(), timedelta(seconds=60)
    provider = cookie("X-Cart", Cart, storage=storage, clock=clock, max_age=LIMIT, idle_timeout=idle_timeout)
    for *before, last, max_age in (
        (30, 60),
        (40, 60),
        (40 + SHORTLY, 59),
        (59 + SHORTLY, 40),
        (50, 99, 1),
        (50, 99 + SHORTLY, 0),
    ):
        began, id = clock.now, await begin(provider)
        for at in (*before, last):
            clock.now = began + at
            response = await visit(handler, provider, id=id)
            id = response.id
        assert response.max_age == max_age


@pytest.mark.parametrize("takes", [5, 40])
@pytest.mark.parametrize("handler", [load_cart, add_scarf, update_scarf, renew_cart])
async def test_a_slow_response_gives_the_cookie_no_more_time_than_the_session_has(
    handler: Handler, takes: float, clock: Clock
) -> None:
    storage = SessionStorageMemory()
    provider = cookie("X-Cart", Cart, storage=storage, clock=clock, idle_timeout=LIMIT)
    id = await begin(provider)

    async def handle_then_work(sessions: CurrentSession) -> None:
        await handler(sessions)
        clock.now += takes

    clock.now += 20
    response = await visit(handle_then_work, provider, id=id)
    assert response.max_age is not None
    assert clock.now + response.max_age <= (await stored(storage, provider, response.id)).seen + 100


@pytest.mark.parametrize(("takes", "max_age"), [(0.01, 100), (0.99, 100), (5.5, 95), (99.5, 1), (150, 0)])
async def test_a_slow_storage_costs_the_cookie_whole_seconds_only(takes: float, max_age: int, clock: Clock) -> None:
    storage = DoesInBetween(SessionStorageMemory(), "write")
    storage.action = lambda: setattr(clock, "now", clock.now + takes)
    provider = cookie("X-Cart", Cart, storage=storage, clock=clock, max_age=LIMIT)
    response = await visit(put_scarf, provider)
    assert response.max_age == max_age


# --- what has ended, and what goes on -----------------------------------------------------------------------------

LIMITS = pytest.mark.parametrize("limits", [{"max_age": LIMIT}, {"idle_timeout": LIMIT}])


@LIMITS
@pytest.mark.parametrize("handler", [put_scarf, look_then_put_scarf, clear_then_put_scarf])
async def test_a_session_that_begins_after_another_has_ended_takes_nothing_over(
    handler: Handler,
    limits: dict[str, Any],
    provide: Callable[..., SessionProvider[Cart]],
    memory: SessionStorageMemory,
    clock: Clock,
) -> None:
    provider = provide(memory, **limits)
    old = await begin(provider)
    clock.now += 100
    response = await visit(handler, provider, id=old)
    assert response.id not in ("", old)
    assert await stored(memory, provider, response.id) == (clock.now, clock.now, {"items": ["scarf"]})
    assert await found(provider, old) is None


@LIMITS
async def test_a_session_that_has_ended_cannot_be_updated(
    limits: dict[str, Any],
    provide: Callable[..., SessionProvider[Cart]],
    storage: UpdatableSessionStorage,
    clock: Clock,
) -> None:
    provider = provide(storage, **limits)
    id = await begin(provider)

    async def fail_to_update(sessions: CurrentSession) -> None:
        with pytest.raises(SessionNotFound):
            await update_scarf(sessions)
        assert await sessions.get(Cart) is None

    clock.now += 100
    assert takes_away(await visit(fail_to_update, provider, id=id))


@LIMITS
@pytest.mark.parametrize("handler", [add_scarf, look_then_put_scarf, renew_cart])
async def test_what_a_request_does_to_a_session_that_ends_meanwhile_is_dropped(
    handler: Handler, limits: dict[str, Any], memory: SessionStorageMemory, clock: Clock
) -> None:
    ids = Ids()
    provider = cookie("X-Cart", Cart, storage=memory, clock=clock, new_id=ids, **limits)
    id = await begin(provider)

    async def handle_slowly(sessions: CurrentSession) -> None:
        await load_cart(sessions)
        await handler(sessions)
        clock.now += 100

    assert takes_away(await visit(handle_slowly, provider, id=id))
    for each in ids:
        with pytest.raises(SessionNotFound):
            await read_bytes(memory, f"{provider.name}:{each}")


@LIMITS
@pytest.mark.parametrize("scope_type", ["http", "websocket"])
@pytest.mark.parametrize("change", [look_then_put_scarf, add_scarf])
async def test_a_late_change_of_a_session_that_has_ended_meanwhile_is_dropped(
    change: Handler, scope_type: str, limits: dict[str, Any], memory: SessionStorageMemory, clock: Clock
) -> None:
    provider = cookie("X-Cart", Cart, storage=memory, clock=clock, **limits)
    id = await begin(provider)

    async def change_too_late(sessions: CurrentSession) -> None:
        clock.now += 100
        await change(sessions)

    assert (await visit(load_cart, provider, id=id, late=change_too_late, type=scope_type)).ids == []
    assert not await is_found(memory, f"{provider.name}:{id}")


async def test_a_late_change_just_before_the_end_is_stored(storage: UpdatableSessionStorage, clock: Clock) -> None:
    provider = cookie("X-Cart", Cart, storage=storage, clock=clock, max_age=LIMIT)
    id = await begin(provider)

    async def change_just_in_time(sessions: CurrentSession) -> None:
        clock.now += 100 - SHORTLY
        await add_scarf(sessions)

    await visit(load_cart, provider, id=id, late=change_just_in_time, type="websocket")
    assert (await stored(storage, provider, id)).session == {"items": ["coat", "scarf"]}


async def test_a_late_update_of_a_session_that_has_ended_is_refused_aloud(
    storage: UpdatableSessionStorage, clock: Clock
) -> None:
    provider = cookie("X-Cart", Cart, storage=storage, clock=clock, max_age=LIMIT)
    id = await begin(provider)

    async def update_too_late(sessions: CurrentSession) -> None:
        clock.now += 100
        await update_scarf(sessions)

    with pytest.raises(SessionNotFound):
        await visit(load_cart, provider, id=id, late=update_too_late, type="websocket")


async def test_a_new_id_gives_no_more_time(
    provide: Callable[..., SessionProvider[Cart]], storage: UpdatableSessionStorage, clock: Clock
) -> None:
    provider = provide(storage, max_age=LIMIT, idle_timeout=timedelta(seconds=60))
    began, old = clock.now, await begin(provider)
    clock.now += 50
    response = await visit(renew_cart, provider, id=old)
    assert response.id not in ("", old)
    assert await stored(storage, provider, response.id) == (began, clock.now, {"items": ["coat"]})
    clock.now += 50 - SHORTLY
    assert await found(provider, response.id) == Cart(["coat"])
    clock.now += SHORTLY
    look = Look(Cart)
    assert takes_away(await visit(look, provider, id=response.id))
    assert look.found == [None]


@pytest.mark.parametrize("change", [put_scarf, look_then_put_scarf])
async def test_a_session_that_is_set_anew_gets_no_more_time(
    change: Handler, provide: Callable[..., SessionProvider[Cart]], memory: SessionStorageMemory, clock: Clock
) -> None:
    provider = provide(memory, max_age=LIMIT)
    began, id = clock.now, await begin(provider)
    clock.now += 50
    assert (await visit(change, provider, id=id)).ids == []
    assert (await stored(memory, provider, id)).created == began
    clock.now += 50
    assert await found(provider, id) is None


async def test_a_session_that_follows_a_cleared_one_begins_anew(
    provide: Callable[..., SessionProvider[Cart]], storage: UpdatableSessionStorage, clock: Clock
) -> None:
    provider = provide(storage, max_age=LIMIT)
    old = await begin(provider)
    clock.now += 50
    response = await visit(clear_then_put_scarf, provider, id=old)
    assert (await stored(storage, provider, response.id)).created == clock.now
    clock.now += 100 - SHORTLY
    assert await found(provider, response.id) == Cart(["scarf"])


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["max_age", "idle_timeout"])
@pytest.mark.parametrize("limit", [timedelta(0), timedelta(seconds=-1), timedelta(days=-7)])
def test_a_limit_that_would_end_everything_at_once_is_refused(
    limit: timedelta, option: str, provide: Callable[..., SessionProvider[Cart]]
) -> None:
    with pytest.raises(ValueError, match=rf"^{option} must be .*, not .*; pass None for no limit$"):
        provide(SessionStorageMemory(), **{option: limit})


@pytest.mark.parametrize("option", ["max_age", "idle_timeout"])
def test_a_cookie_cannot_live_for_less_than_a_second(option: str) -> None:
    storage = SessionStorageMemory()
    options: dict[str, Any] = {option: timedelta(seconds=1)}
    cookie("X-Cart", Cart, storage=storage, **options)
    options[option] -= timedelta.resolution
    with pytest.raises(
        ValueError, match=rf"^{option} must be a second or more, not 0:00:00.999999; pass None for no limit$"
    ):
        cookie("X-Cart", Cart, storage=storage, **options)


async def test_a_session_in_a_header_can_live_for_less_than_a_second(clock: Clock) -> None:
    provider = header("X-Cart", Cart, storage=SessionStorageMemory(), clock=clock, max_age=timedelta(milliseconds=250))
    id = await begin(provider)
    clock.now += SHORTLY
    assert await found(provider, id) == Cart(["coat"])
    clock.now += SHORTLY
    assert await found(provider, id) is None


class Forgetful(Ledger):
    """A stranger's storage that says for how long it keeps a session."""

    retention = LIMIT


def forgetful_storages(tmp_path: Path) -> list[SessionStorage]:
    memory = SessionStorageMemory(retention=LIMIT)
    directory = SessionStorageDirectory(tmp_path, retention=LIMIT)
    return [
        memory,
        directory,
        SessionStorageCache(directory),
        SessionStorageCache(SessionStorageCache(memory)),
        Forgetful(memory),
    ]


@pytest.mark.parametrize(
    ("max_age", "idle_timeout"), [(100.000_001, None), (None, 100.000_001), (1000, 101), (101, 1000), (1000, 1000)]
)
def test_a_ticket_that_the_storage_would_not_honour_to_the_end_is_refused(
    max_age: float | None, idle_timeout: float | None, provide: Callable[..., SessionProvider[Cart]], tmp_path: Path
) -> None:
    for storage in forgetful_storages(tmp_path):
        with pytest.raises(ValueError, match=r"raise retention or lower max_age or idle_timeout$"):
            provide(storage, max_age=seconds(max_age), idle_timeout=seconds(idle_timeout))


def test_a_strangers_storage_may_call_something_else_its_retention() -> None:
    class Kept(SessionStorageMemory):
        def __init__(self) -> None:
            super().__init__()
            self.retention: Any = 3600

    assert cookie("CART", Cart, storage=Kept()).name == "CART"


def test_the_default_max_age_needs_a_retention_of_seven_days(provide: Callable[..., SessionProvider[Cart]]) -> None:
    provide(SessionStorageMemory())
    with pytest.raises(ValueError, match=r"outlive the storage's retention .6 days.,"):
        provide(SessionStorageMemory(retention=timedelta(days=6)))


@pytest.mark.parametrize(
    ("max_age", "idle_timeout"), [(100, None), (None, 100), (1000, 100), (100, 1000), (50, 60), (None, None)]
)
def test_the_shorter_limit_is_what_has_to_fit(
    max_age: float | None, idle_timeout: float | None, provide: Callable[..., SessionProvider[Cart]], tmp_path: Path
) -> None:
    for storage in forgetful_storages(tmp_path):
        provide(storage, max_age=seconds(max_age), idle_timeout=seconds(idle_timeout))


def test_a_storage_that_keeps_for_ever_or_does_not_say_takes_every_limit(
    provide: Callable[..., SessionProvider[Cart]], tmp_path: Path
) -> None:
    memory = SessionStorageMemory(retention=None)
    directory = SessionStorageDirectory(tmp_path, retention=None)
    silent = Ledger(SessionStorageMemory())
    for storage in (memory, directory, SessionStorageCache(memory), silent, SessionStorageCache(silent)):
        provide(storage, max_age=timedelta(days=10_000))
        provide(storage, max_age=None, idle_timeout=timedelta(days=10_000))


# --- a clock that jumps back --------------------------------------------------------------------------------------


class Browser:
    """A browser that keeps its cookie exactly as long as it was told, by a clock that never jumps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.until = inf
        self._id: str | None = None

    @property
    def id(self) -> str | None:
        return self._id if self.now < self.until else None

    async def visit(self, handler: Handler, provider: SessionProvider[Cart]) -> None:
        response = await visit(handler, provider, id=self.id)
        if response.ids:
            self._id = response.id or None
            self.until = inf if response.max_age is None else self.now + response.max_age


@pytest.mark.parametrize("jump", [5, 45, 95, 3_600, 1e9])
async def test_when_the_clock_jumps_back_who_visits_twice_in_a_timeout_stays_logged_in(
    jump: float, clock: Clock
) -> None:
    storage = SessionStorageMemory(clock=clock)
    provider = cookie("X-Cart", Cart, storage=storage, clock=clock, max_age=None, idle_timeout=LIMIT)
    browser = Browser()
    await browser.visit(put_scarf, provider)
    clock.now -= jump
    for _ in range(10):
        clock.now, browser.now = clock.now + 45, browser.now + 45
        assert browser.id is not None, "the browser has dropped its cookie"
        assert await provider.load(browser.id) is not None, "the server has dropped the session"
        await browser.visit(load_cart, provider)


async def test_while_the_clock_is_behind_only_the_cookie_is_kept_alive(ledger: Ledger, clock: Clock) -> None:
    provider = cookie("X-Cart", Cart, storage=ledger, clock=clock, idle_timeout=LIMIT)
    began, id = clock.now, await begin(provider)
    ledger.calls.clear()
    clock.now -= 3_600
    response = await visit(load_cart, provider, id=id)
    assert (response.id, response.max_age) == (id, 100)
    assert (await visit(nothing, provider, id=id, late=load_cart)).ids == []
    assert ledger.calls == ["read", "read"]
    clock.now = began
    assert (await visit(load_cart, provider, id=id)).ids == []


async def test_without_idle_timeout_a_clock_that_is_behind_changes_nothing(ledger: Ledger, clock: Clock) -> None:
    provider = cookie("X-Cart", Cart, storage=ledger, clock=clock, max_age=LIMIT)
    id = await begin(provider)
    clock.now -= 3_600
    assert (await visit(load_cart, provider, id=id)).ids == []


@pytest.mark.parametrize("jump", [50, 3_600])
@pytest.mark.parametrize("handler", [load_cart, add_scarf, look_then_put_scarf, update_scarf, renew_cart])
async def test_when_the_clock_jumps_back_no_session_ends_and_no_cookie_lasts_longer_than_one_may(
    handler: Handler, jump: float, clock: Clock
) -> None:
    storage = SessionStorageMemory(clock=clock)
    several: list[dict[str, Any]] = [
        {"max_age": LIMIT},
        {"idle_timeout": LIMIT},
        {"max_age": 2 * LIMIT, "idle_timeout": LIMIT},
    ]
    for limits in several:
        provider = cookie("X-Cart", Cart, storage=storage, clock=clock, **limits)
        id = await begin(provider)
        clock.now -= jump
        for _ in range(3):
            response = await visit(handler, provider, id=id)
            if response.ids:
                assert not takes_away(response)
                assert (response.max_age or 0) <= 100
                id = response.id
            assert await found(provider, id) is not None
            clock.now += 30


# --- every history ------------------------------------------------------------------------------------------------


class Limits(NamedTuple):
    max_age: float | None
    idle_timeout: float | None


def provider_of(limits: Limits, storage: SessionStorage, clock: Clock) -> SessionProvider[Cart]:
    max_age, idle_timeout = map(seconds, limits)
    return cookie("X-Cart", Cart, storage=storage, clock=clock, max_age=max_age, idle_timeout=idle_timeout)


EIGHTHS = st.integers(min_value=0, max_value=8 * 90).map(lambda eighths: eighths / 8)
GAPS = st.one_of(EIGHTHS, st.sampled_from([0.0, 7.875, 8.0, 8.125, 71.875, 72.0, 79.875, 80.0]))
HANDLERS = st.sampled_from([nothing, load_cart, put_scarf, look_then_put_scarf, renew_cart, clear_then_put_scarf])


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.builds(Limits, st.sampled_from([None, 160, 200.5, 1000]), st.sampled_from([None, 80, 61.75])),
    st.lists(st.tuples(GAPS, HANDLERS), max_size=30),
)
def test_no_history_of_visits_lets_a_cookie_outlive_its_session_or_drift_from_it(
    limits: Limits, visits: list[tuple[float, Handler]]
) -> None:
    async def play() -> None:
        clock, browser = Clock(), Browser()
        least = min((limit for limit in limits if limit is not None), default=None)
        storage = SessionStorageMemory(retention=seconds(least), clock=clock)  # not a second more than is asked for
        provider = provider_of(limits, storage, clock)
        for gap, handler in visits:
            clock.now, browser.now = clock.now + gap, browser.now + gap
            if browser.id is not None:
                assert await provider.load(browser.id) is not None, "a cookie outlived its session"
            await browser.visit(handler, provider)
            if browser.id is not None:
                record = await stored(storage, provider, browser.id)
                end = min(record.created + (limits.max_age or inf), record.seen + (limits.idle_timeout or inf))
                left = end - clock.now if end < inf else inf
                assert browser.until == inf if left == inf else left - 1 < browser.until - browser.now <= left

    anyio.run(play)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.sampled_from([None, 160, 1000]),
    st.lists(
        st.tuples(GAPS.filter(lambda gap: gap <= 72), st.sampled_from([load_cart, add_scarf, put_scarf])), max_size=30
    ),
)
def test_who_visits_often_enough_is_never_logged_out_before_max_age(
    max_age: float | None, visits: list[tuple[float, Handler]]
) -> None:
    async def play() -> None:
        clock, browser = Clock(), Browser()
        storage = SessionStorageMemory(retention=timedelta(seconds=80), clock=clock)
        provider = provider_of(Limits(max_age, 80), storage, clock)
        await browser.visit(put_scarf, provider)
        for gap, handler in visits:
            clock.now, browser.now = clock.now + gap, browser.now + gap
            if max_age is not None and browser.now > max_age - 1:  # a cookie counts in whole seconds
                break
            assert browser.id is not None
            assert await provider.load(browser.id) is not None
            await browser.visit(handler, provider)

    anyio.run(play)


@LIMITS
async def test_a_session_whose_cookie_ends_with_the_browser_ends_on_the_server_all_the_same(
    limits: dict[str, Any], storage: UpdatableSessionStorage, clock: Clock
) -> None:
    provider = cookie("CART", Cart, storage=storage, clock=clock, persistent=False, **limits)
    response = await visit(put("coat"), provider)
    assert response.max_age is None
    clock.now += 60
    again = await visit(load_cart, provider, id=response.id)
    assert again.max_age is None
    assert await found(provider, response.id) == Cart(["coat"])
    clock.now += 100
    gone = await visit(load_cart, provider, id=response.id)
    assert (gone.id, gone.max_age) == ("", 0)
