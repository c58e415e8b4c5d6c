"""`Sessions` against users with tabs, ids and logouts, in long random stories."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import count, product
from math import inf
from typing import TYPE_CHECKING, Any

import anyio
import msgspec
import pytest
from hypothesis.stateful import initialize, rule

from coatcheck import (
    SessionAlreadySent,
    SessionNotFound,
    Sessions,
    SessionStorageDirectory,
    SessionStorageMemory,
    cookie,
    current_session,
    header,
    read_bytes,
)
from tests.support.clock import Clock
from tests.support.storage import Shelf
from tests.support.story import Interrupted, Story, in_loop, outcome_of, scenes, tell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from coatcheck import CurrentSession, SessionStorage
    from tests.support.client import Message, Send

    Fields = dict[str, Any]
    Answer = Fields | str | type[Exception] | None
    Order = Callable[[CurrentSession], Awaitable[Answer]]
    Deed = Callable[[Any, "Tab"], Awaitable[None]]


@dataclass
class Basket:
    owner: str
    coat: str = ""
    hat: str = ""
    count: int = 0


class Locker(Basket):
    """The same, as another kind of session."""


class Kind:
    """A kind of session. Its limits are in seconds."""

    def __init__(self, name: str, type: type[Basket], *, max_age: float, idle_timeout: float) -> None:
        self.name = name
        self.type = type
        self.max_age = max_age
        self.idle_timeout = idle_timeout

    def __repr__(self) -> str:
        return self.type.__name__


BASKET = Kind("basket", Basket, max_age=100, idle_timeout=40)  # its id travels in a cookie
LOCKER = Kind("x-locker", Locker, max_age=inf, idle_timeout=60)  # its id travels in a header
TABS = {
    "Ann's first": ("ann", BASKET),
    "Ann's second": ("ann", BASKET),
    "Ann's third": ("ann", BASKET),
    "Ann's locker": ("ann", LOCKER),
    "Ann's other locker": ("ann", LOCKER),
    "Bob's": ("bob", BASKET),
}
PAUSES = [3, 4, 20, 20, 40]  # seconds
GUESSED = ["guess", "x" * 512]
MALFORMED = ["", "two,ids", "x" * 513]


@dataclass(frozen=True)
class Ticket:
    """What a response hands to its client: an id for so many seconds, or no id in place of the one it had."""

    id: str
    seconds: float


@dataclass
class Held:
    """A session that the server holds."""

    kind: Kind
    fields: Fields
    created: float
    seen: float
    line: int  # the same for all ids that one session had

    @property
    def end(self) -> float:
        """When it is over if nobody uses it."""
        return min(self.created + self.kind.max_age, self.seen + self.kind.idle_timeout)

    def copy(self) -> Held:
        return replace(self, fields=self.fields.copy())


class Server:
    """What the server must hold, by kind and id."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.held: dict[tuple[Kind, str], Held] = {}
        self.issued: list[tuple[Kind, str]] = []
        self._ended: set[int] = set()  # lines
        self._lines = count()

    def find(self, kind: Kind, id: str | None) -> Held | None:
        held = self.held.get((kind, id or ""))
        if held is None or self.clock() >= held.end:
            return None
        assert held.line not in self._ended, "a session is back after the logout"
        return held

    def issue(self, kind: Kind, id: str, fields: Fields, old: Held | None) -> Held:
        """Hold a session under an id that must be new; `old` is what is held of it under another."""
        assert id
        assert id not in [issued for _, issued in self.issued]
        self.issued.append((kind, id))
        now = self.clock()
        created, line = (now, next(self._lines)) if old is None else (old.created, old.line)
        held = self.held[kind, id] = Held(kind, fields, created, now, line)
        return held

    def log_out(self, kind: Kind, id: str) -> None:
        """End the session; but if it got another id meanwhile, it lives on under that."""
        held = self.held.pop((kind, id), None)
        if held is not None:
            self._ended.add(held.line)


