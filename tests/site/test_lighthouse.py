"""Each kind of page by Lighthouse's rules, and what a page weighs before anybody presses anything."""

from __future__ import annotations

import json
import os
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from livedoc.build import NODE, wire_sizes
from tests.support.host import ON_THE_FLY, file_of
from tests.support.page import PAGES
from tests.support.program import CHROMIUM, QUIET, installed, output_of
from tests.support.project import PLAYER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.page import NewPage

KINDS = [
    "",
    "get-started/",
    "storages/",
    "laboratory/the-id-and-the-record/",
    "reference/",
    "contributing/",
    "how-fast/",
]
CATEGORIES = ("accessibility", "best-practices", "seo")
LIGHTHOUSE = PLAYER / "node_modules" / "lighthouse" / "cli" / "index.js"
MOST = 150_000  # bytes
MOST_OF_OURS = 15_000
MOST_OF_A_LESSON = 1_500  # besides: what its steps need
ALREADY_PACKED = {".woff2", ".png"}


@pytest.mark.parametrize("path", KINDS)
def test_lighthouse_has_nothing_to_say(server: str, path: str) -> None:
    options = ("--quiet", "--no-enable-error-reporting", "--output=json", f"--only-categories={','.join(CATEGORIES)}")
    flags = f"--chrome-flags=--no-sandbox --headless=new {' '.join(QUIET)}"
    with TemporaryDirectory() as own:  # not tmp_path: Chromium's socket in it may have a path of 107 bytes at the most
        environment = {**os.environ, "CHROME_PATH": installed(CHROMIUM), "HOME": own, "TMPDIR": own}
        report = json.loads(output_of(NODE, LIGHTHOUSE, f"{server}/{path}", *options, flags, env=environment))
    assert failing(report) == []
    assert {name: report["categories"][name]["score"] for name in CATEGORIES} == dict.fromkeys(CATEGORIES, 1)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light_before_a_click(new_page: NewPage, site: Path, path: str) -> None:
    page = new_page()
    received: set[str] = set()
    page.on("response", lambda response: received.add(response.url) if response.ok else None)
    page.goto(path, wait_until="networkidle")
    files = sorted({file_of(site, url) for url in received})
    sizes = dict(zip(files, wire_sizes(files, ON_THE_FLY), strict=True))
    sizes |= {file: file.stat().st_size for file in files if file.suffix in ALREADY_PACKED}
    assert sum(sizes.values()) <= MOST, sizes
    most = MOST_OF_OURS + (MOST_OF_A_LESSON if "laboratory/" in path else 0)
    assert sum(size for file, size in sizes.items() if "livedoc" in file.parts) <= most, sizes


def failing(report: dict[str, Any]) -> list[str]:
    """The audits that are not passed, each with the first thing it names."""
    counted = {audit["id"] for name in CATEGORIES for audit in report["categories"][name]["auditRefs"]}
    failed = [
        audit for audit in report["audits"].values() if audit["id"] in counted and audit["score"] not in (None, 1)
    ]
    broken = [audit for audit in report["audits"].values() if audit["scoreDisplayMode"] == "error"]
    return [f"{audit['id']}: {audit.get('details', {}).get('items', [''])[:1]}" for audit in [*failed, *broken]]
