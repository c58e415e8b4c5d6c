"""A server of the site that may lose files, go down, or have another release."""

from __future__ import annotations

import re
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any

from tests.support.host import Host

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from tests.support.host import Rules


class Origin:
    """Where the site is, whichever release of it, and if anything is there at all."""

    def __init__(self, site: Path) -> None:
        self.url = ""
        self.site = site
        self.down = False
        self.lost: set[str] = set()
        self.asked: list[str] = []


class Sender(Host):
    """Sends what an origin has, and notes what was asked for."""

    def __init__(self, origin: Origin, rules: Rules, *arguments: Any) -> None:
        self.origin = origin
        super().__init__(origin.site, rules, *arguments)

    def send_head(self) -> BytesIO | BinaryIO | None:
        path = self.path.partition("?")[0].removeprefix("/")
        self.directory = str(self.origin.site)  # a connection outlives a release
        self.origin.asked.append(path)
        if self.origin.down or path in self.origin.lost:
            self.close_connection = True
            return None
        return super().send_head()


class Known(Sender):
    """Sends a sitemap with its own addresses, as the real one does. The theme swaps pages that it names in place."""

    def send_head(self) -> BytesIO | BinaryIO | None:
        if self.path != "/sitemap.xml":
            return super().send_head()
        named = (self.origin.site / "sitemap.xml").read_text()
        sent = re.sub(r"(?<=<loc>)https://[^/]+", self.origin.url, named).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        return BytesIO(sent)


class Careless(Sender):
    """Has no file whose path matches what is lost. Its 404 has the headers of a folder's rule.

    So do some hosts, and so this site once told them to.
    """

    def send_head(self) -> BytesIO | BinaryIO | None:
        if self.is_gone:
            self.origin.asked.append(self.path.removeprefix("/"))
            self.send_error(404)
            return None
        return super().send_head()

    @property
    def is_gone(self) -> bool:
        return any(re.search(gone, self.path) for gone in self.origin.lost)

    @property
    def values(self) -> dict[str, str]:
        kept = {"Cache-Control": "public, max-age=31536000, immutable"} if self.is_gone else {}
        return super().values | kept