class Visit:
    """What one request must see, and what must become of what it does."""

    def __init__(self, server: Server, kind: Kind, claim: str | None) -> None:
        self.server = server
        self.kind = kind
        self.claim = claim
        self.is_used = self.is_sent = False
        self.is_looked_up = claim is None or claim in MALFORMED
        self.id: str | None = None
        self.mine: Fields | None = None  # in the hands of the handler
        self.known: Held | None = None  # the same as it was loaded or stored
        self.is_put = self.is_renewed = self.is_granted = False
        self.left: list[str] = []  # ids, by logouts
        self.old: str | None = None  # what the client has, until a response takes the new id along

    def get(self) -> Fields | None:
        if not self.is_put:
            self._look_up()
        return self.mine

    def put(self, fields: Fields) -> type[Exception] | None:
        if self.is_sent and self.is_looked_up and self.id is None:
            return SessionAlreadySent
        self.mine, self.is_put = fields, True
        return None

    def add_one(self, new_id: str) -> Fields | type[Exception]:
        """Update the session. `new_id` is what it has then, if that is a new id."""
        self._look_up()
        if self.is_renewed and self.id is not None and self.known is not None:
            if self.server.clock() >= self.known.created + self.kind.max_age:  # over under any id
                self.left.append(self.id)
                self._lose()
                return SessionNotFound
            self._renew_early(new_id, self.id, self.known)
        held = self.server.find(self.kind, self.id)
        if held is None or self.known is None:
            if self.id is not None:
                self._lose()
            return SessionNotFound
        held.fields["count"] += 1
        self.mine = held.fields.copy() if self.mine is None else merged(self.known.fields, self.mine, held.fields)
        self._know(held, held.fields, touch=False)
        return self.mine

    def clear(self) -> None:
        self.left += [id for id in (self.id, self.claim) if id is not None and id not in MALFORMED]
        self._lose()

    def renew(self) -> type[Exception] | None:
        if self.is_sent:
            return SessionAlreadySent
        self.is_renewed = True
        return None

    def respond(self, new_id: str) -> Ticket | None:
        """Begin the response. `new_id` is what the client was given, if that is a new id."""
        self._commit(new_id)
        self._settle(taken=True)
        self.is_sent = True
        if self.id is not None and self.is_granted:
            held = self.server.find(self.kind, self.id)
            assert held is not None, "the client is given an id that opens nothing"
            return Ticket(self.id, held.end - self.server.clock() if self.kind is BASKET else inf)
        is_worthless = self.claim is not None and self.is_looked_up and self.id is None
        return Ticket("", 0) if self.is_used and is_worthless else None

    def finish(self) -> type[Exception] | None:
        """Store what was changed since the response began, if it did. Returns what is raised."""
        if self.is_sent:
            return self._commit("")
        self._settle(taken=False)
        return None

    def disconnect(self) -> None:
        """Only a logout holds."""
        self._settle(taken=False)

    def _look_up(self) -> None:
        if self.is_looked_up:
            return
        self.is_looked_up = True
        held = self.server.find(self.kind, self.claim)
        if held is not None:
            self.id, self.known = self.claim, held.copy()
            if not self.is_put:
                self.mine = held.fields.copy()

    def _commit(self, new_id: str) -> type[Exception] | None:
        if self.is_put or self.is_renewed:
            self._look_up()
        is_renewed, self.is_put, self.is_renewed = self.is_renewed, False, False
        if self.mine is not None and (self.known is None or is_renewed):
            if self.is_sent:
                return SessionAlreadySent
            self._issue(self.mine, new_id)
        elif self.mine is not None and self.known is not None:
            touch = self._is_touch_due(self.known)
            if touch or self.mine != self.known.fields:
                self._change(self.mine, self.known.fields, touch=touch)
        self._log_out()
        return None

    def _issue(self, mine: Fields, new_id: str) -> None:
        old = self.server.find(self.kind, self.old or self.id)
        if old is None and self.id is not None:
            self.left.append(self.id)
            self._lose()
            return
        held = self.server.issue(self.kind, new_id, mine.copy(), old)  # what others changed meanwhile is lost
        for id in (self.id, self.old):
            self.server.held.pop((self.kind, id or ""), None)
        self.id, self.old = new_id, None
        self._know(held, mine, touch=True)

    def _renew_early(self, new_id: str, old_id: str, known: Held) -> None:
        """Hold the session under a new id too, as it was known. The old one lives on beside it."""
        self.is_renewed = False
        held = self.server.issue(self.kind, new_id, known.fields.copy(), None)
        held.created = known.created
        if self.old is None:
            self.old = old_id
        else:
            self.left.append(old_id)  # no client has it
        self.id = new_id
        self._know(held, known.fields, touch=True)

    def _settle(self, *, taken: bool) -> None:
        """Leave a session that was renewed early one id."""
        old, self.old = self.old, None
        if old is not None and self.id is not None:
            held = self.server.find(self.kind, old)
            if taken and held is not None:
                self.server.held[self.kind, self.id].line = held.line
                del self.server.held[self.kind, old]
            else:
                self.left.append(self.id)
                self._lose()
        self._log_out()

    def _change(self, mine: Fields, base: Fields, *, touch: bool) -> None:
        held = self.server.find(self.kind, self.id)
        if held is None:
            self._lose()
            return
        held.fields = merged(base, mine, held.fields)
        self._know(held, mine, touch=touch)

    def _know(self, held: Held, fields: Fields, *, touch: bool) -> None:
        if touch:
            held.seen = self.server.clock()
            self.is_granted = True
        self.known = replace(held, fields=fields.copy())

    def _log_out(self) -> None:
        for id in self.left:
            self.server.log_out(self.kind, id)
        self.left = []

    def _lose(self) -> None:
        self.is_looked_up = True
        self.left += [] if self.old is None else [self.old]
        self.old = None
        self.id = self.mine = self.known = None
        self.is_put = self.is_renewed = self.is_granted = False

    def _is_touch_due(self, known: Held) -> bool:
        return not self.is_sent and self.server.clock() - known.seen >= self.kind.idle_timeout / 10


