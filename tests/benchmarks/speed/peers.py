"""The libraries that coatcheck is measured beside, each used as its documentation says.

Where one has options, it gets the fastest that store the same. Each is imported where it's needed, so a process whose
memory is measured holds one of them. Only the peers' own environment has them all, so mypy doesn't look in here.
"""

# mypy: ignore-errors
from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from tests.benchmarks.speed.app import BARE, SLOW, App, AsgiApp, WsgiApp, act, act_without_sessions, responding
from tests.benchmarks.speed.store import WEEK, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from pathlib import Path

PACKAGES = ("litestar", "starsessions", "fastapi-alcazaba", "starlette", "flask-session", "cachelib", "flask", "django")
UNBOUNDED = 10**9  # sessions: what evicts live ones to stay small stores something else
SECRET = "not a secret, but as long as one"  # noqa: S105


def litestar_memory(lifetime: timedelta = WEEK) -> Store:
    from litestar.stores.memory import MemoryStore

    store = MemoryStore()
    set_ = partial(store.set, expires_in=lifetime)
    return Store("Litestar", "peer", set_, store.get, store.delete, clean=store.delete_expired)


def litestar_files(root: Path, lifetime: timedelta = WEEK) -> Store:
    from litestar.stores.file import FileStore

    store = FileStore(root)
    set_ = partial(store.set, expires_in=lifetime)
    return Store("Litestar", "peer", set_, store.get, store.delete, clean=store.delete_expired)


def alcazaba_memory(lifetime: timedelta = WEEK) -> Store:
    from fastapi_alcazaba.backends.inmemory import InMemoryBackend

    backend = InMemoryBackend(max_size=None)
    set_ = partial(backend.set, expire=int(lifetime.total_seconds()))
    return Store("fastapi-alcazaba", "peer", set_, backend.get, partial(backend.clear, None))


def starsessions_memory(lifetime: timedelta = WEEK) -> Store:
    from starsessions import InMemoryStore

    store = InMemoryStore()
    seconds = int(lifetime.total_seconds())
    write = partial(store.write, lifetime=seconds, ttl=seconds)
    return Store("starsessions (no expiry)", "other", write, partial(store.read, lifetime=seconds), store.remove)


def cachelib_memory(lifetime: timedelta = WEEK) -> Store:
    from cachelib import SimpleCache

    return _of_cachelib("cachelib", "peer", SimpleCache(threshold=UNBOUNDED), lifetime)


def cachelib_files(root: Path, lifetime: timedelta = WEEK) -> Store:
    from cachelib import FileSystemCache

    return _of_cachelib("cachelib (blocks the loop)", "other", FileSystemCache(str(root), threshold=0), lifetime)


def cachelib_files_in_threads(root: Path, lifetime: timedelta = WEEK) -> Store:
    """Return what an app makes of it that wants to block nothing."""
    from cachelib import FileSystemCache

    client = FileSystemCache(str(root), threshold=0)
    seconds = int(lifetime.total_seconds())

    async def write(id: str, data: bytes) -> None:
        await to_thread.run_sync(client.set, id, data, seconds)

    name = "cachelib (wrapped in a thread by the app)"
    return Store(
        name, "other", write, partial(to_thread.run_sync, client.get), partial(to_thread.run_sync, client.delete)
    )


def _of_cachelib(name: str, role: str, client: Any, lifetime: timedelta) -> Store:
    seconds = int(lifetime.total_seconds())

    async def write(id: str, data: bytes) -> None:
        client.set(id, data, seconds)

    async def read(id: str) -> bytes:
        return client.get(id)

    async def delete(id: str) -> None:
        client.delete(id)

    return Store(name, role, write, read, delete)


def django_cache(lifetime: timedelta = WEEK) -> Store:
    configure_django()
    from django.contrib.sessions.backends.cache import SessionStore

    return _of_django("Django (cache)", "peer", SessionStore, lifetime)


def django_files(root: Path, lifetime: timedelta = WEEK) -> Store:
    configure_django()
    from django.contrib.sessions.backends.file import SessionStore

    root.mkdir()
    store = type("SessionStore", (SessionStore,), {"_storage_path": str(root)})
    return _of_django("Django (files, blocks the loop)", "other", store, lifetime)


