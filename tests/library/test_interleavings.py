"""Requests that meet on one session: whatever the order of their storage calls, the promises hold.

Nothing here is left to chance or to time. Each call that a request makes of the storage waits for its turn, and the
scheduler gives out the turns in every order there is.
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import count, permutations
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import pytest
from anyio import create_task_group, fail_after
from anyio.lowlevel import checkpoint
from redis.asyncio import Redis

from coatcheck import (
    SessionNotFound,
    SessionStorageCache,
    SessionStorageDirectory,
    SessionStorageMemory,
    cookie,
    read_bytes,
    write_bytes,
)
from coatcheck.redis import SessionStorageRedis
from tests.support.client import found, visit
from tests.support.clock import Clock
from tests.support.scheduler import Scheduler, every_order, step, turn
from tests.support.storage import Around, Shelf

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
    from pathlib import Path

    from coatcheck import CurrentSession, SessionStorage
    from tests.support.client import Handler
    from tests.support.scheduler import Choose

    Requests = Handler | Sequence[Handler]  # of one client, one after the other
    Fresh = Callable[[], tuple[SessionStorage, "Parking"]]
    Crash = Literal["cancelled", "connection lost"]

T = TypeVar("T")

WEEK = 7 * 24 * 60 * 60
FIRST, SECOND, THIRD = IDS = ["id-1", "id-2", "id-3"]  # in the order in which they are issued
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Visitor:
    name: str = "guest"
    language: str = "en"
    visits: int = 0


# --- the stage ------------------------------------------------------------------------------------------------------


class Client:
    """Sends its requests one after the other and keeps its cookie. At each storage call it waits for its turn."""

    def __init__(self, handlers: Iterable[Handler], id: str | None) -> None:
        self.id = id
        self.answers: list[str | None] = []  # what each response made of the cookie: an id, "" to end it, or nothing
        self._handlers = handlers

    async def run(self, stage: Stage) -> None:
        locking.set(stage.locks)
        if stage.parking.after:
            await turn()
        for handler in self._handlers:
            answer = await stage.visit(handler, self.id)
            self.answers.append(answer)
            self.id = self.id if answer is None else answer or None


locking: ContextVar[bool] = ContextVar("locking", default=False)  # whether a change holds a lock


class Parking(Around):
    """A storage at whose calls a client waits for its turn. Then the whole call is done before the next turn."""

    def __init__(self, storage: SessionStorage, *, after: bool = False) -> None:
        super().__init__(storage)
        self.after = after  # whether a client waits after each call as well, before it knows what came of it
        self.ids: set[str] = set()  # all that something was ever stored under

    async def pass_on(self, name: str, id: str, call: Callable[[], Awaitable[T]]) -> T:
        if name == "write":
            self.ids.add(id)
        async with step(name, after=self.after):
            return await super().pass_on(name, id, call)


class Stage:
    """A storage that holds one session, ten minutes old, and the clients that meet on it."""

    def __init__(
        self, fresh: Fresh, *clients: Requests, id: str | None = FIRST, idle_timeout: timedelta | None = None
    ) -> None:
        storage, self.parking = fresh()
        self.scheduler = Scheduler()
        self.log = self.scheduler.log
        self.before_crash: list[str] = []  # the log as it was then
        self.locks = not hasattr(storage, "update")
        self.commit = "write.1" if self.locks else "update.1"  # the step with which a change is made
        self.clock = Clock(0)
        self.clients = [Client([handlers] if callable(handlers) else handlers, id) for handlers in clients]
        self.issued: list[str] = []
        self._provider = cookie(
            "VISITOR",
            Visitor,
            storage=storage,
            new_id=self._issue,
            idle_timeout=idle_timeout,
            clock=self.clock,
        )

    async def play(self, choose: Choose) -> Stage:
        await self._begin()
        work = {name: partial(client.run, self) for name, client in zip(ascii_uppercase, self.clients, strict=False)}
        await self.scheduler.play(work, choose)
        return self

    async def crash(self, how: Crash, after: int) -> bool:
        """Let the only client have so many turns and then crash. Return whether it was still on its way.

        A request that is cancelled may clean up. One that lost its connection can do nothing more.
        """
        (client,) = self.clients
        await self._begin()
        async with create_task_group() as group:
            task = self.scheduler.start(group, "A", partial(client.run, self))
            for _ in range(after):
                await self.scheduler.settle()
                task.go_on()
            await self.scheduler.settle()
            if task.ended:
                return False
            if how == "cancelled":
                task.cancel()
            else:
                task.fail(ConnectionError(how))
            self.before_crash = [*self.log]
            while not task.ended:
                await checkpoint()
                await self.scheduler.settle()
                if task.waits:
                    task.go_on()
        return True

    async def visit(self, handler: Handler, id: str | None) -> str | None:
        """Send a request with the cookie `id`. Return what the response makes of it, as in `Client.answers`."""
        response = await visit(handler, self._provider, id=id)
        return response.id if response.ids else None

    async def opens(self, id: str) -> Visitor | None:
        """Return the session that a request with the cookie `id` gets."""
        session: Visitor | None = await found(self._provider, id)
        return session

    async def held(self) -> dict[str, Visitor]:
        """Return the sessions that there are now, by id; the storage holds nothing else."""
        assert all(id.endswith(tuple(self.issued)) for id in self.parking.ids), self.log
        return {id: visitor for id in self.issued if (visitor := await self.opens(id))}

    def came(self, step: str, *, before: str) -> bool:
        """Return whether `step` was done, and `before` was not done before it."""
        return step in self.log and (before not in self.log or self.log.index(step) < self.log.index(before))

    async def _begin(self) -> None:
        assert await self.visit(put(), None) == FIRST
        self.clock.now += 600

    def _issue(self) -> str:
        self.issued.append(IDS[len(self.issued)])
        return self.issued[-1]


async def every_interleaving(
    fresh: Fresh, *clients: Requests, at_least: int, id: str | None = FIRST, idle_timeout: timedelta | None = None
) -> list[Stage]:
    """Play every order of the clients' storage calls, each on a stage of its own."""

    async def play(choose: Choose) -> Stage:
        return await Stage(fresh, *clients, id=id, idle_timeout=idle_timeout).play(choose)

    stages = await every_order(play)
    assert len(stages) >= at_least
    return stages