def merged(base: Fields, mine: Fields, theirs: Fields) -> Fields:
    return theirs | {name: value for name, value in mine.items() if value != base.get(name)}


class Tab:
    """A request that does what it is told, and stands still in between."""

    def __init__(self, name: str, user: str, kind: Kind, visit: Visit) -> None:
        self.name = name
        self.user = user
        self.kind = kind
        self.visit = visit
        self.session: Basket | None = None  # in the hands of the handler
        self._order: Order | None = None
        self._answer: Answer | Exception = None
        self._told = anyio.Event()
        self._answered = anyio.Event()
        self._ended = anyio.Event()
        self._scope = anyio.CancelScope()
        self._headers: list[tuple[bytes, bytes]] = []  # of the response

    async def run(self, sessions: Sessions) -> None:
        """Be the client."""
        headers = []
        if self.visit.claim is not None:
            name, prefix = ("cookie", "basket=") if self.kind is BASKET else (self.kind.name, "")
            headers.append((name.encode(), f"{prefix}{self.visit.claim}".encode()))

        async def receive() -> Message:
            return {"type": "http.request"}

        async def send(message: Message) -> None:
            self._headers = message["headers"]

        with self._scope:
            try:
                await sessions({"type": "http", "headers": headers, "tab": self}, receive, send)
                self._answer = None
            except Exception as error:  # noqa: BLE001 - whoever told the tab what to do gets it
                self._answer = error
        self._answered.set()
        self._ended.set()

    async def handle(self, sessions: CurrentSession) -> None:
        """Be the handler, until told to go on."""
        self._answer = None
        while True:
            self._told = anyio.Event()
            self._answered.set()
            await self._told.wait()
            if self._order is None:
                return
            try:
                self._answer = await self._order(sessions)
            except (SessionNotFound, SessionAlreadySent) as error:
                self._answer = type(error)

    async def tell(self, order: Order | None) -> Answer:
        """Have the handler do something, or go on. Returns what came of it."""
        self.visit.is_used = self.visit.is_used or order is not None
        self._order = order
        self._answered = anyio.Event()
        self._told.set()
        return await self.answer()

    async def answer(self) -> Answer:
        await self._answered.wait()
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    async def disconnect(self) -> None:
        self._scope.cancel()
        await self._ended.wait()

    @property
    def ticket(self) -> Ticket | None:
        """What the response handed to the client."""
        for name, value in self._headers:
            if name == b"set-cookie":
                id, age, *_ = value.decode().removeprefix("basket=").split("; ")
                return Ticket(id, int(age.removeprefix("Max-Age=")))
            if name == b"x-locker":
                return Ticket(value.decode(), inf if value else 0)
        return None


