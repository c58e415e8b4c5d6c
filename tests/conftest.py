"""What all tests share."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from fnmatch import fnmatchcase
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from coatcheck import SessionStorageDirectory, SessionStorageMemory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coatcheck import UpdatableSessionStorage

PROJECT = Path(__file__).parents[1]


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


@pytest.fixture(scope="session")
def server(site: Path, header_rules: list[dict[str, Any]]) -> Iterator[str]:
    """The origin of a server that sends the site as the host would."""

    class Handler(SimpleHTTPRequestHandler):
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

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(site))

        def end_headers(self) -> None:
            for rule in header_rules:
                if fnmatchcase(urlsplit(self.path).path, rule["for"]):
                    for name, value in rule["values"].items():
                        self.send_header(name, value)
            super().end_headers()

        def log_request(self, *_: object, **__: object) -> None:
            """Say nothing: the output of a failed test is about the test."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()
