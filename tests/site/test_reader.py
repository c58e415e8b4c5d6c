"""What a reader does in a block, or has in a browser, loses nothing: storage that is blocked, and the theme's keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.block import Block, block_of
from tests.support.page import CLIPBOARD, NewPage

if TYPE_CHECKING:
    from playwright.sync_api import Page

BLOCKED = """
    const refuse = { get() { throw new DOMException("The operation is insecure.", "SecurityError") } }
    for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"])
        Object.defineProperty(window, name, refuse)
    Object.defineProperty(navigator, "serviceWorker", refuse)
"""
# Some web views have storage switched off: it's there, and null.
SWITCHED_OFF = """
    for (const name of ["localStorage", "sessionStorage", "indexedDB"])
        Object.defineProperty(window, name, { value: null })
"""
# The theme's, and a few that it may have in another version.
KEYS = ["n", "p", "s", "f", ".", ",", "/", "N", "x"]


@pytest.mark.parametrize("storage", [BLOCKED, SWITCHED_OFF], ids=["blocked", "switched off"])
def test_the_whole_page_works_without_storage(new_page: NewPage, storage: str) -> None:
    page = new_page(permissions=CLIPBOARD)
    page.add_init_script(storage)
    page.goto("/storages/")
    search(page, "directory")
    page.keyboard.press("Escape")
    page.locator("form[data-md-component=palette] label:visible").click()
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "slate")
    block = block_of(page)
    assert block.run() == block.expected
    assert block.run("print('all the same')") == "done: all the same\n"
    block.press("More", "Share")
    expect(block.announcement).to_have_text("Link copied")
    block.press("Reset")
    assert block.run() == block.expected
    page.locator(".md-tabs").get_by_role("link", name="Sessions").click()
    page.wait_for_url("**/sessions/")
    search(page, "redis")


def test_the_keys_of_the_theme_do_nothing_once_the_editor_was_left(block: Block) -> None:
    block.edit("import asyncio\nasyncio.run(asyncio.sleep(600))")
    block.page.keyboard.press("ControlOrMeta+Enter")
    block.wait_for("running")
    block.page.keyboard.press("Escape")
    expect(block.button("Run")).to_be_focused()
    press_all(block.page)
    assert block.attribute("data-state") == "running"
    block.page.keyboard.press("Tab")
    expect(block.button("Stop")).to_be_focused()
    press_all(block.page)
    block.page.keyboard.press("Space")
    block.wait_for("stopped")
    press_all(block.page)


@pytest.mark.parametrize("part", [".snippet-header", ".snippet-code code", "[data-promised]", ".snippet-label"])
def test_the_keys_of_the_theme_do_nothing_where_a_click_was_in_the_block(block: Block, part: str) -> None:
    block.element.locator(f"{part}:visible").first.click(position={"x": 3, "y": 3})
    press_all(block.page)


def test_the_keys_of_the_theme_do_nothing_where_a_button_does_not_take_the_focus(block: Block) -> None:
    """As in Safari, where a click focuses no button."""
    block.element.evaluate("block => block.addEventListener('mousedown', event => event.preventDefault())")
    assert block.run() == block.expected
    assert block.page.evaluate("document.activeElement === document.body")
    press_all(block.page)


def test_the_keys_of_the_theme_work_once_the_block_was_left(block: Block) -> None:
    page = block.page
    block.press("Run")
    page.locator("h1").click()
    page.keyboard.press("s")
    expect(page.get_by_role("textbox", name="Search")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.wait_for_url("**/sessions/")


def press_all(page: Page) -> None:
    """Press each key: the page stays, and no search opens."""
    before = page.url
    page.evaluate("document.documentElement.dataset.stays = ''")
    for key in KEYS:
        page.keyboard.press(key)
    expect(page.locator("[data-md-toggle=search]")).not_to_be_checked()
    page.evaluate("new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)))")
    assert page.url == before
    expect(page.locator("html")).to_have_attribute("data-stays", "")
    expect(page.locator("article")).to_be_visible()


def search(page: Page, words: str) -> None:
    page.locator("label[for=__search]:visible, .md-search__input:visible").first.click()
    page.keyboard.insert_text(words)
    page.keyboard.press("End")  # only a key begins the search
    expect(page.locator(".md-search-result__meta")).to_have_text(re.compile("matching document"))
