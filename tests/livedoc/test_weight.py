"""A block says how much its first run fetches: what it imports, and what that needs."""

from __future__ import annotations

from typing import Any

import pytest

from livedoc.build import BuildError
from livedoc.weight import weighed, weight

WEB, EVENTS, MODELS = "web-1/web.whl", "events-1/events.whl", "models-1/models.whl"
FIRST, SECOND = "python-1/1.part", "python-1/2.part"
SIZES = {"python-1/pyodide.wasm": 1000, WEB: 100, EVENTS: 20, MODELS: 3, FIRST: 40_000, SECOND: 500_000}
RUNTIME: Any = {
    "parts": [
        {"file_name": FIRST, "imports": ["email", "xml.dom"], "packages": ["web"]},
        {"file_name": SECOND, "imports": ["sqlite3"], "packages": []},
    ],
    "lock": {
        "packages": {
            "web": {"file_name": WEB, "imports": ["web"], "depends": ["events"]},
            "events": {"file_name": EVENTS, "imports": ["events", "_events"], "depends": ["web"]},
            "models": {"file_name": MODELS, "imports": ["models"], "depends": []},
        }
    },
    "sizes": {name: {"raw": 1, "wire": wire} for name, wire in SIZES.items()},
}


@pytest.mark.parametrize(
    ("script", "fetched"),
    [
        ("", 1000),
        ("import webs  # import web", 1000),
        ("import models", 1003),
        ("import os, models as m", 1003),
        ("import web", 41_120),
        ("def run():\n    from _events.loop import run", 41_120),
        ("import models\nimport web", 41_123),
        ("from xml import dom", 41_000),
        ("from xml.dom.minidom import parse", 41_000),
        ("import xml", 1000),
        ("import sqlite3", 541_000),
        ("from . import web", 1000),
    ],
)
def test_a_first_run_fetches_at_most_what_a_script_imports(script: str, fetched: int) -> None:
    assert weight(script, RUNTIME) == fetched


def test_a_snippet_that_was_none_when_all_were_weighed_is_told() -> None:
    with pytest.raises(
        BuildError, match=r"^snippets/a\.py was changed while the site was built: build the site again$"
    ):
        weighed('<div data-snippet="a.py"></div>', {})


def test_each_block_of_a_page_has_its_weight() -> None:
    html = '<div data-snippet="a.py" data-state="idle"></div><div data-snippet="b/c.py"></div>'
    assert weighed(html, {"a.py": 5, "b/c.py": 7}) == (
        '<div data-snippet="a.py" data-weight="5" data-state="idle"></div>'
        '<div data-snippet="b/c.py" data-weight="7"></div>'
    )
