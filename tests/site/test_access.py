"""The site for everybody: with a keyboard, a screen reader, a small screen, touch, less motion, or no JavaScript."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.sync_api import expect

from tests.support.axe import barriers
from tests.support.block import RUNNABLE, block_of, first_block
from tests.support.page import CLIPBOARD, DESK, PAGES, PAIRS, PHONE, requests, search, width_of
from tests.support.sight import faint, small

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.support.page import NewPage

LOST = "404.html"
MOST_BLOCKS = "storages/"
STATES = ("idle", "starting", "running", "done", "failed", "stopped")
SCHEMES = ("light", "dark")
SCREENS = pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
MOTION = "element => [getComputedStyle(element).scrollBehavior, getComputedStyle(element).transitionDuration]"

# What has the focus is added to `stops`: its ring now, and whether it is in sight. False: there is nothing new.
STOP = """async stops => {
  const element = document.activeElement
  if (!element || element === document.body || stops.some(stop => stop.element === element)) return false
  const shown = () => [element, ...(element.labels ?? [])].filter(part => part.getClientRects().length > 0)
  const ring = () => shown().map(part => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(part)
    return outlineStyle === "none" ? boxShadow : `${outlineStyle} ${outlineWidth} ${boxShadow}`
  }).join()
  const inSight = () => shown().some(part => [...part.getClientRects()].some(({ x, y, width, height }) => {
    const there = document.elementFromPoint(x + width / 2, y + height / 2)
    return there && (part.contains(there) || there.contains(part) && there !== document.body)
  }))
  for (let frame = 0; frame < 30 && !inSight(); frame++) await new Promise(requestAnimationFrame) // it opens
  // How far the page is scrolled shows in the table of contents a moment later.
  const name = element.outerHTML.replaceAll(/ md-nav__link--(active|passed)/g, "").slice(0, 120)
  stops.push({ element, name, ring, focused: ring(), inSight: inSight() })
  return true
}"""


SEEN = """() => [document.activeElement, ...(document.activeElement.labels ?? [])].some(part =>
  part.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && part.getClientRects().length > 0)"""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_no_barrier_in_the_menu_or_the_search(new_page: NewPage, scheme: str) -> None:
    page = new_page(MOST_BLOCKS, color_scheme=scheme, viewport=PHONE)
    menu = page.get_by_role("button", name="Menu")
    menu.press("Enter")
    expect(page.get_by_role("navigation", name="Navigation")).to_be_in_viewport()
    expect(menu).to_have_attribute("aria-expanded", "true")
    assert barriers(page) == []
    menu.press("Enter")
    expect(page.get_by_role("navigation", name="Navigation")).to_be_hidden()
    search(page, "cookie")
    assert barriers(page, ".md-search") == []


# With what each of them shows: the editor, a program that runs, an error, a difference, files, and all the extras.
@PAIRS
def test_axe_finds_no_barrier_in_a_block_in_any_state(new_page: NewPage, scheme: str, viewport: dict[str, int]) -> None:
    page = new_page(MOST_BLOCKS, color_scheme=scheme, viewport=viewport)
    differing, failing, leaving, running = (
        block_of(page, f"storages/{name}.py")
        for name in ("write_and_read", "all_or_nothing", "directory_storage", "update_in_one_step")
    )
    assert differing.run("import sys\nprint('other')\nprint('error', file=sys.stderr)").startswith("done: ")
    assert failing.run("print('looking')\n{}['coat']").startswith("failed: ")
    assert leaving.run() == leaving.expected
    running.begin("import asyncio\nprint('begun')\nawait asyncio.sleep(60)", "begun")
    differing.press("How it differs")
    leaving.press("Files it left", r"\S+, \d+ bytes")
    failing.press("More", "Share")
    expect(failing.element.locator(".snippet-link")).to_be_visible()
    assert barriers(page) == []
    assert small(page) == []
    assert faint(page, scheme) == []
    running.wait_for("running")


@SCREENS
def test_the_keyboard_reaches_the_end_and_comes_back_and_sees_where_it_is(
    new_page: NewPage, viewport: dict[str, int]
) -> None:
    page = new_page(MOST_BLOCKS, viewport=viewport)
    expect(page.locator(f"{RUNNABLE} button").first).to_be_visible()
    there = walk(page, "Tab")
    back = walk(page, "Shift+Tab")
    assert [stop["name"] for stop in there if not stop["inSight"]] == []
    assert [stop["name"] for stop in back if not stop["inSight"]] == []
    assert [stop["name"] for stop in there if stop["focused"] == stop["unfocused"]] == []
    assert [stop["name"] for stop in reversed(back)] == [stop["name"] for stop in there]
    assert "md-skip" in there[0]["name"]
    assert "Available offline" in there[-1]["name"]
    assert len(there) > 5 * page.locator(RUNNABLE).count()


@pytest.mark.parametrize(("path", "name"), [("/", "About"), (MOST_BLOCKS, "Write your own")])
def test_the_menu_takes_the_keyboard_in_and_lets_it_out(new_page: NewPage, path: str, name: str) -> None:
    page = new_page(path, viewport=PHONE)
    menu, list_ = page.get_by_role("button", name="Menu"), page.locator(".md-nav--primary")
    menu.press("Enter")
    inside = "element => element.contains(document.activeElement)"
    assert list_.evaluate(inside)
    expect(page.locator(".md-sidebar--primary")).to_be_in_viewport()
    stops: list[str] = []
    while list_.evaluate(inside):
        assert page.evaluate(SEEN), page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        stops.append(page.evaluate("document.activeElement.textContent.trim()"))
        page.keyboard.press("Tab")
    assert name in stops
    page.keyboard.press("Escape")
    expect(list_).to_be_hidden()
    expect(menu).to_be_focused()


def test_the_keyboard_passes_an_open_editor_by_until_it_is_used(new_page: NewPage) -> None:
    page = new_page(MOST_BLOCKS)
    block = first_block(page)
    editor, more = block.editor, block.button("More")
    block.button("Edit").press("Enter")
    edits = "Object.keys(localStorage).filter(key => key.startsWith('livedoc:')).length"
    expect(editor).to_be_focused()
    page.keyboard.press("Escape")
    for key in ("Tab", "Shift+Tab"):
        (more if key == "Tab" else block.element.locator("[data-promised]")).focus()
        for _ in range(4):
            page.keyboard.press(key)
        expect(editor).not_to_be_focused()
        assert page.evaluate(edits) == 0
    more.press("Tab")
    expect(editor).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    expect(editor).to_be_focused()
    assert page.evaluate(edits) == 1


def test_the_number_of_results_is_told(new_page: NewPage) -> None:
    page = new_page("/")
    search(page, "renew")
    expect(page.locator(".md-search [role=status]")).to_contain_text("matching document")


def test_search_needs_no_mouse_and_fetches_nothing_before(new_page: NewPage) -> None:
    page = new_page("/")
    requested = requests(page)
    page.reload(wait_until="networkidle")
    assert [url for url in requested if re.search("search_index|workers/search[.]", url)] == []
    search(page, "renew")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sessions/**")
    assert "h=renew" in page.url


def test_the_keyboard_alone_is_enough(new_page: NewPage) -> None:
    page = new_page("/")
    block = first_block(page)
    press(block.button("Run"))
    block.wait_for("done")
    press(block.button("Edit"))
    expect(block.editor).to_be_focused()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.insert_text("if True:\n")
    page.keyboard.press("Tab")
    page.keyboard.insert_text("print('typed')")
    page.keyboard.press("Escape")
    expect(block.button("Run")).to_be_focused()
    page.keyboard.press("Enter")
    expect(block.output).to_have_text("typed\n")


def test_a_keyboard_and_a_small_screen_are_enough_to_run_break_repair_share_and_reset(new_page: NewPage) -> None:
    page = new_page("/", viewport=PHONE, has_touch=True, permissions=CLIPBOARD)
    block = first_block(page)
    press(block.button("Run"))
    assert block.ended() == block.expected

    press(block.button("Edit"))
    expect(block.editor).to_be_focused()
    page.keyboard.press("ControlOrMeta+Home")
    page.keyboard.type("{}['coat']\n")
    page.keyboard.press("ControlOrMeta+Enter")
    assert block.ended() == "failed: "
    page.keyboard.press("ControlOrMeta+Home")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Delete")
    page.keyboard.type("print('repaired')\n")
    page.keyboard.press("Escape")
    expect(block.button("Run")).to_be_focused()
    page.keyboard.press("Enter")
    assert block.ended() == f"done: repaired\n{block.expected_output}"

    press(block.button("More"))
    press(block.button("Share"))
    expect(block.announcement).to_have_text("Link copied")
    press(block.button("Reset"), "Shift+Tab")
    expect(block.editor).to_have_count(0)
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    page.reload()
    expect(block.editor).to_contain_text("print('repaired')")
    assert width_of(page) == PHONE["width"]


def press(wanted: Locator, way: str = "Tab") -> None:
    """Go there with Tab, and press Enter."""
    for _ in range(100):
        if wanted.evaluate("element => element === document.activeElement"):
            wanted.page.keyboard.press("Enter")
            return
        wanted.page.keyboard.press(way)
    pytest.fail(f"a hundred times {way} do not reach {wanted}")


def test_every_button_works_by_touch(new_page: NewPage) -> None:
    page = new_page("/storages/", viewport=PHONE, has_touch=True, is_mobile=True, permissions=CLIPBOARD)
    block = block_of(page)
    before = block.code
    block.button("Run").tap()
    assert block.ended() == block.expected
    block.button("Edit").tap()
    expect(block.editor).to_be_focused()
    block.editor.fill("while True:\n    pass")
    block.button("Run").tap()
    block.wait_for("running")
    block.button("Stop").tap()
    block.wait_for("stopped")
    block.button("More").tap()
    for name, said in {"Copy": "Copied", "Share": "Link copied", "Download": "Downloaded"}.items():
        block.button(name).tap()
        expect(block.status).to_have_text(said)
    block.button("Reset").tap()
    assert block.code == before


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_for_those_who_asked_for_that(
    new_page: NewPage, motion: Literal["reduce", "no-preference"]
) -> None:
    page = new_page(MOST_BLOCKS)
    page.emulate_media(reduced_motion=motion)
    block, moving = first_block(page).element, []
    for state in STATES:
        block.evaluate("(block, state) => { block.dataset.state = state }", state)
        moving += page.evaluate("document.getAnimations().map(animation => animation.animationName)")
    styles = page.evaluate(f"[...document.querySelectorAll('*')].flatMap({MOTION})")
    assert (not moving and set(styles) == {"auto", "0s"}) is (motion == "reduce")


@pytest.mark.parametrize("path", [*PAGES, LOST])
def test_a_page_without_javascript_is_complete_and_offers_nothing_that_it_cannot_do(
    new_page: NewPage, path: str
) -> None:
    page = new_page(path, java_script_enabled=False)
    assert page.get_by_role("button").count() == 0
    assert page.get_by_role("textbox").count() == 0
    for block in page.locator("[data-snippet]").all():
        if not block.is_visible():  # in the other tab of two
            continue
        expect(block.locator("pre").first).to_be_visible()
        expect(block.locator("[data-promised]")).to_be_visible()
        expect(block.get_by_text("the output that the tests saw")).to_be_visible()
        parts = block.locator("div").all()
        assert [part.inner_text() for part in parts if part.is_visible() and not part.inner_text().strip()] == []


def walk(page: Page, key: str) -> list[dict[str, Any]]:
    """The elements that `key` leads to, from one end of the page to the other."""
    stops = page.evaluate_handle("[]")
    for _ in range(1000):
        page.keyboard.press(key)
        if not page.evaluate(STOP, stops):
            seen: list[dict[str, Any]] = stops.evaluate(
                "stops => stops.map(stop => ({...stop, unfocused: stop.ring()}))"
            )
            return seen
    pytest.fail(f"a thousand times {key} do not lead to the end")
