"""The sessions of a request: when they are read, when they are stored, and what the client is told."""

from __future__ import annotations

import base64
import json
import logging
import time
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
import pytest

from coatcheck import (
    CurrentSession,
    SessionNotFound,
    Sessions,
    SessionStorageMemory,
    cookie,
    current_session,
    header,
    new_session_id,
    read_bytes,
    write_bytes,
)
from tests.support.cart import Cart, User, clear_cart, load_cart, put, renew_cart
from tests.support.client import (
    Ids,
    Look,
    exchange,
    found,
    nothing,
    send_request,
    visit,
    visit_that_answers_failures,
    with_sessions,
)
from tests.support.storage import DoesInBetween, Ledger, LosesItsConnection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coatcheck import SessionProvider, UpdatableSessionStorage
    from tests.support.client import Message, Send

T = TypeVar("T")


def a_record(session: bytes) -> bytes:
    """What is stored of a session that began just now."""
    now = time.time()
    return json.dumps({"created": now, "seen": now}).encode() + b"\n" + session


# --- untouched and unchanged --------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", [None, "unknown", "mal,formed", "x" * 5000])
async def test_a_session_that_nobody_asks_for_costs_nothing(
    id: str | None, cart: SessionProvider[Cart], ledger: Ledger
) -> None:
    response = await visit(nothing, cart, id=id, own_headers=[(b"x-own", b"1")])
    assert response.headers == [("x-own", "1")]
    assert ledger.calls == []


async def test_a_session_is_read_once_in_a_request(id: str, cart: SessionProvider[Cart], ledger: Ledger) -> None:
    async def read_thrice(sessions: CurrentSession) -> None:
        first = await sessions.get(Cart)
        assert first == Cart(["coat"])
        assert await sessions.get(Cart) is first
        assert await sessions.get_or_set(Cart, Cart) is first

    response = await visit(read_thrice, cart, id=id)
    assert ledger.calls == ["read"]
    assert response.all("set-cookie") == []


async def test_two_tasks_that_ask_at_once_make_one_read(id: str, cart: SessionProvider[Cart], ledger: Ledger) -> None:
    look = Look(Cart)

    async def ask_twice(sessions: CurrentSession) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look, sessions)
            tasks.start_soon(look, sessions)

    await visit(ask_twice, cart, id=id)
    assert ledger.calls == ["read"]
    assert look.found[0] is look.found[1]


async def test_no_session_means_no_storage_call(cart: SessionProvider[Cart], ledger: Ledger) -> None:
    response = await visit(load_cart, cart)
    assert ledger.calls == []
    assert response.all("set-cookie") == []


# --- stored when the response begins ------------------------------------------------------------------------------


async def test_a_new_session_is_stored_before_its_cookie_is_sent(cart: SessionProvider[Cart], ledger: Ledger) -> None:
    class NotesTheResponse(list[Any]):
        def append(self, message: Any) -> None:
            ledger.calls.append(message["type"])
            super().append(message)

    await visit(put("coat"), cart, sent=NotesTheResponse())
    assert ledger.calls == ["write", "http.response.start", "http.response.body"]


async def test_a_change_inside_the_session_is_noticed(id: str, cart: SessionProvider[Cart], ledger: Ledger) -> None:
    async def add_scarf(sessions: CurrentSession) -> None:
        (await sessions.get_or_set(Cart, Cart)).items.append("scarf")

    response = await visit(add_scarf, cart, id=id)
    assert ledger.calls == ["read", "update"]
    assert response.all("set-cookie") == []
    assert await found(cart, id) == Cart(["coat", "scarf"])


async def test_a_change_inside_a_session_that_was_set_is_noticed(cart: SessionProvider[Cart]) -> None:
    async def set_then_change(sessions: CurrentSession) -> None:
        mine = Cart()
        sessions.set(mine)
        mine.items.append("coat")
        assert await sessions.get(Cart) is mine

    id = (await visit(set_then_change, cart)).id
    assert await found(cart, id) == Cart(["coat"])


