"""What a block shows of its file in a real Chromium: all that prints, bars for the rest, and where a line is cut."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.axe import barriers
from tests.support.block import Block, block_of
from tests.support.code import folds, letters, mistranslated, shown, wide
from tests.support.page import DESK, PAIRS, NewPage

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Locator, Page

EXERCISE = "storages/check_a_storage.py"
SEVERAL = "sessions/count_exactly.py"  # it has a bar between two sections
NEEDY = "storages/keep_in_redis.py"

BRIGHTNESS = """async png => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob())
  const paint = new OffscreenCanvas(image.width, image.height).getContext("2d")
  paint.drawImage(image, 0, 0)
  const { data } = paint.getImageData(0, 0, image.width, image.height)
  return data.reduce((sum, value, place) => sum + (place % 4 === 3 ? 0 : value), 0) / (data.length * 3 / 4)
}"""
# Bars


def test_a_bar_unfolds_the_lines_that_it_counts_where_they_are(page: Page) -> None:
    page.goto("/sessions/")
    block = block_of(page, SEVERAL)
    before = shown(block)
    bar = folds(block).nth(1)
    expect(bar).to_have_attribute("aria-expanded", "false")
    expect(bar).to_have_text("7 lines: start")
    bar.click()
    expect(bar).to_have_attribute("aria-expanded", "true")
    unfolded = bar.locator("xpath=following-sibling::*[1]").inner_text()
    assert unfolded.strip("\n").startswith("async def start(")
    start, end = before.split("async def main")
    assert shown(block).startswith(start)
    assert shown(block).endswith(f"async def main{end}")
    assert shown(block).count("\n") == before.count("\n") + 7
    bar.click()
    expect(bar).to_have_attribute("aria-expanded", "false")
    assert shown(block) == before


def test_what_is_shown_is_indented_as_in_the_file_while_more_of_it_is(block: Block) -> None:
    before = shown(block)
    assert before.startswith("storage = ")
    folds(block).first.click()
    assert "async def main() -> None:\n    storage = " in shown(block)
    folds(block).first.click()
    assert shown(block) == before


def test_a_bar_is_pressed_with_the_keyboard_and_keeps_the_focus(block: Block) -> None:
    bar = folds(block).first
    bar.focus()
    for key, state in (("Enter", "true"), ("Space", "false")):
        bar.press(key)
        expect(bar).to_have_attribute("aria-expanded", state)
        expect(bar).to_be_focused()


def test_the_bars_of_a_block_that_cannot_run_unfold_too(page: Page) -> None:
    block = block_of(page, NEEDY)
    folds(block).first.click()
    assert "import" in shown(block)
    expect(block.element.get_by_role("button")).to_have_count(folds(block).count())


@PAIRS
def test_axe_finds_no_barrier_in_what_is_unfolded(new_page: NewPage, scheme: str, viewport: dict[str, int]) -> None:
    page = new_page("/storages/", color_scheme=scheme, viewport=viewport)
    for bar in page.locator("[data-fold]:visible").all():
        bar.click()
    assert barriers(page) == []


# One panel


def test_the_panel_holds_the_expected_output_and_then_what_was_printed(block: Block) -> None:
    panel, label = block.element.locator(".snippet-output"), block.element.locator(".snippet-label")
    promised, differs = block.element.locator("[data-promised]"), block.button("How it differs")
    expect(panel).to_have_count(1)
    expect(label).to_have_text("Expected output")
    expect(promised).to_be_visible()
    expect(block.output).to_be_hidden()
    assert block.run() == block.expected
    expect(panel).to_contain_text("Outputas expected")
    expect(promised).to_be_hidden()
    expect(differs).to_have_count(0)
    assert block.run("print('other')") == "done: other\n"
    expect(panel).to_contain_text("Outputdifferent")
    expect(promised).to_be_hidden()
    expect(differs).to_be_visible()
    assert block.run("print('looking')\n{}['coat']") == "failed: looking\n"
    expect(panel).not_to_contain_text("expected")
    expect(panel).not_to_contain_text("different")
    block.press("Reset")
    expect(label).to_have_text("Expected output")
    expect(promised).to_be_visible()
    expect(block.output).to_be_hidden()


@pytest.mark.parametrize(("program", "state"), [("{}['coat']", "failed"), ("while True: pass", "stopped")])
def test_what_was_expected_can_be_seen_after_a_run_that_did_not_end_well(
    block: Block, program: str, state: str
) -> None:
    block.begin(f"print('begun')\n{program}", "begun")
    if state == "stopped":
        block.press("Stop")
    block.wait_for(state)
    block.press("Expected output")
    expect(block.element.get_by_role("group", name="Expected output")).to_have_text(block.expected_output)


def test_the_right_answer_of_an_exercise_is_as_expected(page: Page) -> None:
    block = block_of(page, EXERCISE)
    assert block.run() == block.expected
    answer = block.script.replace(" or None", "")
    assert answer != block.script
    assert block.run(answer).startswith("done: TAP version 14\n")
    expect(block.status).to_contain_text(", as expected")
    expect(block.element.locator(".snippet-verdict")).to_have_text("as expected with the mistake corrected")
    expect(block.button("How it differs")).to_have_count(0)
    expect(block.element.locator("[data-differs]")).to_have_count(0)
    block.run(answer.replace("self.sessions.get(id)", "None"))
    expect(block.element.locator(".snippet-verdict")).to_have_text("different")


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_all_that_the_panel_says_is_in_one_row(new_page: NewPage, width: int) -> None:
    block = block_of(new_page("/storages/", viewport={"width": width, "height": 800}), EXERCISE)
    block.run("open('a', 'w').close()\nprint(1)")
    rows = block.element.locator(".snippet-heading > *").evaluate_all(
        "parts => parts.map(part => { const { top, height, right } = part.getBoundingClientRect();"
        " return [top + height / 2, right, part.scrollWidth - part.clientWidth] })"
    )
    assert len(rows) == 4  # label, verdict, difference, files
    assert max(middle for middle, *_ in rows) - min(middle for middle, *_ in rows) < 4
    assert max(right for _, right, _ in rows) <= width - 16
    assert [over for *_, over in rows if over > 0] == []


# Lines that fit, and lines that are cut


def test_the_widest_line_fits_an_editor_too(new_page: NewPage) -> None:
    block = block_of(new_page("/storages/", viewport=DESK))
    block.page.evaluate("document.fonts.ready")
    scroller = block.element.locator(".cm-scroller")
    block.edit("\n" * 98 + f"#{'x' * 91}")
    assert wide(scroller) == []
    block.edit("\n" * 98 + f"#{'x' * 99}")
    assert wide(scroller) != []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", [".snippet-code code", ".cm-scroller", "#add-a-snippet ~ .highlight code"])
def test_where_a_line_is_cut_the_edge_shows_it_until_its_end(new_page: NewPage, place: str, scheme: str) -> None:
    page = new_page("/contributing/", viewport={"width": 280, "height": 800}, color_scheme=scheme)
    if place == ".cm-scroller":
        block_of(page, "contributing/store_a_cart.py").press("Edit")
    part = page.locator(place).first
    part.scroll_into_view_if_needed()
    height = page.evaluate("document.documentElement.scrollHeight")
    edge, measure = edge_of(part), new_page()
    page.mouse.move(0, 0)
    assert part.evaluate("part => part.scrollWidth > part.clientWidth")
    cut = brightness(measure, page.screenshot(clip=edge))
    part.evaluate("part => { part.scrollLeft = 1e6 }")
    ended = brightness(measure, page.screenshot(clip=edge))
    part.evaluate("part => { part.style.backgroundImage = 'none' }")
    plain = brightness(measure, page.screenshot(clip=edge))
    assert abs(cut - ended) > 20
    assert plain == pytest.approx(ended, abs=2)
    assert page.evaluate("document.documentElement.scrollHeight") == height


def brightness(measure: Page, picture: bytes) -> float:
    """How light a picture is, from 0 to 255, as a blank page sees it."""
    light: float = measure.evaluate(BRIGHTNESS, b64encode(picture).decode())
    return light


def edge_of(part: Locator) -> FloatRect:
    """A few pixels at the right edge of an element: above its first line, below the notch of the header."""
    box = part.bounding_box()
    assert box
    return {"x": box["x"] + box["width"] - 6, "y": box["y"] + 14, "width": 4, "height": 4}


# Letters and words


def test_no_code_has_ligatures_and_none_is_translated_where_it_is_edited_and_has_run(block: Block) -> None:
    block.edit("if a != b >= c:\n    d -> e")
    block.editor.press("Control+Space")
    assert letters(block.page) == {"none"}
    block.editor.press("Escape")
    block.press("Reset")
    assert block.run("open('coat', 'w').close()\nraise KeyError") == "failed: "
    assert mistranslated(block.page) == []
