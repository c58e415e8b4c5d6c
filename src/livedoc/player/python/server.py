"""Serves a program's ASGI app to a client in the same page, one request after the other."""

from __future__ import annotations

import asyncio
import sys
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from .control import controls_in, fits
from .ending import Failure
from .exchange import Exchange
from .process import Process
from .records import recorded
from .store import Store, expressions_in, stored

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from .control import Control, Value
    from .records import Record

    Stamp = tuple[int, int, int]

NAME = "app"
PORT = 443
ASGI = {"version": "3.0", "spec_version": "2.5"}


class Answer(NamedTuple):
    """What came of a request."""

    status: int
    reason: str
    """What HTTP calls this status."""
    headers: list[tuple[str, str]]
    body: bytes
    """The first bytes of the response's body."""
    size: int
    """How many bytes the response's body has."""
    seconds: float
    """From the request to the end of the response."""
    failure: Failure | None
    """The exception that the app raised, or what it did against the rules of ASGI."""
    records: list[Record]
    """What was logged until the app returned."""
    changed: list[str]
    """The files that are new or different now."""
    removed: list[str]
    store: Store
    """All that the program keeps now."""


class Server:
    """Executes a script without its `main`, as a server that imports it would, and calls its `app`.

    A server ends with its interpreter, as in a power cut: it sends no `lifespan.shutdown`.

    Args:
        filename: The path of the script. The name of its module is the last part without `.py`.
        packages: What the script can import besides the standard library, for a message.
    """

    _app: Callable[..., Awaitable[None]]

    def __init__(self, filename: str, packages: str = "") -> None:
        self.process = Process(filename, packages)
        self._module = PurePosixPath(filename).stem
        self._state: dict[str, Any] = {}
        self._expressions: list[str] = []
        self.controls: list[Control] = []
        """What a reader can set."""
        self.store = Store([], 0, [])
        """What the program keeps since its start, or since the last request."""

    async def start(
        self, source: str, folder: str | None = None, values: Mapping[str, Value] | None = None
    ) -> Failure | None:
        """Execute the script and let its app start. What is returned is what went wrong.

        Args:
            source: The script.
            folder: The working directory, with what an earlier server left in it. `None`: a new one.
            values: What the reader has set, by name.
        """
        self.process.start(folder)
        self._expressions = expressions_in(source)
        self._folder = Path.cwd()
        # Under another name than `__main__` the script's guard doesn't hold. Classes find their module by this name.
        main = self.process.main
        main.__name__ = self._module
        sys.modules[self._module] = main
        return (
            await self.process.call(self.process.execute, source)
            or await self.process.call(self._control, source, values or {})
            or await self.process.call(self._start_app)
            or await self.process.call(self._look)
        )

    def set(self, values: Mapping[str, Value]) -> None:
        """Give names that a reader may set these values."""
        for control in self.controls:
            if fits(control, value := values.get(control.name)):
                setattr(self.process.main, control.name, value)

    async def answer(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        host: str,
    ) -> Answer:
        """Call the app with a request, and return what came of it once the app has returned.

        Args:
            method: Such as `GET`.
            target: The path and the query, as they stand in the first line of a request.
            headers: Each is a name and a value, of characters that fit into bytes.
            body: The body of the request.
            host: The name by which the client calls the server.
        """
        exchange = Exchange(method, bytes(body))
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": ASGI,
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            "client": ("127.0.0.1", 0),
            "server": (host, PORT),
            "state": self._state.copy(),
        }
        before = _stamps(self._folder)
        with recorded() as records:
            failure = await self.process.call(self._call, scope, exchange)
        if failure is None and not exchange.is_complete:
            failure = Failure("The app exited before its response was complete.\n", "SystemExit", None)
        exchange.end()
        # Within a call, so the reader can stop it: a program's own expressions and values have a say in this.
        failure = await self.process.call(self._look) or failure
        changed, removed = _difference(self._folder, before, _stamps(self._folder))
        status = exchange.status or 0
        return Answer(
            status,
            HTTPStatus(status).phrase if status in set(HTTPStatus) else "",
            exchange.headers,
            exchange.body,
            exchange.size,
            exchange.seconds,
            failure,
            records,
            changed,
            removed,
            self.store,
        )

    async def _start_app(self) -> None:
        """Find the app, and go through its startup if it has one."""
        app = vars(self.process.main).get(NAME)
        if not callable(app):
            raise TypeError(f"the script must have an ASGI app named {NAME!r} at its top level, not {app!r}")
        self._app = app
        loop = asyncio.get_running_loop()
        started: asyncio.Future[str | None] = loop.create_future()
        told = iter([{"type": "lifespan.startup"}])

        async def receive() -> dict[str, Any]:
            for message in told:
                return message
            return await loop.create_future()  # type: ignore[no-any-return]  # nothing comes after the startup

        async def send(message: dict[str, Any]) -> None:
            outcomes = {
                "lifespan.startup.complete": None,
                "lifespan.startup.failed": message.get("message") or "it gave no reason",
            }
            if message["type"] not in outcomes or started.done():
                raise RuntimeError(f"the app sent {message['type']!r}, which can't come now")
            started.set_result(outcomes[message["type"]])

        scope = {"type": "lifespan", "asgi": {**ASGI, "spec_version": "2.0"}, "state": self._state}
        self._lifespan = asyncio.ensure_future(_awaited(app, scope, receive, send))
        awaited: set[asyncio.Future[Any]] = {self._lifespan, started}
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            self._lifespan.exception()  # by the book, an app that raises here just has no lifespan
        elif reason := started.result():
            await self._lifespan  # an app that says why also raises it
            raise RuntimeError(f"the app could not start: {reason}")

    async def _call(self, scope: dict[str, Any], exchange: Exchange) -> None:
        await self._app(scope, exchange.receive, exchange.send)
        exchange.check()

    def _control(self, source: str, values: Mapping[str, Value]) -> None:
        self.controls = controls_in(source, vars(self.process.main))
        self.set(values)

    def _look(self) -> None:
        self.store = stored(self._folder, self._expressions, vars(self.process.main))


async def _awaited(function: Callable[..., Awaitable[None]], *args: object) -> None:
    await function(*args)


def _stamps(folder: Path) -> dict[Path, Stamp]:
    stamps = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            stat = path.stat()
            stamps[path] = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
    return stamps


def _difference(folder: Path, before: dict[Path, Stamp], after: dict[Path, Stamp]) -> tuple[list[str], list[str]]:
    def named(paths: Iterable[Path]) -> list[str]:
        return sorted(path.relative_to(folder).as_posix() for path in paths)

    return named(path for path in after if before.get(path) != after[path]), named(before.keys() - after.keys())