# --- storages -------------------------------------------------------------------------------------------------------


@pytest.fixture
async def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Fresh]:
    """Makes a new storage, and says where its calls are parked."""
    numbers = count()
    client = Redis(port=request.getfixturevalue("redis_port")) if request.param == "redis" else None

    def make() -> tuple[SessionStorage, Parking]:
        number = next(numbers)
        match request.param:
            case "redis" if client is not None:
                storage: SessionStorage = SessionStorageRedis(client, prefix=f"{tmp_path}/{number}:")
            case "directory":
                storage = SessionStorageDirectory(tmp_path / str(number))
            case "cache":
                storage = SessionStorageCache(SessionStorageMemory())
            case "without update":
                storage = Shelf()
            case "behind a cache":
                parking = Parking(SessionStorageMemory(), after=True)
                return SessionStorageCache(parking), parking
            case _:
                storage = SessionStorageMemory()
        parking = Parking(storage)
        return parking, parking

    yield make
    if client is not None:
        await client.aclose()


def on(*places: str) -> pytest.MarkDecorator:
    """Run a test with these storages, each on the event loop that is named with it."""
    return pytest.mark.parametrize(("fresh", "anyio_backend"), [place.split(" on ") for place in places], indirect=True)


PLACES = [f"{storage} on asyncio" for storage in ("memory", "without update", "directory", "cache", "redis")]
on_every_storage = on(*PLACES, "memory on trio", "without update on trio")
on_every_storage_once = on(*PLACES)  # where there are many orders
on_two_storages = on(*PLACES[:2])  # where there are very many


# --- what the requests do -------------------------------------------------------------------------------------------


async def wait_to_lock(_: CurrentSession) -> None:
    """Take a turn where a lock comes next, lest it be got right behind the call before each time."""
    if locking.get():
        await turn()


def change(**fields: Any) -> Handler:
    async def handler(sessions: CurrentSession) -> None:
        visitor = await sessions.get(Visitor)
        if visitor is not None:
            sessions.set(replace(visitor, **fields))
            await wait_to_lock(sessions)

    return handler


def put(**fields: Any) -> Handler:
    async def handler(sessions: CurrentSession) -> None:
        sessions.set(Visitor(**fields))

    return handler