def _of_django(name: str, role: str, session_store: Any, lifetime: timedelta) -> Store:
    """Return a store of Django's sessions. One is loaded before it's changed, so a write reads as well."""
    from django.conf import settings

    settings.SESSION_COOKIE_AGE = int(lifetime.total_seconds())

    async def create(id: str, data: bytes) -> None:
        session = session_store()
        session["data"] = data.decode("latin-1")
        session._session_key = id
        session.save(must_create=True)

    async def write(id: str, data: bytes) -> None:
        session = session_store(id)
        session["data"] = data.decode("latin-1")
        session.save()

    async def read(id: str) -> bytes:
        return session_store(id)["data"].encode("latin-1")

    async def delete(id: str) -> None:
        session_store().delete(id)

    async def clean() -> None:
        session_store.clear_expired()

    is_cleaned = role == "other"  # a cache is left to clean up by itself
    return Store(name, role, write, read, delete, create=create, clean=clean if is_cleaned else None)


MEMORY = {
    "litestar": litestar_memory,
    "alcazaba": alcazaba_memory,
    "starsessions": starsessions_memory,
    "cachelib": cachelib_memory,
    "django": django_cache,
}
FILES = {
    "litestar-files": litestar_files,
    "cachelib-files": cachelib_files,
    "cachelib-files-in-threads": cachelib_files_in_threads,
    "django-files": django_files,
}


def asgi_handler(load: Callable, renew: Callable, leave: Callable) -> Callable:
    """Return the handler that acts on the session that `load` returns."""

    async def handle(scope: Any) -> str:
        path = scope["path"]
        if path == "/untouched":
            return ""
        session = await load(scope)
        if path == "/logout":
            leave(scope)
            return ""
        if path[1:].partition("/")[0] in SLOW:
            await scope["pause"]()
        body = act(path, session)
        if path == "/login":
            renew(scope)
        return body

    return handle


def _nothing(_: Any) -> None:
    """Leave the id as it is: the library can't renew it."""


def starlette_cookie() -> App:
    from starlette.middleware.sessions import SessionMiddleware
    from starlette.requests import HTTPConnection

    async def load(scope: Any) -> Any:
        return HTTPConnection(scope).session

    handle = asgi_handler(load, _nothing, lambda scope: scope["session"].clear())
    return AsgiApp("Starlette (signed cookie)", "peer", SessionMiddleware(responding(handle), SECRET), BARE)


def starsessions(client: Any = None) -> AsgiApp:
    from starlette.requests import HTTPConnection
    from starsessions import InMemoryStore, SessionMiddleware, load_session, regenerate_session_id
    from starsessions.stores.redis import RedisStore

    async def load(scope: Any) -> Any:
        connection = HTTPConnection(scope)
        await load_session(connection)
        return connection.session

    def renew(scope: Any) -> None:
        regenerate_session_id(HTTPConnection(scope))

    handle = asgi_handler(load, renew, lambda scope: scope["session"].clear())
    store = InMemoryStore() if client is None else RedisStore(connection=client)
    app = SessionMiddleware(responding(handle), store=store, lifetime=WEEK)
    return AsgiApp("starsessions", "peer", app, BARE)


def alcazaba(client: Any = None) -> App:
    from fastapi_alcazaba.backends.inmemory import InMemoryBackend
    from fastapi_alcazaba.backends.redis import RedisBackend
    from fastapi_alcazaba.cache import Cache
    from fastapi_alcazaba.sessions import ServerSessionMiddleware, clear_session, rotate_session
    from starlette.requests import HTTPConnection

    async def load(scope: Any) -> Any:
        return HTTPConnection(scope).session

    # In its own memory it needs neither signatures nor time limits; the first costs most of a request.
    backend = InMemoryBackend(max_size=None) if client is None else RedisBackend(client)
    options = {"backend_timeout": None, "circuit_breaker_failures": None, "metrics": False, "tracing": False}
    handle = asgi_handler(
        load, lambda scope: rotate_session(HTTPConnection(scope)), lambda scope: clear_session(HTTPConnection(scope))
    )
    app = ServerSessionMiddleware(responding(handle), cache=Cache(backend, **options), max_size=10**6)
    return AsgiApp("fastapi-alcazaba", "peer", app, BARE)