class SessionsStory(Story):
    """Users who have several tabs open at the same time, and an attacker."""

    def __init__(self, make_storage: Callable[[str], SessionStorage]) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.storage = make_storage(self.folder.name)
        self.server = Server()
        self.clock = self.server.clock
        self.app = sessions_in(self.storage, self.clock)
        self.tabs: dict[str, Tab] = {}
        self.tickets: dict[tuple[str, Kind], tuple[str, float]] = {}  # what the users have, and until when
        self.values = map(str, count())
        self.guesses = count()

    # what happens in a tab

    async def get(self, tab: Tab) -> None:
        async def order(sessions: CurrentSession) -> Fields | None:
            tab.session = await sessions.get(tab.kind.type)
            return None if tab.session is None else asdict(tab.session)

        assert await tab.tell(order) == tab.visit.get()
        assert tab.session is None or tab.session.owner == tab.user

    async def put(self, tab: Tab) -> None:
        session = tab.kind.type(tab.user, coat=next(self.values))

        async def order(sessions: CurrentSession) -> None:
            sessions.set(session)
            tab.session = session

        assert await tab.tell(order) == tab.visit.put(asdict(session))

    async def change(self, tab: Tab, field: str) -> None:
        if tab.session is None or tab.visit.mine is None:
            await self.get(tab)
        if tab.session is None or tab.visit.mine is None:
            await self.put(tab)
        else:
            tab.visit.mine[field] = next(self.values)
            setattr(tab.session, field, tab.visit.mine[field])

    async def change_coat(self, tab: Tab) -> None:
        await self.change(tab, "coat")

    async def change_hat(self, tab: Tab) -> None:
        await self.change(tab, "hat")

    async def add_one(self, tab: Tab) -> None:
        ids: list[str | None] = []

        async def order(sessions: CurrentSession) -> Fields:
            tab.session = await sessions.update(tab.kind.type, lambda stored: replace(stored, count=stored.count + 1))
            ids.append(sessions.id(tab.kind.type))
            return asdict(tab.session)

        assert await tab.tell(order) == tab.visit.add_one("".join(filter(None, ids)))

    async def clear(self, tab: Tab) -> None:
        async def order(sessions: CurrentSession) -> None:
            sessions.clear(tab.kind.type)

        assert await tab.tell(order) is None
        tab.visit.clear()

    async def renew(self, tab: Tab) -> None:
        async def order(sessions: CurrentSession) -> None:
            sessions.renew_id(tab.kind.type)

        assert await tab.tell(order) == tab.visit.renew()

    async def look_at_the_id(self, tab: Tab) -> None:
        async def order(sessions: CurrentSession) -> str | None:
            return sessions.id(tab.kind.type)

        assert await tab.tell(order) == tab.visit.id

    async def go_on(self, tab: Tab) -> None:
        """Begin the response, or end it."""
        if tab.visit.is_sent:
            self.tabs.pop(tab.name, None)
            assert await outcome_of(tab.tell(None)) == tab.visit.finish()
            return
        await tab.tell(None)
        ticket = tab.ticket
        assert ticket == tab.visit.respond("" if ticket is None else ticket.id)
        if ticket is not None:
            self.tickets[tab.user, tab.kind] = ticket.id, self.clock() + ticket.seconds

    async def fail(self, tab: Tab) -> None:
        async def order(_: CurrentSession) -> None:
            raise Interrupted

        self.tabs.pop(tab.name, None)
        raised = await outcome_of(tab.tell(order))
        assert raised == (tab.visit.finish() or Interrupted)

    async def disconnect(self, tab: Tab) -> None:
        self.tabs.pop(tab.name, None)
        await tab.disconnect()
        tab.visit.disconnect()

    # the story

    @initialize()
    @in_loop
    async def begin(self) -> None:
        for name in TABS:
            tab = await self._open(name)
            for deed in (self.put, self.go_on, self.go_on):
                await deed(tab)

    DEEDS = (
        *(get, change_coat, change_hat, add_one, go_on, go_on) * 4,
        *(renew, renew, clear),
        *(renew, put, clear, look_at_the_id, fail, disconnect),
    )

    @rule(scene=scenes([*product([*TABS, "Eve's"], DEEDS), *PAUSES * 4]))
    @in_loop
    async def act(self, scene: list[tuple[str, Deed] | int]) -> None:
        for event in scene:
            if isinstance(event, int):
                self.clock.now += event
            else:
                name, deed = event
                await deed(self, self.tabs.get(name) or await self._open(name))
        await self._compare()

    async def _open(self, name: str) -> Tab:
        claim: str | None
        if name == "Eve's":
            user, (kind, claim) = "eve", self._worthless_id()
        else:
            user, kind = TABS[name]
            claim = self._claim(user, kind)
        tab = self.tabs[name] = Tab(name, user, kind, Visit(self.server, kind, claim))
        self.tasks.start_soon(tab.run, self.app)
        await tab.answer()
        return tab

    def _claim(self, user: str, kind: Kind) -> str | None:
        id, until = self.tickets.get((user, kind), ("", 0))
        return id if until > self.clock() else None

    def _worthless_id(self) -> tuple[Kind, str]:
        """An id that is made up, of another kind, or dead."""
        made_up = [(kind, id) for kind in (BASKET, LOCKER) for id in (*GUESSED, *MALFORMED)]
        issued = [(kind, id) for kind in (BASKET, LOCKER) for _, id in reversed(self.server.issued)]
        worthless = [*(claim for claim in issued if self.server.find(*claim) is None), *made_up]
        return worthless[next(self.guesses) % len(worthless)]

    async def _compare(self) -> None:
        """The storage holds what is alive as it must be, and nothing else: of that, one id is looked up each time."""
        alive = [claim for claim in self.server.issued if self.server.find(*claim) is not None]
        for kind, id in (*alive, self.server.issued[next(self.guesses) % len(self.server.issued)]):
            held = self.server.held.get((kind, id))
            stored = await outcome_of(read_bytes(self.storage, f"{kind.name}:{id}"))
            if isinstance(stored, bytes):
                assert held is not None
                times = {"created": held.created, "seen": held.seen}
                assert [msgspec.json.decode(line) for line in stored.split(b"\n")] == [times, held.fields]
            else:
                assert self.server.find(kind, id) is None  # what expired leaves the storage once it is looked up

    def teardown(self) -> None:
        for tab in self.tabs.values():
            self.portal.call(tab.disconnect)
        self.folder.cleanup()


async def app(scope: Message, _receive: object, send: Send) -> None:
    await scope["tab"].handle(current_session(scope))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await scope["tab"].handle(current_session(scope))


def sessions_in(storage: SessionStorage, clock: Clock) -> Sessions:
    idle, longer = timedelta(seconds=BASKET.idle_timeout), timedelta(seconds=LOCKER.idle_timeout)
    max_age = timedelta(seconds=BASKET.max_age)
    return Sessions(
        app,
        cookie(BASKET.name, Basket, storage=storage, max_age=max_age, idle_timeout=idle, clock=clock),
        header(LOCKER.name, Locker, storage=storage, max_age=None, idle_timeout=longer, clock=clock),
    )


def memory(_: str) -> SessionStorage:
    return SessionStorageMemory()


def directory(folder: str) -> SessionStorage:
    return SessionStorageDirectory(folder)


def without_update(_: str) -> SessionStorage:
    return Shelf()


@pytest.mark.parametrize("make_storage", [memory, directory, without_update])
def test_sessions_are_what_their_users_make_of_them(
    make_storage: Callable[[str], SessionStorage], anyio_backend: str
) -> None:
    tell(partial(SessionsStory, make_storage), anyio_backend)
