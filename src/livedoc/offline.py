"""Writes the service worker, which keeps a release of the site for readers without a network."""

from __future__ import annotations

import hashlib
import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import quote

from livedoc.build import content_hash, wire_sizes

if TYPE_CHECKING:
    from pathlib import Path

# What no page asks for, or only a machine that has a network.
LEFT_OUT = (
    "_headers",
    "sw.js",
    "*/service_worker-*.js",
    "404.html",
    "*.map",
    "*.gz",
    "robots.txt",
    "llms.txt",
    "*.md",
    "objects.inv",
    "*/lunr/*",
    "assets/cards/*",
)
REST = re.compile(r'data-rest="\d*"')
QUALITY = 5  # a host compresses these while it sends them


def write_service_worker(site: Path, player: str) -> None:
    """Add `sw.js` to a built site, and to its pages how many bytes travel for all but the folder `player`."""
    files = {url: file for file in sorted(site.rglob("*")) if file.is_file() and (url := _url(file, site)) is not None}
    rest = sum(wire_sizes([file for url, file in files.items() if not url.startswith(player)], QUALITY))
    for page in site.rglob("*.html"):
        page.write_text(REST.sub(f'data-rest="{rest}"', page.read_text()))
    hashes = {url: _hash(file.read_bytes()) for url, file in files.items()}
    [script] = (site / player).glob("service_worker-*.js")
    name = content_hash(json.dumps(hashes).encode(), script.name.encode())
    release = json.dumps({"name": name, "player": player, "files": hashes}, separators=(",", ":"))
    (site / "sw.js").write_text(f'const RELEASE = {release}\nimportScripts("{player}{script.name}")\n')


def _url(file: Path, site: Path) -> str | None:
    """The address from the site's root, if a browser may keep the file."""
    path = file.relative_to(site).as_posix()
    if any(fnmatchcase(path, pattern) for pattern in LEFT_OUT):
        return None
    return quote(re.sub(r"(^|/)index\.html$", r"\1", path))


def _hash(content: bytes) -> str:
    """As kept.ts makes it."""
    return hashlib.sha256(content).hexdigest()[:16]
