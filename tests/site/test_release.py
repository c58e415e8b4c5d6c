"""A tab that stays open over a release: what is gone is told, nothing that failed is kept, and no edit is lost."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.support.block import Block, block_of
from tests.support.host import serving
from tests.support.origin import Careless, Origin
from tests.support.release import PLAYER, next_release

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext

    from tests.support.host import Rules

# A file of each kind that the player fetches, imports or runs as a worker.
KINDS = [r"worker-\w+\.js", r"pyodide\.asm\.mjs", r"pyodide\.asm\.wasm", r"python_stdlib\.zip", r"coatcheck-.*\.whl"]
MINE = "print('mine')"
UPDATED = "The site was updated. Reload the page to go on; your edit stays."
BLOCKED = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } })"


@pytest.fixture(scope="module")
def host(site: Path, header_rules: Rules) -> Iterator[Origin]:
    origin = Origin(site)
    with serving(partial(Careless, origin, header_rules)) as origin.url:
        yield origin


@pytest.fixture
def origin(host: Origin, site: Path) -> Origin:
    host.site, host.down, host.lost, host.asked = site, False, set(), []
    return host


@pytest.fixture
def context(origin: Origin, browser: Browser) -> Iterator[BrowserContext]:
    """The browser of a reader who has never been here."""
    trouble: list[str] = []
    context = browser.new_context(base_url=origin.url, reduced_motion="reduce", service_workers="block")
    context.set_default_timeout(60_000)
    context.on("weberror", lambda error: trouble.append(str(error.error)))
    yield context
    context.close()
    assert trouble == []


@pytest.fixture
def later(site: Path, tmp_path: Path) -> Path:
    return next_release(site, tmp_path / "later")


def opened(context: BrowserContext, **options: Any) -> Block:
    page = context.new_page(**options)
    page.goto("storages/")
    return block_of(page)


def told(block: Block) -> None:
    """The block says that the site was updated."""
    expect(block.notice).to_contain_text(UPDATED)
    expect(block.button("Reload")).to_be_visible()


def reload(block: Block) -> None:
    """Press Reload, and wait for the new page."""
    with block.page.expect_event("load"):
        block.press("Reload")


@pytest.mark.parametrize("storage", ["kept", "blocked"])
def test_a_run_after_a_release_offers_to_reload_and_keeps_the_edit(
    context: BrowserContext, origin: Origin, later: Path, storage: str
) -> None:
    if storage == "blocked":
        context.add_init_script(BLOCKED)
    block = opened(context)
    block.edit(MINE)
    origin.site = later
    block.press("Run")
    told(block)
    expect(block.announcement).to_have_text(UPDATED)
    block.wait_for("failed")
    assert block.code == MINE
    reload(block)
    expect(block.editor).to_have_text(MINE)
    assert block.run() == "done: mine\n"
    assert any("worker-later" in path for path in origin.asked)


def test_an_edit_after_a_release_offers_to_reload(context: BrowserContext, origin: Origin, later: Path) -> None:
    block = opened(context)
    origin.site = later
    block.press("Edit")
    told(block)
    reload(block)
    block.edit(MINE)
    assert block.run() == "done: mine\n"


def test_an_edit_that_came_with_a_link_stays_over_the_reload(
    context: BrowserContext, origin: Origin, later: Path
) -> None:
    block = opened(context)
    block.edit(MINE)
    block.press("More", "Share")
    link = block.element.locator(".snippet-link")
    expect(link).to_be_visible()
    address = link.get_attribute("href")
    block.press("Reset")
    assert address
    block.page.goto(address)
    expect(block.notice).to_contain_text("This edit came with the link")
    block.page.evaluate("location.hash = '#in-memory'")
    origin.site = later
    block.press("Run")
    told(block)
    reload(block)
    expect(block.notice).to_contain_text("This edit came with the link")
    assert block.run() == "done: mine\n"


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_missing_for_a_while_is_not_missed_for_good(
    context: BrowserContext, origin: Origin, kind: str
) -> None:
    block = opened(context)
    origin.lost = {kind}
    block.press("Run")
    told(block)
    assert len([path for path in origin.asked if re.search(kind, path)]) > 1  # it was asked for once more
    origin.lost = set()
    assert block.run() == block.expected
    expect(block.button("Reload")).to_have_count(0)


LATE = "import importlib\nprint(importlib.import_module('csv').__name__)"


def test_a_part_of_the_library_that_a_program_imports_can_be_missed_for_a_while(
    context: BrowserContext, origin: Origin
) -> None:
    block = opened(context)
    assert block.run() == block.expected
    origin.lost = {r"python_stdlib\.\d\.part"}
    for code in (LATE, ""):
        assert block.run(code) == "failed: "
        assert "ImportError: csv comes over the network, and it didn't: python_stdlib.1.part" in block.error
        assert "the server answered 404" in block.error
    origin.lost = set()
    assert block.run() == "done: csv\n"


def test_a_part_of_the_library_that_a_release_took_away_offers_to_reload(
    context: BrowserContext, origin: Origin, later: Path
) -> None:
    block = opened(context)
    assert block.run() == block.expected
    block.edit("import csv")
    origin.site = later
    block.press("Run")
    told(block)
    assert block.code == "import csv"


def test_an_editor_that_was_missing_for_a_while_opens(context: BrowserContext, origin: Origin) -> None:
    block = opened(context)
    origin.lost = {r"editor-\w+\.js"}
    block.press("Edit")
    told(block)
    origin.lost = set()
    block.press("Edit")
    expect(block.editor).to_be_focused()


def test_a_network_that_fails_is_no_release(context: BrowserContext, origin: Origin) -> None:
    block = opened(context)
    origin.down = True
    block.press("Run")
    block.wait_for("failed")
    assert "could not be loaded" in block.error
    expect(block.button("Reload")).to_have_count(0)
    origin.down = False
    assert block.run() == block.expected


def test_an_error_that_the_browser_keeps_does_not_hold_up_offline_use(
    browser: Browser, origin: Origin, site: Path
) -> None:
    context = browser.new_context(base_url=origin.url, reduced_motion="reduce")
    block = opened(context)
    [editor] = (site / PLAYER).glob("editor-*")
    status = "url => fetch(url).then(({ status }) => status)"
    origin.lost = {editor.name}
    assert block.page.evaluate(status, f"/{PLAYER}{editor.name}") == 404
    origin.lost = set()
    assert block.page.evaluate(status, f"/{PLAYER}{editor.name}") == 404  # as the browser keeps it
    assert block.run() == block.expected
    kept = block.page.locator(".offline [role=status]")
    expect(kept).to_have_text(re.compile("^(The pages that you open are|Not all of it is)"))
    expect(kept).to_contain_text("The pages that you open are available offline")
    context.close()
