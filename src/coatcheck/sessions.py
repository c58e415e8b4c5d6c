"""The sessions of a request, and the middleware that loads and saves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from anyio import CancelScope, Lock

from .provider import Record, SessionProvider
from .storage import SessionNotFound
from .transport import is_well_formed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from .transport import Headers

    Scope = Any  # each framework has typed dictionaries of its own, and none of them is a MutableMapping
    Message = Any
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

S = TypeVar("S")

_SCOPE_KEY = "coatcheck.sessions"
_RESPONSE_BEGINS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})


class HasScope(Protocol):
    """A request object of a framework: anything with the ASGI scope in `.scope`."""

    @property
    def scope(self) -> Mapping[str, Any]:
        """The ASGI scope."""
        ...


class SessionAlreadySent(RuntimeError):  # noqa: N818 - the pinned name
    """A change that would need a header, after the response began."""


class Sessions:
    """ASGI middleware that gives each request its sessions: `app = Sessions(app, cookie(...), header(...))`.

    `current_session(request)` returns them inside the app. A session that nobody asks for costs nothing: no storage
    call, no header. What was set or changed is stored when the response begins, before its headers are sent, so a
    client never gets an id that is not in the storage; if the storage fails, the error goes to the server and the
    client gets no id. A handler that raises before that has changed nothing, unless somebody inside answers for it with
    an error page: that is a response like any other.

    Of two requests that change one session at the same time, both keep what they changed: the session is stored field
    by field, and of one field the later value wins. A session that another request ended stays ended, and what this one
    changed in it is dropped. Both hold for any number of processes if the storage has `update`, as those of the library
    do, and within one process if it has not.

    Only ids that a provider made and its storage still holds are accepted. For any other the app sees no session, the
    response takes the id away from the client, and a new session gets a fresh id.

    Args:
        app: The app to wrap.
        providers: One for each kind of session, from `cookie` or `header`.

    Raises:
        ValueError: Two providers have the same name or the same type.
        TypeError: A provider is something else.
    """

    def __init__(self, app: ASGIApp, *providers: SessionProvider[Any]) -> None:
        self._app = app
        self._providers: dict[type, SessionProvider[Any]] = {}
        names: set[str] = set()
        for provider in providers:
            if not isinstance(provider, SessionProvider):
                raise TypeError(
                    f"{provider!r} is no provider: pass what cookie(...) or header(...) returns, one by one"
                )
            if provider.type in self._providers:
                raise ValueError(f"two providers for {provider.type.__qualname__}: give each its own class")
            if provider.name in names:
                raise ValueError(f"two providers are called {provider.name!r}: give each its own name")
            self._providers[provider.type] = provider
            names.add(provider.name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app with `current_session` available, and save its sessions when the response begins."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        slots = _Slots(self._providers, scope["headers"], scope.get(_SCOPE_KEY))

        async def send_with_sessions(message: Message) -> None:
            if not slots.sent and message["type"] in _RESPONSE_BEGINS:
                message = await slots.begin(message)
            elif not slots.sent and message["type"] == "websocket.close":  # a refusal: it has no headers
                slots.sent = True
            await send(message)

        try:
            try:
                await self._app({**scope, _SCOPE_KEY: slots}, receive, send_with_sessions)
            except Exception:  # many a websocket ends so, when its client leaves
                await slots.finish()
                raise
            await slots.finish()
        except (Exception, GeneratorExit):  # of what is thrown away nothing more can be awaited
            raise
        except BaseException:  # cancelled, also while it was finishing, or the program ends
            with CancelScope(shield=True):
                await slots.forget()  # a logout holds
            raise


class CurrentSession:
    """The sessions of one request, found by their type. `current_session(request)` returns it.

    Every method raises `LookupError` for a type without a provider. Once the request is over, when nobody stores
    anything for it any more, every method but `update` and `id` raises `SessionAlreadySent`.
    """

    def __init__(self, slots: _Slots) -> None:
        self._slots = slots

    async def get(self, type: type[S]) -> S | None:
        """Return the client's session of this type, or `None` if it has none.

        The storage is read on the first use in a request and never again. A change inside the returned object is
        noticed and stored.
        """
        return await self._slots.of(type).get()

    async def get_or_set(self, type: type[S], default: Callable[[], S]) -> S:
        """Return the client's session of this type; if it has none, begin one with `default()`.

        Raises:
            SessionAlreadySent: A session would have to begin, but the response already did.
        """
        session = await self.get(type)
        if session is None:
            session = default()
            self.set(session)
        return session

    def set(self, session: object) -> None:
        """Make `session` the client's session of its type: changes the one there is, or begins one.

        Raises:
            SessionAlreadySent: A session would have to begin, but the response already did.
        """
        self._slots.of(type(session)).set(session)

    async def update(self, type: type[S], change: Callable[[S], S]) -> S:
        """Store what `change` makes of the session as it is stored now, at once, and return it.

        Nothing can come between: this is for counters, stock and balances, where a later value must not simply win. It
        waits for no response. Go on with the session it returns; what this request had changed before is in it as well,
        to be stored with the response. (With a serializer of your own that cannot `merge`, update before you change.)

        Args:
            type: The class of the session.
            change: Returns the changed session; it may be the one it got. It may be called again, and in another
                thread: keep it quick, and let it change nothing else. What it raises arrives as it is.

        Raises:
            SessionNotFound: The client has no session of this type in the storage.
        """
        return await self._slots.of(type).update(change)

    def clear(self, type: type[object]) -> None:
        """End the client's session of this type: the storage forgets it and the client's id is taken away."""
        self._slots.of(type).clear()

    def renew_id(self, type: type[object]) -> None:
        """Keep the session, give it a new id and let the old one die. Without a session, nothing happens.

        Call it whenever a client gains rights, as after a login: an id that was planted or seen before is worthless
        from then on (OWASP ASVS 5.0, 7.2.4).

        Raises:
            SessionAlreadySent: The response already began.
        """
        self._slots.of(type).renew()

    def id(self, type: type[object]) -> str | None:
        """Return the id of the client's session of this type.

        `None` until the session was loaded or stored: never an id that the client merely claims.
        """
        return self._slots.of(type).id


def current_session(request: Mapping[str, Any] | HasScope) -> CurrentSession:
    """Return the sessions of this request.

    Args:
        request: An ASGI scope, or a framework's request object, which holds one in `.scope`.

    Raises:
        RuntimeError: The app is not wrapped in `Sessions`.
    """
    scope = request if isinstance(request, Mapping) else request.scope
    try:
        return CurrentSession(scope[_SCOPE_KEY])
    except KeyError:
        raise RuntimeError("no sessions in this scope: wrap your app in Sessions(app, cookie(...))") from None


class _Slots:
    """All sessions of one request, each made on first use."""

    def __init__(self, providers: Mapping[type, SessionProvider[Any]], headers: Headers, outer: _Slots | None) -> None:
        self.sent = False
        self.over = False  # the app has returned: what changes now, nobody stores
        self._providers = providers
        self._headers = headers
        self._outer = outer
        self._slots: dict[type, _Slot[Any]] = {}

    def of(self, type: type[S]) -> _Slot[S]:
        slot = self._slots.get(type)
        if slot is None:
            provider = self._providers.get(type)
            if provider is None and self._outer is not None:
                return self._outer.of(type)
            if provider is None:
                raise LookupError(
                    f"no provider for {type.__qualname__}: give Sessions a cookie(...) or header(...) for it"
                )
            slot = self._slots[type] = _Slot(provider, provider.transport.receive(self._headers), self)
        return slot

    async def commit(self) -> None:
        """Store what changed, until nothing is left: other tasks of the request may go on meanwhile."""
        unsettled = [*self._slots.values()]
        while unsettled:
            for slot in unsettled:
                await slot.store()
            for slot in unsettled:  # last: if one is not stored, the client gets no new id for another that was renewed
                await slot.forget()
            unsettled = [slot for slot in self._slots.values() if slot.unsettled]

    async def finish(self) -> None:
        """Store what changed since the response began, also where it fails for another session. Then no more can."""
        errors = []
        unsettled = [*self._slots.values()] if self.sent else []
        while unsettled:
            for slot in unsettled:
                try:
                    await slot.settle()
                except Exception as error:  # noqa: BLE001 - raised below
                    errors.append(error)
            unsettled = [] if errors else [slot for slot in self._slots.values() if slot.unsettled]
        self.over = True
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("several sessions could not be stored", errors)

    async def forget(self) -> None:
        """Forget what ended since the response began."""
        self.over = True
        for slot in self._slots.values() if self.sent else ():
            await slot.forget()

    async def begin(self, message: Message) -> Message:
        """Store what changed, then return `message` with the headers that tell the client."""
        await self.commit()
        self.sent = True
        if not self._slots:
            return message
        headers = [*message.get("headers", ())]
        tickets = [ticket for slot in self._slots.values() for ticket in slot.tickets()]
        if tickets and not any(name.lower() == b"cache-control" for name, _ in headers):
            tickets.append((b"cache-control", b"no-store"))
        said = {
            name.strip() for header, value in headers if header.lower() == b"vary" for name in value.lower().split(b",")
        }
        read = dict.fromkeys(slot.provider.transport.vary for slot in self._slots.values())
        vary = [(b"vary", name) for name in read if not said & {name, b"*"}]
        return {**message, "headers": [*headers, *tickets, *vary]}


class _Slot(Generic[S]):
    """One session of one request: what the client claims, what the storage holds, what the app makes of it."""

    def __init__(self, provider: SessionProvider[S], claim: str | None, slots: _Slots) -> None:
        self.provider = provider
        self.id: str | None = None  # verified: the storage held it, or got it from us
        self._slots = slots
        self._claim = claim
        self._looked_up = claim is None or not is_well_formed(claim)
        self._plausible = None if self._looked_up else claim  # what the storage may hold for this client
        self._lock = Lock()
        self._session: S | None = None
        self._record = Record(0, 0)  # what is stored under `id`, as far as this request knows
        self._ended: list[str] = []  # ids that the storage is to forget
        self._clears = 0
        self._set = False
        self._renewed = False
        self._granted = False

    async def get(self) -> S | None:
        self._must_go_on()
        async with self._lock:
            if not self._set:
                await self._look_up()
            return self._session

    def set(self, session: S) -> None:
        self._must_go_on()
        if self._slots.sent and self._looked_up and self.id is None:
            raise SessionAlreadySent("a new session needs a header, but the response has begun: set it earlier")
        self._session = session
        self._set = True

    async def update(self, change: Callable[[S], S]) -> S:
        async with self._lock:
            await self._look_up()
            if self.id is None or self._session is None:
                raise SessionNotFound("the client has no such session to update: set one, and let a response begin")
            self.provider.serializer.serialize(self._session)  # what it raises comes before anything is stored
            base, clears = self._record.data, self._clears
            is_changing = False

            def changed(session: S) -> S:
                nonlocal is_changing
                is_changing = True
                session = change(session)
                is_changing = False
                return session

            try:
                session, record = await self.provider.apply(self.id, changed)
            except SessionNotFound:
                if not is_changing:  # else it is an error of the caller's own, and the session is there
                    self._lose(clears)
                raise
            if clears == self._clears:
                self._session, self._record = self._rebased(base, session, record), record
                session = self._session
            return session

    def clear(self) -> None:
        self._must_go_on()
        id = self.id or self._plausible
        if id is not None and id not in self._ended:
            self._ended.append(id)
        self._clears += 1
        self._lose(self._clears)

    def renew(self) -> None:
        self._must_go_on()
        if self._slots.sent:
            raise SessionAlreadySent("a new id needs a header, but the response has begun: renew it earlier")
        self._renewed = True

    def _must_go_on(self) -> None:
        if self._slots.over:
            raise SessionAlreadySent(
                "the request is over, and nothing more is stored for it: call update, or be earlier"
            )

    @property
    def unsettled(self) -> bool:
        """Whether something was asked for that is not stored yet."""
        return self._set or self._renewed or bool(self._ended)

    async def settle(self) -> None:
        """Store what changed, and forget what ended whether or not that could be stored."""
        try:
            await self.store()
        finally:
            await self.forget()

    async def store(self) -> None:
        """Store what changed. After a failure it can be called again."""
        async with self._lock:
            await self._store()

    async def forget(self) -> None:
        """Forget what ended."""
        async with self._lock:
            while self._ended:
                await self.provider.forget(self._ended[0])
                del self._ended[0]

    def tickets(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the header that the client needs, if any."""
        if self.id is not None and (self._granted or self.provider.is_ahead(self._record)):
            yield self.provider.grant(self.id, self._record)
        elif self._claim is not None and self._looked_up and self.id is None:
            yield self.provider.transport.expire()

    async def _look_up(self) -> None:
        if self._claim is None or self._looked_up:
            return
        loaded = await self.provider.load(self._claim)
        if self._looked_up:  # cleared meanwhile
            return
        self._looked_up = True
        if loaded is not None:
            self.id = self._claim
            session, self._record = loaded
            if not self._set:
                self._session = session

    def _rebased(self, base: bytes, session: S, record: Record) -> S:
        """Return `session` with what this request had changed since `base`."""
        serializer = self.provider.serializer
        if self._session is None or (mine := serializer.serialize(self._session)) == base:
            return session
        return serializer.deserialize(self.provider.merge(base, mine, record.data))

    def _is_touch_due(self) -> bool:
        return not self._slots.sent and self.provider.is_touch_due(self._record)

    async def _store(self) -> None:
        if self._set or self._renewed:
            await self._look_up()
        session, renewed, clears = self._session, self._renewed, self._clears
        self._set = self._renewed = False
        if session is None:
            return
        try:
            data = self.provider.serializer.serialize(session)
            if self.id is None or renewed:
                await self._grant(data, clears)
            elif data != self._record.data or self._is_touch_due():
                await self._change(self.id, data, clears)
        except SessionNotFound:
            self._lose(clears)
        except BaseException:
            self._renewed = self._renewed or renewed  # and what was cleared meanwhile gets a fresh id anyway
            raise

    async def _change(self, id: str, data: bytes, clears: int) -> None:
        touch = self._is_touch_due()
        record = await self.provider.change(id, self._record.data, data, touch=touch)
        if clears == self._clears:
            self._record = record
            self._granted = self._granted or touch

    async def _grant(self, data: bytes, clears: int) -> None:
        """Store the session under a fresh id. The old one, if any, is to be forgotten."""
        if self._slots.sent:
            raise SessionAlreadySent("a new session needs a header, but the response has begun: set it earlier")
        id, old = self.provider.issue_id(), self.id
        record = self.provider.begin(data, since=None if old is None else self._record.created)
        await self.provider.save(id, record)
        self._ended.append(id)  # until it is sure that the client may have it
        if old is not None and await self.provider.load(old) is None:
            raise SessionNotFound  # another request has ended it since this one loaded it
        if clears != self._clears:  # cleared meanwhile
            return
        self._ended.remove(id)
        if old is not None:
            self._ended.append(old)
        self.id, self._record, self._granted = id, record, True

    def _lose(self, clears: int) -> None:
        """Have no session any more, unless it was cleared since: then another may have been set."""
        if clears != self._clears:
            return
        self._looked_up = True
        self.id = self._session = None
        self._set = self._renewed = self._granted = False