async def look(sessions: CurrentSession) -> None:
    await sessions.get(Visitor)


async def add_one(sessions: CurrentSession) -> None:
    with suppress(SessionNotFound):  # so `update` says that there is no session, or no longer
        await sessions.update(Visitor, lambda visitor: replace(visitor, visits=visitor.visits + 1))


async def clear(sessions: CurrentSession) -> None:
    await wait_to_lock(sessions)
    sessions.clear(Visitor)


async def renew(sessions: CurrentSession) -> None:
    sessions.renew_id(Visitor)


def put_and_renew(**fields: Any) -> Handler:
    async def handler(sessions: CurrentSession) -> None:
        sessions.set(Visitor(**fields))
        sessions.renew_id(Visitor)

    return handler


def together(*handlers: Handler) -> Handler:
    """Do several things in one request."""

    async def handler(sessions: CurrentSession) -> None:
        for do in handlers:
            await do(sessions)

    return handler


change_and_add_one = together(change(name="Ada"), add_one, wait_to_lock)
add_one_and_touch = together(add_one, wait_to_lock)


# --- the stage can be trusted ---------------------------------------------------------------------------------------


def turns_of(stage: Stage) -> str:
    """Return whose call each step was: "AABB"."""
    return "".join(step[0] for step in stage.log)


@on("memory on asyncio", "memory on trio", "directory on asyncio", "cache on asyncio", "redis on asyncio")
async def test_each_order_is_played_once(fresh: Fresh) -> None:
    # The one reads, updates, and updates again; the other reads and updates.
    stages = await every_interleaving(fresh, change_and_add_one, add_one, at_least=10)
    assert sorted(map(turns_of, stages)) == sorted({"".join(order) for order in permutations("AAABB")})


@on("without update on asyncio", "without update on trio")
async def test_a_client_that_waits_for_another_gets_no_turn(fresh: Fresh) -> None:
    stages = await every_interleaving(fresh, add_one, add_one, at_least=6)
    # Each reads, then waits for the lock, under which it reads again and writes.
    assert sorted(map(turns_of, stages)) == ["AAABBB", "AABABB", "ABAABB", "BABBAA", "BBABAA", "BBBAAA"]


class UpdatesInTwoSteps(Around):
    """A mistake, above a storage that has no `update`."""

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        data = transform(await read_bytes(self, id))
        await write_bytes(self, id, data)
        return data


async def test_what_can_go_wrong_does_so_in_some_order() -> None:
    def fresh() -> tuple[SessionStorage, Parking]:
        parking = Parking(Shelf())
        return UpdatesInTwoSteps(parking), parking

    counted = [await stage.held() for stage in await every_interleaving(fresh, add_one, add_one, at_least=20)]
    assert {FIRST: Visitor(visits=1)} in counted
    assert {FIRST: Visitor(visits=2)} in counted
    ended = [await stage.held() for stage in await every_interleaving(fresh, add_one, clear, at_least=4)]
    assert {} in ended
    assert {FIRST: Visitor(visits=1)} in ended


# --- changes at the same time ---------------------------------------------------------------------------------------

CHANGES = {
    "two fields": (change(name="Ada"), change(language="fr"), Visitor("Ada", "fr")),
    "a field and a counter": (change(name="Ada"), add_one, Visitor("Ada", visits=1)),
    "a counter twice": (add_one, add_one, Visitor(visits=2)),
    "a field with a counter, and a field": (change_and_add_one, change(language="fr"), Visitor("Ada", "fr", 1)),
    "a field with a counter, and the counter": (change_and_add_one, add_one, Visitor("Ada", visits=2)),
}


@on_every_storage
@pytest.mark.parametrize(("one", "other", "result"), CHANGES.values(), ids=CHANGES)
async def test_nothing_that_two_requests_do_is_lost(
    one: Handler, other: Handler, result: Visitor, fresh: Fresh
) -> None:
    for stage in await every_interleaving(fresh, one, other, at_least=6):
        assert await stage.held() == {FIRST: result}, stage.log
        assert [client.answers for client in stage.clients] == [[None], [None]], stage.log


