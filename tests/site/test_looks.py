"""How a block looks in a real Chromium, also on a phone: nothing is cut off, covered, or left empty."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from livedoc.runtime import build_runtime, described
from tests.support.block import Block, block_of, blocks_of
from tests.support.page import PHONE, NewPage, requests, watch_shifts, width_of
from tests.support.project import PROJECT

if TYPE_CHECKING:
    from playwright.sync_api import Page

LONG = "for line in range(30):\n    print(line)"
SHORT = "print('one')"

# How much of the result is below all that is in it.
SPARE = """result => {
  const parts = [...result.children].map(part => part.getBoundingClientRect()).filter(({ height }) => height > 0)
  const inside = result.getBoundingClientRect().bottom - parseFloat(getComputedStyle(result).paddingBottom)
  return inside - Math.max(...parts.map(({ bottom }) => bottom))
}"""

BOXES = """buttons => buttons.map(button => {
  const { x, y, width, height } = button.getBoundingClientRect()
  return { x, y, width, height, cut: button.scrollWidth > button.clientWidth }
})"""

MARK = """status => {
  const { color, borderWidth, borderRadius, clipPath, transform } = getComputedStyle(status, "::before")
  return { color, shape: [borderWidth, borderRadius, clipPath, transform].join() }
}"""


@pytest.fixture
def phone(new_page: NewPage) -> Page:
    return new_page("/storages/", viewport=PHONE, has_touch=True)


def opened(new_page: NewPage, path: str, **options: Any) -> Page:
    """A page that has its fonts."""
    page = new_page(path, **options)
    page.evaluate("document.fonts.ready")
    return page


def spare(block: Block) -> float:
    room: float = block.element.locator(".snippet-output").evaluate(SPARE)
    return room


# Room


def test_the_room_of_a_longer_output_goes_when_a_quick_run_has_ended(block: Block) -> None:
    assert block.run(LONG).startswith("done: ")
    block.press("How it differs")
    block.page.evaluate("performance.now = () => 0")  # quick on a busy machine too
    assert block.run(SHORT) == "done: one\n"
    assert spare(block) == pytest.approx(0, abs=1)


def test_a_slow_run_that_prints_less_moves_nothing_and_its_room_goes_with_the_next(block: Block) -> None:
    slow = f"import asyncio\nawait asyncio.sleep(1)\n{SHORT}"
    assert block.run(LONG).startswith("done: ")
    block.press("How it differs")
    differing = block.element.locator(".snippet-output").bounding_box()
    shifts = watch_shifts(block.page)
    assert block.run(slow) == "done: one\n"
    assert shifts() == []
    kept = block.element.locator(".snippet-output").bounding_box()
    assert differing
    assert kept
    assert kept["height"] < differing["height"] / 1.5, "what the reader had opened is not what a run needs"
    assert block.run(slow) == "done: one\n"
    assert spare(block) < kept["height"] / 2


@pytest.mark.parametrize("options", [{}, {"viewport": PHONE, "has_touch": True}], ids=["desktop", "phone"])
@pytest.mark.parametrize("path", ["/", "/storages/", "/sessions/"])
def test_nothing_moves_when_a_block_runs(new_page: NewPage, path: str, options: dict[str, Any]) -> None:
    for block in blocks_of(opened(new_page, path, **options)):
        block.button("Run").scroll_into_view_if_needed()
        shifts = watch_shifts(block.page)
        block.run()
        assert shifts() == [], block.path


def test_a_run_has_little_of_the_page_styled_again(block: Block) -> None:
    page, browser = block.page, block.page.context.browser
    assert browser
    browser.start_tracing(page=page, categories=["devtools.timeline"])
    assert block.run() == block.expected
    events = json.loads(browser.stop_tracing())["traceEvents"]
    styled = [event["args"]["elementCount"] for event in events if "elementCount" in event.get("args", ())]
    assert 0 < max(styled) < page.locator("*").count() / 4


# The buttons


def test_the_buttons_are_two_equal_rows_where_they_are_too_many_for_one(new_page: NewPage) -> None:
    page = new_page("/storages/", viewport={"width": 320, "height": 640})
    boxes = block_of(page).element.locator(".snippet-actions button").evaluate_all(BOXES)
    rows = [box["y"] for box in boxes]
    assert rows[:3] == [rows[0]] * 3
    assert rows[3:] == [rows[3]] * 3
    assert rows[3] > rows[0]


# The state


def test_the_longest_that_is_said_of_a_run_is_one_row_on_a_phone(new_page: NewPage) -> None:
    status = block_of(opened(new_page, "/storages/", viewport={"width": 360, "height": 640})).status
    before = status.bounding_box()
    status.evaluate("status => { status.textContent = 'Finished, 30 lines, under 0.1 s, not as expected' }")
    assert status.bounding_box() == before


def test_an_unexpected_output_has_another_mark_than_the_expected_one(block: Block) -> None:
    assert block.run() == block.expected
    expected = block.status.evaluate(MARK)
    assert block.run(SHORT) == "done: one\n"
    expect(block.status).to_contain_text("not as expected")
    other = block.status.evaluate(MARK)
    assert other["shape"] != expected["shape"]
    assert other["color"] != expected["color"]
    block.press("Reset")
    assert block.run() == block.expected
    assert block.status.evaluate(MARK) == expected


def test_the_size_said_before_the_click_is_the_most_that_a_run_fetches(page: Page) -> None:
    block = block_of(page, "storages/memory_storage.py")  # it imports a framework and a client too
    said = re.fullmatch(r"Runs in your browser: up to (\d\.\d) MB, once", block.status.text_content() or "")
    assert said
    requested = requests(page)
    assert block.run() == block.expected
    sizes = described(build_runtime(PROJECT))["sizes"]
    fetched = sum(size["wire"] for name, size in sizes.items() if any(url.endswith(name) for url in requested))
    assert 0 < float(said[1]) - fetched / 1_000_000 < 0.15


# Files


def test_the_bytes_of_a_file_are_rows_on_a_phone_too_however_deep_it_lies(phone: Page) -> None:
    block = block_of(phone)
    folders = "/".join(f"folder_{number}" for number in range(8))
    block.run(
        "from pathlib import Path\n"
        f"folder = Path('{folders}')\nfolder.mkdir(parents=True)\n"
        "(folder / 'one').write_bytes(b'1')\n(folder / 'many').write_bytes(bytes(range(64)))\n"
        "for parent in folder.parents:\n    (parent / 'x').write_text('')\n",
    )
    block.press("Files it left", "one, 1 byte$", "many, 64 bytes")
    pre = block.element.get_by_role("group", name="many as bytes")
    text = pre.text_content() or ""
    assert text.startswith("0000  00 01 02 03 04 05 06 07  ........\n0008  ")
    height, line, width = pre.evaluate("""pre => {
        const { lineHeight, paddingTop, paddingBottom } = getComputedStyle(pre)
        const space = parseFloat(paddingTop) + parseFloat(paddingBottom)
        return [pre.clientHeight - space, parseFloat(lineHeight), pre.clientWidth]
    }""")
    assert height == pytest.approx(8 * line, abs=16)  # a scroll bar may be in it
    assert width >= 220
    assert width_of(phone) == PHONE["width"]


# Completion


@pytest.mark.parametrize("typed", ["from coatcheck import read_by", "read_by", "            x = (1, 2, 3, 4, read_by"])
def test_what_a_completion_says_covers_neither_its_list_nor_the_edge_on_a_phone(phone: Page, typed: str) -> None:
    block = block_of(phone)
    block.edit("")
    block.editor.press_sequentially(typed)
    expect(phone.get_by_role("option", name="read_bytes")).to_be_visible()
    panel = phone.locator(".cm-completionInfo")
    expect(panel).to_contain_text("Return all bytes stored under")
    said = panel.bounding_box()
    listed = phone.get_by_role("listbox").bounding_box()
    assert said
    assert listed
    assert said["y"] >= listed["y"] + listed["height"] or said["y"] + said["height"] <= listed["y"]
    assert said["x"] >= 0
    assert said["x"] + said["width"] <= PHONE["width"]
    assert said["width"] >= 150
    assert width_of(phone) == PHONE["width"]


# The page


@pytest.mark.parametrize("screen", [1220, 1280, 1920])
def test_the_links_of_the_header_keep_their_distance_from_what_is_beside_them(new_page: NewPage, screen: int) -> None:
    page = opened(new_page, "/", viewport={"width": screen, "height": 800})
    name = page.locator(".md-header__topic").first.bounding_box()
    first, *_, last = (link.bounding_box() for link in page.locator(".md-tabs__link").all())
    toggle = page.locator("form[data-md-component=palette] label:visible").bounding_box()
    assert name
    assert first
    assert last
    assert toggle
    assert first["x"] - name["x"] >= 80
    assert toggle["x"] - (last["x"] + last["width"]) >= 12


def test_no_name_in_a_table_is_broken_on_a_phone(new_page: NewPage) -> None:
    page = opened(new_page, "/from-ktor/", viewport=PHONE)
    names = page.locator("td code")
    assert names.count() > 20
    broken = "names => names.filter(name => name.getClientRects().length > 1).map(name => name.textContent)"
    assert names.evaluate_all(broken) == []


@pytest.mark.parametrize("path", ["/from-ktor/", "/how-fast/", "/how-many/", "/promises/"])
def test_a_table_is_no_wider_than_a_phone(new_page: NewPage, path: str) -> None:
    page = opened(new_page, path, viewport=PHONE)
    assert width_of(page) == PHONE["width"]
    right = page.locator("td, td *").evaluate_all("parts => parts.map(part => part.getBoundingClientRect().right)")
    assert max(right) <= PHONE["width"]
