"""What the library tells the logger `coatcheck`: a record for each storage call and decision, and what it costs."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from time import perf_counter
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import coatcheck.log
from coatcheck import SessionStorageMemory, cookie, header, write_bytes
from tests.support.cart import Cart, clear_cart, load_cart, put, renew_cart
from tests.support.client import Ids, visit
from tests.support.storage import LosesItsConnection, Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coatcheck import CurrentSession, SessionProvider, SessionStorage
    from tests.support.client import Handler
    from tests.support.clock import Clock

LOGGER = logging.getLogger("coatcheck")


class Records(list[logging.LogRecord]):
    """The records at DEBUG, as a lab's timeline would show them."""

    def events(self) -> list[str]:
        return [record.getMessage().partition(": ")[2] for record in self]

    def of(self, event: str) -> Any:
        """The one record of this event."""
        (record,) = (record for record in self if record.getMessage().endswith(f": {event}"))
        return record


@contextmanager
def listening(level: int = logging.DEBUG) -> Iterator[Records]:
    records, handler, before = Records(), logging.Handler(), LOGGER.level
    handler.emit = lambda record: records.append(record) if record.levelno == logging.DEBUG else None  # type: ignore[method-assign]
    LOGGER.addHandler(handler)
    LOGGER.setLevel(level)
    try:
        yield records
    finally:
        LOGGER.setLevel(before)
        LOGGER.removeHandler(handler)


def hash_of(id: str) -> str:
    return sha256(f"CART:{id}".encode()).hexdigest()[:12]


async def add_a_hat(sessions: CurrentSession) -> None:
    await sessions.update(Cart, lambda cart: Cart([*cart.items, "hat"]))


@dataclass
class Basket:
    items: list[str]
    count: int


@pytest.fixture(params=[SessionStorageMemory, Shelf], ids=["memory", "without update"])
def provider(request: pytest.FixtureRequest, clock: Clock) -> SessionProvider[Cart]:
    return cookie("CART", Cart, storage=request.param(), idle_timeout=timedelta(hours=1), clock=clock)


async def a_session(provider: SessionProvider[Any]) -> str:
    return await provider.write(Cart(["coat"]))


# --- decisions ----------------------------------------------------------------------------------------------------


async def test_a_session_that_starts_is_logged_with_its_size_and_a_hash_of_its_id(
    provider: SessionProvider[Cart],
) -> None:
    start = perf_counter()
    with listening() as records:
        id = (await visit(put("coat"), provider)).id
    elapsed = (perf_counter() - start) * 1000
    assert records.events() == ["storage write done", "stored"]
    call, stored = records.of("storage write done"), records.of("stored")
    for record in (call, stored):
        assert (record.name, record.levelno, record.provider, record.id_hash) == ("coatcheck", 10, "CART", hash_of(id))
        assert record.getMessage().startswith(f"CART session {hash_of(id)}: ")
    assert stored.bytes == len(b'{"items":["coat"]}')
    assert call.bytes > stored.bytes
    assert 0 < call.ms < elapsed
    assert not hasattr(stored, "ms")


async def test_a_session_that_is_found_is_logged(provider: SessionProvider[Cart]) -> None:
    id = await a_session(provider)
    with listening() as records:
        await visit(load_cart, provider, id=id)
    assert records.events() == ["storage read done", "loaded"]
    call, loaded = records
    assert (call.provider, call.id_hash, loaded.id_hash) == ("CART", hash_of(id), hash_of(id))  # type: ignore[attr-defined]
    assert call.bytes > loaded.bytes == len(b'{"items":["coat"]}')  # type: ignore[attr-defined]
    assert call.ms >= 0  # type: ignore[attr-defined]


async def test_an_unknown_id_is_logged(provider: SessionProvider[Cart]) -> None:
    with listening() as records:
        await visit(load_cart, provider, id="unknown")
    assert records.events() == ["storage read found nothing", "no session under this id"]
    assert [record.id_hash for record in records] == [hash_of("unknown")] * 2  # type: ignore[attr-defined]
    assert records[0].ms >= 0  # type: ignore[attr-defined]
    assert not hasattr(records[0], "bytes")


@pytest.mark.parametrize(("limit", "hours"), [("idle_timeout", 1), ("max_age", 24 * 7)])
async def test_a_session_that_has_expired_is_logged_with_the_limit(
    limit: str, hours: int, provider: SessionProvider[Cart], clock: Clock
) -> None:
    id = await a_session(provider)
    clock.now += hours * 3600
    with listening() as records:
        await visit(load_cart, provider, id=id)
    assert records.events().count(f"expired by {limit}") == 1
    assert records.events()[-1] == "storage invalidate done"
    assert "loaded" not in records.events()