@on_every_storage
@pytest.mark.parametrize(
    ("other", "result"),
    [(change(name="Ada"), Visitor("Ada")), (add_one_and_touch, Visitor(visits=1)), (look, Visitor())],
    ids=["change", "update", "touch"],
)
async def test_a_touch_takes_nothing_back(other: Handler, result: Visitor, fresh: Fresh) -> None:
    for stage in await every_interleaving(fresh, look, other, at_least=6, idle_timeout=HOUR):
        assert await stage.held() == {FIRST: result}, stage.log
        assert [client.id for client in stage.clients] == [FIRST, FIRST], stage.log


@on_two_storages
async def test_three_that_count_at_once_count_three(fresh: Fresh) -> None:
    for stage in await every_interleaving(fresh, add_one, add_one, add_one, at_least=72):
        assert await stage.held() == {FIRST: Visitor(visits=3)}, stage.log


@on_every_storage
@pytest.mark.parametrize("write", [change, put])
async def test_of_one_field_the_later_commit_wins(write: Callable[..., Handler], fresh: Fresh) -> None:
    winners = set()
    for stage in await every_interleaving(fresh, write(name="A"), write(name="B"), at_least=6):
        winner = stage.log[-1][0]
        assert await stage.held() == {FIRST: Visitor(winner)}, stage.log
        assert [client.answers for client in stage.clients] == [[None], [None]], stage.log
        winners.add(winner)
    assert winners == {"A", "B"}


@on_every_storage
async def test_a_session_that_is_set_unread_is_merged_with_what_was_stored_as_its_commit_began(fresh: Fresh) -> None:
    languages = set()
    for stage in await every_interleaving(fresh, put(name="Ada"), change(language="fr"), at_least=6):
        # What was stored before is what the request replaces as a whole; what comes later is a change beside its own.
        language = "fr" if stage.came("A.read.1", before=f"B.{stage.commit}") else "en"
        assert await stage.held() == {FIRST: Visitor("Ada", language)}, stage.log
        languages.add(language)
    assert languages == {"en", "fr"}


# --- a logout beside them -------------------------------------------------------------------------------------------

BEGUN_BEFORE = {
    "change": (change(name="Ada"), None),
    "update": (add_one, None),
    "touch": (look, HOUR),
    "change and update": (change_and_add_one, None),
    "change and touch": (change(name="Ada"), HOUR),
    "update and touch": (add_one_and_touch, HOUR),
}


@on_every_storage
@pytest.mark.parametrize(("handler", "idle_timeout"), BEGUN_BEFORE.values(), ids=BEGUN_BEFORE)
async def test_a_logout_holds(handler: Handler, idle_timeout: timedelta | None, fresh: Fresh) -> None:
    noticed = set()
    for stage in await every_interleaving(fresh, handler, clear, at_least=3, idle_timeout=idle_timeout):
        assert await stage.held() == {}, stage.log
        a, b = stage.clients
        comes_too_late = stage.log[-1].startswith("A")
        in_time = None if idle_timeout is None else FIRST  # a touch sends the cookie again
        assert a.answers == ["" if comes_too_late else in_time], stage.log
        assert b.answers == [""], stage.log
        noticed.add(comes_too_late)
    assert noticed == {False, True}


@on_two_storages
async def test_a_logout_holds_against_two(fresh: Fresh) -> None:
    for stage in await every_interleaving(fresh, change(name="Ada"), add_one, clear, at_least=24):
        assert await stage.held() == {}, stage.log


@on_every_storage
@pytest.mark.parametrize("first", [clear, together(look, clear)])
async def test_two_logouts_are_one(first: Handler, fresh: Fresh) -> None:
    for stage in await every_interleaving(fresh, first, clear, at_least=2):
        assert await stage.held() == {}, stage.log
        assert [client.answers for client in stage.clients] == [[""], [""]], stage.log


