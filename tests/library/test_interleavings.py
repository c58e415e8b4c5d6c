"""Requests that meet on one session: whatever the order of their storage calls, the promises hold.

Nothing here is left to chance or to time. Each call that a request makes of the storage waits for its turn, and the
tests give out the turns in every order there is.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import count, permutations
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import pytest
from anyio import CancelScope, Event, create_task_group, fail_after
from anyio.lowlevel import checkpoint
from redis.asyncio import Redis

from coatcheck import (
    SessionNotFound,
    Sessions,
    SessionStorageCache,
    SessionStorageDirectory,
    SessionStorageMemory,
    cookie,
    current_session,
    read_bytes,
    write_bytes,
)
from coatcheck.redis import SessionStorageRedis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, MutableMapping, Sequence
    from pathlib import Path

    from coatcheck import ByteReadChannel, ByteWriteChannel, CurrentSession, SessionStorage, UpdatableSessionStorage

    Handler = Callable[[CurrentSession], Awaitable[None]]
    Requests = Handler | Sequence[Handler]  # of one client, one after the other
    Message = MutableMapping[str, Any]
    Fresh = Callable[[], tuple[SessionStorage, "Parking"]]
    Crash = Literal["cancelled", "connection lost"]

T = TypeVar("T")

WEEK = 7 * 24 * 60 * 60
FIRST, SECOND, THIRD = IDS = ["id-1", "id-2", "id-3"]  # in the order in which they are issued
PATIENCE = 12  # checkpoints; a client that takes more to its next turn waits for another (one that does not takes 6)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Visitor:
    name: str = "guest"
    language: str = "en"
    visits: int = 0


# --- the scheduler --------------------------------------------------------------------------------------------------


class Client:
    """Sends its requests one after the other and keeps its cookie. At each storage call it waits for its turn."""

    def __init__(self, name: str, handlers: Iterable[Handler], id: str | None, *, locks: bool) -> None:
        self.name = name
        self.locks = locks
        self.id = id
        self.answers: list[str | None] = []  # what each response made of the cookie: an id, "" to end it, or nothing
        self.gate: Event | None = None
        self.call: Event | None = None  # under way in the storage
        self.ended = False
        self.scope = CancelScope()
        self._handlers = handlers
        self._connected = True

    async def run(self, stage: Stage) -> None:
        running.set(self)
        with self.scope, suppress(ConnectionError):
            if stage.parking.after:
                await self.turn()
            for handler in self._handlers:
                answer = await stage.visit(handler, self.id)
                self.answers.append(answer)
                self.id = self.id if answer is None else answer or None
        self.ended = True

    async def turn(self) -> None:
        self.gate = Event()
        await self.gate.wait()
        if not self._connected:
            raise ConnectionError("connection lost")

    def go_on(self) -> None:
        assert self.gate is not None
        self.gate.set()
        self.gate = None

    def crash(self, how: Crash) -> None:
        if how == "cancelled":
            self.scope.cancel()
        else:
            self._connected = False
            self.go_on()


running: ContextVar[Client | None] = ContextVar("running", default=None)


class Parking:
    """A storage at whose calls a client waits for its turn. Then the whole call is done before the next turn."""

    def __init__(self, storage: SessionStorage, *, after: bool = False) -> None:
        self.storage = storage
        self.after = after  # whether a client waits after each call as well, before it knows what came of it
        self.log: list[str] = []  # the calls of all clients as they were done: "A.read.1", "B.read.1", "A.update.1"
        self.ids: set[str] = set()  # all that something was ever stored under

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        self.ids.add(id)
        await self._park("write", partial(self.storage.write, id, provider))

    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        return await self._park("read", partial(self.storage.read, id, consumer))

    async def invalidate(self, id: str, /) -> None:
        await self._park("invalidate", partial(self.storage.invalidate, id))

    async def _park(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        client = running.get()
        if client is None:
            return await call()
        await client.turn()
        earlier = sum(step.startswith(f"{client.name}.{name}.") for step in self.log)
        self.log.append(f"{client.name}.{name}.{earlier + 1}")
        client.call = Event()
        try:
            return await call()
        finally:
            client.call.set()
            client.call = None
            if self.after:
                await client.turn()


class UpdatableParking(Parking):
    storage: UpdatableSessionStorage

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        return await self._park("update", partial(self.storage.update, id, transform))


class Stage:
    """A storage that holds one session, ten minutes old, and the clients that meet on it."""

    def __init__(
        self,
        fresh: Fresh,
        *clients: Requests,
        id: str | None = FIRST,
        idle_timeout: timedelta | None = None,
    ) -> None:
        storage, self.parking = fresh()
        self.log = self.parking.log
        locks = not hasattr(storage, "update")
        self.commit = "write.1" if locks else "update.1"  # the step with which a change is made
        self.now = 0.0
        self.clients = [
            Client(name, [handlers] if callable(handlers) else handlers, id, locks=locks)
            for name, handlers in zip(ascii_uppercase, clients, strict=False)
        ]
        self.issued: list[str] = []
        self._provider = cookie(
            "VISITOR",
            Visitor,
            storage=storage,
            new_id=self._issue,
            idle_timeout=idle_timeout,
            clock=lambda: self.now,
        )

    async def play(self, turns: list[list[str]]) -> None:
        """Give out the turns one by one: each goes to the last of those who are still to have it.

        `turns` says who these are, up to where that is known; from there on, it is those who wait for a turn.
        """
        await self._begin()
        async with create_task_group() as tasks:
            for client in self.clients:
                tasks.start_soon(client.run, self)
            for turn in count():
                await self._settle()
                waiting = {client.name: client for client in self.clients if client.gate}
                if not waiting:
                    break
                if turn == len(turns):
                    turns.append([*waiting])
                assert turns[turn] == [*waiting][: len(turns[turn])], f"not the same again: {self.log}"
                waiting[turns[turn][-1]].go_on()
            assert all(client.ended for client in self.clients), f"they wait for each other: {self.log}"

    async def crash(self, how: Crash, after: int) -> bool:
        """Let the only client have so many turns and then crash. Return whether it was still on its way."""
        (client,) = self.clients
        await self._begin()
        async with create_task_group() as tasks:
            tasks.start_soon(client.run, self)
            for _ in range(after):
                await self._settle()
                client.go_on()
            await self._settle()
            if client.ended:
                return False
            client.crash(how)
        return True

    async def visit(self, handler: Handler, id: str | None) -> str | None:
        """Send a request with the cookie `id`. Return what the response makes of it, as in `Client.answers`."""
        messages: list[Message] = []

        async def app(
            scope: MutableMapping[str, Any], _receive: object, send: Callable[[Message], Awaitable[None]]
        ) -> None:
            await handler(current_session(scope))
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def receive() -> Message:
            return {"type": "http.request"}

        async def send(message: Message) -> None:
            messages.append(message)

        headers = [] if id is None else [(b"cookie", b"VISITOR=" + id.encode())]
        await Sessions(app, self._provider)({"type": "http", "headers": headers}, receive, send)
        cookies = [value.decode() for name, value in messages[0]["headers"] if name == b"set-cookie"]
        assert len(cookies) <= 1
        return cookies[0].partition(";")[0].removeprefix("VISITOR=") if cookies else None

    async def opens(self, id: str) -> Visitor | None:
        """Return the session that a request with the cookie `id` gets."""
        found: list[Visitor | None] = []

        async def handler(sessions: CurrentSession) -> None:
            found.append(await sessions.get(Visitor))

        await self.visit(handler, id)
        return found[0]

    async def held(self) -> dict[str, Visitor]:
        """Return the sessions that there are now, by id; the storage holds nothing else."""
        assert all(id.endswith(tuple(self.issued)) for id in self.parking.ids), self.log
        return {id: visitor for id in self.issued if (visitor := await self.opens(id))}

    def came(self, step: str, *, before: str) -> bool:
        """Return whether `step` was done, and `before` was not done before it."""
        return step in self.log and (before not in self.log or self.log.index(step) < self.log.index(before))

    async def _begin(self) -> None:
        assert await self.visit(put(), None) == FIRST
        self.now += 600

    async def _settle(self) -> None:
        """Return when each client has ended, or waits for its turn or for another client."""
        for _ in range(PATIENCE):
            for client in self.clients:
                if client.call is not None:
                    await client.call.wait()
            if all(client.gate or client.ended for client in self.clients):
                return
            await checkpoint()

    def _issue(self) -> str:
        self.issued.append(IDS[len(self.issued)])
        return self.issued[-1]


async def every_interleaving(
    fresh: Fresh, *clients: Requests, at_least: int, id: str | None = FIRST, idle_timeout: timedelta | None = None
) -> list[Stage]:
    """Play every order of the clients' storage calls, depth first, each on a stage of its own."""
    stages: list[Stage] = []
    turns: list[list[str]] = []
    while turns or not stages:
        stages.append(Stage(fresh, *clients, id=id, idle_timeout=idle_timeout))
        await stages[-1].play(turns)
        while turns and len(turns[-1]) == 1:
            turns.pop()
        if turns:
            turns[-1].pop()
    assert len(stages) >= at_least
    return stages


