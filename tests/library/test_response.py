"""What a request does with its sessions while its response begins, and after."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from coatcheck import CurrentSession, SessionAlreadySent, SessionNotFound, Sessions, cookie, current_session
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
from tests.support.storage import Around, DoesInBetween, LosesItsConnection, Shelf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from coatcheck import SessionProvider, SessionStorage, UpdatableSessionStorage
    from tests.support.client import Handler, Message, Receive, Send

T = TypeVar("T")


class CancelsAnUpdate(Around):
    """A storage whose updates never end: the first ends `scope`."""

    def __init__(self, storage: SessionStorage, scope: anyio.CancelScope) -> None:
        super().__init__(storage)
        self.scope = scope

    async def pass_on(self, name: str, id: str, call: Callable[[], Awaitable[T]]) -> T:
        if name == "update":
            self.scope.cancel()
            await anyio.sleep_forever()
        return await super().pass_on(name, id, call)


async def set_user(sessions: CurrentSession) -> None:
    sessions.set(User("ada"))


# --- while the response begins ------------------------------------------------------------------------------------


@pytest.mark.parametrize("handler", [put("scarf"), renew_cart])
async def test_a_clear_while_the_session_is_stored_holds(handler: Handler, storage: UpdatableSessionStorage) -> None:
    between = DoesInBetween(storage)
    ids = Ids()
    provider = cookie("CART", Cart, storage=between, new_id=ids)
    await visit(put("coat"), provider)

    async def handle(sessions: CurrentSession) -> None:
        between.action = lambda: sessions.clear(Cart)
        await handler(sessions)

    assert (await visit(handle, provider, id=ids[0])).id == ""
    for id in ids:
        assert await found(provider, id) is None


async def test_a_clear_while_a_new_session_is_stored_holds(storage: UpdatableSessionStorage) -> None:
    between = DoesInBetween(storage)
    provider = cookie("CART", Cart, storage=between)

    async def handle(sessions: CurrentSession) -> None:
        between.action = lambda: sessions.clear(Cart)
        sessions.set(Cart(["coat"]))

    assert (await visit(handle, provider)).all("set-cookie") == []
    assert between.calls == ["write", "invalidate"]


async def add_a_scarf(sessions: CurrentSession) -> None:
    def add(cart: Cart) -> Cart:
        return Cart([*cart.items, "scarf"])

    assert await sessions.update(Cart, add) == Cart(["coat", "scarf"])


async def update_in_vain(sessions: CurrentSession) -> None:
    with pytest.raises(SessionNotFound):
        await sessions.update(Cart, lambda cart: cart)


async def test_a_clear_during_an_update_holds(storage: UpdatableSessionStorage) -> None:
    between = DoesInBetween(storage)
    provider = cookie("CART", Cart, storage=between)
    id = (await visit(put("coat"), provider)).id

    async def handle(sessions: CurrentSession) -> None:
        between.action = lambda: sessions.clear(Cart)
        await add_a_scarf(sessions)
        assert await sessions.get(Cart) is None

    assert (await visit(handle, provider, id=id)).id == ""
    assert await found(provider, id) is None


async def test_what_is_set_after_a_clear_during_an_update_is_stored_anew(storage: UpdatableSessionStorage) -> None:
    between = DoesInBetween(storage)
    ids = Ids()
    provider = cookie("CART", Cart, storage=between, new_id=ids)
    await visit(put("coat"), provider)

    async def handle(sessions: CurrentSession) -> None:
        between.action = lambda: begin_anew(sessions)
        await add_a_scarf(sessions)

    new = (await visit(handle, provider, id=ids[0])).id
    assert new == ids[-1]
    assert [await found(provider, id) for id in ids] == [None] * (len(ids) - 1) + [Cart(["hat"])]


def begin_anew(sessions: CurrentSession) -> None:
    sessions.clear(Cart)
    sessions.set(Cart(["hat"]))


async def test_what_is_set_after_a_clear_during_an_update_that_finds_nothing_is_stored_anew(
    storage: UpdatableSessionStorage,
) -> None:
    between = DoesInBetween(storage)
    provider = cookie("CART", Cart, storage=between)
    old = (await visit(put("coat"), provider)).id

    async def handle(sessions: CurrentSession) -> None:
        await load_cart(sessions)
        await provider.invalidate(old)
        between.action = lambda: begin_anew(sessions)
        await update_in_vain(sessions)

    new = (await visit(handle, provider, id=old)).id
    assert new not in ("", old)
    assert await found(provider, old) is None
    assert await found(provider, new) == Cart(["hat"])


async def test_a_clear_during_a_change_that_fails_holds(storage: UpdatableSessionStorage) -> None:
    shaky = LosesItsConnection(storage)
    between = DoesInBetween(shaky)
    ids = Ids()
    provider = cookie("CART", Cart, storage=between, new_id=ids)
    await visit(put("coat"), provider)
    shaky.failing = {"write"}

    async def handle(sessions: CurrentSession) -> None:
        between.action = lambda: sessions.clear(Cart)
        sessions.renew_id(Cart)

    assert (await visit_that_answers_failures(handle, nothing, shaky, provider, id=ids[0])).id == ""
    assert [await found(provider, id) for id in ids] == [None, None]


@pytest.mark.parametrize(
    "act", [begin_anew, lambda sessions: sessions.renew_id(Cart), lambda sessions: sessions.set(User("ada"))]
)
async def test_what_would_need_a_header_while_the_response_begins_is_refused_aloud(
    act: Callable[[CurrentSession], None], storage: UpdatableSessionStorage
) -> None:
    between = DoesInBetween(storage)
    carts, users = cookie("CART", Cart, storage=between), cookie("USER", User, storage=storage)
    id = (await visit(put("coat"), carts, users)).id

    def refused(sessions: CurrentSession) -> None:
        with pytest.raises(SessionAlreadySent, match="after the response has started; call "):
            act(sessions)

    async def handle(sessions: CurrentSession) -> None:
        between.action = lambda: refused(sessions)
        await put("scarf")(sessions)

    await visit(handle, carts, users, id=id)
    assert between.action is None
    assert await found(carts, id) == (None if act is begin_anew else Cart(["scarf"]))


async def test_a_session_that_starts_with_the_response_can_be_changed_by_another_task_during_it(
    storage: UpdatableSessionStorage,
) -> None:
    between = DoesInBetween(storage)
    provider = cookie("CART", Cart, storage=between)

    async def handle(sessions: CurrentSession) -> None:
        between.action = lambda: sessions.set(Cart(["hat"]))
        await put("coat")(sessions)

    assert await found(provider, (await visit(handle, provider)).id) == Cart(["hat"])


@pytest.mark.parametrize("begins", ["before the response", "after it"])
async def test_a_task_that_goes_on_changing_a_session_holds_up_neither_response_nor_request(
    begins: str, storage: UpdatableSessionStorage
) -> None:
    provider = cookie("CART", Cart, storage=storage)
    id = (await visit(put("coat"), provider)).id
    began, refused = anyio.Event(), anyio.Event()

    async def go_on(sessions: CurrentSession) -> None:
        with suppress(SessionAlreadySent):
            while True:
                sessions.set(Cart(["scarf"]))
                began.set()
                await checkpoint()
        refused.set()

    async with anyio.create_task_group() as tasks:

        async def begin(sessions: CurrentSession) -> None:
            await sessions.get(Cart)
            tasks.start_soon(go_on, sessions)
            await began.wait()

        handlers = (begin, nothing) if begins == "before the response" else (load_cart, begin)
        await visit(handlers[0], provider, id=id, late=handlers[1])
        await refused.wait()
    assert await found(provider, id) == Cart(["scarf"])


async def test_after_a_response_that_could_not_start_another_can_start_sessions_and_renew_ids(
    storage: UpdatableSessionStorage,
) -> None:
    shaky = LosesItsConnection(storage)
    carts, users = cookie("CART", Cart, storage=shaky), cookie("USER", User, storage=storage)
    old = (await visit(put("coat"), carts)).id
    shaky.failing = {"update"}

    async def app(sessions: CurrentSession, send: Send) -> None:
        await put("scarf")(sessions)
        with pytest.raises(ConnectionError):
            await send({"type": "http.response.start", "status": 200, "headers": []})
        shaky.failing.clear()
        sessions.renew_id(Cart)
        sessions.set(User("ada"))
        await send({"type": "http.response.start", "status": 200, "headers": []})

    cart, user = (await exchange(app, carts, users, id=old)).ids
    assert [await found(carts, id) for id in (old, cart)] == [None, Cart(["scarf"])]
    assert await found(users, user) == User("ada")


# --- after the response began -------------------------------------------------------------------------------------


async def test_a_late_change_of_a_session_with_an_id_is_saved(id: str, cart: SessionProvider[Cart]) -> None:
    async def add_scarf(sessions: CurrentSession) -> None:
        (await sessions.get_or_set(Cart, Cart)).items.append("scarf")

    await visit(nothing, cart, id=id, late=add_scarf)
    assert await found(cart, id) == Cart(["coat", "scarf"])
    await visit(nothing, cart, id=id, late=put("hat"))
    assert await found(cart, id) == Cart(["hat"])


async def test_a_late_get_or_set_where_there_is_none_is_refused_aloud(cart: SessionProvider[Cart]) -> None:
    async def begin(sessions: CurrentSession) -> None:
        await sessions.get_or_set(Cart, Cart)

    with pytest.raises(SessionAlreadySent, match=r"call set\(\) earlier"):
        await visit(nothing, cart, late=begin)


@pytest.mark.parametrize("begins", ["websocket.http.response.start", "websocket.close"])
async def test_a_clear_before_a_websocket_is_refused_holds(id: str, begins: str, cart: SessionProvider[Cart]) -> None:
    scopes: list[Message] = []

    async def app(sessions: CurrentSession, send: Send) -> None:
        sessions.clear(Cart)
        await send({"type": begins, "headers": []})

    async def outside(scope: Message, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await inside(scope, receive, send)

    inside = Sessions(with_sessions(app), cart)
    response = await send_request(outside, [("cookie", f"CART={id}")], type="websocket")
    assert await found(cart, id) is None
    assert any(name == b"set-cookie" for name, _ in response.messages[0]["headers"]) == (begins != "websocket.close")
    with pytest.raises(SessionAlreadySent, match="inside of Sessions"):
        current_session(scopes[0]).clear(Cart)


async def test_a_clear_holds_although_what_is_set_after_it_cannot_begin(id: str, cart: SessionProvider[Cart]) -> None:
    async def app(sessions: CurrentSession, send: Send) -> None:
        await clear_cart(sessions)
        await put("scarf")(sessions)
        await send({"type": "websocket.close", "code": 1008})

    with pytest.raises(SessionAlreadySent):
        await exchange(app, cart, id=id, type="websocket")
    assert await found(cart, id) is None


@pytest.mark.parametrize("id", [None, "unknown", "mal,formed"])
async def test_a_session_that_would_begin_late_is_refused_aloud(id: str | None, cart: SessionProvider[Cart]) -> None:
    with pytest.raises(SessionAlreadySent, match=r"call set\(\) earlier"):
        await visit(load_cart, cart, id=id, late=put("coat"))
    with pytest.raises(SessionAlreadySent, match=r"call set\(\) earlier"):
        await visit(nothing, cart, id=id, late=put("coat"))


async def test_a_late_renewal_is_refused_aloud(id: str, cart: SessionProvider[Cart]) -> None:
    with pytest.raises(SessionAlreadySent, match=r"call renew_id\(\) earlier"):
        await visit(load_cart, cart, id=id, late=renew_cart)
    assert await found(cart, id) == Cart(["coat"])


async def test_a_late_clear_ends_the_session(id: str, cart: SessionProvider[Cart]) -> None:
    await visit(nothing, cart, id=id, late=clear_cart)
    assert await found(cart, id) is None


@pytest.mark.parametrize("handler", [load_cart, put("scarf"), clear_cart, renew_cart])
async def test_when_the_request_is_over_all_but_an_update_is_refused_aloud(
    id: str, handler: Handler, cart: SessionProvider[Cart]
) -> None:
    kept: list[CurrentSession] = []

    async def keep(sessions: CurrentSession) -> None:
        kept.append(sessions)

    await visit(keep, cart, id=id)
    with pytest.raises(SessionAlreadySent, match="the request has ended"):
        await handler(kept[0])
    assert await found(cart, id) == Cart(["coat"])
    await add_a_scarf(kept[0])
    assert await found(cart, id) == Cart(["coat", "scarf"])


async def test_late_changes_of_two_sessions_that_fail_are_both_told(storage: UpdatableSessionStorage) -> None:
    shaky = LosesItsConnection(storage)
    carts, users = cookie("CART", Cart, storage=shaky), cookie("USER", User, storage=shaky)

    async def set_both(sessions: CurrentSession) -> None:
        sessions.set(Cart(["coat"]))
        sessions.set(User("ada"))

    async def clear_both(sessions: CurrentSession) -> None:
        shaky.failing = {"invalidate"}
        sessions.clear(Cart)
        sessions.clear(User)

    with pytest.raises(ExceptionGroup, match="several sessions could not be saved") as caught:
        await visit(set_both, carts, users, late=clear_both)
    assert [type(error) for error in caught.value.exceptions] == [ConnectionError, ConnectionError]


@pytest.mark.parametrize("change", [put("scarf"), clear_cart])
async def test_a_request_that_was_cancelled_saves_nothing_more(
    id: str, change: Handler, cart: SessionProvider[Cart]
) -> None:
    kept: list[CurrentSession] = []
    with anyio.CancelScope() as scope:

        async def leave(sessions: CurrentSession) -> None:
            kept.append(sessions)
            scope.cancel()
            await anyio.sleep_forever()

        await visit(load_cart, cart, id=id, late=leave)
    with pytest.raises(SessionAlreadySent, match="the request has ended"):
        await change(kept[0])
    assert await found(cart, id) == Cart(["coat"])


async def test_a_late_clear_holds_although_the_request_is_cancelled(id: str, cart: SessionProvider[Cart]) -> None:
    with anyio.CancelScope() as scope:

        async def clear_then_leave(sessions: CurrentSession) -> None:
            sessions.clear(Cart)
            scope.cancel()
            await anyio.sleep_forever()

        await visit(load_cart, cart, id=id, late=clear_then_leave)
    assert scope.cancelled_caught
    assert await found(cart, id) is None


async def test_a_late_clear_holds_although_the_request_is_cancelled_while_another_session_is_stored(
    storage: UpdatableSessionStorage,
) -> None:
    scope = anyio.CancelScope()
    carts = cookie("CART", Cart, storage=storage)
    users = cookie("USER", User, storage=CancelsAnUpdate(storage, scope))
    id = (await visit(put("coat"), carts)).id
    user = (await visit(set_user, users)).id

    async def log_out(sessions: CurrentSession) -> None:
        sessions.set(User("bob"))
        sessions.clear(Cart)

    with scope:
        await visit(nothing, users, carts, headers=[("cookie", f"CART={id}; USER={user}")], late=log_out)
    assert scope.cancelled_caught
    assert await found(carts, id) is None


async def test_a_late_clear_holds_although_the_handler_fails_as_it_is_cancelled(
    id: str, cart: SessionProvider[Cart]
) -> None:
    scope = anyio.CancelScope()

    async def clear_then_fail(sessions: CurrentSession) -> None:
        sessions.clear(Cart)
        scope.cancel()
        try:
            await anyio.sleep_forever()
        finally:
            raise ConnectionError("nothing can be closed properly either")

    with scope:
        await visit(load_cart, cart, id=id, late=clear_then_fail)
    assert scope.cancelled_caught
    assert await found(cart, id) is None


async def test_a_late_change_is_not_saved_if_the_handler_fails_as_it_is_cancelled(
    id: str, cart: SessionProvider[Cart]
) -> None:
    scope = anyio.CancelScope()

    async def change_then_fail(sessions: CurrentSession) -> None:
        sessions.set(Cart(["scarf"]))
        scope.cancel()
        try:
            await anyio.sleep_forever()
        finally:
            raise ConnectionError("nothing can be closed properly either")

    with scope:
        await visit(load_cart, cart, id=id, late=change_then_fail)
    assert await found(cart, id) == Cart(["coat"])


@pytest.mark.parametrize("end", [SystemExit("stop"), BaseExceptionGroup("both", [SystemExit(), KeyboardInterrupt()])])
async def test_a_late_clear_holds_although_the_program_ends(
    id: str, end: BaseException, cart: SessionProvider[Cart]
) -> None:
    async def clear_then_end(sessions: CurrentSession) -> None:
        sessions.clear(Cart)
        raise end

    with pytest.raises(type(end)):
        await visit(load_cart, cart, id=id, late=clear_then_end)
    assert await found(cart, id) is None


def test_a_request_that_is_thrown_away_awaits_nothing_more(cart: SessionProvider[Cart]) -> None:
    class Wait:
        def __await__(self) -> Generator[None]:
            yield

    async def clear_then_wait(sessions: CurrentSession) -> None:
        sessions.clear(Cart)
        await Wait()

    request = visit(nothing, cart, id="id1", late=clear_then_wait)
    request.send(None)
    request.close()


async def test_a_websockets_response_begins_with_the_accept(cart: SessionProvider[Cart]) -> None:
    response = await visit(put("coat"), cart, type="websocket")
    assert await found(cart, response.id) == Cart(["coat"])


async def test_a_response_waits_for_a_task_that_updates_another_session_while_one_is_saved() -> None:
    saving, updating = anyio.Event(), anyio.Event()

    class Carts(Shelf):
        async def load(self, id: str) -> bytes | None:
            if saving.is_set():
                updating.set()
                await anyio.wait_all_tasks_blocked()
            return await super().load(id)

    class Users(Shelf):
        async def save(self, id: str, data: bytes | None) -> None:
            saving.set()
            await updating.wait()
            await super().save(id, data)

    carts, users = cookie("CART", Cart, storage=Carts()), cookie("USER", User, storage=Users())
    id = (await visit(put("coat"), carts)).id

    async def update(sessions: CurrentSession) -> None:
        await saving.wait()
        await sessions.update(Cart, lambda cart: Cart([*cart.items, "hat"]))

    async def app(sessions: CurrentSession, send: Send) -> None:
        async with anyio.create_task_group() as tasks:
            sessions.set(Cart(["scarf"]))
            sessions.set(User("ada"))
            tasks.start_soon(update, sessions)
            await send({"type": "http.response.start", "status": 200, "headers": []})

    assert len((await exchange(app, carts, users, id=id)).all("set-cookie")) == 1
    assert await found(carts, id) == Cart(["scarf", "hat"])
