"""The middleware that gives each request its sessions, and what the app sees of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from anyio import CancelScope
from anyio.lowlevel import checkpoint_if_cancelled

from .loop import in_event_loop
from .provider import SessionProvider
from .request import RequestSessions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Scope = Any  # each framework has typed dictionaries of its own, and none of them is a MutableMapping
    Message = Any
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

S = TypeVar("S")

_SCOPE_KEY = "coatcheck.sessions"
_RESPONSE_STARTS = {"http.response.start", "websocket.accept", "websocket.http.response.start", "websocket.close"}


class HasScope(Protocol):
    """A request object of a framework: anything with the ASGI scope in `.scope`."""

    @property
    def scope(self) -> Mapping[str, Any]:
        """The ASGI scope."""
        ...


class Sessions:
    """ASGI middleware that gives each request its sessions: `app = Sessions(app, cookie(...), header(...))`.

    `current_session(request)` returns them inside the app. A session that the app doesn't ask for costs nothing: no
    storage call, no header. `Sessions` saves changes when the response starts, before its headers are sent, so a client
    never has an id that the storage doesn't know. If the storage fails, the error goes to the server and the client
    gets no id. Call `save()` in a handler to answer such an error yourself.

    If a handler raises before the response starts, or the response is 500 or above, nothing is saved: no change made by
    then, no new session, no renewed id. A session that `save` or `update` has stored stays, and its id is sent with any
    response. `clear` always ends the session. A change made after an error response has started is saved as usual.

    A response starts once, and its headers are final then: another task of the request that starts a session or renews
    an id while the response is starting gets a `SessionAlreadySent`.

    When two requests change one session at the same time, both changes are kept, because a session is merged field by
    field; of two changes to one field the later one is kept. A session that another request ended stays ended, and this
    request's changes to it are discarded. Both hold for any number of processes if the storage has `update`, as the
    library's storages do, and within one process if it doesn't.

    Only ids that a provider made and its storage still holds are accepted. For any other id the app sees no session,
    the response removes the cookie, and a new session gets a fresh id.

    Args:
        app: The app to wrap.
        providers: One for each kind of session, from `cookie` or `header`.

    Raises:
        ValueError: Two providers have the same name or the same type.
        TypeError: An argument isn't a provider.
    """

    def __init__(self, app: ASGIApp, *providers: SessionProvider[Any]) -> None:
        self._app = app
        self._providers: dict[type, SessionProvider[Any]] = {}
        for provider in providers:
            if not isinstance(provider, SessionProvider):
                raise TypeError(
                    "Sessions() takes providers as separate arguments, Sessions(app, cookie(...), header(...)); "
                    f"got {provider!r}"
                )
            if provider.type in self._providers:
                raise ValueError(f"two providers for {provider.type.__qualname__}; give each its own class")
            if provider.name in {each.name for each in self._providers.values()}:
                raise ValueError(f"two providers are called {provider.name!r}; give each its own name")
            self._providers[provider.type] = provider

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app with `current_session` available, and save its sessions when the response starts."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        outer = scope.get(_SCOPE_KEY)
        if outer is not None and outer.progress.ended:  # left by an earlier call with this scope
            outer = None
        # The scope is changed in place, as frameworks do, so what is outside sees what routing adds to it.
        sessions = scope[_SCOPE_KEY] = RequestSessions(self._providers, scope["headers"], outer)

        async def send_with_sessions(message: Message) -> None:
            if message["type"] in _RESPONSE_STARTS and not sessions.progress.response_started:
                has_headers = message["type"] != "websocket.close"  # with which a websocket is refused
                await sessions.start_response(is_error=_is_error(message), takes_ids=has_headers)
                message = _with_headers(message, sessions) if has_headers else message
            await send(message)

        try:
            try:
                await self._app(scope, receive, send_with_sessions)
            except Exception:  # many a websocket ends like this, when its client leaves
                await checkpoint_if_cancelled()  # nothing is saved of a cancelled request, even if the app caught that
                await sessions.end()
                raise
            await sessions.end()
        except (Exception, GeneratorExit):  # a coroutine that is thrown away can't await anything
            raise
        except BaseException:  # cancelled, perhaps in `end`, or the program exits
            with CancelScope(shield=True):
                await sessions.end(cancelled=True)  # a logout holds
            raise
        finally:
            scope[_SCOPE_KEY] = outer or sessions


def _is_error(message: Message) -> bool:
    """Return whether a response says that the app failed: a status of 500 or above, or what closes a websocket then."""
    if message["type"] != "websocket.close":
        return bool(message.get("status", 200) >= 500)  # noqa: PLR2004
    # A websocket is closed with 1011 (RFC 6455, section 7.4) or, as Litestar does it, with the status plus 4000.
    code = message.get("code", 1000)
    return bool(code == 1011 or 4500 <= code < 4600)  # noqa: PLR2004


def _with_headers(message: Message, sessions: RequestSessions) -> Message:
    """Return the start of a response with the headers of its sessions, after those of the app."""
    if not sessions.vary:
        return message
    own, added = [*message.get("headers", ())], sessions.headers()
    names = {name.lower() for name, _ in own}
    if added and b"cache-control" not in names:
        added.append((b"cache-control", b"no-store"))  # OWASP Session Management: no cache may keep an id
    varies: set[bytes] = set()
    if b"vary" in names:
        there = b",".join(value.lower() for name, value in own if name.lower() == b"vary")
        varies = {name.strip() for name in there.split(b",")}
    for name in sessions.vary:
        if not varies or not varies & {name, b"*"}:
            added.append((b"vary", name))
    return {**message, "headers": own + added}


class CurrentSession:
    """The sessions of one request, found by their type. `current_session(request)` returns it.

    Every method raises `LookupError` for a type without a provider. Once the request has ended, nothing more is saved
    for it, so every method but `update` and `id` raises `SessionAlreadySent`.
    """

    def __init__(self, sessions: RequestSessions) -> None:
        self._sessions = sessions

    @in_event_loop
    async def get(self, type: type[S]) -> S | None:
        """Return the client's session of this type, or `None` if it has none.

        The storage is read on the first use in a request and never again. A change inside the returned object is
        noticed and saved.
        """
        return await self._sessions.of(type).get()

    @in_event_loop
    async def get_or_set(self, type: type[S], default: Callable[[], S]) -> S:
        """Return the client's session of this type. If it has none, start one with `default()`.

        Raises:
            SessionAlreadySent: There is none, and the response has started.
        """
        session = await self._sessions.of(type).get()
        if session is None:
            session = default()
            self.set(session)
        return session

    def set(self, session: object) -> None:
        """Make `session` the client's session of its type: change the one it has, or start one.

        Raises:
            SessionAlreadySent: There is none, and the response has started.
        """
        self._sessions.of(type(session)).set(session)

    @in_event_loop
    async def update(self, type: type[S], change: Callable[[S], S]) -> S:
        """Apply `change` to the session as it is stored now, save it at once, and return it.

        Nothing can come between. Use it for counters, stock and balances, where keeping the later value would be wrong.
        It doesn't wait for a response. Go on with the session it returns: what this request changed before is in it
        too, to be saved with the response. (With a serializer of your own that cannot `merge`, update before you change
        anything else.)

        After `renew_id` it saves under the new id, and the old id keeps the session as this request loaded it. If no
        response sends the new id, the session lives on under the old one without the update.

        Args:
            type: The class of the session.
            change: Returns the changed session, which may be the one it got. It may be called more than once, and in
                another thread, so keep it quick and without side effects. An exception it raises reaches you unchanged.

        Raises:
            SessionNotFound: The client has no session of this type in the storage.
        """
        return await self._sessions.of(type).update(change)

    def clear(self, type: type[object]) -> None:
        """End the client's session of this type: it is deleted from the storage, and the cookie is removed.

        That holds with any response, and if the handler raises after it. Where the client sent several ids of
        this name, it ends each of their sessions.
        """
        self._sessions.of(type).clear()

    @in_event_loop
    async def save(self) -> None:
        """Save what changed, now. An error of the storage arrives here, where you can answer it.

        A change that couldn't be saved stays pending: answer with a status of 500 or above, which discards it, or take
        it back. `id` returns the id of a session that was started. A session that is renewed keeps its old id, with its
        old data, until a response has sent the new one.

        Raises:
            SessionAlreadySent: A session would have to start, but the response has started.
        """
        await self._sessions.save()

    def renew_id(self, type: type[object]) -> None:
        """Keep the session, give it a new id and delete the old one. Without a session, nothing happens.

        Call it whenever a client gains privileges, above all at login. An id that somebody planted or saw before then
        opens nothing (OWASP ASVS 5.0, 7.2.4). Call it before `save` and `update`, which then save nothing under the old
        id.

        Raises:
            SessionAlreadySent: The response has started.
        """
        self._sessions.of(type).renew_id()

    def id(self, type: type[object]) -> str | None:
        """Return the id of the client's session of this type.

        `None` until the session was loaded or saved. It is never an unverified id that the client sent.
        """
        return self._sessions.of(type).id


def current_session(request: Mapping[str, Any] | HasScope) -> CurrentSession:
    """Return the sessions of this request.

    Args:
        request: An ASGI scope, or a framework's request object, which holds one in `.scope`.

    Raises:
        RuntimeError: The app isn't wrapped in `Sessions`, or a middleware or an error handler outside of it calls this.
    """
    scope: Mapping[str, Any] = getattr(request, "scope", request)  # type: ignore[arg-type]
    try:
        return CurrentSession(scope[_SCOPE_KEY])
    except KeyError:
        raise RuntimeError(
            "no sessions in this scope; wrap your app in Sessions(app, cookie(...)). If it is, this middleware or "
            "error handler runs outside of Sessions; change the order, with Sessions around it"
        ) from None
