"""A block while the reader moves about in a real Chromium: Python, runs and edits outlast what the theme does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

from tests.support.block import Block, block_of, first_block
from tests.support.page import PYTHON, have_pages_swapped, requests, rewrite, swapped

if TYPE_CHECKING:
    from tests.support.page import NewPage


def follow(page: Page, name: str) -> None:
    """Follow a link of the navigation, from a page that can be told from one that is loaded."""
    page.evaluate("document.documentElement.dataset.kept = 'yes'")
    page.get_by_role("link", name=name, exact=True).first.click()
    page.wait_for_url(f"**/{name.lower()}/")
    expect(page.locator("h1")).to_contain_text(name)  # the address comes first, and the page a moment later


def test_python_is_fetched_once_and_survives_a_change_of_page(new_page: NewPage) -> None:
    page = new_page("/")
    have_pages_swapped(page)
    requested = requests(page)
    block = first_block(page)
    block.run()
    follow(page, "Sessions")
    assert block.run() == block.expected
    expect(page.locator("html"), "the page was swapped in place").to_have_attribute("data-kept", "yes")
    fetched = sorted(url for url in requested if PYTHON.search(url))
    assert fetched == sorted(set(fetched))
    assert len(fetched) == 5  # the worker, and Python in three files and the part of its library that Starlette imports


def test_blocks_run_after_instant_navigation_back_and_forward(page: Page) -> None:
    have_pages_swapped(page)
    follow(page, "Sessions")
    for go, path in ((page.go_back, "storages"), (page.go_forward, "sessions"), (page.go_back, "storages")):
        go()
        page.wait_for_url(f"**/{path}/")
        block = Block(page.locator(f'[data-snippet^="{path}/"][data-state]').first)
        assert block.run() == block.expected
    expect(page.locator("html"), "the pages were swapped in place").to_have_attribute("data-kept", "yes")


def test_blocks_work_without_instant_navigation(new_page: NewPage) -> None:
    page = new_page()
    rewrite(page, re.compile("/(storages/)?$"), lambda text: text.replace('"navigation.instant",', ""))
    page.goto("/")
    follow(page, "Storages")
    expect(page.locator("html"), "the page was loaded").not_to_have_attribute("data-kept", "yes")
    block = block_of(page)
    assert block.run() == block.expected
    page.go_back()
    block = Block(page.locator('[data-snippet^="index/"][data-state]').first)
    assert block.run() == block.expected


def test_a_program_goes_on_while_the_reader_follows_a_link_within_the_page(block: Block) -> None:
    page = block.page
    have_pages_swapped(page)
    block.begin("print('busy')\nwhile True:\n    pass")
    parts = block.element.locator(".cm-scroller, .cm-numbers, .cm-content")
    places = "parts => parts.map(part => [part.offsetLeft, part.offsetTop, part.offsetWidth, part.offsetHeight])"
    before = parts.evaluate_all(places)
    link = page.locator(".md-content a.headerlink").last
    swapped(page, link.click)
    assert page.url == link.get_attribute("href")
    block.wait_for("running")
    assert block.output.text_content() == "busy\n"
    assert parts.evaluate_all(places) == before
    block.editor.press("Control+z")
    expect(block.editor).not_to_contain_text("busy")
    block.editor.fill("print('mended')")
    block.press("Stop")
    block.wait_for("stopped")
    assert block.run() == "done: mended\n"


def test_a_block_keeps_its_run_when_the_scheme_changes(block: Block) -> None:
    block.begin("import asyncio\nprint('begun')\nawait asyncio.sleep(0.5)\nprint('ended')", "begun")
    block.page.locator("form[data-md-component=palette] label:visible").click()
    assert block.ended() == "done: begun\nended\n"


def test_a_block_is_mounted_once_however_often_it_is_left_and_found_again(page: Page) -> None:
    for _ in range(2):
        page.goto("/sessions/")
        for move in (page.go_back, page.go_forward, page.go_back):
            move()
            expect(page.locator(".snippet-actions").first).to_be_visible()
    block = block_of(page)
    expect(block.element.locator(".snippet-actions")).to_have_count(1)
    assert block.run() == block.expected
