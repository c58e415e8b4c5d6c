"""How a block looks in a real Chromium, also on a phone: nothing is cut off, covered, or left empty."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from livedoc.runtime import build_runtime, described
from tests.support.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    NewPage = Callable[..., Page]

ENDED = re.compile("done|failed|stopped")
BLOCK = "[data-snippet][data-state]"
PHONE = {"width": 390, "height": 844}
PAGES_WITH_BLOCKS = ["/", "/storages/", "/sessions/", "/contributing/", "/blocks/"]
LONG = "for line in range(30):\n    print(line)"
SHORT = "print('one')"

# How much of the result is below all that is in it.
SPARE = """result => {
  const parts = [...result.children].map(part => part.getBoundingClientRect()).filter(({ height }) => height > 0)
  const inside = result.getBoundingClientRect().bottom - parseFloat(getComputedStyle(result).paddingBottom)
  return inside - Math.max(...parts.map(({ bottom }) => bottom))
}"""

SHIFTS = """() => {
  document.shifts = []
  new PerformanceObserver(list => {
    for (const { value, sources, hadRecentInput } of list.getEntries())
      if (!hadRecentInput) document.shifts.push([value, ...sources.map(({ node }) => node?.className)])
  }).observe({ type: "layout-shift" })
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
def page(new_page: NewPage) -> Page:
    return storages(new_page)


@pytest.fixture
def phone(new_page: NewPage) -> Page:
    return storages(new_page, viewport=PHONE, has_touch=True)


def storages(new_page: NewPage, **options: Any) -> Page:
    page = new_page(**options)
    page.goto("/storages/")
    return page


def block_of(page: Page, name: str = "write_and_read") -> Locator:
    return page.locator(f'[data-snippet="storages/{name}.py"]').first


def button(block: Locator, name: str) -> Locator:
    return block.get_by_role("button", name=re.compile(f"^{name}"))


def run(block: Locator, program: str = "", state: str = "done") -> None:
    if program:
        button(block, "Edit").click()
        block.get_by_role("textbox").fill(program)
    button(block, "Run").click()
    expect(block).to_have_attribute("data-state", ENDED)
    expect(block).to_have_attribute("data-state", state)


def spare(block: Locator) -> float:
    room: float = block.locator(".snippet-result").evaluate(SPARE)
    return room


# Room


def test_the_room_of_a_longer_output_goes_when_a_quick_run_has_ended(page: Page) -> None:
    block = block_of(page)
    run(block, LONG)
    button(block, "How it differs").click()
    page.evaluate("performance.now = () => 0")  # quick on a busy machine too
    run(block, SHORT)
    assert spare(block) == pytest.approx(0, abs=1)


def test_a_slow_run_that_prints_less_moves_nothing_and_its_room_goes_with_the_next(page: Page) -> None:
    block = block_of(page)
    run(block, LONG)
    button(block, "How it differs").click()
    opened = block.locator(".snippet-result").bounding_box()
    page.evaluate(SHIFTS)
    run(block, f"import asyncio\nawait asyncio.sleep(1)\n{SHORT}")
    page.evaluate("new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    assert page.evaluate("document.shifts") == []
    kept = block.locator(".snippet-result").bounding_box()
    assert opened
    assert kept
    assert kept["height"] < opened["height"] / 1.5, "what the reader had opened is not what a run needs"
    run(block, f"import asyncio\nawait asyncio.sleep(1)\n{SHORT}")
    promised = block.locator(".snippet-output").bounding_box()
    assert promised
    assert spare(block) < promised["height"]


# The buttons


@pytest.mark.parametrize("width", [360, 375, 390, 430])
@pytest.mark.parametrize("path", PAGES_WITH_BLOCKS)
def test_the_buttons_of_a_block_are_one_row_on_a_phone(new_page: NewPage, path: str, width: int) -> None:
    page = new_page(viewport={"width": width, "height": 800}, has_touch=True)
    page.goto(path)
    page.evaluate("document.fonts.ready")
    for block in page.locator(f"{BLOCK}:visible").all():
        expect(button(block, "More")).to_be_visible()
        boxes = block.locator(".snippet-actions button").evaluate_all(BOXES)
        assert len(boxes) == 6
        assert len({box["y"] for box in boxes}) == 1, boxes
        assert all(box["height"] >= 24 and box["width"] >= 40 and not box["cut"] for box in boxes), boxes
        assert boxes[-1]["x"] + boxes[-1]["width"] <= width - 16


def test_the_buttons_are_two_equal_rows_where_they_are_too_many_for_one(new_page: NewPage) -> None:
    page = storages(new_page, viewport={"width": 320, "height": 640})
    boxes = block_of(page).locator(".snippet-actions button").evaluate_all(BOXES)
    rows = [box["y"] for box in boxes]
    assert rows[:3] == [rows[0]] * 3
    assert rows[3:] == [rows[3]] * 3
    assert rows[3] > rows[0]


# The state


def test_the_longest_that_is_said_of_a_run_is_one_row_on_a_phone(new_page: NewPage) -> None:
    page = storages(new_page, viewport={"width": 360, "height": 640})
    page.evaluate("document.fonts.ready")
    status = block_of(page).locator(".snippet-status")
    before = status.bounding_box()
    status.evaluate("status => { status.textContent = 'Finished, 30 lines, under 0.1 s, not as promised' }")
    assert status.bounding_box() == before


def test_what_is_not_as_promised_has_another_mark_than_what_is(page: Page) -> None:
    block = block_of(page)
    status = block.locator(".snippet-status")
    run(block)
    promised = status.evaluate(MARK)
    run(block, SHORT)
    expect(status).to_contain_text("not as promised")
    other = status.evaluate(MARK)
    assert other["shape"] != promised["shape"]
    assert other["color"] != promised["color"]
    button(block, "Reset").click()
    run(block)
    assert status.evaluate(MARK) == promised


def test_the_size_said_before_the_click_is_the_most_that_a_run_fetches(page: Page) -> None:
    block = block_of(page, "memory_storage")  # it imports a framework and a client too
    said = re.fullmatch(
        r"Runs in your browser: up to (\d\.\d) MB, once", block.locator(".snippet-status").text_content() or ""
    )
    assert said
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    run(block)
    sizes = described(build_runtime(PROJECT))["sizes"]
    fetched = sum(size["wire"] for name, size in sizes.items() if any(url.endswith(name) for url in requested))
    assert 0 < float(said[1]) - fetched / 1_000_000 < 0.15


# Files


def test_the_bytes_of_a_file_are_rows_on_a_phone_too_however_deep_it_lies(phone: Page) -> None:
    block = block_of(phone)
    folders = "/".join(f"folder_{number}" for number in range(8))
    run(
        block,
        "from pathlib import Path\n"
        f"folder = Path('{folders}')\nfolder.mkdir(parents=True)\n"
        "(folder / 'one').write_bytes(b'1')\n(folder / 'many').write_bytes(bytes(range(64)))\n"
        "for parent in folder.parents:\n    (parent / 'x').write_text('')\n",
    )
    button(block, "Files it left").click()
    button(block, "one, 1 byte$").click()
    button(block, "many, 64 bytes").click()
    pre = block.get_by_role("group", name="many as bytes")
    text = pre.text_content() or ""
    assert text.startswith("0000  00 01 02 03 04 05 06 07  ........\n0008  ")
    height, line, width = pre.evaluate("""pre => {
        const { lineHeight, paddingTop, paddingBottom } = getComputedStyle(pre)
        const space = parseFloat(paddingTop) + parseFloat(paddingBottom)
        return [pre.clientHeight - space, parseFloat(lineHeight), pre.clientWidth]
    }""")
    assert height == pytest.approx(8 * line, abs=16)  # a scroll bar may be in it
    assert width >= 220
    assert phone.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


# Completion


@pytest.mark.parametrize("typed", ["from coatcheck import read_by", "read_by", "            x = (1, 2, 3, 4, read_by"])
def test_what_a_completion_says_covers_neither_its_list_nor_the_edge_on_a_phone(phone: Page, typed: str) -> None:
    block = block_of(phone)
    button(block, "Edit").click()
    editor = block.get_by_role("textbox")
    editor.fill("")
    editor.press_sequentially(typed)
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
    assert phone.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


# The page


@pytest.mark.parametrize("width", [1220, 1280, 1920])
def test_the_links_of_the_header_keep_their_distance_from_what_is_beside_them(new_page: NewPage, width: int) -> None:
    page = new_page(viewport={"width": width, "height": 800})
    page.goto("/")
    page.evaluate("document.fonts.ready")
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
    page = new_page(viewport=PHONE)
    page.goto("/from-ktor/")
    page.evaluate("document.fonts.ready")
    names = page.locator("td code")
    assert names.count() > 20
    broken = "names => names.filter(name => name.getClientRects().length > 1).map(name => name.textContent)"
    assert names.evaluate_all(broken) == []


@pytest.mark.parametrize("path", ["/from-ktor/", "/promises/"])
def test_a_table_is_no_wider_than_a_phone(new_page: NewPage, path: str) -> None:
    page = new_page(viewport=PHONE)
    page.goto(path)
    page.evaluate("document.fonts.ready")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    right = page.locator("td, td *").evaluate_all("parts => parts.map(part => part.getBoundingClientRect().right)")
    assert max(right) <= PHONE["width"]