async def test_reading_what_another_version_of_the_class_stored_writes_nothing(
    cart: SessionProvider[Cart], ledger: Ledger
) -> None:
    await write_bytes(ledger.storage, "CART:id1", a_record(b'{"removed": 1, "items": []}'))
    await visit(load_cart, cart, id="id1")
    assert ledger.calls == ["read"]


async def test_setting_an_equal_session_after_reading_it_writes_nothing(
    id: str, cart: SessionProvider[Cart], ledger: Ledger
) -> None:
    async def set_the_same(sessions: CurrentSession) -> None:
        await sessions.get(Cart)
        sessions.set(Cart(["coat"]))

    await visit(set_the_same, cart, id=id)
    assert ledger.calls == ["read"]


async def test_setting_without_reading_changes_the_session_there_is(id: str, cart: SessionProvider[Cart]) -> None:
    response = await visit(put("scarf"), cart, id=id)
    assert response.all("set-cookie") == []
    assert await found(cart, id) == Cart(["scarf"])


async def test_get_or_set_begins_a_session_where_there_is_none(cart: SessionProvider[Cart]) -> None:
    async def begin(sessions: CurrentSession) -> None:
        assert await sessions.get(Cart) is None
        assert await sessions.get_or_set(Cart, lambda: Cart(["coat"])) == Cart(["coat"])

    assert await found(cart, (await visit(begin, cart)).id) == Cart(["coat"])


async def test_a_handler_that_raises_has_changed_nothing(id: str, cart: SessionProvider[Cart], ledger: Ledger) -> None:
    async def change_then_raise(sessions: CurrentSession) -> None:
        (await sessions.get_or_set(Cart, Cart)).items.clear()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await visit(change_then_raise, cart, id=id)
    assert ledger.calls == ["read"]
    assert await found(cart, id) == Cart(["coat"])


@pytest.mark.parametrize("status", [200, 303, 404, 499])
async def test_a_response_below_500_saves_whatever_it_says(status: int, storage: UpdatableSessionStorage) -> None:
    provider = cookie("CART", Cart, storage=storage)
    response = await visit(put("coat"), provider, status=status)
    assert await found(provider, response.id) == Cart(["coat"])


async def test_if_the_storage_fails_the_client_gets_no_cookie(storage: UpdatableSessionStorage) -> None:
    sent: list[Message] = []
    provider = cookie("CART", Cart, storage=LosesItsConnection(storage, "write"))
    with pytest.raises(ConnectionError):
        await visit(put("coat"), provider, sent=sent)
    assert sent == []


async def test_an_app_that_answers_a_storage_failure_itself_can_still_save(storage: UpdatableSessionStorage) -> None:
    shaky = LosesItsConnection(storage, "write")
    users = cookie("USER", User, storage=storage)
    carts = cookie("CART", Cart, storage=shaky)

    async def set_both(sessions: CurrentSession) -> None:
        sessions.set(User("ada"))
        sessions.set(Cart(["coat"]))

    response = await visit_that_answers_failures(set_both, nothing, shaky, users, carts)
    tickets = dict(value.partition(";")[0].split("=") for value in response.all("set-cookie"))
    assert await found(carts, tickets["CART"]) == Cart(["coat"])
    assert set(tickets) == {"USER", "CART"}


async def test_a_session_that_could_not_be_read_back_is_refused(cart: SessionProvider[Cart], ledger: Ledger) -> None:
    async def spoil(sessions: CurrentSession) -> None:
        sessions.set(Cart(cast("list[str]", [1])))

    with pytest.raises(ValueError, match=r"this Cart could not be read back .* give each field a value of its type"):
        await visit(spoil, cart)
    assert ledger.calls == []