async def test_an_unreadable_record_is_logged_each_time_and_warned_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    storage = SessionStorageMemory()
    provider = cookie("CART", Cart, storage=storage)
    await write_bytes(storage, "CART:damaged", b"half a record")
    with listening() as records:
        for _ in range(3):
            await visit(load_cart, provider, id="damaged")
    assert records.events() == ["storage read done", "unreadable, which counts as none"] * 3
    (warning,) = (record for record in caplog.records if record.levelno == logging.WARNING)
    assert (vars(warning)["provider"], vars(warning)["id_hash"]) == ("CART", hash_of("damaged"))


async def test_a_change_is_logged_as_saved_or_as_touched(provider: SessionProvider[Cart], clock: Clock) -> None:
    id = await a_session(provider)
    with listening() as records:
        await visit(put("coat", "hat"), provider, id=id)
        assert records.events()[-1] == "saved"
        assert records.of("saved").bytes == len(b'{"items":["coat","hat"]}')
        clock.now += 1800
        await visit(load_cart, provider, id=id)
        assert records.events()[-1] == "touched"


async def test_a_merge_is_logged(clock: Clock) -> None:
    provider = cookie("CART", Basket, storage=SessionStorageMemory(), clock=clock)
    id = await provider.write(Basket(["coat"], 0))

    async def count(sessions: CurrentSession) -> None:
        basket = await sessions.get(Basket)
        assert basket is not None
        basket.count += 1

    async def pack(sessions: CurrentSession) -> None:
        basket = await sessions.get(Basket)
        assert basket is not None
        await visit(count, provider, id=id)
        basket.items.append("hat")

    with listening() as records:
        await visit(pack, provider, id=id)
    assert records.events()[-1] == "merged with what is stored, and saved"
    assert await provider.read(id) == Basket(["coat", "hat"], 1)


async def test_an_update_is_logged(provider: SessionProvider[Cart]) -> None:
    id = await a_session(provider)
    with listening() as records:
        await visit(add_a_hat, provider, id=id)
    assert records.of("updated").bytes == len(b'{"items":["coat","hat"]}')


async def test_a_renewal_is_logged_under_both_ids(provider: SessionProvider[Cart]) -> None:
    id = await a_session(provider)
    with listening() as records:
        new = (await visit(renew_cart, provider, id=id)).id
    assert records.of("stored").id_hash == hash_of(new)
    assert records.of("renewed").id_hash == hash_of(id)
    assert records.of("ended").id_hash == hash_of(id)


async def test_the_end_of_a_session_is_logged(provider: SessionProvider[Cart]) -> None:
    id = await a_session(provider)
    with listening() as records:
        await visit(clear_cart, provider, id=id)
        await provider.invalidate(id)
    assert records.events() == ["storage invalidate done", "ended"] * 2


async def test_a_session_outside_a_request_is_logged_as_one_inside_is(
    provider: SessionProvider[Cart], clock: Clock
) -> None:
    with listening() as records:
        ended, expired = await provider.write(Cart(["coat"])), await provider.write(Cart())
        assert records.events() == ["storage write done", "stored"] * 2
        records.clear()
        assert await provider.read(ended) == Cart(["coat"])
        assert records.events() == ["storage read done", "loaded"]
        assert records.of("loaded").bytes == len(b'{"items":["coat"]}')
        records.clear()
        await provider.invalidate(ended)
        assert await provider.read(ended) is None
        assert records.events() == [
            *("storage invalidate done", "ended"),
            *("storage read found nothing", "no session under this id"),
        ]
        assert {record.id_hash for record in records} == {hash_of(ended)}  # type: ignore[attr-defined]
        records.clear()
        clock.now += 3600
        assert await provider.read(expired) is None
        assert records.of("expired by idle_timeout").id_hash == hash_of(expired)
        assert records.events()[-1] == "storage invalidate done"


async def test_a_change_that_is_discarded_is_logged_with_the_reason(provider: SessionProvider[Cart]) -> None:
    id = await a_session(provider)

    async def change_what_another_ends(sessions: CurrentSession) -> None:
        cart = await sessions.get(Cart)
        assert cart is not None
        cart.items.append("hat")
        await provider.invalidate(id)

    with listening() as records:
        await visit(change_what_another_ends, provider, id=id)
        await visit(put("coat"), provider, status=500)
    another, error = (record for record in records if "discarded" in record.getMessage())
    assert another.getMessage() == (
        f"CART session {hash_of(id)}: changes discarded, because another request has ended the session"
    )
    assert error.getMessage() == "CART session without an id: changes discarded, because the response is an error"
    assert not hasattr(error, "id_hash")


