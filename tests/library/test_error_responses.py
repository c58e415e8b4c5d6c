"""A response of 500 or above saves nothing that was changed before it, and still ends what was cleared."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import anyio
import pytest

from coatcheck import (
    CurrentSession,
    SessionAlreadySent,
    Sessions,
    SessionStorageCache,
    SessionStorageMemory,
    cookie,
    header,
)
from tests.support.cart import Cart, User, clear_cart, load_cart, put, renew_cart
from tests.support.client import (
    Ids,
    exchange,
    found,
    nothing,
    send_request,
    visit,
    visit_that_answers_failures,
    with_sessions,
)
from tests.support.storage import Ledger, LosesItsConnection, Shelf

if TYPE_CHECKING:
    from collections.abc import Callable

    from coatcheck import SessionProvider, SessionStorage
    from tests.support.client import Handler, Send
    from tests.support.clock import Clock

ERRORS = [500, 503, 599]


@pytest.fixture
def storage(any_storage: SessionStorage) -> SessionStorage:
    return any_storage


@dataclass
class Account:
    name: str = "guest"
    visits: int = 0
    notes: list[Any] = field(default_factory=list)


async def add_scarf(sessions: CurrentSession) -> None:
    (await sessions.get_or_set(Cart, Cart)).items.append("scarf")


async def change_and_renew(sessions: CurrentSession) -> None:
    await add_scarf(sessions)
    sessions.renew_id(Cart)


async def load_and_renew(sessions: CurrentSession) -> None:
    await load_cart(sessions)
    sessions.renew_id(Cart)


# --- nothing is saved ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ERRORS)
@pytest.mark.parametrize("handler", [add_scarf, put("scarf"), renew_cart, change_and_renew])
async def test_an_error_response_changes_no_session_and_renews_no_id(
    handler: Handler, status: int, id: str, cart: SessionProvider[Cart], ledger: Ledger
) -> None:
    response = await visit(handler, cart, id=id, status=status)
    assert response.ids == []
    assert response.all("vary") == ["cookie"]
    assert set(ledger.calls) <= {"read"}
    assert await found(cart, id) == Cart(["coat"])


@pytest.mark.parametrize("status", ERRORS)
@pytest.mark.parametrize("id", [None, "unknown", "mal,formed"])
async def test_an_error_response_starts_no_session(
    status: int, id: str | None, cart: SessionProvider[Cart], ledger: Ledger
) -> None:
    for handler in (add_scarf, put("scarf")):
        response = await visit(handler, cart, id=id, status=status)
        assert not any(response.ids)
    assert set(ledger.calls) <= {"read"}


async def test_an_error_response_neither_touches_a_session_nor_sends_its_cookie_again(
    clock: Clock, ledger: Ledger
) -> None:
    provider = cookie("CART", Cart, storage=ledger, idle_timeout=timedelta(minutes=10), clock=clock)
    id = (await visit(put("coat"), provider)).id
    for seconds in (300, -1000):  # a touch is due; the clock was set back
        clock.now += seconds
        ledger.calls.clear()
        assert (await visit(load_cart, provider, id=id, status=500)).ids == []
        assert ledger.calls == ["read"]
    assert (await visit(load_cart, provider, id=id)).ids == [id]


@pytest.mark.parametrize("make_storage", [SessionStorageMemory, Shelf, lambda: SessionStorageCache(Shelf())])
async def test_an_error_response_saves_no_session_of_any_kind(make_storage: Callable[[], SessionStorage]) -> None:
    storage = make_storage()
    carts, users = cookie("CART", Cart, storage=storage), header("X-User", User, storage=storage)

    async def log_in(sessions: CurrentSession) -> None:
        sessions.set(Cart(["coat"]))
        sessions.set(User("ada"))

    assert (await visit(log_in, carts, users, status=500)).ids == []
    cart, user = (await visit(log_in, carts, users)).ids

    async def change_both(sessions: CurrentSession) -> None:
        sessions.set(Cart(["scarf"]))
        sessions.set(User("bob"))
        sessions.renew_id(User)

    carried = [("cookie", f"CART={cart}"), ("x-user", user)]
    assert (await visit(change_both, carts, users, headers=carried, status=500)).ids == []
    assert (await found(carts, cart), await found(users, user)) == (Cart(["coat"]), User("ada"))


@pytest.mark.parametrize(
    ("message", "saves"),
    [
        ({"type": "websocket.http.response.start", "status": 500, "headers": []}, False),
        ({"type": "websocket.http.response.start", "status": 403, "headers": []}, True),
        ({"type": "websocket.close", "code": 1011}, False),
        ({"type": "websocket.close", "code": 4500}, False),
        ({"type": "websocket.close", "code": 4599}, False),
        ({"type": "websocket.close", "code": 4600}, True),
        ({"type": "websocket.close", "code": 4401}, True),
        ({"type": "websocket.close", "code": 1008}, True),
        ({"type": "websocket.close"}, True),
    ],
)
async def test_a_websocket_that_is_refused_for_an_error_saves_nothing(
    message: dict[str, Any],
    saves: bool,  # noqa: FBT001
    id: str,
    cart: SessionProvider[Cart],
) -> None:
    async def app(sessions: CurrentSession, send: Send) -> None:
        await add_scarf(sessions)
        if not saves:
            sessions.renew_id(Cart)
        await send(message)

    await exchange(app, cart, id=id, type="websocket")
    assert await found(cart, id) == Cart(["coat", "scarf"] if saves else ["coat"])


@pytest.mark.parametrize("status", [200, *ERRORS])
async def test_a_response_waits_for_a_task_that_loads_the_session(status: int) -> None:
    reading, loaded = anyio.Event(), list[Cart | None]()

    class Slow(Shelf):
        async def load(self, id: str) -> bytes | None:
            reading.set()
            await anyio.wait_all_tasks_blocked()
            return await super().load(id)

    provider = cookie("CART", Cart, storage=Slow())
    id = (await visit(put("coat"), provider)).id

    async def load(sessions: CurrentSession) -> None:
        loaded.append(await sessions.get(Cart))

    async def app(sessions: CurrentSession, send: Send) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(load, sessions)
            await reading.wait()
            await send({"type": "http.response.start", "status": status, "headers": []})

    assert (await exchange(app, provider, id=id)).ids == []
    assert loaded == [Cart(["coat"])]


async def test_what_an_error_response_discards_is_in_the_log(
    id: str, cart: SessionProvider[Cart], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="coatcheck"):
        await visit(load_cart, cart, id=id, status=500)
        await visit(load_and_renew, cart, id=id, status=500)
        assert "discarded" not in caplog.text
        await visit(add_scarf, cart, id=id, status=500)
        await visit(put("hat"), cart, status=500)
    assert caplog.text.count("changes discarded, because the response is an error") == 2


# --- what cannot be stored ----------------------------------------------------------------------------------------


async def spoil(sessions: CurrentSession) -> None:
    (await sessions.get_or_set(Cart, Cart)).items = cast("list[str]", object())


async def add_a_number(sessions: CurrentSession) -> None:
    (await sessions.get_or_set(Cart, Cart)).items.append(cast("str", 7))


@pytest.mark.parametrize("handler", [spoil, add_a_number])
async def test_a_session_that_cannot_be_stored_is_answered_with_an_error_page(
    handler: Handler, id: str, cart: SessionProvider[Cart]
) -> None:
    async def app(sessions: CurrentSession, send: Send) -> None:
        await handler(sessions)
        with pytest.raises((TypeError, ValueError)):
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.start", "status": 500, "headers": []})

    for sent in (id, None):
        response = await exchange(app, cart, id=sent)
        assert [message["status"] for message in response.messages] == [500]
        assert response.ids == []
    assert await found(cart, id) == Cart(["coat"])


async def test_a_session_that_was_saved_and_then_spoiled_keeps_its_new_id(id: str, cart: SessionProvider[Cart]) -> None:
    async def save_then_spoil(sessions: CurrentSession) -> None:
        await change_and_renew(sessions)
        await sessions.save()
        await spoil(sessions)

    async def look(sessions: CurrentSession) -> None:
        assert await sessions.get(Cart) == Cart(["coat", "scarf"])

    response = await visit(save_then_spoil, cart, id=id, status=500, late=look)
    assert [await found(cart, each) for each in (id, response.id)] == [None, Cart(["coat", "scarf"])]


@pytest.mark.parametrize(
    ("failing", "first"), [(["read"], nothing), (["write"], renew_cart), (["write", "update"], nothing)]
)
async def test_an_error_page_needs_no_storage(failing: list[str], first: Handler, storage: SessionStorage) -> None:
    shaky = LosesItsConnection(storage)
    provider = cookie("CART", Cart, storage=shaky)
    id = (await visit(put("coat"), provider)).id
    shaky.failing = {*failing}

    async def app(sessions: CurrentSession, send: Send) -> None:
        sessions.set(Cart(["scarf"]))
        await first(sessions)
        with pytest.raises(ConnectionError):
            await sessions.save()
        await send({"type": "http.response.start", "status": 503, "headers": []})

    assert (await exchange(app, provider, id=id)).ids == []
    shaky.failing.clear()
    assert await found(provider, id) == Cart(["coat"])


@pytest.mark.parametrize("failing", ["write", "invalidate"])
async def test_an_error_page_after_a_renewal_that_failed_leaves_one_id_alive(
    failing: str, storage: SessionStorage
) -> None:
    shaky = LosesItsConnection(storage)
    ids = Ids()
    provider = cookie("CART", Cart, storage=shaky, new_id=ids)
    old = (await visit(put("coat"), provider)).id
    shaky.failing = {failing}
    response = await visit_that_answers_failures(renew_cart, nothing, shaky, provider, id=old, status=500)
    alive = [id for id in ids if await found(provider, id)]
    assert alive == (response.ids or [old])


# --- what was cleared or stored holds -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", ERRORS)
@pytest.mark.parametrize("first", [nothing, load_cart, change_and_renew])
async def test_a_clear_holds_although_the_response_is_an_error(
    first: Handler, status: int, id: str, cart: SessionProvider[Cart]
) -> None:
    async def log_out(sessions: CurrentSession) -> None:
        await first(sessions)
        sessions.clear(Cart)
        sessions.set(Cart(["of the next client"]))

    assert (await visit(log_out, cart, id=id, status=status)).ids == [""]
    assert await found(cart, id) is None


@pytest.mark.parametrize("first", [nothing, load_cart, renew_cart])
@pytest.mark.parametrize("saves", [False, True])
async def test_a_clear_holds_although_the_handler_raises(
    first: Handler,
    saves: bool,  # noqa: FBT001
    storage: SessionStorage,
) -> None:
    ids = Ids()
    cart = cookie("CART", Cart, storage=storage, new_id=ids)
    await visit(put("coat"), cart)

    async def log_out(sessions: CurrentSession) -> None:
        await first(sessions)
        if saves:
            await sessions.save()
        sessions.clear(Cart)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await visit(log_out, cart, id=ids[0])
    assert [await found(cart, id) for id in ids] == [None] * len(ids)


async def test_a_clear_holds_although_the_request_is_cancelled_before_its_response(
    id: str, cart: SessionProvider[Cart]
) -> None:
    with anyio.CancelScope() as scope:

        async def log_out(sessions: CurrentSession) -> None:
            sessions.clear(Cart)
            scope.cancel()
            await anyio.sleep_forever()

        await visit(log_out, cart, id=id)
    assert await found(cart, id) is None


async def test_a_cancelled_request_ends_each_session_that_was_cleared_although_one_storage_fails(
    storage: SessionStorage,
) -> None:
    shaky = LosesItsConnection(storage)
    users, carts = cookie("USER", User, storage=shaky), cookie("CART", Cart, storage=storage)
    id = (await visit(put("coat"), carts)).id
    with anyio.CancelScope() as scope, pytest.raises(ConnectionError):  # noqa: PT012

        async def log_out(sessions: CurrentSession) -> None:
            sessions.clear(User)
            sessions.clear(Cart)
            shaky.failing = {"invalidate"}
            scope.cancel()
            await anyio.sleep_forever()

        await visit(log_out, users, carts, headers=[("cookie", f"USER=someone; CART={id}")])
    assert await found(carts, id) is None


async def test_a_clear_that_fails_is_answered_by_an_error_page_and_raised_at_the_end(
    storage: SessionStorage,
) -> None:
    shaky = LosesItsConnection(storage)
    provider = cookie("CART", Cart, storage=shaky)
    id = (await visit(put("coat"), provider)).id
    sent: list[Any] = []
    shaky.failing = {"invalidate"}
    with pytest.raises(ConnectionError):
        await visit(clear_cart, provider, id=id, status=503, sent=sent)
    assert [message.get("status") for message in sent] == [503, None]

    async def come_back(_: CurrentSession) -> None:
        shaky.failing.clear()

    shaky.failing = {"invalidate"}
    await visit(clear_cart, provider, id=id, status=503, late=come_back)
    assert await found(provider, id) is None


async def test_what_an_update_stored_is_stored_and_the_rest_is_not(storage: SessionStorage) -> None:
    provider = cookie("ACCOUNT", Account, storage=storage)

    async def begin(sessions: CurrentSession) -> None:
        sessions.set(Account())

    def visited(account: Account) -> Account:
        account.visits += 1
        return account

    async def handle(sessions: CurrentSession) -> None:
        (await sessions.get_or_set(Account, Account)).name = "ada"
        assert await sessions.update(Account, visited) == Account("ada", 1)

    id = (await visit(begin, provider)).id
    assert (await visit(handle, provider, id=id, status=500)).ids == []
    assert await found(provider, id) == Account("guest", 1)


# --- what changes after it began ----------------------------------------------------------------------------------


async def test_a_change_after_an_error_response_started_is_saved_without_those_before(
    storage: SessionStorage,
) -> None:
    provider = cookie("ACCOUNT", Account, storage=storage)
    accounts: list[Account] = []

    async def begin(sessions: CurrentSession) -> None:
        sessions.set(Account())

    async def before(sessions: CurrentSession) -> None:
        accounts.append(await sessions.get_or_set(Account, Account))
        accounts[0].name = "ada"
        accounts[0].visits = 7

    async def change_what_is_held(_: CurrentSession) -> None:
        accounts[0].notes.append("late")

    async def get_and_change(sessions: CurrentSession) -> None:
        (await sessions.get_or_set(Account, Account)).notes.append("late")

    for late in (change_what_is_held, get_and_change):
        id = (await visit(begin, provider)).id
        accounts.clear()
        await visit(before, provider, id=id, status=500, late=late)
        assert await found(provider, id) == Account(notes=["late"])


async def test_a_session_that_was_set_but_not_looked_up_is_the_stored_one_again_after_an_error_response_started(
    id: str, cart: SessionProvider[Cart]
) -> None:
    await visit(put("hat"), cart, id=id, status=500, late=add_scarf)
    assert await found(cart, id) == Cart(["coat", "scarf"])
    await visit(put("hat"), cart, id=id, status=500, late=put("gloves"))
    assert await found(cart, id) == Cart(["gloves"])


async def test_after_an_error_response_started_a_session_can_be_cleared_and_none_can_start(
    id: str, cart: SessionProvider[Cart]
) -> None:
    await visit(add_scarf, cart, id=id, status=500, late=clear_cart)
    assert await found(cart, id) is None
    with pytest.raises(SessionAlreadySent):
        await visit(put("coat"), cart, status=500, late=put("scarf"))


# --- sessions within sessions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, *ERRORS])
async def test_sessions_within_sessions_agree_on_what_is_an_error(status: int, storage: SessionStorage) -> None:
    carts, users = cookie("CART", Cart, storage=storage), cookie("USER", User, storage=storage)

    async def app(sessions: CurrentSession, send: Send) -> None:
        sessions.set(Cart(["coat"]))
        sessions.set(User("ada"))
        await send({"type": "http.response.start", "status": status, "headers": []})

    response = await send_request(Sessions(Sessions(with_sessions(app), carts), users))
    assert len(response.ids) == (2 if status < 500 else 0)
