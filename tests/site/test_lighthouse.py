"""Each kind of page by Lighthouse's rules, and what a page weighs before anybody presses anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from livedoc.build import NODE, PLAYER
from tests.support.project import DOCS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    NewPage = Callable[..., Page]

PAGES = sorted(file.relative_to(DOCS).with_suffix("").as_posix().removesuffix("index") for file in DOCS.rglob("*.md"))
KINDS = ["", "storages/", "reference/", "contributing/"]
CATEGORIES = ("accessibility", "best-practices", "seo")
QUIET = "--disable-quic --disable-background-networking --disable-component-update --disable-sync"
LIGHTHOUSE = PLAYER / "node_modules" / "lighthouse" / "cli" / "index.js"
MOST = 150_000  # bytes
MOST_OF_OURS = 15_000
OURS = re.compile("/assets/livedoc/.*[.](js|css)")
ALREADY_PACKED = re.compile("[.](woff2|png)$")
# As a host does on the fly.
BROTLI = """
const { brotliCompressSync, constants } = require("node:zlib")
const { readFileSync } = require("node:fs")
const params = { [constants.BROTLI_PARAM_QUALITY]: 5 }
const size = file => brotliCompressSync(readFileSync(file), { params }).length
console.log(JSON.stringify(process.argv.slice(1).map(size)))
"""


@pytest.mark.parametrize("path", KINDS)
def test_lighthouse_has_nothing_to_say(server: str, chromium: str, path: str) -> None:
    options = ["--quiet", "--no-enable-error-reporting", "--output=json", f"--only-categories={','.join(CATEGORIES)}"]
    flags = f"--chrome-flags=--no-sandbox --headless=new {QUIET}"
    with TemporaryDirectory() as own:  # not tmp_path: Chromium's socket in it may have a path of 107 bytes at the most
        ended = subprocess.run(
            [str(NODE), str(LIGHTHOUSE), f"{server}/{path}", *options, flags],
            env={**os.environ, "CHROME_PATH": chromium, "HOME": own, "TMPDIR": own},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert failing(report) == []
    assert {name: report["categories"][name]["score"] for name in CATEGORIES} == dict.fromkeys(CATEGORIES, 1)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light_before_a_click(new_page: NewPage, site: Path, path: str) -> None:
    page = new_page()
    requested: list[str] = []
    page.on("response", lambda response: requested.append(urlsplit(response.url).path) if response.ok else None)
    page.goto(path, wait_until="networkidle")
    sizes = wire_sizes(site, sorted(set(requested)))
    assert sum(sizes.values()) <= MOST, sizes
    assert sum(size for name, size in sizes.items() if OURS.fullmatch(name)) <= MOST_OF_OURS, sizes


def failing(report: dict[str, Any]) -> list[str]:
    """The audits that are not passed, each with the first thing it names."""
    counted = {audit["id"] for name in CATEGORIES for audit in report["categories"][name]["auditRefs"]}
    failed = [
        audit for audit in report["audits"].values() if audit["id"] in counted and audit["score"] not in (None, 1)
    ]
    broken = [audit for audit in report["audits"].values() if audit["scoreDisplayMode"] == "error"]
    return [f"{audit['id']}: {audit.get('details', {}).get('items', [''])[:1]}" for audit in [*failed, *broken]]


def wire_sizes(site: Path, names: list[str]) -> dict[str, int]:
    files = [site / f"{name}index.html"[1:] if name.endswith("/") else site / name[1:] for name in names]
    packed = subprocess.run(
        [str(NODE), "--eval", BROTLI, "--", *map(str, files)], capture_output=True, text=True, check=True
    )
    sizes = zip(names, files, json.loads(packed.stdout), strict=True)
    return {name: file.stat().st_size if ALREADY_PACKED.search(name) else size for name, file, size in sizes}
