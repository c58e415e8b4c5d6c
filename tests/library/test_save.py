"""`save`: what changed is stored where an error can still be answered."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from coatcheck import (
    CurrentSession,
    SessionAlreadySent,
    SessionNotFound,
    Sessions,
    SessionStorageMemory,
    StorageFull,
    cookie,
)
from tests.support.cart import Cart, User, clear_cart, load_cart, put, renew_cart
from tests.support.client import Ids, exchange, found, nothing, send_request, visit, with_sessions
from tests.support.storage import Ledger, LosesItsConnection

if TYPE_CHECKING:
    from coatcheck import SessionProvider, SessionStorage
    from tests.support.client import Handler, Send


@pytest.fixture
def storage(any_storage: SessionStorage) -> SessionStorage:
    return any_storage


@dataclass
class Account:
    name: str = "guest"
    visits: int = 0


def visited(account: Account) -> Account:
    return Account(account.name, account.visits + 1)


async def save(sessions: CurrentSession) -> None:
    await sessions.save()


async def renew_with_a_scarf(sessions: CurrentSession) -> None:
    (await sessions.get_or_set(Cart, Cart)).items.append("scarf")
    sessions.renew_id(Cart)
    await sessions.save()


@pytest.mark.parametrize("status", [200, 404, 500, 503])
async def test_what_was_saved_is_stored_and_its_cookie_travels_whatever_the_status(
    status: int, cart: SessionProvider[Cart], ledger: Ledger
) -> None:
    seen: list[str | None] = []

    async def begin(sessions: CurrentSession) -> None:
        sessions.set(Cart(["coat"]))
        await sessions.save()
        seen.append(sessions.id(Cart))
        assert ledger.calls == ["write"]
        (await sessions.get_or_set(Cart, Cart)).items.append("scarf")

    response = await visit(begin, cart, status=status)
    assert seen == [response.id]
    assert await found(cart, response.id) == Cart(["coat", "scarf"] if status < 500 else ["coat"])


async def test_what_was_saved_is_not_saved_again(id: str, cart: SessionProvider[Cart], ledger: Ledger) -> None:
    async def change(sessions: CurrentSession) -> None:
        sessions.set(Cart(["scarf"]))
        await sessions.save()
        await sessions.save()

    await visit(change, cart, id=id)
    assert ledger.calls == ["read", *(["update"] if hasattr(ledger, "update") else ["read", "write"])]
    ledger.calls.clear()
    await visit(save, cart, id=id, late=save)
    assert ledger.calls == []


@pytest.mark.parametrize("status", [200, 503])
async def test_an_error_of_the_storage_arrives_where_it_can_be_answered(status: int, storage: SessionStorage) -> None:
    shaky = LosesItsConnection(storage, "write")
    provider = cookie("CART", Cart, storage=shaky)

    async def app(sessions: CurrentSession, send: Send) -> None:
        sessions.set(Cart(["coat"]))
        with pytest.raises(ConnectionError):
            await sessions.save()
        if status == 200:
            sessions.clear(Cart)  # taken back
        await send({"type": "http.response.start", "status": status, "headers": []})

    assert (await exchange(app, provider)).ids == []


async def test_what_could_not_be_saved_stays_pending(storage: SessionStorage) -> None:
    shaky = LosesItsConnection(storage, "write")
    provider = cookie("CART", Cart, storage=shaky)

    async def begin(sessions: CurrentSession) -> None:
        sessions.set(Cart(["coat"]))
        with pytest.raises(ConnectionError):
            await sessions.save()
        assert sessions.id(Cart) is None
        shaky.failing.clear()

    assert await found(provider, (await visit(begin, provider)).id) == Cart(["coat"])


async def test_a_storage_that_is_full_is_answered_by_the_handler() -> None:
    provider = cookie("CART", Cart, storage=SessionStorageMemory(max_bytes=10))

    async def begin(sessions: CurrentSession) -> None:
        sessions.set(Cart(["coat"]))
        with pytest.raises(StorageFull):
            await sessions.save()

    assert (await visit(begin, provider, status=503)).ids == []


async def test_a_clear_is_done_by_a_save(id: str, cart: SessionProvider[Cart], ledger: Ledger) -> None:
    async def log_out(sessions: CurrentSession) -> None:
        sessions.clear(Cart)
        await sessions.save()
        assert ledger.calls == ["invalidate"]

    assert (await visit(log_out, cart, id=id)).ids == [""]
    assert ledger.calls == ["invalidate"]


async def test_a_save_reaches_the_outer_sessions_too(storage: SessionStorage) -> None:
    carts, users = cookie("CART", Cart, storage=storage), cookie("USER", User, storage=storage)

    async def app(sessions: CurrentSession, send: Send) -> None:
        sessions.set(Cart(["coat"]))
        sessions.set(User("ada"))
        await sessions.save()
        assert None not in (sessions.id(Cart), sessions.id(User))
        await send({"type": "http.response.start", "status": 500, "headers": []})

    response = await send_request(Sessions(Sessions(with_sessions(app), carts), users))
    assert len(response.ids) == 2


async def test_a_late_save_stores_at_once_and_starts_no_session(id: str, cart: SessionProvider[Cart]) -> None:
    async def change(sessions: CurrentSession) -> None:
        await put("scarf")(sessions)
        await sessions.save()
        assert await found(cart, id) == Cart(["scarf"])

    await visit(load_cart, cart, id=id, late=change)
    kept: list[CurrentSession] = []

    async def keep(sessions: CurrentSession) -> None:
        kept.append(sessions)

    await visit(keep, cart)
    with pytest.raises(SessionAlreadySent, match="the request has ended"):
        await kept[0].save()


# --- with a renewal -----------------------------------------------------------------------------------------------


async def test_a_renewed_session_that_was_saved_keeps_its_old_id_and_data_until_the_response(
    id: str, cart: SessionProvider[Cart]
) -> None:
    async def log_in(sessions: CurrentSession) -> None:
        await renew_with_a_scarf(sessions)
        assert await found(cart, id) == Cart(["coat"])
        assert await found(cart, str(sessions.id(Cart))) == Cart(["coat", "scarf"])

    for status in (200, 500):
        old = id if status == 200 else (await visit(put("coat"), cart)).id
        response = await visit(log_in if status == 200 else renew_with_a_scarf, cart, id=old, status=status)
        assert [await found(cart, each) for each in (old, response.id)] == [None, Cart(["coat", "scarf"])]


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("more", [nothing, put("hat"), load_cart])
async def test_a_renewed_session_that_no_response_took_along_lives_on_as_it_was_under_its_old_id_alone(
    more: Handler, times: int, storage: SessionStorage
) -> None:
    ids = Ids()
    cart = cookie("CART", Cart, storage=storage, new_id=ids)
    await visit(put("coat"), cart)

    async def log_in(sessions: CurrentSession) -> None:
        for _ in range(times):
            await renew_with_a_scarf(sessions)
        await more(sessions)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await visit(log_in, cart, id=ids[0])
    assert [await found(cart, id) for id in ids] == [Cart(["coat"]), *[None] * times]


async def test_an_old_id_that_an_error_page_could_not_delete_is_deleted_at_the_end(
    storage: SessionStorage,
) -> None:
    shaky = LosesItsConnection(storage)
    cart = cookie("CART", Cart, storage=shaky)
    old = (await visit(put("coat"), cart)).id

    async def log_in(sessions: CurrentSession) -> None:
        await renew_with_a_scarf(sessions)
        shaky.failing = {"invalidate"}

    async def come_back(_: CurrentSession) -> None:
        shaky.failing.clear()

    response = await visit(log_in, cart, id=old, status=503, late=come_back)
    assert [await found(cart, each) for each in (old, response.id)] == [None, Cart(["coat", "scarf"])]


async def test_a_renewal_is_not_taken_along_by_a_websocket_that_is_refused(storage: SessionStorage) -> None:
    ids = Ids()
    cart = cookie("CART", Cart, storage=storage, new_id=ids)
    await visit(put("coat"), cart)

    async def app(sessions: CurrentSession, send: Send) -> None:
        await renew_with_a_scarf(sessions)
        await send({"type": "websocket.close", "code": 1008})

    await exchange(app, cart, id=ids[0], type="websocket")
    assert [await found(cart, id) for id in ids] == [Cart(["coat"]), None]


async def test_a_websocket_is_refused_although_its_storage_is_down(storage: SessionStorage) -> None:
    shaky = LosesItsConnection(storage)
    cart = cookie("CART", Cart, storage=shaky)
    id = (await visit(put("coat"), cart)).id
    sent: list[Any] = []

    async def app(sessions: CurrentSession, send: Send) -> None:
        sessions.clear(Cart)
        shaky.failing = {"invalidate"}
        await send({"type": "websocket.close", "code": 1008})

    with pytest.raises(ConnectionError):  # at the end
        await exchange(app, cart, id=id, type="websocket", sent=sent)
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize("renewals", [1, 2])
async def test_of_a_session_that_is_saved_and_renewed_twice_the_last_id_lives(
    renewals: int, storage: SessionStorage
) -> None:
    ids = Ids()
    cart = cookie("CART", Cart, storage=storage, new_id=ids)

    async def begin(sessions: CurrentSession) -> None:
        for _ in range(renewals + 1):
            await renew_with_a_scarf(sessions)

    assert (await visit(begin, cart)).id == ids[-1]
    assert [id for id in ids if await found(cart, id)] == ids[-1:]


@pytest.mark.parametrize("status", [200, 500])
async def test_a_logout_between_a_save_and_the_response_holds_and_is_logged(
    status: int, storage: SessionStorage, caplog: pytest.LogCaptureFixture
) -> None:
    ids = Ids()
    cart = cookie("CART", Cart, storage=storage, new_id=ids)
    await visit(put("coat"), cart)

    async def log_in(sessions: CurrentSession) -> None:
        await renew_with_a_scarf(sessions)
        await visit(clear_cart, cart, id=ids[0])

    with caplog.at_level(logging.DEBUG, logger="coatcheck"):
        assert (await visit(log_in, cart, id=ids[0], status=status)).ids == [""]
    assert "changes discarded, because another request has ended the session" in caplog.text
    assert [await found(cart, id) for id in ids] == [None, None]


@pytest.mark.parametrize("status", [200, 500])
async def test_a_session_that_ends_after_its_new_id_was_saved_is_over_under_its_old_id_too(
    status: int, id: str, cart: SessionProvider[Cart]
) -> None:
    async def renew_and_lose(sessions: CurrentSession) -> None:
        await renew_with_a_scarf(sessions)
        await cart.invalidate(sessions.id(Cart) or "")
        with pytest.raises(SessionNotFound):
            await sessions.update(Cart, lambda cart: cart)

    response = await visit(renew_and_lose, cart, id=id, status=status)
    assert (response.id, await found(cart, id)) == ("", None)


async def test_what_is_set_after_a_renewal_was_saved_and_cleared_lives(id: str, cart: SessionProvider[Cart]) -> None:
    async def start_over(sessions: CurrentSession) -> None:
        await renew_with_a_scarf(sessions)
        sessions.clear(Cart)
        sessions.set(Cart(["hat"]))
        await sessions.save()

    response = await visit(start_over, cart, id=id)
    assert [await found(cart, each) for each in (id, response.id)] == [None, Cart(["hat"])]


# --- an update after a renewal ------------------------------------------------------------------------------------


def with_gloves(cart: Cart) -> Cart:
    return Cart([*cart.items, "gloves"])


@pytest.mark.parametrize("status", [200, 500])
async def test_an_update_after_a_renewal_stores_nothing_under_the_old_id(
    status: int, id: str, cart: SessionProvider[Cart], ledger: Ledger
) -> None:
    seen: list[Any] = []

    async def log_in(sessions: CurrentSession) -> None:
        sessions.renew_id(Cart)
        await sessions.update(Cart, with_gloves)
        assert ledger.calls == ["read", "write", *(["update"] if hasattr(ledger, "update") else ["read", "write"])]
        seen.extend([sessions.id(Cart), await cart.read(id), await cart.read(str(sessions.id(Cart)))])

    response = await visit(log_in, cart, id=id, status=status)
    assert seen == [response.id, Cart(["coat"]), Cart(["coat", "gloves"])]
    assert [await found(cart, each) for each in (id, response.id)] == [None, Cart(["coat", "gloves"])]


async def test_what_changed_before_such_an_update_is_saved_with_the_response(storage: SessionStorage) -> None:
    provider = cookie("ACCOUNT", Account, storage=storage)

    async def begin(sessions: CurrentSession) -> None:
        sessions.set(Account())

    async def log_in(sessions: CurrentSession) -> None:
        (await sessions.get_or_set(Account, Account)).name = "ada"
        sessions.renew_id(Account)
        assert (await sessions.update(Account, visited)).name == "ada"

    old = (await visit(begin, provider)).id
    error = (await visit(log_in, provider, id=old, status=500)).id
    assert [await found(provider, each) for each in (old, error)] == [None, Account("guest", 1)]
    new = (await visit(log_in, provider, id=error)).id
    assert [await found(provider, each) for each in (error, new)] == [None, Account("ada", 2)]


async def test_an_update_whose_new_id_no_response_took_along_is_lost_with_that_id(
    storage: SessionStorage,
) -> None:
    ids = Ids()
    cart = cookie("CART", Cart, storage=storage, new_id=ids)
    await visit(put("coat"), cart)

    async def log_in(sessions: CurrentSession) -> None:
        sessions.renew_id(Cart)
        await sessions.update(Cart, with_gloves)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await visit(log_in, cart, id=ids[0])
    assert [await found(cart, id) for id in ids] == [Cart(["coat"]), None]


async def test_an_update_after_the_request_makes_no_new_id_and_stores_nothing_under_the_old_one(
    id: str, cart: SessionProvider[Cart], ledger: Ledger
) -> None:
    kept: list[CurrentSession] = []

    async def fail(sessions: CurrentSession) -> None:
        kept.append(sessions)
        sessions.renew_id(Cart)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await visit(fail, cart, id=id)
    with pytest.raises(SessionAlreadySent):
        await kept[0].update(Cart, with_gloves)
    assert set(ledger.calls) == {"read"}


async def test_a_renewal_without_a_session_saves_nothing(cart: SessionProvider[Cart], ledger: Ledger) -> None:
    async def renew(sessions: CurrentSession) -> None:
        await renew_cart(sessions)
        await sessions.save()

    assert (await visit(renew, cart)).ids == []
    assert ledger.calls == []