@on_every_storage
async def test_a_session_that_is_set_unread_beside_a_logout_never_lives_on_under_the_old_id(fresh: Fresh) -> None:
    outcomes = set()
    for stage in await every_interleaving(fresh, put(name="Ada"), clear, at_least=3):
        a, b = stage.clients
        assert b.answers == [""], stage.log
        held = await stage.held()
        if stage.came("B.invalidate.1", before="A.read.1"):  # the id was dead, so another session begins
            assert held == {SECOND: Visitor("Ada")}, stage.log
            assert a.answers == [SECOND], stage.log
        elif stage.came("B.invalidate.1", before=f"A.{stage.commit}"):
            # The commit had found the old id alive. Whether that is "a session that the request had loaded", so that
            # the change is dropped, or one whose id is dead by now, so that another begins, may go either way.
            assert (held, a.answers) in [({}, [""]), ({SECOND: Visitor("Ada")}, [SECOND])], stage.log
        else:
            assert held == {}, stage.log
            assert a.answers == [None], stage.log
        outcomes.add(turns_of(stage))
    assert len(outcomes) == 3


# --- a renewal beside them ------------------------------------------------------------------------------------------

RENEWALS = {
    "once": (renew, SECOND),
    "twice in a request": (together(renew, renew), SECOND),
    "in two requests": ([renew, renew], THIRD),
}


@on_every_storage_once
@pytest.mark.parametrize(("renewal", "id"), RENEWALS.values(), ids=RENEWALS)
async def test_a_renewed_session_is_what_the_renewal_had_read_and_as_old_as_before(
    renewal: Requests, id: str, fresh: Fresh
) -> None:
    outcomes = set()
    for stage in await every_interleaving(fresh, renewal, change(name="Ada"), at_least=15):
        a, b = stage.clients
        stage.clock.now = WEEK - 1
        name = "Ada" if stage.came(f"B.{stage.commit}", before="A.read.1") else "guest"
        assert await stage.held() == {id: Visitor(name)}, stage.log
        assert stage.issued[-1] == a.id == id, stage.log
        comes_too_late = not stage.came(f"B.{stage.commit}", before="A.invalidate.1")
        assert b.answers == ["" if comes_too_late else None], stage.log
        stage.clock.now = WEEK
        assert not await stage.opens(id), stage.log
        outcomes.add((name, comes_too_late))
    assert outcomes == {("Ada", False), ("guest", False), ("guest", True)}


@on_every_storage_once
async def test_a_session_that_is_set_unread_beside_a_renewal_is_dropped_or_another(fresh: Fresh) -> None:
    outcomes = set()
    for stage in await every_interleaving(fresh, renew, put(name="Ada"), at_least=15):
        held = await stage.held()
        if not stage.came("B.read.1", before="A.invalidate.1"):  # the id was dead
            assert held == {SECOND: Visitor(), THIRD: Visitor("Ada")}, stage.log
            assert [client.id for client in stage.clients] == [SECOND, THIRD], stage.log
        elif stage.came(f"B.{stage.commit}", before="A.read.1"):
            assert held == {SECOND: Visitor("Ada")}, stage.log
        else:
            assert held == {SECOND: Visitor()}, stage.log
        outcomes.add(tuple(held.values()))
    assert len(outcomes) == 3


@on_every_storage_once
@pytest.mark.parametrize(("renewal", "id"), RENEWALS.values(), ids=RENEWALS)
async def test_a_logout_before_a_renewal_has_made_sure_holds(renewal: Requests, id: str, fresh: Fresh) -> None:
    # A renewal reads the session, writes it under its new id, makes sure that the old one is still alive, and kills it.
    # A logout that falls between the last two comes too late, as one after them does: it ends the old id and nothing
    # else. That is a known limit: to a renewal that has made sure, the end of the old id is its own doing.
    moments = set()
    for stage in await every_interleaving(fresh, renewal, clear, at_least=5):
        a, b = stage.clients
        done = turns_of(stage).index("B")  # so many calls of the renewal come before the logout
        has_made_sure = done >= 3
        assert await stage.held() == ({id: Visitor()} if has_made_sure else {}), stage.log
        assert a.id == (id if has_made_sure else None), stage.log
        assert b.answers == [""], stage.log
        moments.add(done)
    assert moments >= {0, 1, 2, 3, 4}


@on_every_storage_once
async def test_a_logout_before_a_renewal_has_made_sure_holds_although_it_updates(fresh: Fresh) -> None:
    ends = set()
    for stage in await every_interleaving(fresh, together(renew, add_one), clear, at_least=6):
        makes_sure = "A.read.3" if stage.locks else "A.read.2"  # without `update`, it reads before it writes, too
        made_sure = stage.came(makes_sure, before="B.invalidate.1")
        assert await stage.held() == ({SECOND: Visitor(visits=1)} if made_sure else {}), stage.log
        ends.add(made_sure)
    assert ends == {False, True}


