"""Each page in a real Chromium, in one visit: its weight, what it shows at once and on a phone, prints and does."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from livedoc.build import wire_sizes
from livedoc.excerpt import excerpt
from livedoc.snippet import load
from tests.support.axe import barriers
from tests.support.block import RUNNABLE, Block, blocks_of
from tests.support.code import code_of, folds, letters, mistranslated, shown, wide
from tests.support.host import ON_THE_FLY, file_of
from tests.support.page import CLIPBOARD, DESK, PAGES, PAGES_WITH_BLOCKS, PHONE, PYTHON, reading, width_of
from tests.support.project import DOCS, SNIPPETS
from tests.support.sight import faint, small

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

LOST = "404.html"
WITH_TABLES = {
    file.relative_to(DOCS).with_suffix("").as_posix().removesuffix("index")
    for file in DOCS.rglob("*.md")
    if "\n|---" in (text := file.read_text()) or "```table\n" in text
}

MOST = 150_000  # bytes
MOST_OF_OURS = 15_000
MOST_OF_A_LESSON = 1_500  # besides: what its steps need
ALREADY_PACKED = {".woff2", ".png"}

REFUSED = """
    window.refused = []
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        refused.push([violatedDirective, blockedURI]))
"""

ROWS = """blocks => blocks.map(block => [...block.querySelectorAll(".snippet-actions button")].map(button => {
  const { x, y, width, height } = button.getBoundingClientRect()
  return { y, width, height, end: x + width, cut: button.scrollWidth > button.clientWidth }
}))"""

# The names of a table's columns, and the column and the text of each cell as it is shown.
TOLD = """tables => tables.map(table => [
  [...table.querySelectorAll("thead th")].map(name => name.textContent.replace(/\\s+/g, " ").trim()),
  [...table.querySelectorAll("tbody td")].filter(cell => cell.checkVisibility()).map(cell => {
    const said = getComputedStyle(cell, "::before").content
    return [cell.cellIndex, (said.startsWith('"') ? JSON.parse(said) : "") + cell.textContent]
  }),
])"""


@dataclass
class Visit:
    """A reader's visit of one page, in the dark, and another's on a phone. The tests come in the order of this file."""

    path: str
    page: Page
    phone: Page
    before: list[str]
    """What came before the reader did anything."""

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
        received: list[str] = []
        page.on("response", lambda response: received.append(response.url) if response.ok else None)
        page.goto(request.param, wait_until="networkidle")
        phone = new_page(request.param, viewport=PHONE, color_scheme="light")
        for each in (page, phone):
            each.evaluate("document.fonts.ready")
        yield Visit(request.param, page, phone, list(received))


def test_nothing_of_python_comes_before_the_first_run(visit: Visit) -> None:
    assert [url for url in visit.before if PYTHON.search(url)] == []


def test_a_page_is_light_before_a_click(visit: Visit, site: Path) -> None:
    files = sorted({file_of(site, url) for url in visit.before})
    sizes = dict(zip(files, wire_sizes(files, ON_THE_FLY), strict=True))
    sizes |= {file: file.stat().st_size for file in files if file.suffix in ALREADY_PACKED}
    assert sum(sizes.values()) <= MOST, sizes
    most = MOST_OF_OURS + (MOST_OF_A_LESSON if "laboratory/" in visit.path else 0)
    assert sum(size for file, size in sizes.items() if "livedoc" in file.parts) <= most, sizes


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
    for tab in reversed(page.locator(".tabbed-labels label").all()):  # the first one is chosen in the end, as before
        tab.click()
        assert wide(page.locator(".snippet-code code:visible")) == []
    for bar in page.locator("[data-fold]").all():
        bar.evaluate("bar => bar.click()")
    assert wide(page.locator(".snippet-code code:visible")) == []


def test_the_buttons_of_a_block_are_one_row_on_a_phone(visit: Visit) -> None:
    phone = visit.phone
    touch = phone.context.new_cdp_session(phone)
    touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for block in blocks_of(phone):
        expect(block.button("More")).to_be_visible()
    for screen in (360, 375, 390, 430):
        phone.set_viewport_size({"width": screen, "height": 800})
        rows = phone.locator(RUNNABLE).evaluate_all(ROWS)
        assert len(rows) == len(visit.blocks)
        for buttons in rows:
            assert len(buttons) == 6
            assert len({button["y"] for button in buttons}) == 1, (screen, buttons)
            assert all(each["height"] >= 24 and each["width"] >= 40 and not each["cut"] for each in buttons), screen
            assert buttons[-1]["end"] <= screen - 16, screen


def test_a_light_phone_has_none_either_and_the_page_fits_it(visit: Visit) -> None:
    phone = visit.phone
    phone.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert barriers(phone, with_contrast=False) == []
    assert small(phone) == []
    assert visit.path == LOST or width_of(phone) == PHONE["width"]


def test_a_reader_of_a_phone_is_told_the_column_of_each_cell(visit: Visit) -> None:
    phone = visit.phone
    phone.locator("article details").evaluate_all("all => all.forEach(each => { each.open = true })")
    told = phone.locator("article table").evaluate_all(TOLD)
    assert visit.path not in WITH_TABLES or told
    for names, cells in told:
        assert all(names)
        assert cells
        for column, text in cells:
            assert text.startswith(f"{names[column]}: "), (text, names[column])


def test_no_text_is_faint_in_the_light_on_a_desk(visit: Visit) -> None:
    visit.phone.set_viewport_size(DESK)
    assert faint(visit.phone, "light") == []


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
