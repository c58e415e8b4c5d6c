"""What a reader does in a block, or has in a browser, loses nothing: storage that is blocked, and the theme's keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.block import SNIPPET, Block, block_of
from tests.support.engine import TALKING
from tests.support.link import link_with
from tests.support.page import CLIPBOARD, EDITOR, NewPage, rewrite

if TYPE_CHECKING:
    from playwright.sync_api import ElementHandle, Locator, Page

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

HIDING = "if user != 'none\u202e\u2067# if\u200b admin\u2069 \ufeffuser':\u00ad\n    pass\n"
NUMBERS = ["U+202E", "U+2067", "U+200B", "U+2069", "U+FEFF", "U+00AD"]
# Whether each character of the code that is shown stands to the right of the one before, or below it.
IN_ORDER = """element => {
    const shown = [...element.querySelectorAll("pre, .cm-content")].find(it => it.checkVisibility())
    const walker = document.createTreeWalker(shown, NodeFilter.SHOW_TEXT)
    const places = []
    for (let node = walker.nextNode(); node; node = walker.nextNode())
        for (let at = 0; at < node.length; at++) {
            if (node.parentElement.matches(".snippet-hidden")) continue
            const range = document.createRange()
            range.setStart(node, at)
            range.setEnd(node, at + 1)
            const { left, top, height } = range.getBoundingClientRect()
            if (height > 0 && node.data[at] !== "\\n") places.push([top, left])
        }
    return places.length > 40 && places.every(([top, left], index) => {
        const [topBefore, leftBefore] = places[index - 1] ?? [0, 0]
        return top > topBefore + 5 || left > leftBefore
    })
}"""
CHAINED = (
    """\
try:
    {}["coat"]
except KeyError as error:
"""
    + "    # padding\n" * 3
    + """\
    def deep(level):
        if level == 0:
            raise RuntimeError("the line that matters") from error
        elif level % 2:
            deep(level - 1)
        else:
            deep(level - 1)
    deep(60)