@on("memory on asyncio")
async def test_a_logout_before_a_renewal_has_made_sure_holds_beside_a_change(fresh: Fresh) -> None:
    for stage in await every_interleaving(fresh, renew, clear, change(name="Ada"), at_least=78):
        name = "Ada" if stage.came("C.update.1", before="A.read.1") else "guest"
        made_sure = stage.came("A.read.2", before="B.invalidate.1")
        assert await stage.held() == ({SECOND: Visitor(name)} if made_sure else {}), stage.log


@on_every_storage_once
async def test_of_two_renewals_each_that_hands_out_an_id_has_made_a_session(fresh: Fresh) -> None:
    # Both may have made sure before either kills the old id: then there are two sessions from now on.
    winners = set()
    for stage in await every_interleaving(fresh, renew, renew, at_least=50):
        ids = [client.id for client in stage.clients if client.id]
        assert await stage.held() == dict.fromkeys(ids, Visitor()), stage.log
        assert FIRST not in ids, stage.log
        assert all(client.answers == [client.id or ""] for client in stage.clients), stage.log
        winners.add(len(ids))
    assert winners == {1, 2}


@on_every_storage_once
@pytest.mark.parametrize("id", [None, "unknown"])
async def test_renewing_a_session_that_was_never_stored_is_storing_it(id: str | None, fresh: Fresh) -> None:
    one, other = put_and_renew(name="Ada"), put_and_renew(name="Bob")
    for stage in await every_interleaving(fresh, one, other, id=id, at_least=2):
        a, b = stage.clients
        assert {a.id, b.id} == {SECOND, THIRD}, stage.log
        assert await stage.held() == {FIRST: Visitor(), a.id: Visitor("Ada"), b.id: Visitor("Bob")}, stage.log
        assert not any("invalidate" in step or ".write.2" in step for step in stage.log), stage.log


@on_every_storage_once
async def test_a_session_that_is_set_unread_and_renewed_takes_the_place_of_what_others_change(fresh: Fresh) -> None:
    for stage in await every_interleaving(fresh, put_and_renew(name="Ada"), add_one, at_least=15):
        assert await stage.held() == {SECOND: Visitor("Ada")}, stage.log


@on_every_storage_once
async def test_a_session_that_is_set_unread_and_renewed_beside_a_logout_is_ended_or_another(fresh: Fresh) -> None:
    outcomes = set()
    for stage in await every_interleaving(fresh, put_and_renew(name="Ada"), clear, at_least=5):
        lives = stage.came("A.read.2", before="B.invalidate.1") or stage.came("B.invalidate.1", before="A.read.1")
        assert await stage.held() == ({SECOND: Visitor("Ada")} if lives else {}), stage.log
        outcomes.add(lives)
    assert outcomes == {False, True}


# --- a new session in the place of the old one ----------------------------------------------------------------------


@on_every_storage_once
@pytest.mark.parametrize(
    ("begin", "other"), [(put(name="Ada"), change(language="fr")), (put_and_renew(name="Ada"), add_one)]
)
async def test_what_others_change_in_a_session_that_was_replaced_is_dropped(
    begin: Handler, other: Handler, fresh: Fresh
) -> None:
    noticed = set()
    for stage in await every_interleaving(fresh, together(clear, begin), other, at_least=6):
        a, b = stage.clients
        assert await stage.held() == {SECOND: Visitor("Ada")}, stage.log
        assert a.answers == [SECOND], stage.log
        comes_too_late = stage.log[-1].startswith("B")
        assert b.answers == ["" if comes_too_late else None], stage.log
        stage.clock.now = 600 + WEEK - 1  # it began when it was set
        assert await stage.opens(SECOND), stage.log
        noticed.add(comes_too_late)
    assert noticed == {False, True}


@on_every_storage_once
async def test_a_session_is_replaced_by_each_who_replaces_it_and_ended_by_who_ends_it(fresh: Fresh) -> None:
    replace_it = together(clear, put(name="Ada"))
    for stage in await every_interleaving(fresh, replace_it, replace_it, at_least=6):
        assert {client.id for client in stage.clients} == {SECOND, THIRD}, stage.log
        assert await stage.held() == {SECOND: Visitor("Ada"), THIRD: Visitor("Ada")}, stage.log
    for stage in await every_interleaving(fresh, replace_it, clear, at_least=3):
        assert [client.id for client in stage.clients] == [SECOND, None], stage.log
        assert await stage.held() == {SECOND: Visitor("Ada")}, stage.log


