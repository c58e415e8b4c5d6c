"""Each page in a real Chromium, in one visit: what it shows at once and on a phone, what it prints, and its buttons."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from livedoc.excerpt import excerpt
from livedoc.snippet import load
from tests.support.axe import barriers
from tests.support.block import Block, blocks_of
from tests.support.code import code_of, folds, letters, mistranslated, shown, wide
from tests.support.page import CLIPBOARD, DESK, PAGES, PAGES_WITH_BLOCKS, PHONE, PYTHON, reading, requests, width_of
from tests.support.project import SNIPPETS
from tests.support.sight import faint, small

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

LOST = "404.html"
REFUSED = """
    window.refused = []
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        refused.push([violatedDirective, blockedURI]))
"""


@dataclass
class Visit:
    """A reader's visit of one page. The tests come in the order in which they are here."""

    path: str
    page: Page
    before: list[str]
    """What was requested before the reader did anything."""

    @property
    def blocks(self) -> list[Block]:
        found = blocks_of(self.page)
        assert bool(found) == (f"/{self.path}/".replace("//", "/") in PAGES_WITH_BLOCKS)
        return found


@pytest.fixture(scope="module", params=[*PAGES, LOST])
def visit(request: pytest.FixtureRequest, browser: Browser, server: str) -> Iterator[Visit]:
    with reading(browser, server) as new_page:
        page = new_page(viewport=DESK, color_scheme="dark", permissions=CLIPBOARD)
        page.add_init_script(REFUSED)
        requested = requests(page)
        page.goto(request.param, wait_until="networkidle")
        page.evaluate("document.fonts.ready")
        yield Visit(request.param, page, list(requested))


def test_nothing_of_python_comes_before_the_first_run(visit: Visit) -> None:
    assert [url for url in visit.before if PYTHON.search(url)] == []


def test_no_code_has_ligatures_and_browsers_translate_prose_and_neither_code_nor_names(visit: Visit) -> None:
    assert letters(visit.page) <= {"none"}
    assert mistranslated(visit.page) == []


def test_each_print_is_shown(visit: Visit) -> None:
    for block in visit.blocks:
        lines = {line.strip() for line in shown(block).splitlines()}
        calls = [
            block.script.splitlines()[node.lineno - 1].strip()
            for node in ast.walk(ast.parse(block.script))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        ]
        assert [call for call in calls if call not in lines] == [], block.path


def test_all_bars_unfold_the_file(visit: Visit) -> None:
    for block in map(Block, visit.page.locator("[data-snippet]").all()):
        names = block.attribute("data-section").split()
        pieces = excerpt(load(SNIPPETS, block.path), names).pieces
        bars = [piece for piece in pieces if piece.left_out]
        expect(folds(block)).to_have_count(len(bars))
        before = shown(block)
        for bar, piece in zip(folds(block).all(), bars, strict=True):
            count = piece.last - piece.first + 1
            assert bar.text_content() == f"{count} line{'s' if count > 1 else ''}: {piece.left_out}"
            bar.evaluate("bar => bar.click()")  # it may be in a tab that is not shown
        texts = block.element.locator(".snippet-code pre").all_text_contents()
        assert "".join(texts) == code_of(block)
        for bar in folds(block).all():
            bar.evaluate("bar => bar.click()")
        assert shown(block) == before


def test_there_is_no_barrier_no_faint_text_and_nothing_small_to_press_in_the_dark_on_a_desk(visit: Visit) -> None:
    assert barriers(visit.page, with_contrast=False) == []
    assert faint(visit.page, "dark") == []
    assert small(visit.page) == []


def test_no_line_is_wider_than_its_block(visit: Visit) -> None:
    page = visit.page
    for tab in page.locator(".tabbed-labels label").all():
        tab.click()
        assert wide(page.locator(".snippet-code code:visible")) == []
    for bar in page.locator("[data-fold]").all():
        bar.evaluate("bar => bar.click()")
    assert wide(page.locator(".snippet-code code:visible")) == []


def test_a_light_phone_has_none_either_and_the_page_fits_it(visit: Visit) -> None:
    page = visit.page
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    page.evaluate("localStorage.clear()")
    page.goto(visit.path)  # a reload would keep the tabs that were chosen
    assert barriers(page, with_contrast=False) == []
    assert small(page) == []
    assert visit.path == LOST or width_of(page) == PHONE["width"]
    page.set_viewport_size(DESK)
    assert faint(page, "light") == []


def test_each_block_prints_what_its_page_says(visit: Visit) -> None:
    blocks = visit.blocks
    results = [(block.path, block.run()) for block in blocks]
    assert results == [(block.path, block.expected) for block in blocks]


def test_every_button_works_under_the_policy_of_the_site(visit: Visit) -> None:
    page = visit.page
    for block in visit.blocks:
        block.press("Edit")
        expect(block.editor).to_be_focused()
        block.press("More", "Share", "Copy", "Reset")
        with page.expect_download():
            block.press("Download")
    page.get_by_role("textbox", name="Search").click()  # beside a block the theme's keys do nothing
    page.keyboard.type("session")
    expect(page.locator(".md-search-result__item").first).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("form[data-md-component=palette] label:visible").click()
    assert page.evaluate("refused") == []
