"""The standard library comes in parts: the first with Python, the others when a program needs them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.support.block import block_of
from tests.support.host import Host, serving
from tests.support.page import held, pythons, requests

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.support.block import Block
    from tests.support.host import Rules

HIDDEN = "import importlib\nprint(importlib.import_module('{}').__name__)"
FIRST, SECOND = "python_stdlib.1.part", "python_stdlib.2.part"


def parts(requested: list[str]) -> list[str]:
    return [name for url in requested if (name := url.rpartition("/")[2]).endswith(".part")]


def test_what_imports_only_the_library_of_the_site_needs_no_part(block: Block) -> None:
    requested = requests(block.page)
    assert block.run() == block.expected
    assert parts(requested) == []


@pytest.mark.parametrize(
    ("program", "printed", "needed"),
    [
        ("import csv\nprint(csv.__name__)", "csv", [FIRST, SECOND]),
        ("from email.message import Message\nprint(Message.__name__)", "Message", [FIRST]),
        ("import starlette\nprint(starlette.__name__)", "starlette", [FIRST]),
    ],
)
def test_a_part_that_a_program_is_seen_to_need_comes_before_it_runs(
    block: Block, program: str, printed: str, needed: list[str]
) -> None:
    requested = requests(block.page)
    block.edit(program)
    with held(block.page, f"**/{FIRST}") as let_come:
        block.press("Run")
    block.wait_for("starting")
    let_come()
    assert block.ended() == f"done: {printed}\n"
    assert sorted(parts(requested)) == needed


@pytest.mark.parametrize("name", ["csv", "email.message"])
def test_a_part_that_a_program_is_not_seen_to_need_comes_once_while_it_runs(block: Block, name: str) -> None:
    assert block.run() == block.expected
    before, requested = pythons(block.page), requests(block.page)
    for _ in range(3):
        assert block.run(HIDDEN.format(name)) == f"done: {name}\n"
    assert parts(requested) == ([FIRST] if name == "email.message" else [FIRST, SECOND])
    assert pythons(block.page) == before


def works(page: Page) -> None:
    block = block_of(page)
    assert block.run(HIDDEN.format("csv")) == "done: csv\n"
    assert block.run("import xml.dom.minidom, xml\nprint(xml.__name__)") == "done: xml\n"


def test_the_parts_come_under_a_sub_path_and_without_isolation(browser: Browser, site: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(site)
    none: Rules = []
    with serving(partial(Host, tmp_path, none)) as origin:
        context = browser.new_context(base_url=origin, service_workers="block")
        page = context.new_page()
        page.goto("/docs/storages/")
        assert page.evaluate("crossOriginIsolated") is False
        works(page)
        context.close()