# --- storage calls ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handler", "call"),
    [(load_cart, "read"), (add_a_hat, "update"), (clear_cart, "invalidate"), (put("coat"), "write")],
)
async def test_a_storage_call_that_fails_is_logged_with_its_error(handler: Handler, call: str) -> None:
    shaky = LosesItsConnection(SessionStorageMemory())
    provider = cookie("CART", Cart, storage=shaky)
    id = None if call == "write" else await a_session(provider)
    shaky.failing.add(call)
    with listening() as records, pytest.raises(ConnectionError):
        await visit(handler, provider, id=id)
    failed = [record for record in records if f"storage {call} raised ConnectionError" in record.getMessage()]
    assert failed
    for record in failed:
        assert vars(record)["ms"] >= 0
        assert hasattr(record, "bytes") is (call == "write")


async def test_a_storage_call_is_logged_with_the_milliseconds_that_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = cookie("CART", Cart, storage=SessionStorageMemory())
    id = await a_session(provider)
    times = iter([1.0, 1.25])
    monkeypatch.setattr(coatcheck.log, "perf_counter", lambda: next(times))
    with listening() as records:
        await visit(load_cart, provider, id=id)
    assert records.of("storage read done").ms == 250


async def test_a_storage_call_that_is_given_up_is_logged() -> None:
    class Slow(Shelf):
        async def load(self, id: str) -> bytes | None:
            scope.cancel()
            await anyio.sleep_forever()
            return await super().load(id)

    provider = cookie("CART", Cart, storage=Slow())
    with listening() as records, anyio.CancelScope() as scope:
        await provider.read("id1")
    (event,) = records.events()
    assert re.fullmatch("storage read raised (CancelledError|Cancelled)", event)


async def test_the_providers_of_one_request_are_told_apart() -> None:
    storage = SessionStorageMemory()
    cart, basket = cookie("CART", Cart, storage=storage), header("X-Basket", Basket, storage=storage)

    async def begin(sessions: CurrentSession) -> None:
        sessions.set(Cart())
        sessions.set(Basket([], 0))

    with listening() as records:
        await visit(begin, cart, basket)
    assert [record.provider for record in records] == ["CART"] * 2 + ["x-basket"] * 2  # type: ignore[attr-defined]


# --- what it costs ------------------------------------------------------------------------------------------------


TURNS = (put("coat"), load_cart, add_a_hat, put("hat"), renew_cart, clear_cart, load_cart)


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING, logging.CRITICAL])
@pytest.mark.parametrize("storage", [SessionStorageMemory, Shelf])
async def test_nothing_is_computed_and_no_clock_is_read_when_nobody_listens(
    level: int, storage: Callable[[], SessionStorage], monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []

    def noting(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            computed.append(name)
            return call(*arguments)

        return noted

    ids = Ids()
    provider = cookie("CART", Cart, storage=storage(), new_id=ids)
    for name in ("sha256", "perf_counter"):
        monkeypatch.setattr(coatcheck.log, name, noting(name, getattr(coatcheck.log, name)))
    with listening(level) as records:
        for handler in TURNS:
            await visit(handler, provider, id=ids[-1] if ids else None)
    assert (records, computed) == ([], [])
    with listening():
        await visit(load_cart, provider, id="unknown")
    assert {*computed} == {"sha256", "perf_counter"}


@pytest.mark.parametrize(
    ("handler", "calls"),
    [
        (put("coat"), ["write"]),
        (load_cart, ["read"]),
        (put("hat"), ["read", "update"]),
        (add_a_hat, ["read", "update"]),
    ],
    ids=["login", "read", "change", "update"],
)
async def test_each_storage_call_asks_once_whether_anybody_listens(
    handler: Handler, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = cookie("CART", Cart, storage=SessionStorageMemory())
    ids = [None if calls == ["write"] else await a_session(provider) for _ in range(2)]
    with listening() as records:
        await visit(handler, provider, id=ids[0])
    assert [event.split()[1] for event in records.events() if event.startswith("storage")] == calls
    asked: list[int] = []
    monkeypatch.setattr(LOGGER, "isEnabledFor", asked.append)  # which answers no
    await visit(handler, provider, id=ids[1])
    assert asked == [logging.DEBUG] * len(calls)


async def test_what_an_id_is_made_of_is_no_business_of_the_log() -> None:
    """An id that UTF-8 can't encode is as unknown with the log as without it."""
    provider = cookie("CART", Cart, storage=SessionStorageMemory())
    for level in (logging.DEBUG, logging.INFO):
        with listening(level):
            assert await provider.read("\ud800") is None
