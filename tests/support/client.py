"""A client of an ASGI app: it sends one request, and has what came back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from coatcheck import Sessions, current_session, new_session_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from coatcheck import CurrentSession, SessionProvider
    from tests.support.storage import LosesItsConnection

    App = Callable[[CurrentSession, "Send"], Awaitable[None]]
    Handler = Callable[[CurrentSession], Awaitable[object]]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

S = TypeVar("S")


class Response:
    """What the client got. `carriers` are the names of the headers that carry ids."""

    def __init__(self, messages: list[Message], carriers: Iterable[str] = ()) -> None:
        self.messages = messages
        self._carriers = {carrier.lower() for carrier in carriers}

    @property
    def headers(self) -> list[tuple[str, str]]:
        (start,) = (m for m in self.messages if m["type"].endswith((".start", ".accept")))
        return [(name.decode(), value.decode()) for name, value in start["headers"]]

    def all(self, name: str) -> list[str]:
        """Return the values of a header, in order."""
        return [value for header, value in self.headers if header.lower() == name]

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.messages if message["type"] == "http.response.body")

    @property
    def ids(self) -> list[str]:
        """The ids that the client was given. An empty one takes away the one that it had."""
        cookies = [value.partition(";")[0].partition("=")[2] for value in self.all("set-cookie")]
        return [*cookies, *(value for carrier in self._carriers for value in self.all(carrier))]

    @property
    def id(self) -> str:
        """The one id that the client was given."""
        (id,) = self.ids
        return id

    @property
    def max_age(self) -> int | None:
        """For how many seconds the client keeps the id, if it was told in a cookie."""
        found = re.search(r"; Max-Age=(-?\d+)", "".join(self.all("set-cookie")))
        return None if found is None else int(found[1])


async def send_request(
    app: ASGIApp, headers: Iterable[tuple[str, str]] = (), *, sent: list[Message] | None = None, **scope: Any
) -> Response:
    """Send one request to `app`. What it answers goes into `sent`, message by message."""
    messages: list[Message] = [] if sent is None else sent

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        messages.append(message)

    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    await app({"type": "http", "headers": raw, **scope}, receive, send)
    return Response(messages)


def with_sessions(app: App) -> ASGIApp:
    """Return an ASGI app that looks up its sessions."""

    async def asgi(scope: Message, _: object, send: Send) -> None:
        await app(current_session(scope), send)

    return asgi


async def exchange(
    app: App,
    *providers: SessionProvider[Any],
    id: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    sent: list[Message] | None = None,
    **scope: Any,
) -> Response:
    """Send one request to an app that has its sessions, and says itself what it answers.

    `id` is what the client has of the first provider, be it in a cookie or in a header.
    """
    carried = [] if id is None else [("cookie", f"{providers[0].name}={id}"), (providers[0].name.lower(), id)]
    response = await send_request(Sessions(with_sessions(app), *providers), [*headers, *carried], sent=sent, **scope)
    return Response(response.messages, [provider.name for provider in providers])


def answering(
    handler: Handler,
    own_headers: Iterable[tuple[bytes, bytes]] = (),
    *,
    status: int = 200,
    late: Handler | None = None,
    is_http: bool = True,
) -> App:
    """Return an app that lets `handler` have its sessions and answers; then `late` has them."""

    async def app(sessions: CurrentSession, send: Send) -> None:
        await handler(sessions)
        start = "http.response.start" if is_http else "websocket.accept"
        await send({"type": start, "status": status, "headers": [*own_headers]})
        if late is not None:
            await late(sessions)
        if is_http:
            await send({"type": "http.response.body", "body": b""})

    return app


async def visit(
    handler: Handler,
    *providers: SessionProvider[Any],
    own_headers: Iterable[tuple[bytes, bytes]] = (),
    status: int = 200,
    late: Handler | None = None,
    **request: Any,
) -> Response:
    """Send one request, as `exchange` does, to the app that is `answering`."""
    is_http = request.get("type", "http") == "http"
    app = answering(handler, own_headers, status=status, late=late, is_http=is_http)
    return await exchange(app, *providers, **request)


async def visit_that_answers_failures(
    handler: Handler,
    answer: Handler,
    shaky: LosesItsConnection,
    *providers: SessionProvider[Any],
    id: str | None = None,
    status: int = 303,
) -> Response:
    """One request to an app that answers a lost connection, which is back by then, with `answer`."""

    async def app(sessions: CurrentSession, send: Send) -> None:
        await handler(sessions)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        except ConnectionError:
            shaky.failing.clear()
            await answer(sessions)
            await send({"type": "http.response.start", "status": status, "headers": []})

    return await exchange(app, *providers, id=id)


class Ids(list[str]):
    """Makes ids, and keeps them: `cookie(..., new_id=ids)`."""

    def __call__(self) -> str:
        self.append(new_session_id())
        return self[-1]


class Look(Generic[S]):
    """A handler that gets a session, and notes what it found in each request."""

    def __init__(self, type: type[S]) -> None:
        self.type = type
        self.found: list[S | None] = []

    async def __call__(self, sessions: CurrentSession) -> None:
        self.found.append(await sessions.get(self.type))


async def found(provider: SessionProvider[Any], id: str) -> Any:
    """Return the session that a request with this id finds, or `None`."""
    look = Look(provider.type)
    await visit(look, provider, id=id)
    return look.found[0]


async def nothing(_: CurrentSession) -> None:
    """Handle a request without a look at its sessions."""