# --- strict ids ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "calls"),
    [
        ("unknown", ["read"]),
        ("", []),
        ("mal,formed", []),
        ('"quoted"', []),
        ("caf\xe9", []),
        ("x" * 512, ["read"]),
        ("x" * 513, []),
    ],
)
async def test_an_id_that_is_not_ours_is_no_session_and_is_taken_away(
    id: str, calls: list[str], cart: SessionProvider[Cart], ledger: Ledger
) -> None:
    async def look(sessions: CurrentSession) -> None:
        assert await sessions.get(Cart) is None
        assert sessions.id(Cart) is None

    response = await visit(look, cart, id=id)
    assert ledger.calls == calls
    assert response.all("set-cookie") == ["CART=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"]


@pytest.mark.parametrize("id", ["unknown", "mal,formed", ""])
async def test_a_new_session_never_gets_the_clients_id(id: str, cart: SessionProvider[Cart]) -> None:
    response = await visit(put("coat"), cart, id=id)
    assert len(response.id) == len(new_session_id())
    assert await found(cart, response.id) == Cart(["coat"])
    assert id != response.id


async def test_an_id_is_unknown_until_it_is_verified(id: str, cart: SessionProvider[Cart]) -> None:
    seen: list[str | None] = []

    async def look(sessions: CurrentSession) -> None:
        seen.append(sessions.id(Cart))
        await sessions.get(Cart)
        seen.append(sessions.id(Cart))

    await visit(look, cart, id=id)
    assert seen == [None, id]


async def test_asking_for_the_id_alone_takes_nothing_away(id: str, cart: SessionProvider[Cart], ledger: Ledger) -> None:
    async def ask(sessions: CurrentSession) -> None:
        assert sessions.id(Cart) is None

    response = await visit(ask, cart, id=id)
    assert (ledger.calls, response.all("set-cookie")) == ([], [])


async def test_the_id_of_a_new_session_is_known_once_it_is_stored(cart: SessionProvider[Cart]) -> None:
    seen: list[str | None] = []

    async def begin(sessions: CurrentSession) -> None:
        sessions.set(Cart())
        seen.append(sessions.id(Cart))

    async def look(sessions: CurrentSession) -> None:
        seen.append(sessions.id(Cart))

    response = await visit(begin, cart, late=look)
    assert seen == [None, response.id]


