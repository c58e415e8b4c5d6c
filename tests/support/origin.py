"""A server of the site that may lose files, go down, or have another release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.host import Host

if TYPE_CHECKING:
    from io import BytesIO
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