# --- storages -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The path of the socket on which a Redis server of our own listens."""
    assert shutil.which("redis-server"), "redis-server is not on the PATH: apt-get install redis-server"
    folder = tmp_path_factory.mktemp("redis")
    path = str(folder / "socket")
    command = ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", str(folder)]
    with subprocess.Popen([*command, "--logfile", str(folder / "log")]) as server:
        try:
            deadline = time.monotonic() + 60
            with socket.socket(socket.AF_UNIX) as client:
                while client.connect_ex(path):
                    assert server.poll() is None, (folder / "log").read_text()
                    assert time.monotonic() < deadline, "Redis does not answer"
                    time.sleep(0.005)
            yield path
        finally:
            server.kill()


@pytest.fixture
async def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Fresh]:
    """Makes a new storage, and says where its calls are parked."""
    numbers = count()
    client = Redis(unix_socket_path=request.getfixturevalue("redis_server")) if request.param == "redis" else None

    def make() -> tuple[SessionStorage, Parking]:
        number = next(numbers)
        parking: Parking
        if client is not None:
            parking = UpdatableParking(SessionStorageRedis(client, prefix=f"{tmp_path}/{number}:"))
        elif request.param == "directory":
            parking = UpdatableParking(SessionStorageDirectory(tmp_path / str(number)))
        elif request.param == "cache":
            parking = UpdatableParking(SessionStorageCache(SessionStorageMemory()))
        elif request.param == "without update":
            parking = Parking(SessionStorageMemory())
        elif request.param == "behind a cache":
            parking = UpdatableParking(SessionStorageMemory(), after=True)
            return SessionStorageCache(parking), parking
        else:
            parking = UpdatableParking(SessionStorageMemory())
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
    """Take a turn where a lock comes next, so that it is not always got right behind the call before."""
    client = running.get()
    if client is not None and client.locks:
        await client.turn()


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


# --- the scheduler can be trusted -----------------------------------------------------------------------------------


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


class UpdatesInTwoSteps(Parking):
    """A mistake."""

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        data = transform(await read_bytes(self, id))
        await write_bytes(self, id, data)
        return data


async def test_what_can_go_wrong_does_so_in_some_order() -> None:
    def fresh() -> tuple[SessionStorage, Parking]:
        parking = UpdatesInTwoSteps(SessionStorageMemory())
        return parking, parking

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
        stage.now = WEEK - 1
        name = "Ada" if stage.came(f"B.{stage.commit}", before="A.read.1") else "guest"
        assert await stage.held() == {id: Visitor(name)}, stage.log
        assert stage.issued[-1] == a.id == id, stage.log
        comes_too_late = not stage.came(f"B.{stage.commit}", before="A.invalidate.1")
        assert b.answers == ["" if comes_too_late else None], stage.log
        stage.now = WEEK
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
        stage.now = 600 + WEEK - 1  # it began when it was set
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
    for stage in stages:
        written, killed = "A.write.1" in stage.log, "A.invalidate.1" in stage.log
        ids = [*([] if killed else [FIRST]), *([SECOND] if written else [])]
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
    assert sum("A.invalidate.1" in stage.log for stage in stages) == 1


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