def test_an_id_is_256_random_bits() -> None:
    ids = {new_session_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {len(base64.urlsafe_b64decode(f"{id}=")) for id in ids} == {32}
    assert len(set("".join(ids))) == 64


async def test_an_id_of_one_provider_opens_nothing_in_another(storage: UpdatableSessionStorage) -> None:
    carts, users = cookie("CART", Cart, storage=storage), cookie("USER", User, storage=storage)
    id = (await visit(put("coat"), carts, users)).id

    async def look(sessions: CurrentSession) -> None:
        assert await sessions.get(User) is None

    await visit(look, users, carts, id=id)
    await visit(look, users, carts, id=f"CART:{id}")


async def test_an_id_that_cannot_travel_is_refused_with_its_maker(storage: UpdatableSessionStorage) -> None:
    provider = cookie("CART", Cart, storage=storage, new_id=lambda: "two words")
    with pytest.raises(ValueError, match="new_id for 'CART' must return 1 to 512 visible ASCII characters"):
        await visit(put("coat"), provider)


async def test_ids_of_the_users_own_making_are_used(storage: UpdatableSessionStorage) -> None:
    provider = cookie("CART", Cart, storage=storage, new_id=lambda: "my-own-id")
    assert (await visit(put("coat"), provider)).id == "my-own-id"


# --- renew --------------------------------------------------------------------------------------------------------


async def test_renewing_keeps_the_session_and_kills_the_old_id(cart: SessionProvider[Cart], ledger: Ledger) -> None:
    old = (await visit(put("coat"), cart)).id
    ledger.calls.clear()
    new = (await visit(renew_cart, cart, id=old)).id
    assert ledger.calls == ["read", "write", "read", "invalidate"]
    assert new != old
    assert await found(cart, old) is None
    assert await found(cart, new) == Cart(["coat"])


async def test_a_crash_between_the_two_steps_of_a_renewal_loses_nothing(storage: UpdatableSessionStorage) -> None:
    shaky = LosesItsConnection(storage)
    provider = cookie("CART", Cart, storage=shaky)
    old = (await visit(put("coat"), provider)).id
    shaky.failing = {"invalidate"}
    with pytest.raises(ConnectionError):
        await visit(renew_cart, provider, id=old)
    assert await found(provider, old) == Cart(["coat"])


async def test_a_renewed_session_keeps_its_old_id_until_every_other_session_is_stored(
    storage: UpdatableSessionStorage,
) -> None:
    carts = cookie("CART", Cart, storage=storage)
    users = cookie("USER", User, storage=LosesItsConnection(storage, "write"))
    id = (await visit(put("coat"), carts)).id

    async def log_in(sessions: CurrentSession) -> None:
        sessions.renew_id(Cart)
        sessions.set(User("ada"))

    with pytest.raises(ConnectionError):
        await visit(log_in, carts, users, id=id)
    assert await found(carts, id) == Cart(["coat"])


async def test_a_renewal_holds_although_what_was_to_be_stored_with_it_is_mended_first(
    cart: SessionProvider[Cart],
) -> None:
    old = (await visit(put("coat"), cart)).id

    async def app(sessions: CurrentSession, send: Send) -> None:
        mine = await sessions.get(Cart)
        assert mine is not None
        sessions.renew_id(Cart)
        mine.items = cast("list[str]", object())
        with pytest.raises(TypeError):
            await send({"type": "http.response.start", "status": 200, "headers": []})
        mine.items = ["scarf"]
        await send({"type": "http.response.start", "status": 200, "headers": []})

    new = (await exchange(app, cart, id=old)).id
    assert await found(cart, old) is None
    assert await found(cart, new) == Cart(["scarf"])


async def test_renewing_goes_with_a_change(cart: SessionProvider[Cart]) -> None:
    old = (await visit(put("coat"), cart)).id

    async def change_and_renew(sessions: CurrentSession) -> None:
        sessions.set(Cart(["scarf"]))
        sessions.renew_id(Cart)

    new = (await visit(change_and_renew, cart, id=old)).id
    assert await found(cart, old) is None
    assert await found(cart, new) == Cart(["scarf"])


async def test_renewing_without_a_session_has_no_effect(cart: SessionProvider[Cart], ledger: Ledger) -> None:
    response = await visit(renew_cart, cart)
    assert (ledger.calls, response.all("set-cookie")) == ([], [])


async def test_renewing_a_dead_id_takes_it_away(cart: SessionProvider[Cart]) -> None:
    assert (await visit(renew_cart, cart, id="unknown")).id == ""


@pytest.mark.parametrize("failing", ["write", "invalidate"])
async def test_a_renewal_that_failed_is_finished_by_the_next_response(
    failing: str, storage: UpdatableSessionStorage
) -> None:
    shaky = LosesItsConnection(storage)
    provider = cookie("CART", Cart, storage=shaky)
    old = (await visit(put("coat"), provider)).id
    shaky.failing = {failing}
    new = (await visit_that_answers_failures(renew_cart, nothing, shaky, provider, id=old)).id
    assert await found(provider, old) is None
    assert await found(provider, new) == Cart(["coat"])


@pytest.mark.parametrize("failing", ["write", "invalidate"])
async def test_a_clear_after_a_renewal_that_failed_leaves_no_id_alive(
    failing: str, storage: UpdatableSessionStorage
) -> None:
    shaky = LosesItsConnection(storage)
    ids = Ids()
    provider = cookie("CART", Cart, storage=shaky, new_id=ids)
    old = (await visit(put("coat"), provider)).id
    shaky.failing = {failing}
    assert (await visit_that_answers_failures(renew_cart, clear_cart, shaky, provider, id=old)).id == ""
    assert len(ids) == 2
    for id in ids:
        assert await found(provider, id) is None


# --- clear --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read_first", [True, False])
async def test_clearing_ends_the_session(read_first: bool, cart: SessionProvider[Cart]) -> None:  # noqa: FBT001
    id = (await visit(put("coat"), cart)).id

    async def clear(sessions: CurrentSession) -> None:
        if read_first:
            await sessions.get(Cart)
        sessions.clear(Cart)
        assert await sessions.get(Cart) is None
        assert sessions.id(Cart) is None

    assert (await visit(clear, cart, id=id)).id == ""
    assert await found(cart, id) is None


async def test_clearing_where_there_is_nothing_has_no_effect(cart: SessionProvider[Cart], ledger: Ledger) -> None:
    async def set_then_clear(sessions: CurrentSession) -> None:
        sessions.set(Cart(["coat"]))
        sessions.clear(Cart)

    for handler in (clear_cart, set_then_clear):
        response = await visit(handler, cart)
        assert (ledger.calls, response.all("set-cookie")) == ([], [])


async def test_clearing_twice_ends_the_session_once(id: str, cart: SessionProvider[Cart], ledger: Ledger) -> None:
    async def clear_twice(sessions: CurrentSession) -> None:
        sessions.clear(Cart)
        sessions.clear(Cart)

    assert (await visit(clear_twice, cart, id=id)).id == ""
    assert ledger.calls == ["invalidate"]


async def test_a_session_set_after_a_clear_gets_a_fresh_id_and_no_old_data(cart: SessionProvider[Cart]) -> None:
    old = (await visit(put("coat"), cart)).id

    async def clear_then_set(sessions: CurrentSession) -> None:
        sessions.clear(Cart)
        sessions.set(Cart(["scarf"]))

    new = (await visit(clear_then_set, cart, id=old)).id
    assert new not in ("", old)
    assert await found(cart, old) is None
    assert await found(cart, new) == Cart(["scarf"])


async def test_a_clear_holds_although_a_read_was_under_way(storage: UpdatableSessionStorage) -> None:
    between = DoesInBetween(storage, "read")
    provider = cookie("CART", Cart, storage=between)
    id = (await visit(put("coat"), provider)).id

    async def read(sessions: CurrentSession) -> None:
        between.action = lambda: sessions.clear(Cart)
        assert await sessions.get(Cart) is None
        assert sessions.id(Cart) is None

    assert (await visit(read, provider, id=id)).id == ""
    assert between.calls[-1] == "invalidate"


# --- headers ------------------------------------------------------------------------------------------------------


async def test_the_response_says_what_it_depends_on_and_that_it_is_private(cart: SessionProvider[Cart]) -> None:
    own = [(b"set-cookie", b"theme=dark"), (b"content-type", b"text/plain")]
    response = await visit(put("coat"), cart, own_headers=own)
    assert response.headers[:2] == [("set-cookie", "theme=dark"), ("content-type", "text/plain")]
    assert response.all("cache-control") == ["no-store"]
    assert response.all("vary") == ["cookie"]
    read_only = await visit(load_cart, cart)
    assert (read_only.all("cache-control"), read_only.all("vary")) == ([], ["cookie"])


async def test_the_apps_own_cache_control_is_kept(cart: SessionProvider[Cart]) -> None:
    response = await visit(put("coat"), cart, own_headers=[(b"Cache-Control", b"private")])
    assert response.all("cache-control") == ["private"]


async def test_the_id_is_found_among_other_cookies(id: str, cart: SessionProvider[Cart]) -> None:
    look = Look(Cart)
    for headers in (
        [("cookie", f"a=b; CART={id}; c=d")],
        [("cookie", "a=b"), ("cookie", f"CART={id}")],
        [("cookie", f"broken;;=;CART={id}")],
        [("cookie", f"XCART=no;cart=no; CART={id}; CART=second")],
        [("cookie", f"CART; CART={id} ; a=b")],
    ):
        await visit(look, cart, headers=headers)
    assert look.found == [Cart(["coat"])] * 5


async def test_two_cookies_are_one_thing_to_depend_on(storage: UpdatableSessionStorage) -> None:
    async def look(sessions: CurrentSession) -> None:
        await sessions.get(Cart)
        await sessions.get(User)

    carts, users = cookie("CART", Cart, storage=storage), cookie("USER", User, storage=storage)
    assert (await visit(look, carts, users)).all("vary") == ["cookie"]


@pytest.mark.parametrize("strange", ["a\\b", "caf\xe9"])
async def test_of_several_headers_the_one_that_is_held_counts_and_a_strange_one_is_not_looked_up(
    strange: str, storage: UpdatableSessionStorage
) -> None:
    ledger = Ledger(storage)
    provider = header("X-Cart", Cart, storage=ledger)
    (id,) = (await visit(put("coat"), provider)).all("x-cart")
    response = await visit(load_cart, provider, headers=[("x-cart", f" {id} "), ("x-cart", strange)])
    assert response.all("x-cart") == []
    ledger.calls.clear()
    response = await visit(load_cart, provider, headers=[("x-cart", strange), ("x-cart", id)])
    assert (response.all("x-cart"), ledger.calls) == ([], ["read"])


async def test_a_header_takes_ids_and_formats_of_the_users_own(storage: UpdatableSessionStorage) -> None:
    class Plain:
        def serialize(self, session: User, /) -> bytes:
            return session.name.encode()

        def deserialize(self, data: bytes, /) -> User:
            return User(data.decode())

    provider = header("X-User", User, storage=storage, serializer=Plain(), new_id=lambda: "my-own-id")

    async def log_in(sessions: CurrentSession) -> None:
        sessions.set(User("ada"))

    assert (await visit(log_in, provider)).all("x-user") == ["my-own-id"]
    assert (await read_bytes(storage, "x-user:my-own-id")).endswith(b"\nada")


async def test_a_header_carries_the_id_both_ways(storage: UpdatableSessionStorage) -> None:
    provider = header("X-Cart", Cart, storage=storage)
    response = await visit(put("coat"), provider)
    (id,) = response.all("x-cart")
    assert response.all("vary") == ["x-cart"]
    look = Look(Cart)
    again = await visit(look, provider, headers=[("x-cart", id)])
    assert again.all("x-cart") == []
    strange = await visit(look, provider, headers=[("x-cart", "made-up")])
    assert strange.all("x-cart") == [""]
    assert look.found == [Cart(["coat"]), None]
    cleared = await visit(clear_cart, provider, headers=[("x-cart", id)])
    assert cleared.all("x-cart") == [""]


# --- records that cannot be decoded -------------------------------------------------------------------------------


async def test_a_record_that_cannot_be_decoded_is_no_session(
    storage: UpdatableSessionStorage, caplog: pytest.LogCaptureFixture
) -> None:
    provider = cookie("CART", Cart, storage=storage)
    await write_bytes(storage, "CART:damaged", a_record(b'{"items": 7}'))
    with caplog.at_level(logging.WARNING, logger="coatcheck"):
        assert (await visit(load_cart, provider, id="damaged")).id == ""
    (record,) = caplog.records
    assert "can't be decoded" in record.getMessage()
    assert "damaged" not in record.getMessage()


async def test_whatever_a_serializer_raises_no_client_is_locked_out(storage: UpdatableSessionStorage) -> None:
    class Fussy:
        def serialize(self, session: Cart, /) -> bytes:
            return b" ".join(item.encode() for item in session.items)

        def deserialize(self, data: bytes, /) -> Cart:
            return {b"coat": Cart(["coat"])}[data]

    provider = cookie("CART", Cart, storage=storage, serializer=Fussy())
    await write_bytes(storage, "CART:id1", a_record(b"hat"))
    assert (await visit(load_cart, provider, id="id1")).id == ""


async def test_clearing_removes_a_record_that_cannot_be_decoded(storage: UpdatableSessionStorage) -> None:
    provider = cookie("CART", Cart, storage=storage)
    await write_bytes(storage, "CART:damaged", a_record(b"{}}"))

    async def look_then_clear(sessions: CurrentSession) -> None:
        await sessions.get(Cart)
        sessions.clear(Cart)

    await visit(look_then_clear, provider, id="damaged")
    with pytest.raises(SessionNotFound):
        await read_bytes(storage, "CART:damaged")


# --- wrong use ----------------------------------------------------------------------------------------------------


def test_without_the_middleware_the_error_names_the_fix() -> None:
    with pytest.raises(RuntimeError, match=r"wrap your app in Sessions\(app, cookie\(\.\.\.\)\)"):
        current_session({"type": "http"})


async def test_a_type_without_a_provider_is_named(cart: SessionProvider[Cart]) -> None:
    async def ask(sessions: CurrentSession) -> None:
        await sessions.get(User)

    with pytest.raises(LookupError) as error:
        await visit(ask, cart)
    assert str(error.value) == "no provider for tests.support.cart.User; pass Sessions a cookie(...) or header(...)"


async def test_any_request_object_with_a_scope_will_do(cart: SessionProvider[Cart]) -> None:
    class Request:
        def __init__(self, scope: Mapping[str, Any]) -> None:
            self.scope = scope

    async def app(scope: Message, _receive: object, _send: object) -> None:
        assert await current_session(Request(scope)).get(Cart) is None

    await send_request(Sessions(app, cart))


async def test_the_same_name_or_type_twice_is_refused(storage: UpdatableSessionStorage) -> None:
    async def app(*_: object) -> None:
        pass

    with pytest.raises(ValueError, match="two providers for Cart"):
        Sessions(app, cookie("A", Cart, storage=storage), cookie("B", Cart, storage=storage))
    with pytest.raises(ValueError, match="two providers are called 'A'"):
        Sessions(app, cookie("A", Cart, storage=storage), cookie("A", User, storage=SessionStorageMemory()))
    with pytest.raises(ValueError, match="two providers are called 'x-a'"):
        Sessions(app, header("X-A", Cart, storage=storage), header("x-a", User, storage=SessionStorageMemory()))


async def test_what_is_no_provider_is_refused_with_a_way_out(storage: UpdatableSessionStorage) -> None:
    async def app(*_: object) -> None:
        pass

    providers: Any = [cookie("A", Cart, storage=storage)]
    with pytest.raises(
        TypeError,
        match=r"^Sessions\(\) takes providers as separate arguments, Sessions\(app, cookie",
    ):
        Sessions(app, providers)


async def test_an_inner_middleware_leaves_the_outer_sessions_in_reach() -> None:
    storage = SessionStorageMemory()
    carts, users = cookie("CART", Cart, storage=storage), cookie("USER", User, storage=storage)

    async def app(sessions: CurrentSession, send: Send) -> None:
        sessions.set(Cart(["coat"]))
        sessions.set(User("ada"))
        await send({"type": "http.response.start", "status": 200, "headers": []})

    response = await send_request(Sessions(Sessions(with_sessions(app), carts), users))
    assert {c.partition("=")[0] for c in response.all("set-cookie")} == {"CART", "USER"}


async def test_what_is_neither_http_nor_websocket_passes_through() -> None:
    passed: list[Any] = [{"type": "lifespan"}, object(), object()]
    seen: list[Any] = []

    async def app(*arguments: Any) -> None:
        seen.extend(arguments)

    await Sessions(app)(*passed)
    assert seen == passed
    assert passed[0] == {"type": "lifespan"}


async def test_a_session_of_no_bytes_is_started_and_found(storage: UpdatableSessionStorage) -> None:
    class Mark:
        pass

    class Nothing:
        def serialize(self, session: Mark, /) -> bytes:
            assert isinstance(session, Mark)
            return b""

        def deserialize(self, data: bytes, /) -> Mark:
            assert data == b""
            return Mark()

    provider = cookie("MARK", Mark, storage=storage, serializer=Nothing())

    async def mark(sessions: CurrentSession) -> None:
        sessions.set(Mark())

    id = (await visit(mark, provider)).id
    assert isinstance(await found(provider, id), Mark)