# --- behind a cache -------------------------------------------------------------------------------------------------

# A call that passes through a cache is not one step there: these wait in the storage behind it, before and after each.
behind_a_cache = on("behind a cache on asyncio")


@behind_a_cache
@pytest.mark.parametrize(("one", "other", "result"), [*CHANGES.values()][1:3], ids=[*CHANGES][1:3])
async def test_a_cache_loses_nothing_that_two_requests_do(
    one: Handler, other: Handler, result: Visitor, fresh: Fresh
) -> None:
    for stage in await every_interleaving(fresh, one, other, at_least=60):
        assert await stage.held() == {FIRST: result}, stage.log


@behind_a_cache
@pytest.mark.parametrize(("handler", "idle_timeout"), [*BEGUN_BEFORE.values()][:3], ids=[*BEGUN_BEFORE][:3])
async def test_a_logout_holds_behind_a_cache(handler: Handler, idle_timeout: timedelta | None, fresh: Fresh) -> None:
    for stage in await every_interleaving(fresh, handler, clear, at_least=50, idle_timeout=idle_timeout):
        assert await stage.held() == {}, stage.log


@behind_a_cache
async def test_a_renewal_behind_a_cache_ends_the_old_id_and_keeps_the_session(fresh: Fresh) -> None:
    for stage in await every_interleaving(fresh, renew, add_one, at_least=200):
        assert await stage.held() in ({SECOND: Visitor()}, {SECOND: Visitor(visits=1)}), stage.log


# --- crashes --------------------------------------------------------------------------------------------------------


async def every_crash(fresh: Fresh, handler: Handler, how: Crash) -> list[Stage]:
    """Let a request crash as it begins, and before and after each of its storage calls, on a stage of its own."""
    stages: list[Stage] = []
    while True:
        stage = Stage(fresh, handler)
        stage.parking.after = True
        if not await stage.crash(how, after=len(stages)):
            return stages
        stages.append(stage)


crashing = pytest.mark.parametrize("how", ["cancelled", "connection lost"])


@on_every_storage
@crashing
async def test_a_renewal_that_crashes_loses_nothing(how: Crash, fresh: Fresh) -> None:
    stages = await every_crash(fresh, renew, how)
    assert len(stages) == 9  # it reads, writes, reads, invalidates
    orphans = 0
    for stage in stages:
        written, killed = "A.write.1" in stage.before_crash, "A.invalidate.1" in stage.before_crash
        left = written and (how == "connection lost" or SECOND in await stage.held())
        orphans += left
        ids = [*([] if killed else [FIRST]), *([SECOND] if left else [])]
        assert await stage.held() == dict.fromkeys(ids, Visitor()), stage.log
        assert stage.clients[0].answers == [], stage.log
        # The client still has the old id, and can come again. There is one exception: the storage has killed that id
        # already, and the answer that would have brought the new one was lost.
        if not killed:
            with fail_after(60):
                new = await stage.visit(renew, FIRST)
            assert new not in (None, "", *ids), stage.log
            assert await stage.opens(FIRST) is None, stage.log
            assert await stage.opens(str(new)) == Visitor(), stage.log
    assert sum("A.invalidate.1" in stage.before_crash for stage in stages) == 1
    if how == "cancelled":
        assert orphans == 1  # where the answer to the write was lost


@on_every_storage
@crashing
async def test_a_change_that_crashes_is_whole_or_nothing_and_blocks_nobody(how: Crash, fresh: Fresh) -> None:
    names = set()
    for stage in await every_crash(fresh, change(name="Ada"), how):
        name = "Ada" if f"A.{stage.commit}" in stage.log else "guest"
        assert await stage.held() == {FIRST: Visitor(name)}, stage.log
        with fail_after(60):
            await stage.visit(add_one, FIRST)
        assert await stage.held() == {FIRST: Visitor(name, visits=1)}, stage.log
        names.add(name)
    assert names == {"Ada", "guest"}