"""
)


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
    page.wait_for_function("() => document.activeElement.tagName !== 'INPUT'")
    page.keyboard.press("n")
    page.wait_for_url("**/storages/*/")


@pytest.mark.parametrize("editor", ["opens", "is still coming"])
def test_hidden_characters_of_an_edit_from_a_link_are_marked(new_page: NewPage, editor: str) -> None:
    page = new_page(permissions=CLIPBOARD)
    if editor != "opens":
        page.route(EDITOR, lambda _: None)
    page.goto(f"/storages/{link_with(HIDING, f'{SNIPPET}:use')}")
    block = block_of(page)
    expect(block.element.locator(".cm-content")).to_have_count(1 if editor == "opens" else 0)
    marks = block.element.locator(":is(.cm-content, .snippet-code):visible .snippet-hidden")
    expect(marks).to_have_count(6)
    assert [mark.get_attribute("data-number") for mark in marks.all()] == NUMBERS
    assert [mark.get_attribute("aria-label") for mark in marks.all()][1:3] == [
        "U+2067, changes the order of the text around it",
        "U+200B, can't be seen",
    ]
    for mark in marks.all():
        box = mark.bounding_box()
        assert box
        assert box["width"] > 30  # its number is shown
    assert block.element.evaluate(IN_ORDER) is True
    expect(block.notice).to_contain_text("Of its characters, 6 can't be seen or reorder others: each is marked.")
    block.press("Copy")
    assert page.evaluate("navigator.clipboard.readText()") == HIDING


def test_hidden_characters_that_a_reader_pastes_or_types_are_marked(block: Block) -> None:
    block.edit("x = 1")
    block.page.evaluate("text => navigator.clipboard.writeText(text)", "\u00a0+\u2062 '\u202d'")
    block.page.keyboard.press("End")
    block.page.keyboard.press("ControlOrMeta+V")
    marks = block.element.locator(".cm-content .snippet-hidden")
    expect(marks).to_have_count(3)
    block.page.keyboard.insert_text("\u3164 '👩\u200d💻' '\u0000'")
    expect(marks).to_have_count(5)
    assert [mark.get_attribute("data-number") for mark in marks.all()] == [
        "U+00A0",
        "U+2062",
        "U+202D",
        "U+3164",
        "U+0000",
    ]
    block.page.keyboard.press("Backspace")
    block.page.keyboard.press("Backspace")
    expect(marks).to_have_count(4)


def test_hidden_characters_of_the_page_are_marked_and_those_of_a_link_without_a_block(new_page: NewPage) -> None:
    page = new_page()
    rewrite(page, re.compile("/storages/(#|$)"), lambda text: text.replace("not read to", "not\u202e read\u2066 to"))
    page.goto(f"/storages/{link_with(HIDING, 'storages/gone.py:use')}")
    expect(page.locator(".snippet-lost .snippet-hidden")).to_have_count(6)
    assert page.locator(".snippet-lost").evaluate(IN_ORDER) is True
    block = block_of(page)
    expect(block.element.locator(".snippet-code .snippet-hidden")).to_have_count(2)
    for bar in block.element.locator("[data-fold]").all():
        bar.click()
    expect(block.element.locator(".snippet-code .snippet-hidden")).to_have_count(2)
    assert block.run() == block.expected


def test_an_error_shows_its_end(block: Block) -> None:
    assert block.run(CHAINED) == "failed: "
    error = block.element.locator("[data-error]")
    assert block.error.rstrip().endswith("RuntimeError: the line that matters")
    assert error.evaluate("box => box.scrollHeight > box.clientHeight + 50")
    at_the_end(error)
    assert block.run("print('fine')") == "done: fine\n"
    block.edit("raise ValueError('short')")
    block.press("Run")
    block.ended()
    expect(error).to_contain_text("ValueError: short")


def test_output_follows_its_tail_until_the_reader_scrolls(block: Block) -> None:
    block.edit(TALKING)
    block.press("Run")
    expect(block.output).to_contain_text("line 120")
    at_the_end(block.output)
    block.output.hover()
    block.page.mouse.wheel(0, -200)
    block.page.wait_for_function("box => box.scrollTop + box.clientHeight < box.scrollHeight - 100", arg=handle(block))
    place = block.output.evaluate("box => box.scrollTop")
    seen = len((block.output.text_content() or "").splitlines())
    block.page.wait_for_function(
        "([box, seen]) => box.textContent.split('\\n').length > seen + 30", arg=[handle(block), seen]
    )
    assert block.output.evaluate("box => box.scrollTop") == place
    block.output.press("End")
    at_the_end(block.output)
    seen = len((block.output.text_content() or "").splitlines())
    block.page.wait_for_function(
        "([box, seen]) => box.textContent.split('\\n').length > seen + 30", arg=[handle(block), seen]
    )
    at_the_end(block.output)
    block.press("Stop")
    block.wait_for("stopped")
    block.edit("for number in range(120):\n    print('again ' * 30, number)")
    block.press("Run")
    block.wait_for("done")
    at_the_end(block.output)  # the next run begins anew
    for width in (390, 1280):  # lines wrap elsewhere
        block.page.set_viewport_size({"width": width, "height": 800})
        at_the_end(block.output)


def test_output_that_is_scrolled_while_nothing_runs_stays_where_it_is(block: Block) -> None:
    block.run("for number in range(200):\n    print('line', number)")
    at_the_end(block.output)
    block.output.evaluate("box => { box.scrollTop = 30 }")
    block.page.evaluate("new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    assert block.output.evaluate("box => box.scrollTop") == 30


@pytest.mark.parametrize("code", ["output", "error"])
def test_print_shows_all_of_it_and_no_controls(block: Block, code: str) -> None:
    if code == "output":
        block.run(f"# {'a long comment ' * 20}\nfor number in range(250):\n    print('line', number, 'x' * number)")
    else:
        block.run(CHAINED)
    block.press("More")
    block.page.emulate_media(media="print")
    hidden = block.element.evaluate("""block => [...block.querySelectorAll("pre, code, .cm-scroller, .cm-content")]
        .filter(part => part.checkVisibility() && getComputedStyle(part).display !== "inline")
        .filter(part => part.scrollHeight > part.clientHeight + 1 || part.scrollWidth > part.clientWidth + 1)
        .map(part => [part.className, part.scrollHeight, part.clientHeight, part.scrollWidth, part.clientWidth])""")
    assert hidden == []
    controls = "button, .snippet-status, .snippet-hint, .snippet-extras, .snippet-notice, .snippet-undo"
    assert [part for part in block.element.locator(controls).all() if part.is_visible()] == []
    assert block.page.locator(".offline button:visible").count() == 0
    assert (block.output if code == "output" else block.element.locator("[data-error]")).is_visible()
    other = block_of(block.page, "storages/memory_storage.py")
    assert other.element.locator("[data-promised]").is_visible()
    assert [part for part in other.element.locator("button").all() if part.is_visible()] == []


def at_the_end(box: Locator) -> None:
    script = "box => box.scrollHeight > box.clientHeight && box.scrollTop + box.clientHeight >= box.scrollHeight - 4"
    box.page.wait_for_function(script, arg=box.element_handle())


def handle(block: Block) -> ElementHandle:
    return block.output.element_handle()


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
