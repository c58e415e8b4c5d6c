"""The middleware that gives each request its sessions, and what an app sees of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from anyio import CancelScope

from .provider import SessionProvider
from .request import RequestSessions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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
        sessions = RequestSessions(self._providers, scope["headers"], scope.get(_SCOPE_KEY))

        async def send_with_sessions(message: Message) -> None:
            if not sessions.sent and message["type"] in _RESPONSE_BEGINS:
                message = await sessions.begin(message)
            elif not sessions.sent and message["type"] == "websocket.close":  # a refusal: it has no headers
                sessions.sent = True
            await send(message)

        try:
            try:
                await self._app({**scope, _SCOPE_KEY: sessions}, receive, send_with_sessions)
            except Exception:  # many a websocket ends so, when its client leaves
                await sessions.finish()
                raise
            await sessions.finish()
        except (Exception, GeneratorExit):  # of what is thrown away nothing more can be awaited
            raise
        except BaseException:  # cancelled, also while it was finishing, or the program ends
            with CancelScope(shield=True):
                await sessions.forget()  # a logout holds
            raise


class CurrentSession:
    """The sessions of one request, found by their type. `current_session(request)` returns it.

    Every method raises `LookupError` for a type without a provider. Once the request is over, when nobody stores
    anything for it any more, every method but `update` and `id` raises `SessionAlreadySent`.
    """

    def __init__(self, sessions: RequestSessions) -> None:
        self._sessions = sessions

    async def get(self, type: type[S]) -> S | None:
        """Return the client's session of this type, or `None` if it has none.

        The storage is read on the first use in a request and never again. A change inside the returned object is
        noticed and stored.
        """
        return await self._sessions.of(type).get()

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
        self._sessions.of(type(session)).set(session)

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
        return await self._sessions.of(type).update(change)

    def clear(self, type: type[object]) -> None:
        """End the client's session of this type: the storage forgets it and the client's id is taken away."""
        self._sessions.of(type).clear()

    def renew_id(self, type: type[object]) -> None:
        """Keep the session, give it a new id and let the old one die. Without a session, nothing happens.

        Call it whenever a client gains rights, as after a login: an id that was planted or seen before is worthless
        from then on (OWASP ASVS 5.0, 7.2.4).

        Raises:
            SessionAlreadySent: The response already began.
        """
        self._sessions.of(type).renew()

    def id(self, type: type[object]) -> str | None:
        """Return the id of the client's session of this type.

        `None` until the session was loaded or stored: never an id that the client merely claims.
        """
        return self._sessions.of(type).id


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