ACTIONS = ("untouched", "read", "change", "login", "logout", "slow", "put/{number:str}", "add", "visits", "items")


def _litestar(handle: Callable, name: str, role: str, without: str, **options: Any) -> App:
    from litestar import Litestar, Request, get

    async def handler(request: Request) -> str:
        return await handle(request.scope)

    route = get([f"/{action}" for action in ACTIONS], media_type="text/plain", signature_namespace={"Request": Request})
    app = Litestar([route(handler)], openapi_config=None, logging_config=None, **options)
    return AsgiApp(name, role, app, without)


def litestar(client: Any = None) -> App:
    from litestar.middleware.session.server_side import ServerSideSessionConfig
    from litestar.stores.memory import MemoryStore
    from litestar.stores.redis import RedisStore
    from litestar.types import Empty

    async def load(scope: Any) -> Any:
        return scope["session"]

    def leave(scope: Any) -> None:
        scope["session"] = Empty  # as `request.clear_session()`

    handle = asgi_handler(load, _nothing, leave)
    middleware = [ServerSideSessionConfig().middleware]
    store = MemoryStore() if client is None else RedisStore(client)
    options = {"middleware": middleware, "stores": {"sessions": store}}
    return _litestar(handle, "Litestar", "peer", "Litestar without sessions", **options)


def litestar_bare() -> App:
    return _litestar(act_without_sessions, "Litestar without sessions", "other", "")


def wsgi_handler(session: Any, path: str, pause: Any, renew: Callable, leave: Callable) -> str:
    if path == "/untouched":
        return ""
    if path == "/logout":
        leave()
        return ""
    session.get("user")  # loads it, where nothing else has
    if pause is not None and path[1:].partition("/")[0] in SLOW:
        pause()
    body = act(path, session)
    if path == "/login":
        renew()
    return body


def flask_session() -> App:
    from cachelib import SimpleCache
    from flask import Flask, request, session
    from flask_session import Session

    app = Flask("speed")
    # By Flask's default each request is a write.
    app.config.update(SESSION_TYPE="cachelib", SESSION_REFRESH_EACH_REQUEST=False)
    app.config.update(SESSION_CACHELIB=SimpleCache(threshold=UNBOUNDED))
    Session(app)

    @app.get("/<path:path>")
    def view(path: str) -> str:
        renew = partial(app.session_interface.regenerate, session)
        return wsgi_handler(session, f"/{path}", request.environ["pause"], renew, session.clear)

    return WsgiApp("Flask-Session", "peer", app.wsgi_app, "Flask without sessions")


def flask_bare() -> App:
    from flask import Flask

    app = Flask("speed")
    app.get("/<path:path>")(lambda path: "")  # noqa: ARG005 - Flask calls it by this name
    return WsgiApp("Flask without sessions", "other", app.wsgi_app)


@cache
def configure_django() -> None:
    """Settle what is one for the process."""
    from django.conf import settings
    from django.http import HttpResponse
    from django.urls import re_path

    def view(request: Any, path: str) -> Any:
        session = getattr(request, "session", None)
        if session is None:
            return HttpResponse("")
        pause = request.META["pause"]
        return HttpResponse(wsgi_handler(session, f"/{path}", pause, session.cycle_key, session.flush))

    memory = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": UNBOUNDED}}
    settings.configure(
        SECRET_KEY=SECRET,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=(re_path("^(.*)$", view),),
        CACHES={"default": memory},
        SESSION_ENGINE="django.contrib.sessions.backends.cache",
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
        LOGGING_CONFIG=None,
    )


def django() -> App:
    configure_django()
    from django.core.handlers.wsgi import WSGIHandler

    return WsgiApp("Django (cache)", "peer", WSGIHandler(), "Django without sessions")


def django_bare() -> App:
    configure_django()
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import override_settings

    with override_settings(MIDDLEWARE=[]):
        return WsgiApp("Django without sessions", "other", WSGIHandler())


REDIS_APPS = (starsessions, alcazaba, litestar)
ASGI_APPS = (starlette_cookie, starsessions, alcazaba, litestar)
WSGI_APPS = (flask_session, django)
BARE_APPS = (litestar_bare, flask_bare, django_bare)
