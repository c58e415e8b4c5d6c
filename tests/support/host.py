"""A server that sends the site as Netlify does."""

from __future__ import annotations

import gzip
import re
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from functools import cache
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike
    from socketserver import BaseRequestHandler

# The headers of netlify.toml, as it has them, or of a file _headers.
Rules = list[dict[str, Any]]
# What hosts compress on the way.
PACKED = re.compile(r"text/|application/(json|wasm|xml)|image/svg")


ON_THE_FLY = 5  # the quality of Brotli of a host that compresses while it sends


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

    def __init__(self, site: Path, rules: Rules, *arguments: Any) -> None:
        self.rules = rules
        super().__init__(*arguments, directory=str(site))

    def send_head(self) -> BytesIO | BinaryIO | None:
        if urlsplit(self.path).path == "/_headers":  # it is read, and not sent
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
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

    def handle(self) -> None:
        """Answer a browser, which may go at any time."""
        with suppress(ConnectionError):
            super().handle()

    def log_request(self, *_: object, **__: object) -> None:
        """Say nothing: the output of a failed test is about the test."""

    @property
    def values(self) -> dict[str, str]:
        return headers(urlsplit(self.path).path, [*rules_of(Path(self.directory)), *self.rules])


@cache
def rules_of(site: Path) -> Rules:
    """The rules of the file `_headers` of a built site. They come before those of netlify.toml."""
    rules: Rules = [{"for": "/*", "values": {"Cache-Control": "public, max-age=0, must-revalidate"}}]  # the host's own
    file = site / "_headers"
    for line in file.read_text().splitlines() if file.is_file() else []:
        if line.startswith("/"):
            rules.append({"for": line, "values": {}})
        else:
            name, _, value = line.strip().partition(": ")
            rules[-1]["values"][name] = value
    return rules


def headers(path: str, rules: Rules) -> dict[str, str]:
    """What is sent with a path. Of a header that several rules set, the last one counts."""
    matching = [rule["values"] for rule in rules if fnmatchcase(path, rule["for"])]
    return {name: value for values in matching for name, value in values.items()}


def file_of(site: Path, url: str) -> Path:
    """What a host sends for an address."""
    path = urlsplit(url).path
    return site / (f"{path}index.html" if path.endswith("/") else path).removeprefix("/")


@cache
def gzipped(file: Path) -> bytes:
    return gzip.compress(file.read_bytes(), 6)


@contextmanager
def serving(handler: Callable[..., BaseRequestHandler]) -> Iterator[str]:
    """Run a server until the block ends, and give its origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()
            thread.join()
