"""Each kind of page by Lighthouse's rules."""

from __future__ import annotations

import json
import os
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from livedoc.build import NODE
from tests.support.program import CHROMIUM, QUIET, installed, output_of
from tests.support.project import PLAYER

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


@pytest.mark.parametrize("path", KINDS)
def test_lighthouse_has_nothing_to_say(server: str, path: str) -> None:
    options = ("--quiet", "--no-enable-error-reporting", "--output=json", f"--only-categories={','.join(CATEGORIES)}")
    flags = f"--chrome-flags=--no-sandbox --headless=new {' '.join(QUIET)}"
    with TemporaryDirectory() as own:  # not tmp_path: Chromium's socket in it may have a path of 107 bytes at the most
        environment = {**os.environ, "CHROME_PATH": installed(CHROMIUM), "HOME": own, "TMPDIR": own}
        report = json.loads(output_of(NODE, LIGHTHOUSE, f"{server}/{path}", *options, flags, env=environment))
    assert failing(report) == []
    assert {name: report["categories"][name]["score"] for name in CATEGORIES} == dict.fromkeys(CATEGORIES, 1)


def failing(report: dict[str, Any]) -> list[str]:
    """The audits that are not passed, each with the first thing it names."""
    counted = {audit["id"] for name in CATEGORIES for audit in report["categories"][name]["auditRefs"]}
    failed = [
        audit for audit in report["audits"].values() if audit["id"] in counted and audit["score"] not in (None, 1)
    ]
    broken = [audit for audit in report["audits"].values() if audit["scoreDisplayMode"] == "error"]
    return [f"{audit['id']}: {audit.get('details', {}).get('items', [''])[:1]}" for audit in [*failed, *broken]]
