"""Apps that do the same with each library's sessions, called as a server calls them, without a socket."""

from __future__ import annotations

import math
import sys
from asyncio import sleep
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from anyio import CapacityLimiter, from_thread, to_thread

import coatcheck as library
from tests.benchmarks.speed.browser import BROWSER

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from coatcheck import CurrentSession, SessionStorage
    from tests.benchmarks.speed.measurement import Role

Pause = Callable[[], Coroutine[Any, Any, Any]]

USER = "ann"
NOTE = "x" * 40  # so that a session has about 100 bytes
SLOW = ("slow", "put", "add")  # actions that wait between the read and the change, as one with a database does
BARE = "a bare ASGI app"
UNLIMITED = CapacityLimiter(math.inf)


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: str
    cookie: str | None


class App(Protocol):
    """An app that answers `/read`, `/change`, and the other actions of `act`."""

    name: str
    role: Role
    without: str

    async def ask(self, path: str, cookie: str | None = None, pause: Pause | None = None) -> Answer:
        """Send one request, and return the answer. A slow action awaits `pause` before it changes the session."""
        ...

    async def repeat(self, path: str, cookies: Iterable[str | None]) -> None:
        """Send a request with each of these cookies, one after the other, and leave the answers unread."""
        ...


def act(path: str, session: Any) -> str:
    """Do what a path says with a session that is a mapping of strings."""
    action, _, number = path[1:].partition("/")
    if action == "read":
        return str(session.get("user", ""))
    if action in ("change", "slow", "add"):
        session["visits"] = session["visits"] + 1
    elif action == "put":
        session[f"item{number}"] = 1
    elif action == "login":
        session.update({"user": USER, "visits": 0, "note": NOTE})
    elif action == "visits":
        return str(session.get("visits", ""))
    elif action == "items":
        return str(sum(key.startswith("item") for key in session.keys()))  # noqa: SIM118 - Django's can't be iterated
    return ""


@dataclass
class Visit:
    """The same session for coatcheck."""

    user: str
    visits: int
    note: str
    items: dict[str, int] = field(default_factory=dict)


def act_on(visit: Visit, action: str, number: str) -> str:
    """Do the same with a visit."""
    if action == "read":
        return visit.user
    if action in ("change", "slow"):
        visit.visits += 1
    elif action == "put":
        visit.items[number] = 1
    elif action == "visits":
        return str(visit.visits)
    elif action == "items":
        return str(len(visit.items))
    return ""


def plus_one(visit: Visit) -> Visit:
    visit.visits += 1
    return visit


async def act_with_coatcheck(current_session: Callable[[Any], CurrentSession], scope: Any) -> str:
    """Answer a request. An increment uses `update`, which is there for it."""
    action, _, number = scope["path"][1:].partition("/")
    if action == "untouched":
        return ""
    sessions = current_session(scope)
    if action == "login":
        sessions.set(Visit(USER, 0, NOTE))
        sessions.renew_id(Visit)
    elif action == "logout":
        sessions.clear(Visit)
    elif (visit := await sessions.get(Visit)) is not None:
        if action in SLOW:
            await scope["pause"]()
        if action == "add":
            await sessions.update(Visit, plus_one)
        return act_on(visit, action, number)
    return ""


def responding(handle: Callable[[Any], Awaitable[str]]) -> Any:
    """Return the ASGI app that answers what `handle` returns."""

    async def app(scope: Any, _: object, send: Any) -> None:
        body = (await handle(scope)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": body})

    return app


async def act_without_sessions(_: object) -> str:
    return ""


def bare() -> AsgiApp:
    """Return an app without sessions."""
    return AsgiApp(BARE, "floor", responding(act_without_sessions))


def coatcheck(storage: SessionStorage | None = None, library: Any = library) -> AsgiApp:
    """Return the app with coatcheck, as its documentation shows it, or with a copy of the library."""
    storage = library.SessionStorageMemory() if storage is None else storage
    handle = partial(act_with_coatcheck, library.current_session)
    app = library.Sessions(responding(handle), library.cookie("session", Visit, storage=storage))
    return AsgiApp("coatcheck", "coatcheck", app, BARE)


async def turn() -> None:
    """Let all others go first."""
    await sleep(0)


async def receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def unread(_: object) -> None:
    """Take a message, as a server does."""


class AsgiApp:
    """An app for ASGI."""

    def __init__(self, name: str, role: Role, app: Any, without: str = "") -> None:
        self.name, self.role, self.without = name, role, without
        self.app = app

    async def ask(self, path: str, cookie: str | None = None, pause: Pause | None = None) -> Answer:
        """See `App`."""
        messages: list[Any] = []

        async def send(message: Any) -> None:
            messages.append(message)

        await self.app(_asgi_scope(path, cookie, pause or turn), receive, send)
        sent = [value.decode() for name, value in messages[0]["headers"] if name.lower() == b"set-cookie"]
        body = b"".join(each.get("body", b"") for each in messages[1:]).decode()
        return Answer(messages[0]["status"], body, _value_of(sent))

    async def repeat(self, path: str, cookies: Iterable[str | None]) -> None:
        """See `App`."""
        app = self.app
        for cookie in cookies:
            await app(_asgi_scope(path, cookie, turn), receive, unread)


class WsgiApp:
    """An app for WSGI, which a server calls in threads."""

    def __init__(self, name: str, role: Role, app: Any, without: str = "") -> None:
        self.name, self.role, self.without = name, role, without
        self._app = app

    async def ask(self, path: str, cookie: str | None = None, pause: Pause | None = None) -> Answer:
        """See `App`. With a `pause` it runs in a thread of its own."""
        if pause is None:
            return self._ask(path, cookie, None)
        return await to_thread.run_sync(self._ask, path, cookie, partial(from_thread.run, pause), limiter=UNLIMITED)

    def _ask(self, path: str, cookie: str | None, pause: Callable[[], object] | None) -> Answer:
        started: list[Any] = []  # the status and the headers
        body = self._app(_wsgi_environment(path, cookie, pause), lambda *start: started.extend(start))
        text = b"".join(body).decode()
        body.close()
        sent = [value for name, value in started[1] if name.lower() == "set-cookie"]
        return Answer(int(started[0].partition(" ")[0]), text, _value_of(sent))

    async def repeat(self, path: str, cookies: Iterable[str | None]) -> None:
        """See `App`."""
        app = self._app
        for cookie in cookies:
            body = app(_wsgi_environment(path, cookie, None), _ignore_start)
            for _ in body:
                pass
            body.close()


def _ignore_start(*_: object) -> None:
    """Take a status and headers, as a server does."""


def _value_of(sent: list[str]) -> str | None:
    return sent[-1].strip().partition(";")[0] if sent else None


_HEADERS = [(name.encode(), value.encode()) for name, value in BROWSER.items()]


def _asgi_scope(path: str, cookie: str | None, pause: object) -> MutableMapping[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [*_HEADERS, (b"cookie", cookie.encode())] if cookie else [*_HEADERS],
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 8000),
        "state": {},
        "pause": pause,
    }


_ENVIRONMENT = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in BROWSER.items()} | {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "QUERY_STRING": "",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8000",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "wsgi.url_scheme": "https",
    "wsgi.errors": sys.stderr,
}


def _wsgi_environment(path: str, cookie: str | None, pause: object) -> dict[str, Any]:
    environment = {**_ENVIRONMENT, "PATH_INFO": path, "wsgi.input": BytesIO(), "pause": pause}
    return environment | {"HTTP_COOKIE": cookie} if cookie else environment
