"""A Chromium from which features are taken: it gets the next best way or, where there is none, a sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.block import Block, block_of, first_block
from tests.support.page import CLIPBOARD, NewPage, rewrite

if TYPE_CHECKING:
    from playwright.sync_api import Page

WORKER = re.compile("/assets/livedoc/worker-")
DISPENSABLE = [
    "Array.prototype.findLast",
    "CompressionStream",
    "DecompressionStream",
    "Navigator.prototype.clipboard",
    "Navigator.prototype.serviceWorker",
    "Promise.withResolvers",
    "SharedArrayBuffer",
    "URL.canParse",
    "WebAssembly.Suspending",
    "WebAssembly.compileStreaming",
    "WebAssembly.instantiateStreaming",
]
OLD_SELECTORS = """
    const { querySelectorAll } = Document.prototype
    Document.prototype.querySelectorAll = function (selector) {
        if (selector.includes(":has(")) throw new SyntaxError(selector)
        return querySelectorAll.call(this, selector)
    }
"""


def opened(new_page: NewPage, script: str) -> Page:
    """A page in a browser that has run this script before the page's own."""
    page = new_page(permissions=CLIPBOARD)
    page.add_init_script(script)
    return page


def lacks(page: Page, name: str) -> bool:
    missing: bool = page.evaluate(f"globalThis.{name} === undefined")
    return missing


@pytest.fixture
def old(new_page: NewPage) -> Block:
    """A block in a browser that lacks all that the player can do without."""
    take = "".join(f"try {{ delete globalThis.{name} }} catch {{}};" for name in DISPENSABLE)
    page = opened(new_page, take + OLD_SELECTORS)
    rewrite(page, WORKER, lambda script: take + script)
    page.goto("/storages/")
    assert page.evaluate("crossOriginIsolated")
    assert [name for name in DISPENSABLE if not name.startswith("Navigator") and not lacks(page, name)] == []
    return block_of(page)


def test_a_block_runs_stops_and_is_edited_without_what_is_dispensable(old: Block) -> None:
    assert old.run() == old.expected
    old.begin("print('busy')\nwhile True: pass")
    old.press("Stop")
    old.wait_for("stopped")
    assert old.run("raise KeyError") == "failed: "
    expect(old.element.locator(".cm-failedLine")).to_have_text("raise KeyError")
    old.page.reload()
    assert old.run("print('mine')") == "done: mine\n"
    old.press("Copy")
    expect(old.status).to_have_text("Copied")


def test_a_browser_that_cannot_pack_says_so_of_a_link_that_it_should_make_or_open(old: Block) -> None:
    old.press("More", "Share")
    expect(old.status).to_have_text("This browser can't make links: Copy or Download the code")
    old.page.goto("/storages/#try=1.abc")
    expect(old.page.locator(".snippet-lost")).to_have_text(
        "The code in this link can't be read here. Reload the page, or use a newer browser."
    )


def test_a_browser_that_keeps_no_site_says_so(old: Block) -> None:
    expect(old.page.locator(".offline")).to_have_text("This browser can't save the site for offline use.")


@pytest.mark.parametrize("name", ["WebAssembly", "Worker"])
def test_what_cannot_run_says_why_and_can_be_read_and_edited(new_page: NewPage, name: str) -> None:
    page = opened(new_page, f"delete globalThis.{name}")
    page.goto("/blocks/")
    block = first_block(page)
    for _ in range(2):
        block.press("Run")
        block.wait_for("failed")
        assert block.error.startswith(f"Python could not start: this browser has no {name}, which Python needs.\n")
    block.edit("print('mine')")
    block.press("Copy")
    expect(block.status).to_have_text("Copied")


def test_a_python_that_the_browser_cannot_compile_says_so_at_once(new_page: NewPage) -> None:
    page = new_page("/storages/")
    page.route(
        re.compile(r"pyodide\.asm.*\.wasm"),
        lambda route: route.fulfill(body=b"\0asm\x63\0\0\0", content_type="application/wasm"),
    )
    block = block_of(page)
    block.press("Run")
    block.wait_for("failed")
    assert re.match(r"Python could not start: this browser can't run it \(.+\); a newer one may\.\n", block.error)
