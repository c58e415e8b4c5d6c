"""The headers of a response, byte for byte, and the headers of a request at their strangest."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from coatcheck import CurrentSession, Sessions, cookie, header
from tests.support.cart import Cart, User, clear_cart, load_cart, put, renew_cart
from tests.support.client import Look, answering, exchange, found, send_request, visit, with_sessions
from tests.support.storage import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from coatcheck import SessionProvider, SessionStorage
    from tests.support.client import Handler, Message, Response, Send


@dataclass
class Key:
    uses: int = 0


@pytest.fixture
def memory(any_storage: SessionStorage) -> Ledger:
    return Ledger(any_storage)


@pytest.fixture
def carts(memory: Ledger) -> SessionProvider[Cart]:
    return cookie("CART", Cart, storage=memory)


@pytest.fixture
def users(memory: Ledger) -> SessionProvider[User]:
    return cookie("USER", User, storage=memory)


@pytest.fixture
def keys(memory: Ledger) -> SessionProvider[Key]:
    return header("X-Key", Key, storage=memory)


def vary(response: Response) -> list[str]:
    """What the response varies with, be it said in one header or in several."""
    return [name.strip().lower() for value in response.all("vary") for name in value.split(",")]


begin_cart = put("coat")


async def begin_key(sessions: CurrentSession) -> None:
    sessions.set(Key(1))


async def begin_all(sessions: CurrentSession) -> None:
    for session in (Cart(), User(), Key()):
        sessions.set(session)


async def read_key(sessions: CurrentSession) -> None:
    await sessions.get(Key)


async def change_cart(sessions: CurrentSession) -> None:
    (await sessions.get_or_set(Cart, Cart)).items.append("scarf")


async def clear_key(sessions: CurrentSession) -> None:
    sessions.clear(Key)


@pytest.fixture
async def cart_id(carts: SessionProvider[Cart]) -> str:
    """The id of a client whose cart holds a coat."""
    return (await visit(begin_cart, carts)).id


@pytest.fixture
async def key_id(keys: SessionProvider[Key]) -> str:
    """The id of a client that has a key."""
    return (await visit(begin_key, keys)).id


# --- Vary ---------------------------------------------------------------------------------------------------------


async def test_vary_names_what_was_read_and_nothing_else(
    carts: SessionProvider[Cart], users: SessionProvider[User], keys: SessionProvider[Key], memory: Ledger
) -> None:
    untouched = header("X-Cart", Cart, storage=memory)
    assert vary(await visit(read_key, carts, users, keys)) == ["x-key"]
    assert vary(await visit(load_cart, carts, users, keys)) == ["cookie"]
    assert vary(await visit(begin_all, carts, users, keys)) == ["cookie", "x-key"]
    assert vary(await visit(read_key, untouched, users, keys)) == ["x-key"]


@pytest.mark.parametrize("act", [begin_cart, load_cart, change_cart, renew_cart, clear_cart])
async def test_whatever_was_done_with_a_session_the_response_depends_on_the_client(
    act: Handler, carts: SessionProvider[Cart], cart_id: str
) -> None:
    for cookies in ([], [("cookie", f"CART={cart_id}")], [("cookie", "CART=unknown")]):
        assert vary(await visit(act, carts, headers=cookies)) == ["cookie"]


async def test_the_apps_own_vary_is_kept(carts: SessionProvider[Cart]) -> None:
    response = await visit(load_cart, carts, own_headers=[(b"Vary", b"Accept-Encoding, Origin")])
    assert response.all("vary")[0] == "Accept-Encoding, Origin"
    assert vary(response) == ["accept-encoding", "origin", "cookie"]


@pytest.mark.parametrize(
    "own", [[b"Cookie, X-Key"], [b"accept", b"x-key,COOKIE"], [b"cookie", b"X-Key"], [b"*"], [b"accept", b" * "]]
)
async def test_vary_does_not_say_again_what_the_app_has_said(
    own: list[bytes], carts: SessionProvider[Cart], users: SessionProvider[User], keys: SessionProvider[Key]
) -> None:
    response = await visit(begin_all, carts, users, keys, own_headers=[(b"vary", value) for value in own])
    assert response.all("vary") == [value.decode() for value in own]


async def test_vary_names_only_what_the_app_has_not_said(
    carts: SessionProvider[Cart], users: SessionProvider[User], keys: SessionProvider[Key]
) -> None:
    response = await visit(begin_all, carts, users, keys, own_headers=[(b"vary", b"Cookie, X-Keys")])
    assert response.all("vary") == ["Cookie, X-Keys", "x-key"]


async def test_sessions_within_sessions_say_it_once(
    carts: SessionProvider[Cart], users: SessionProvider[User], keys: SessionProvider[Key]
) -> None:
    inner = Sessions(with_sessions(answering(begin_all)), carts, keys)
    response = await send_request(Sessions(inner, users))
    assert vary(response) == ["cookie", "x-key"]
    assert response.all("cache-control") == ["no-store"]


# --- Cache-Control ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "sends_an_id"),
    [(begin_cart, False), (load_cart, False), (change_cart, False), (renew_cart, True), (clear_cart, True)],
)
async def test_a_response_with_a_cookie_is_for_no_cache(
    act: Handler,
    sends_an_id: bool,  # noqa: FBT001
    carts: SessionProvider[Cart],
    cart_id: str,
) -> None:
    response = await visit(act, carts, headers=[("cookie", f"CART={cart_id}")])
    assert len(response.all("set-cookie")) == sends_an_id
    assert response.all("cache-control") == ["no-store"] * sends_an_id


@pytest.mark.parametrize(("act", "sends_an_id"), [(begin_key, False), (read_key, False), (clear_key, True)])
async def test_a_response_with_an_id_header_is_for_no_cache(
    act: Handler,
    sends_an_id: bool,  # noqa: FBT001
    keys: SessionProvider[Key],
    key_id: str,
) -> None:
    response = await visit(act, keys, headers=[("x-key", key_id)])
    assert len(response.all("x-key")) == sends_an_id
    assert response.all("cache-control") == ["no-store"] * sends_an_id


@pytest.mark.parametrize("act", [begin_all, clear_cart, load_cart])
async def test_a_dead_id_is_taken_away_in_a_response_for_no_cache(
    act: Handler, carts: SessionProvider[Cart], users: SessionProvider[User], keys: SessionProvider[Key]
) -> None:
    response = await visit(act, carts, users, keys, headers=[("cookie", "CART=unknown")])
    assert response.all("cache-control") == ["no-store"]


@pytest.mark.parametrize("own", [b"public, max-age=60", b"no-cache", b""])
async def test_the_apps_own_cache_control_stands_whatever_it_says(own: bytes, keys: SessionProvider[Key]) -> None:
    response = await visit(begin_key, keys, own_headers=[(b"cache-control", own)])
    assert response.all("cache-control") == [own.decode()]


# --- Set-Cookie ---------------------------------------------------------------------------------------------------


async def test_the_apps_own_cookies_come_first_and_untouched(
    carts: SessionProvider[Cart], users: SessionProvider[User], keys: SessionProvider[Key]
) -> None:
    own = [b"theme=dark; Path=/", b"CART=of-the-app", b"theme=light; Path=/a"]
    app = answering(begin_all, [(b"Set-Cookie", value) for value in own])
    cookies = (await exchange(app, carts, users, keys)).all("set-cookie")
    assert cookies[:3] == [value.decode() for value in own]
    assert [value.partition("=")[0] for value in cookies[3:]] == ["CART", "USER"]


async def test_a_cookie_of_the_apps_own_under_the_same_name_does_not_win(carts: SessionProvider[Cart]) -> None:
    app = Sessions(with_sessions(answering(begin_cart, [(b"set-cookie", b"CART=of-the-app; Path=/; Secure")])), carts)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="https://shop.example") as browser:
        await browser.get("/")
        assert len(browser.cookies["CART"]) == 43


# --- the cookies of a request -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layout",
    [
        ["CART={id}; CART=planted"],
        ["CART={id}", "CART=planted"],
        ["a=b; CART={id}", "c=d", "CART=planted; CART="],
        ["a=b", "", "CART={id}"],
        ["a=b;CART={id};"],
    ],
)
async def test_of_several_cookies_of_its_name_the_first_that_is_held_counts(
    layout: list[str], carts: SessionProvider[Cart], cart_id: str
) -> None:
    """HTTP/2 may send each cookie in a header of its own."""
    look = Look(Cart)
    response = await visit(look, carts, headers=[("cookie", line.format(id=cart_id)) for line in layout])
    assert look.found == [Cart(["coat"])]
    assert response.all("set-cookie") == []


@pytest.mark.parametrize(
    ("layout", "reads"),
    [
        (["CART=planted; CART={id}"], 2),
        (["CART=planted", "CART={id}"], 2),
        (["CART=", "CART={id}"], 1),
        (["CART=,;CART={id}"], 1),
        (["CART=1; CART=2; CART=2; CART=1; CART=3; CART={id}; CART=5"], 4),
        (["CART=1; CART=,; CART=two words", "CART=2; CART=3", "CART={id}"], 4),
    ],
)
async def test_a_cookie_of_its_name_that_nothing_is_stored_under_locks_no_client_out(
    layout: list[str], reads: int, carts: SessionProvider[Cart], cart_id: str, memory: Ledger
) -> None:
    """A browser keeps the cookie that the app set with another Domain or Path, and sends both."""
    memory.calls.clear()
    look = Look(Cart)
    response = await visit(look, carts, headers=[("cookie", line.format(id=cart_id)) for line in layout])
    assert look.found == [Cart(["coat"])]
    assert response.ids == []
    assert memory.calls == ["read"] * reads


@pytest.mark.parametrize(
    ("line", "reads"),
    [("CART=1; CART=2", 2), ("CART=1; CART=2; CART=3; CART=4; CART={id}", 4), ("CART=,; CART=two words; CART=", 0)],
)
async def test_of_several_cookies_of_its_name_four_are_looked_up_and_they_are_removed_if_none_is_held(
    line: str, reads: int, carts: SessionProvider[Cart], cart_id: str, memory: Ledger
) -> None:
    memory.calls.clear()
    look = Look(Cart)
    response = await visit(look, carts, headers=[("cookie", line.format(id=cart_id))])
    assert look.found == [None]
    assert response.ids == [""]
    assert memory.calls == ["read"] * reads


async def add_hat(sessions: CurrentSession) -> None:
    assert await sessions.update(Cart, lambda cart: Cart([*cart.items, "hat"])) == Cart(["coat", "hat"])


@pytest.mark.parametrize(("act", "items"), [(put("hat"), ["hat"]), (add_hat, ["coat", "hat"]), (renew_cart, ["coat"])])
async def test_what_a_request_with_several_cookies_changes_is_the_session_that_is_held(
    act: Handler, items: list[str], carts: SessionProvider[Cart], cart_id: str
) -> None:
    response = await visit(act, carts, headers=[("cookie", f"CART=planted; CART={cart_id}; CART=old")])
    assert (response.ids == []) == (act is not renew_cart)
    assert await found(carts, response.id if response.ids else cart_id) == Cart(items)


async def renew_then_save(sessions: CurrentSession) -> None:
    sessions.renew_id(Cart)
    await sessions.save()


@pytest.mark.parametrize("first", [None, load_cart, renew_then_save])
async def test_a_clear_ends_the_session_of_each_cookie_of_its_name(
    first: Handler | None, carts: SessionProvider[Cart], cart_id: str
) -> None:
    other = (await visit(begin_cart, carts)).id

    async def log_out(sessions: CurrentSession) -> None:
        if first is not None:
            await first(sessions)
        sessions.clear(Cart)

    response = await visit(log_out, carts, headers=[("cookie", f"CART=planted; CART={cart_id}; CART={other}")])
    assert response.ids == [""]
    assert [await found(carts, id) for id in (cart_id, other)] == [None, None]


NEARLY = {
    "quoted": lambda good: f'"{good}"',
    "percent-encoded": lambda good: f"%{ord(good[0]):02x}{good[1:]}",
    "in the other case": str.swapcase,
    "cut": lambda good: good[:-1],
    "lengthened": lambda good: f"{good}x",
    "doubled": lambda good: f"{good}, {good}",
    "with a null": lambda good: f"{good}\0",
    "in other letters": lambda good: f"{good}\xad",
}


@pytest.mark.parametrize("nearly", NEARLY.values(), ids=NEARLY.keys())
async def test_what_is_nearly_an_id_is_none(
    nearly: Callable[[str], str], carts: SessionProvider[Cart], keys: SessionProvider[Key], cart_id: str, key_id: str
) -> None:
    async def look(sessions: CurrentSession) -> None:
        assert await sessions.get(Cart) is None
        assert await sessions.get(Key) is None

    received = [("cookie", f"CART={nearly(cart_id)}"), ("x-key", nearly(key_id))]
    response = await visit(look, carts, keys, headers=received)
    assert response.ids == ["", ""]


# --- the header of a request --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "reads"),
    [
        *(("unknown", 1), ("x" * 512, 1), ("x" * 513, 0), ("x" * 100_000, 0), ("", 0), ("  ", 0), ("two words", 0)),
        *(("a,b", 0), ("a;b", 0), ("a\\b", 0), ('"a"', 0), ("a\tb", 0), ("a\x7fb", 0), ("\xff\xfe", 0)),
    ],
)
async def test_a_header_that_holds_no_id_of_ours_is_no_session_and_is_taken_away(
    id: str, reads: int, keys: SessionProvider[Key], memory: Ledger
) -> None:
    async def look(sessions: CurrentSession) -> None:
        assert await sessions.get(Key) is None
        assert sessions.id(Key) is None

    response = await visit(look, keys, headers=[("x-key", id)])
    assert response.all("x-key") == [""]
    assert memory.calls.count("read") == reads
    (fresh,) = (await visit(begin_key, keys, headers=[("x-key", id)])).all("x-key")
    assert len(fresh) == 43


async def test_a_header_that_nothing_is_stored_under_locks_no_client_out(
    keys: SessionProvider[Key], key_id: str
) -> None:
    for first in ("", "unknown", "mal,formed"):
        response = await visit(read_key, keys, headers=[("x-key", first), ("x-key", key_id)])
        assert response.all("x-key") == []


async def test_a_cookie_is_no_header_and_a_header_no_cookie(memory: Ledger) -> None:
    by_cookie, by_header = cookie("x-key", Cart, storage=memory), header("X-Cart", Key, storage=memory)

    async def begin(sessions: CurrentSession) -> None:
        sessions.set(Cart(["coat"]))
        sessions.set(Key(1))

    response = await visit(begin, by_cookie, by_header)
    cart, key = response.ids

    async def look(sessions: CurrentSession) -> None:
        assert await sessions.get(Cart) is None
        assert await sessions.get(Key) is None

    await visit(look, by_cookie, by_header, headers=[("x-key", cart), ("cookie", f"x-cart={key}")])


# --- the messages of a response -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "status"),
    [("HEAD", 200), ("GET", 204), ("GET", 304), ("GET", 404), ("GET", 499), ("OPTIONS", 204), ("CONNECT", 200)],
)
async def test_every_response_carries_the_id_and_what_goes_with_it(
    method: str, status: int, carts: SessionProvider[Cart], keys: SessionProvider[Key]
) -> None:
    async def begin(sessions: CurrentSession) -> None:
        sessions.set(Cart(["coat"]))
        sessions.set(Key(1))

    response = await visit(begin, carts, keys, method=method, status=status)
    assert [message.get("status") for message in response.messages] == [status, None]
    assert [len(response.all(name)) for name in ("set-cookie", "x-key", "cache-control")] == [1, 1, 1]
    assert vary(response) == ["cookie", "x-key"]

    async def look(sessions: CurrentSession) -> None:
        assert (await sessions.get(Cart), await sessions.get(Key)) == (Cart(["coat"]), Key(1))

    received = [("cookie", response.all("set-cookie")[0].partition(";")[0]), ("x-key", response.all("x-key")[0])]
    await visit(look, carts, keys, headers=received)


async def test_what_is_sent_ahead_of_a_response_is_not_its_beginning(carts: SessionProvider[Cart]) -> None:
    ahead: list[Message] = [
        {"type": "http.response.debug", "info": {"template": "cart.html"}},
        {"type": "http.response.early_hint", "links": [b"</cart.css>; rel=preload; as=style"]},
        {"type": "http.response.early_hint", "links": [b"</cart.js>; rel=preload; as=script"]},
    ]
    before = copy.deepcopy(ahead)

    async def app(sessions: CurrentSession, send: Send) -> None:
        for message in ahead:
            await send(message)
        await answering(begin_cart)(sessions, send)

    response = await exchange(app, carts)
    assert all(told is message for told, message in zip(response.messages, ahead, strict=False))
    assert ahead == before
    assert [message["type"] for message in response.messages[3:]] == ["http.response.start", "http.response.body"]
    assert len(response.all("set-cookie")) == 1


async def test_what_follows_the_beginning_passes_untouched(carts: SessionProvider[Cart], cart_id: str) -> None:
    with TemporaryFile() as file:
        after: list[Message] = [
            {"type": "http.response.early_hint", "links": [b"</cart.css>; rel=preload; as=style"]},
            {"type": "http.response.push", "path": "/cart.css", "headers": [(b"accept", b"text/css")]},
            {"type": "http.response.body", "body": b"1", "more_body": True},
            {"type": "http.response.zerocopysend", "file": file, "offset": 0, "count": 7, "more_body": True},
            {"type": "http.response.pathsend", "path": "/cart.html"},
            {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")], "more_trailers": True},
            {"type": "http.response.trailers", "headers": [(b"x-sum", b"2")]},
        ]
        before = [{**message} for message in after]

        async def app(sessions: CurrentSession, send: Send) -> None:
            await load_cart(sessions)
            await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
            for message in after:
                await change_cart(sessions)
                await send(message)

        start, *rest = (await exchange(app, carts, headers=[("cookie", f"CART={cart_id}")])).messages
        assert start == {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"vary", b"cookie")],
            "trailers": True,
        }
        assert all(told is message for told, message in zip(rest, after, strict=True))
        assert after == before

    async def look(sessions: CurrentSession) -> None:
        assert await sessions.get(Cart) == Cart(["coat", *["scarf"] * 7])

    await visit(look, carts, headers=[("cookie", f"CART={cart_id}")])


OWN = [(b"content-type", b"text/plain"), (b"x-own", b"1")]
FORMS: dict[str, Callable[[], Any]] = {
    "a list of tuples": lambda: [*OWN],
    "a tuple of tuples": lambda: tuple(OWN),
    "a list of lists": lambda: [list(pair) for pair in OWN],
    "a generator": lambda: (pair for pair in OWN),
    "the items of a dictionary": lambda: dict(OWN).items(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("act", [begin_key, None])
async def test_headers_may_come_in_any_form(
    act: Handler | None, form: Callable[[], Any], keys: SessionProvider[Key]
) -> None:
    async def app(sessions: CurrentSession, send: Send) -> None:
        if act is not None:
            await act(sessions)
        await send({"type": "http.response.start", "status": 200, "headers": form()})

    (start,) = (await exchange(app, keys)).messages
    headers = [tuple(pair) for pair in start["headers"]]
    assert headers[:2] == OWN
    assert [name for name, _ in headers[2:]] == ([] if act is None else [b"x-key", b"cache-control", b"vary"])


@pytest.mark.parametrize("act", [begin_key, None])
async def test_headers_may_be_left_out(act: Handler | None, keys: SessionProvider[Key]) -> None:
    async def app(sessions: CurrentSession, send: Send) -> None:
        if act is not None:
            await act(sessions)
        await send({"type": "http.response.start", "status": 200})

    (start,) = (await exchange(app, keys)).messages
    names = [name for name, _ in start.get("headers", ())]
    assert names == ([] if act is None else [b"x-key", b"cache-control", b"vary"])


async def test_a_message_that_an_app_sends_again_holds_nothing_of_another_client(carts: SessionProvider[Cart]) -> None:
    headers = [(b"content-type", b"text/plain")]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    clients = [begin_cart, begin_cart, load_cart, None]

    async def app(sessions: CurrentSession, send: Send) -> None:
        act = clients.pop(0)
        if act is not None:
            await act(sessions)
        await send(start)

    sessions = Sessions(with_sessions(app), carts)
    ids = [(await send_request(sessions)).ids for _ in range(4)]
    assert [len(granted) for granted in ids] == [1, 1, 0, 0]
    assert ids[0] != ids[1]
    assert start == {"type": "http.response.start", "status": 200, "headers": headers}
    assert headers == [(b"content-type", b"text/plain")]
