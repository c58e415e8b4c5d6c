"""What all tests share."""

from __future__ import annotations

import gzip
import inspect
import logging
import os
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatchcase
from functools import cache, partial, wraps
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

import pytest

from coatcheck import (
    SessionProvider,
    Sessions,
    SessionStorageCache,
    SessionStorageDirectory,
    SessionStorageMemory,
    SimplifiedSessionStorage,
)
from coatcheck.record import Record
from coatcheck.redis import SessionStorageRedis

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from os import PathLike

    from playwright.sync_api import Browser, BrowserContext, Page

    from coatcheck import UpdatableSessionStorage

    NewPage = Callable[..., Page]

PROJECT = Path(__file__).parents[1]
CHROMIUM = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser", "chrome")
QUIET = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PATIENCE = 60_000  # milliseconds that anything may take on a busy machine; how long it does take, benchmarks say
# What hosts compress on its way.
PACKED = re.compile(r"text/|application/(json|wasm|xml)|image/svg")
STORAGES = (
    SimplifiedSessionStorage,
    SessionStorageMemory,
    SessionStorageDirectory,
    SessionStorageCache,
    SessionStorageRedis,
)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["memory", "directory", "durable directory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> UpdatableSessionStorage:
    """Every storage of the library, in turn."""
    if request.param == "memory":
        return SessionStorageMemory()
    return SessionStorageDirectory(tmp_path / "sessions", durable=request.param == "durable directory")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built without a warning."""
    folder = tmp_path_factory.mktemp("built") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    ended = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    log = ended.stdout + ended.stderr
    assert ended.returncode == 0, log
    assert "WARNING" not in log, log
    return folder


@pytest.fixture(scope="session")
def header_rules() -> list[dict[str, Any]]:
    """The headers that the host sends, by path, as netlify.toml has them."""
    rules: list[dict[str, Any]] = tomllib.loads((PROJECT / "netlify.toml").read_text())["headers"]
    return rules


class Host(SimpleHTTPRequestHandler):
    """Sends the site as Netlify does."""

    protocol_version = "HTTP/1.1"
    # A machine's own table of types may say otherwise.
    extensions_map = {  # noqa: RUF012  # the base class has it so
        **SimpleHTTPRequestHandler.extensions_map,
        ".css": "text/css",
        ".html": "text/html",
        ".js": "text/javascript",
        ".json": "application/json",
        ".mjs": "text/javascript",
        ".svg": "image/svg+xml",
        ".wasm": "application/wasm",
        ".whl": "application/octet-stream",
        ".woff2": "font/woff2",
    }

    def __init__(self, site: Path, rules: list[dict[str, Any]], *arguments: Any) -> None:
        self.rules = rules
        super().__init__(*arguments, directory=str(site))

    def send_head(self) -> BytesIO | BinaryIO | None:
        file = Path(self.translate_path(self.path))
        file = file / "index.html" if self.path.endswith("/") else file
        type = self.guess_type(str(file))
        packed = "gzip" in self.headers.get("Accept-Encoding", "") and PACKED.match(type)
        if not packed or not file.is_file():
            return super().send_head()
        content = gzipped(file)
        self.send_response(HTTPStatus.OK)
        for name, value in {"Content-Type": type, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return BytesIO(content)

    def guess_type(self, path: str | PathLike[str]) -> str:
        return self.values.get("Content-Type") or super().guess_type(path)

    def end_headers(self) -> None:
        for name, value in self.values.items():
            if name != "Content-Type":
                self.send_header(name, value)
        super().end_headers()

    def log_request(self, *_: object, **__: object) -> None:
        """Say nothing: the output of a failed test is about the test."""

    @property
    def values(self) -> dict[str, str]:
        """Of a header that several rules set, the value of the last one."""
        path = urlsplit(self.path).path
        matching = [rule["values"] for rule in self.rules if fnmatchcase(path, rule["for"])]
        return {name: value for values in matching for name, value in values.items()}


@cache
def gzipped(file: Path) -> bytes:
    return gzip.compress(file.read_bytes(), 6)


@pytest.fixture(scope="session")
def server(site: Path, header_rules: list[dict[str, Any]]) -> Iterator[str]:
    """The origin of a server that sends the site as the host would."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Host, site, header_rules)) as listening:
        thread = Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert found, f"none of {', '.join(CHROMIUM)} is installed: run `apt-get install chromium`"
    return found


@pytest.fixture(scope="module")  # not longer: while it lives, this thread counts as one that runs an event loop
def browser(chromium: str) -> Iterator[Browser]:
    # It is not there where the library's tests run in Pyodide.
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Browser, server: str) -> Iterator[NewPage]:
    """Opens tabs of a new reader's browser. In none may a request leave the site, or an error be logged."""
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def opened(**options: Any) -> Page:
        options = {"service_workers": "block", **options}  # only tests that are about them get them
        context = browser.new_context(base_url=server, reduced_motion="reduce", **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        context.on("request", lambda request: requested(request.url))
        context.on("console", lambda message: logged(message.type, message.text))
        context.on("weberror", lambda error: trouble.append(str(error.error)))
        return context.new_page()

    def requested(url: str) -> None:
        if not url.startswith((f"{server}/", "data:", "blob:")):
            trouble.append(f"request: {url}")

    def logged(type: str, text: str) -> None:
        if type == "error":
            trouble.append(f"console: {text}")

    yield opened
    for context in contexts:
        context.close()
    assert trouble == []


class Ears:
    """Hear every log line of the library and every error that leaves it, and know what must not be in them."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()
        self.leaks: list[str] = []

    def learn(self, secret: str | bytes) -> None:
        """Ids and payloads too short to be told from ordinary words are none that a test could hear."""
        if isinstance(secret, bytes):
            secret = secret.decode("latin-1")
        self.secrets |= {part for part in (secret, secret.partition(":")[2]) if len(part) > 12}

    def hear(self, text: str) -> None:
        self.leaks += [text for secret in self.secrets if secret in text]

    def hear_error(self, error: BaseException | None) -> None:
        while error is not None:
            self.hear(" ".join([str(error), repr(error), *getattr(error, "__notes__", [])]))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)

    def listen(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """Wrap a method that gets an id, or a session, or bytes."""

        @wraps(method)
        async def listened(owner: object, *arguments: Any, **options: Any) -> Any:
            if not type(owner).__module__.startswith("coatcheck"):  # what inherits from ours may say what it likes
                return await method(owner, *arguments, **options)
            for argument in arguments:
                secret = argument.data if isinstance(argument, Record) else argument
                if isinstance(secret, str | bytes):
                    self.learn(secret)
            try:
                return await method(owner, *arguments, **options)
            except BaseException as error:
                self.hear_error(error)
                raise

        return listened


@pytest.fixture(scope="session")
def ears() -> Iterator[Ears]:
    """Listen to the whole suite."""
    ears = Ears()
    handler = logging.Handler()
    handler.emit = lambda record: ears.hear(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("coatcheck").addHandler(handler)
    with pytest.MonkeyPatch.context() as patch:
        for storage in STORAGES:
            for name in ("write", "read", "update", "invalidate"):
                if inspect.iscoroutinefunction(vars(storage).get(name)):
                    patch.setattr(storage, name, ears.listen(vars(storage)[name]))
        for name in ("load", "save", "change", "apply", "forget"):
            patch.setattr(SessionProvider, name, ears.listen(vars(SessionProvider)[name]))
        patch.setattr(Sessions, "__call__", ears.listen(vars(Sessions)["__call__"]))
        yield ears
    logging.getLogger("coatcheck").removeHandler(handler)


@pytest.fixture(autouse=True)
def no_id_and_no_payload_is_in_a_log_line_or_an_error(ears: Ears) -> Iterator[None]:
    """Whatever a test is about."""
    ears.secrets.clear()
    yield
    leaks, ears.leaks = ears.leaks, []
    assert not leaks
