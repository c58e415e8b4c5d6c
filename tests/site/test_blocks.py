"""A block in a real Chromium: it starts early, stops always, keeps edits, shares them, and shows what came of a run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, expect

from tests.support.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page, Route, Worker

    NewPage = Callable[..., Page]

ENDED = re.compile("done|failed|stopped")
BLOCK = "[data-snippet][data-state]"
PHONE = {"width": 390, "height": 844}
EDITED = "storages/write_and_read.py"
PYTHON = re.compile("/assets/livedoc/(worker|python)-")
EDITOR = re.compile("/assets/livedoc/editor-")
# The edit of a snippet as it never was: {"block": "storages/write_and_read.py:use", "hash": "00000000", ...}
OLD_LINK = (
    "#try=1.LcFBCoAgEAXQq8TfWCDV2rMEMamoFCozRkR09za992A7it1hIK0wBS_Txan5lbJb2ZMb621"
    "O8dCIJBEG8w8aYjnVBoPKKbdeHSWHjkJRw5Lxfg"
)


@pytest.fixture
def page(new_page: NewPage) -> Page:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/storages/")
    return page


@pytest.fixture
def block(page: Page) -> Locator:
    return block_of(page)


def block_of(page: Page) -> Locator:
    return page.locator(f'[data-snippet="{EDITED}"]').first


def button(block: Locator, name: str) -> Locator:
    return block.get_by_role("button", name=re.compile(f"^{name}"))


def run(block: Locator) -> str:
    """The state in which a run ends, and what it printed."""
    button(block, "Run").click()
    return ended(block)


def ended(block: Locator) -> str:
    expect(block).to_have_attribute("data-state", ENDED)
    return f"{block.get_attribute('data-state')}: {text(block, 'data-output')}"


def text(block: Locator, marker: str) -> str:
    return block.locator(f"[{marker}]").text_content() or ""


def editor(block: Locator) -> Locator:
    return block.get_by_role("textbox")


def shown(block: Locator) -> str:
    """The code that the reader sees."""
    return block.locator(".snippet-code:visible, .snippet-editing .cm-content").inner_text()


def edit(block: Locator, code: str) -> None:
    button(block, "Edit").click()
    editor(block).fill(code)


@contextmanager
def traced(page: Page) -> Iterator[list[dict[str, Any]]]:
    """Gives a list that has what Chromium did in the meantime, once it is over."""
    browser = page.context.browser
    assert browser
    events: list[dict[str, Any]] = []
    browser.start_tracing(page=page, categories=["disabled-by-default-devtools.timeline", "__metadata"])
    yield events
    events += json.loads(browser.stop_tracing())["traceEvents"]


def longest_task(events: list[dict[str, Any]]) -> float:
    """Milliseconds of processor time, to which other work on the machine does not add, on the page's own thread."""
    named = [event for event in events if event["name"] == "thread_name"]
    pages = {(event["pid"], event["tid"]) for event in named if event["args"]["name"] == "CrRendererMain"}
    tasks = [event for event in events if event["name"] == "RunTask" and (event["pid"], event["tid"]) in pages]
    return max(int(task.get("tdur", 0)) for task in tasks) / 1000


def pythons(page: Page) -> list[Worker]:
    return [worker for worker in page.workers if PYTHON.search(worker.url)]


def wait_for_python(block: Locator) -> None:
    assert run(block) == f"done: {text(block, 'data-promised')}"


def announcements(block: Locator) -> Callable[[], list[str]]:
    """What a screen reader was told since it was last asked."""
    block.evaluate("""block => {
        const region = block.querySelector("[role=status]")
        block.told = []
        new MutationObserver(() => block.told.push(region.textContent)).observe(region, { childList: true })
    }""")

    def told() -> list[str]:
        announced: list[str] = block.evaluate("block => block.told.splice(0)")
        return announced

    return told


# Start


@pytest.mark.parametrize("come", [lambda run: run.hover(), lambda run: run.focus()], ids=["pointer", "focus"])
def test_python_starts_when_the_reader_comes_near_run(page: Page, come: Callable[[Locator], None]) -> None:
    block = block_of(page)
    with page.expect_worker(lambda worker: bool(PYTHON.search(worker.url))):
        come(button(block, "Run"))
    expect(block).to_have_attribute("data-state", "idle")
    assert run(block) == f"done: {text(block, 'data-promised')}"
    assert len(pythons(page)) == 1


def test_a_reader_who_saves_data_starts_nothing_by_coming_near(new_page: NewPage) -> None:
    page = new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.add_init_script("Object.defineProperty(navigator, 'connection', { value: { saveData: true } })")
    page.goto("/storages/")
    button(block_of(page), "Run").hover()
    button(block_of(page), "Edit").focus()
    block_of(page).locator(".snippet-code").hover()
    page.wait_for_load_state("networkidle")
    assert pythons(page) == []
    assert [url for url in requested if EDITOR.search(url)] == []


def test_the_size_is_said_before_the_click_and_counted_while_it_loads(page: Page) -> None:
    block = block_of(page)
    status = block.locator(".snippet-status")
    before = re.fullmatch(r"Runs in your browser: up to (\d\.\d) MB, once", status.text_content() or "")
    assert before
    status.evaluate("""status => {
        document.said = []
        new MutationObserver(() => document.said.push(status.textContent)).observe(status, { childList: true })
    }""")
    wait_for_python(block)
    steps = [re.fullmatch(r"Loading Python, (\d\.\d) of (\d\.\d) MB", said) for said in page.evaluate("document.said")]
    shown = [(float(step[1]), float(step[2])) for step in steps if step]
    assert shown
    assert shown == sorted(shown), "it goes forward only"
    assert all(loaded <= total <= float(before[1]) for loaded, total in shown)


def test_a_package_that_a_block_does_not_import_is_not_loaded_for_it(page: Page) -> None:
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    block = block_of(page)
    button(block, "More").click()
    button(block, "Whole file").click()
    edit(block, "import json\nprint(json.dumps([1]))\n")
    assert run(block) == "done: [1]\n"
    assert [url for url in requested if url.endswith(".whl")] == []


def test_the_packages_of_a_block_come_before_python_is_there(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/*.wasm", hold)
    block = block_of(page)
    with page.expect_request("**/*.wasm"), page.expect_request("**/coatcheck-*.whl"):
        button(block, "Run").click()
    while not held:
        page.wait_for_timeout(10)
    expect(block).to_have_attribute("data-state", "starting")
    held.pop().continue_()
    expect(block).to_have_attribute("data-state", "done")


# Stop


LOOP = "print('busy')\nwhile True:\n    pass"
SLEEP = "import time\nprint('busy')\ntime.sleep(60)"
AWAIT = "import asyncio\nprint('busy')\nawait asyncio.sleep(60)"
EVENT = "import asyncio\nprint('busy')\nawait asyncio.Event().wait()"
PRINT = "while True:\n    print('busy')"
LOOP_THAT_CATCHES = """\
print('busy')
while True:
    try:
        while True:
            pass
    except BaseException:
        pass"""
AWAIT_THAT_CATCHES = """\
import asyncio
print('busy')
while True:
    try:
        await asyncio.sleep(60)
    except BaseException: ..."""


@pytest.mark.parametrize(
    "program",
    [LOOP, SLEEP, AWAIT, EVENT, PRINT, LOOP_THAT_CATCHES, AWAIT_THAT_CATCHES],
    ids=["loop", "sleep", "await", "event", "print", "loop that catches", "await that catches"],
)
def test_stop_ends_whatever_runs_and_the_next_run_works(block: Locator, program: str) -> None:
    begin(block, program)
    button(block, "Stop").click()
    expect(block).to_have_attribute("data-state", "stopped")
    edit(block, "print('off')")
    assert run(block) == "done: off\n"


# Of time, here, only what the page gives a program counts. How long a reader waits is in tests/benchmarks/player.


@pytest.mark.parametrize(("program", "given"), [(LOOP, 100), (AWAIT, 0), (EVENT, 0)], ids=["loop", "await", "event"])
def test_where_the_page_is_isolated_stop_is_quick_and_python_stays(new_page: NewPage, program: str, given: int) -> None:
    page = at_the_pages_time(new_page())
    assert page.evaluate("crossOriginIsolated")
    block = block_of(page)
    wait_for_python(block)
    before = pythons(page)
    begin(block, program)
    stop_within(block, given)
    edit(block, "print('off')")
    assert run(block) == "done: off\n"
    assert pythons(page) == before


@pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "not isolated"])
@pytest.mark.parametrize(
    "program", [LOOP, LOOP_THAT_CATCHES, AWAIT_THAT_CATCHES], ids=["loop", "loop that catches", "await that catches"]
)
def test_a_program_that_goes_on_none_the_less_has_less_than_two_seconds(
    new_page: NewPage, program: str, *, isolated: bool
) -> None:
    page = new_page()
    if not isolated:
        page.route("**/storages/", without_isolation)
    block = block_of(at_the_pages_time(page))
    assert page.evaluate("crossOriginIsolated") is isolated
    begin(block, program)
    stop_within(block, 2000)
    edit(block, "print('off')")
    assert run(block) == "done: off\n"


def without_isolation(route: Route) -> None:
    """As `mkdocs serve` sends a page."""
    response = route.fetch()
    headers = {name: value for name, value in response.headers.items() if not name.startswith("cross-origin-")}
    route.fulfill(response=response, headers=headers)


def begin(block: Locator, program: str) -> None:
    edit(block, program)
    button(block, "Run").click()
    expect(block.locator("[data-output]")).to_contain_text("busy")


def at_the_pages_time(page: Page) -> Page:
    """A page whose time a test can hold; until then it goes by as ever."""
    page.clock.install(time=0)
    page.goto("/storages/")
    return page


def stop_within(block: Locator, milliseconds: int) -> None:
    """Stop, while no more time than this passes for the page, however long that takes."""
    clock = block.page.clock
    clock.pause_at(3600)  # seconds; all that was due is done
    button(block, "Stop").click()
    clock.run_for(milliseconds)
    expect(block).to_have_attribute("data-state", "stopped")
    clock.resume()


def test_a_program_that_prints_a_million_lines_neither_fills_nor_stops_the_page(block: Locator) -> None:
    wait_for_python(block)
    edit(block, "for line in range(1_000_000):\n    print('line', line)")
    with traced(block.page) as events:
        result = run(block)
    assert result.startswith("done: line 0\nline 1\n")
    assert result.endswith("\n[The rest is not shown.]\n")
    assert len(result) < 101_000
    assert 0 < longest_task(events) <= 100  # tests/benchmarks/player has the figure that readers see


# Edit


def test_the_editor_comes_with_edit_and_not_before(page: Page) -> None:
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    block = block_of(page)
    wait_for_python(block)
    assert [url for url in requested if EDITOR.search(url)] == []
    button(block, "Edit").click()
    expect(editor(block)).to_be_focused()
    assert len([url for url in requested if EDITOR.search(url)]) == 1


@pytest.mark.parametrize("come", [Locator.hover, Locator.focus], ids=["pointer", "focus"])
@pytest.mark.parametrize("place", [".snippet-edit", ".snippet-code code"], ids=["Edit", "code"])
def test_the_editor_is_fetched_when_the_reader_comes_near(
    new_page: NewPage, place: str, come: Callable[[Locator], None]
) -> None:
    page = new_page(viewport=PHONE)
    page.goto("/storages/")
    element = block_of(page).locator(place)
    expect(block_of(page).locator(".snippet-code code")).to_have_attribute("tabindex", "0")  # what scrolls has it
    with page.expect_request(EDITOR):
        come(element)
    expect(editor(block_of(page))).to_have_count(0)


def test_an_edit_survives_a_reload_and_can_be_thrown_away(page: Page) -> None:
    block = block_of(page)
    shown = block.locator(".snippet-code").inner_text()
    edit(block, "print('mine')")
    page.reload()
    expect(editor(block)).to_contain_text("print('mine')")
    expect(block.locator(".snippet-notice")).to_have_text("This is your edit. Reset brings the original one back.")
    assert run(block) == "done: mine\n"
    page.goto("/sessions/")
    page.go_back()
    expect(editor(block)).to_contain_text("print('mine')")
    button(block, "Reset").click()
    page.reload()
    expect(editor(block)).to_have_count(0)
    assert block.locator(".snippet-code").inner_text() == shown


def test_an_edit_that_is_undone_is_none(page: Page) -> None:
    block = block_of(page)
    button(block, "Edit").click()
    editor(block).press("x")
    assert page.evaluate("localStorage.getItem('livedoc:storages/write_and_read.py:use')")
    editor(block).press("ControlOrMeta+z")
    assert page.evaluate("localStorage.getItem('livedoc:storages/write_and_read.py:use')") is None
    page.reload()
    expect(button(block, "Edit")).to_be_visible()
    expect(block.locator(".snippet-notice")).to_be_hidden()


def test_copy_gives_the_whole_script_with_the_edit(block: Locator) -> None:
    edit(block, "print('mine')")
    button(block, "Copy").click()
    expect(block.locator(".snippet-status")).to_have_text("Copied")
    script = (PROJECT / "snippets" / EDITED).read_text()
    above, _, rest = script.partition("    # --8<-- [start:use]\n")
    below = rest.partition("    # --8<-- [end:use]\n")[2]
    copied = block.page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{above}    print('mine')\n{below}"


def test_an_edit_is_shown_and_runs_where_the_editor_cannot_be_loaded(browser: Browser, server: str) -> None:
    context = browser.new_context(base_url=server, service_workers="block")  # what is not loaded is an error there
    page = context.new_page()
    page.goto("/storages/")
    block = block_of(page)
    edit(block, "print('mine')")
    page.route(EDITOR, lambda route: route.abort())
    page.reload()
    status = block.locator(".snippet-status")
    expect(status).to_have_text("The editor could not be loaded: Edit tries again")
    assert shown(block) == "print('mine')"
    assert run(block) == "done: mine\n"
    button(block, "Edit").click()
    expect(status).to_have_text("The editor could not be loaded: Edit tries again")
    page.unroute(EDITOR)
    button(block, "Edit").click()
    expect(editor(block)).to_have_text("print('mine')")
    expect(status).to_contain_text("Finished")
    context.close()


def test_an_editor_that_is_still_coming_does_not_open_after_reset(page: Page) -> None:
    block = block_of(page)
    before = shown(block)
    edit(block, "print('mine')")
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route(EDITOR, hold)
    page.reload()
    button(block, "Reset").click()
    with page.expect_response(EDITOR):
        waiting[0].continue_()
    page.evaluate("new Promise(resolve => setTimeout(resolve, 100))")  # it would be open by now
    expect(editor(block)).to_have_count(0)
    assert shown(block) == before


def test_a_block_that_is_on_a_page_twice_has_ids_of_its_own(page: Page) -> None:
    def twice(route: Route) -> None:
        response = route.fetch()
        once = rf'<div class="snippet" data-snippet="{EDITED}".*?</template><p [^>]*>[^<]*</p></div>'
        body, found = re.subn(once, lambda block: block[0] * 2, response.text(), flags=re.DOTALL)
        assert found == 1
        route.fulfill(response=response, body=body)

    page.route("**/storages/", twice)
    page.reload()
    blocks = page.locator(f'[data-snippet="{EDITED}"]')
    for place in (0, 1):
        button(blocks.nth(place), "Edit").click()
        expect(editor(blocks.nth(place))).to_be_focused()
    ids = page.locator("[id]").evaluate_all("elements => elements.map(({ id }) => id)")
    assert sorted(set(ids)) == sorted(ids)


def test_an_edit_of_a_snippet_that_has_changed_since_says_so(page: Page) -> None:
    edit(block_of(page), "print('mine')")
    page.evaluate("""() => {
        const key = Object.keys(localStorage).find(key => key.startsWith("livedoc:"))
        localStorage[key] = JSON.stringify({ ...JSON.parse(localStorage[key]), hash: "00000000" })
    }""")
    page.reload()
    expect(block_of(page).locator(".snippet-notice")).to_contain_text("an earlier version of this snippet")
    expect(editor(block_of(page))).to_contain_text("print('mine')")


def test_an_edit_of_one_block_is_not_shown_in_another(page: Page) -> None:
    edit(block_of(page), "print('mine')")
    page.reload()
    expect(editor(block_of(page))).to_be_visible()
    expect(page.get_by_role("textbox", name=re.compile("^Code"))).to_have_count(1)


def test_a_reader_whose_browser_keeps_nothing_is_told(new_page: NewPage) -> None:
    page = new_page()
    page.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }")
    page.goto("/storages/")
    edit(block_of(page), "print('mine')")
    expect(block_of(page).locator(".snippet-notice")).to_contain_text("keeps nothing")
    assert run(block_of(page)) == "done: mine\n"


def test_what_is_said_of_a_run_is_not_said_of_an_edit_after_it(block: Locator) -> None:
    wait_for_python(block)
    edit(block, "print('other')")
    expect(block.locator(".snippet-status")).to_have_text("Edited, not run yet")
    expect(block).to_have_attribute("data-state", "idle")
    told = announcements(block)
    button(block, "Reset").click()
    assert told()[-1] == "The original is back"


def test_escape_leaves_the_editor_and_control_enter_runs(block: Locator) -> None:
    edit(block, "print('typed')")
    editor(block).press("ControlOrMeta+Enter")
    assert ended(block) == "done: typed\n"
    editor(block).press("Escape")
    expect(button(block, "Run")).to_be_focused()


# Share


def link_to(block: Locator) -> str:
    button(block, "More").click()
    button(block, "Share").click()
    expect(block.get_by_role("status")).to_have_text("Link copied")
    link: str = block.page.evaluate("navigator.clipboard.readText()")
    assert block.locator(".snippet-link").get_attribute("href") == link
    return link


def test_a_link_brings_the_edit_to_another_reader_and_runs_nothing_by_itself(block: Locator, new_page: NewPage) -> None:
    edit(block, "print('shared')")
    link = link_to(block)
    other = new_page()
    other.goto(link)
    expect(editor(block_of(other))).to_contain_text("print('shared')")
    expect(block_of(other)).to_be_in_viewport()
    expect(block_of(other).locator(".snippet-notice")).to_contain_text("This edit came with the link.")
    expect(block_of(other)).to_have_attribute("data-state", "idle")
    assert run(block_of(other)) == "done: shared\n"
    other.goto("/")
    other.goto("/storages/")
    expect(editor(block_of(other))).to_have_count(0)


def test_a_link_opens_on_the_page_that_is_shown_already(block: Locator) -> None:
    edit(block, "print('shared')")
    link = link_to(block)
    button(block, "Reset").click()
    block.page.evaluate("link => { location.hash = new URL(link).hash }", link)
    expect(editor(block)).to_contain_text("print('shared')")


THEIRS = "This edit came with the link. Reset brings the original one back."
OVER_MINE = "This edit came with the link. Reset brings your own one back, as long as you change nothing here."
MINE = "This is your edit. Reset brings the original one back."


@pytest.fixture
def link(block: Locator) -> str:
    """To a block that prints "shared". The reader has no edit any more, and is on the page."""
    edit(block, "print('shared')")
    link = link_to(block)
    button(block, "Reset").click()
    return link


def test_a_link_is_shown_and_run_before_an_edit_that_was_kept(block: Locator, link: str) -> None:
    edit(block, "print('mine')")
    block.page.goto("/sessions/")
    block.page.goto(link)
    expect(editor(block)).to_have_text("print('shared')")
    expect(block.locator(".snippet-notice")).to_have_text(OVER_MINE)
    assert run(block) == "done: shared\n"


def test_a_link_to_the_original_is_shown_and_run_before_an_edit_that_was_kept(block: Locator) -> None:
    before = shown(block)
    link = link_to(block)
    edit(block, "print('mine')")
    block.page.evaluate("link => { location.hash = new URL(link).hash }", link)
    expect(editor(block)).to_have_count(0)
    assert shown(block) == before
    wait_for_python(block)
    button(block, "Reset").click()
    expect(editor(block)).to_have_text("print('mine')")


def test_a_link_that_comes_while_another_edit_is_open_is_shown_and_run(block: Locator, link: str) -> None:
    edit(block, "print('mine')\nwhile True:\n    pass")
    button(block, "Run").click()
    expect(block.locator("[data-output]")).to_have_text("mine\n")
    block.page.evaluate("link => { location.hash = new URL(link).hash }", link)
    expect(editor(block)).to_have_text("print('shared')")
    expect(block, "what runs no longer is what is shown").to_have_attribute("data-state", "idle")
    assert run(block) == "done: shared\n"


def test_a_link_is_opened_once_although_the_theme_then_fetches_the_page_anew(block: Locator, link: str) -> None:
    page = block.page
    with held(page, "storages") as let_come:
        page.evaluate("link => { location.hash = new URL(link).hash }", link)
        expect(editor(block)).to_have_text("print('shared')")
        assert run(block) == "done: shared\n"
    swapped(page, let_come)
    assert f"{block.get_attribute('data-state')}: {text(block, 'data-output')}" == "done: shared\n"
    assert run(block) == "done: shared\n"


def test_a_link_that_was_left_stays_so_although_the_theme_then_fetches_the_page_anew(block: Locator, link: str) -> None:
    page, before = block.page, shown(block)
    with held(page, "storages") as let_come:
        page.evaluate("link => { location.hash = new URL(link).hash }", link)
        expect(editor(block)).to_have_text("print('shared')")
        button(block, "Reset").evaluate("button => button.click()")  # without a scroll before
    scrolled = page.evaluate("scrollY")
    swapped(page, let_come)
    assert page.evaluate("scrollY") == scrolled > 0
    wait_for_python(block)
    assert shown(block) == before
    assert page.url.endswith("/storages/")


def test_what_the_reader_makes_of_a_link_is_theirs_after_a_reload(block: Locator, link: str) -> None:
    block.page.goto(link)
    block.page.reload()
    expect(block.locator(".snippet-notice")).to_have_text(THEIRS)
    edit(block, "print('mine')")
    expect(block.locator(".snippet-notice")).to_be_hidden()
    assert block.page.url.endswith("/storages/")
    block.page.reload()
    expect(block.locator(".snippet-notice")).to_have_text(MINE)
    expect(editor(block)).to_have_text("print('mine')")
    assert run(block) == "done: mine\n"


def test_reset_throws_a_link_away_for_good(block: Locator, link: str) -> None:
    before = shown(block)
    block.page.goto(link)
    block.page.reload()
    expect(editor(block)).to_have_text("print('shared')")
    button(block, "Reset").click()
    assert shown(block) == before
    block.page.reload()
    expect(block).to_contain_text("Runs in your browser")
    assert shown(block) == before
    wait_for_python(block)


def test_reset_takes_a_link_away_from_over_an_edit_and_then_the_edit(block: Locator, link: str) -> None:
    before = shown(block)
    edit(block, "print('mine')")
    block.page.evaluate("link => { location.hash = new URL(link).hash }", link)
    expect(editor(block)).to_have_text("print('shared')")
    button(block, "Reset").click()
    expect(editor(block)).to_have_text("print('mine')")
    expect(block.locator(".snippet-notice")).to_have_text(MINE)
    expect(block.get_by_role("status")).to_have_text(MINE)
    assert run(block) == "done: mine\n"
    block.page.reload()
    expect(editor(block)).to_have_text("print('mine')")
    button(block, "Reset").click()
    assert shown(block) == before
    block.page.reload()
    assert shown(block) == before


def test_the_link_that_was_made_is_gone_once_the_code_is_another(block: Locator) -> None:
    edit(block, "print('shared')")
    link_to(block)
    expect(block.locator(".snippet-link")).to_be_visible()
    editor(block).press("x")
    expect(block.locator(".snippet-link")).to_be_hidden()


def test_a_link_to_an_earlier_version_says_so(page: Page) -> None:
    page.goto(f"/storages/{OLD_LINK}")
    expect(block_of(page).locator(".snippet-notice")).to_contain_text("an earlier version of this snippet")
    expect(editor(block_of(page))).to_contain_text("print('long ago')")


def test_a_damaged_link_says_so_and_harms_nothing(page: Page) -> None:
    page.goto(f"/storages/{OLD_LINK[:-10]}")
    expect(page.get_by_role("complementary", name="Shared code")).to_contain_text("This link is damaged")
    wait_for_python(block_of(page))
    page.evaluate("link => { location.hash = link }", OLD_LINK)
    expect(editor(block_of(page))).to_have_text("print('long ago')")
    expect(page.get_by_role("complementary", name="Shared code")).to_have_count(0)


def test_a_link_to_a_block_that_is_gone_still_brings_the_code(page: Page) -> None:
    page.goto(f"/sessions/{OLD_LINK}")
    expect(page.get_by_role("complementary", name="Shared code")).to_contain_text("print('long ago')")


def test_a_keyboard_and_a_small_screen_are_enough_to_run_break_repair_share_and_reset(new_page: NewPage) -> None:
    page = new_page(viewport=PHONE, has_touch=True, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/")
    block = page.locator(BLOCK).first
    press(button(block, "Run"))
    assert ended(block) == f"done: {text(block, 'data-promised')}"

    press(button(block, "Edit"))
    expect(editor(block)).to_be_focused()
    page.keyboard.press("ControlOrMeta+Home")
    page.keyboard.type("{}['coat']\n")
    page.keyboard.press("ControlOrMeta+Enter")
    assert ended(block) == "failed: "
    page.keyboard.press("ControlOrMeta+Home")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Delete")
    page.keyboard.type("print('repaired')\n")
    page.keyboard.press("Escape")
    expect(button(block, "Run")).to_be_focused()
    page.keyboard.press("Enter")
    assert ended(block) == f"done: repaired\n{text(block, 'data-promised')}"

    press(button(block, "More"))
    press(button(block, "Share"))
    expect(block.get_by_role("status")).to_have_text("Link copied")
    press(button(block, "Reset"), "Shift+Tab")
    expect(editor(block)).to_have_count(0)
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    page.reload()
    expect(editor(block)).to_contain_text("print('repaired')")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def press(wanted: Locator, way: str = "Tab") -> None:
    """Go there with Tab, and press Enter."""
    for _ in range(60):
        if wanted.evaluate("element => element === document.activeElement"):
            wanted.page.keyboard.press("Enter")
            return
        wanted.page.keyboard.press(way)
    pytest.fail(f"sixty times {way} do not reach {wanted}")


# Output


def test_the_two_streams_are_told_apart(block: Locator) -> None:
    edit(block, "import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint('out')")
    assert run(block) == "done: out\nerr\nout\n"
    expect(block.locator(".snippet-stderr")).to_have_text("err\n")
    colours = block.locator("[data-output], .snippet-stderr").evaluate_all(
        "parts => parts.map(part => getComputedStyle(part).color)"
    )
    assert len(set(colours)) == 2


def test_what_a_program_printed_before_it_hangs_is_seen(block: Locator) -> None:
    edit(block, "for line in range(99):\n    print(line)\nwhile True:\n    pass")
    button(block, "Run").click()
    expect(block.locator("[data-output]")).to_have_text("".join(f"{line}\n" for line in range(99)))


def test_the_last_expression_is_not_echoed(block: Locator) -> None:
    edit(block, "print('a')\n1 + 1")
    assert run(block) == "done: a\n"


def test_colours_of_a_terminal_are_left_out(block: Locator) -> None:
    edit(block, r"print('\x1b[31mred\x1b[0m')")
    assert run(block) == "done: red\n"


def test_what_is_not_as_promised_is_shown_line_by_line_when_asked(block: Locator) -> None:
    wait_for_python(block)
    expect(block.locator(".snippet-status")).to_contain_text("as promised")
    expect(button(block, "How it differs")).to_have_count(0)
    edit(block, "print('something else')")
    assert run(block) == "done: something else\n"
    expect(block.locator(".snippet-status")).to_contain_text("not as promised")
    button(block, "How it differs").click()
    difference = block.locator(".snippet-difference")
    promised = text(block, "data-promised").splitlines()
    assert difference.locator("del").all_text_contents() == [f"- {line}\n" for line in promised]
    assert difference.locator("ins").all_text_contents() == ["+ something else\n"]
    button(block, "How it differs").click()
    expect(difference).to_be_hidden()


def test_a_failed_line_is_marked_and_its_frame_leads_there(block: Locator) -> None:
    edit(block, "print('looking')\n\n{}['coat']")
    assert run(block) == "failed: looking\n"
    expect(block.locator(".snippet-status")).to_contain_text("Failed: KeyError, line ")
    line = int((block.locator(".snippet-status").text_content() or "").rpartition(" ")[2])
    assert line == int(block.get_attribute("data-first") or "") + 2
    expect(block.locator(".cm-failedLine")).to_have_text("{}['coat']")
    block.locator(".snippet-place").last.click()
    expect(editor(block)).to_be_focused()
    block.page.keyboard.press("End")
    block.page.keyboard.type("  # here")
    expect(editor(block)).to_contain_text("{}['coat']  # here")
    expect(block.locator(".cm-failedLine")).to_have_count(0)


def test_a_frame_leads_to_its_line_wherever_the_line_is_by_now(block: Locator) -> None:
    edit(block, "print('looking')\n{}['coat']")
    run(block)
    editor(block).press("ControlOrMeta+Home")
    block.page.keyboard.type("# one\n# two\n")
    button(block, "More").click()
    button(block, "Whole file").click()
    expect(block.locator(".cm-failedLine")).to_have_text("    {}['coat']")
    block.locator(".snippet-place").last.click()
    block.page.keyboard.press("End")
    block.page.keyboard.type("  # here")
    expect(editor(block)).to_contain_text("{}['coat']  # here")
    button(block, "Whole file").click()
    expect(editor(block)).to_contain_text("{}['coat']  # here")
    expect(block.locator(".cm-failedLine"), "it is another line by now").to_have_count(0)


def test_a_line_that_fails_is_marked_though_it_moved_meanwhile(block: Locator) -> None:
    edit(block, "import asyncio\nprint('begun')\nawait asyncio.sleep(1)\n{}['coat']")
    button(block, "Run").click()
    expect(block.locator("[data-output]")).to_contain_text("begun")
    editor(block).press("ControlOrMeta+Home")
    editor(block).press("Enter")
    assert ended(block) == "failed: begun\n"
    expect(block.locator(".cm-failedLine")).to_have_text("{}['coat']")


def test_a_frame_beyond_the_excerpt_leads_into_the_whole_file(block: Locator) -> None:
    edit(block, "raise KeyError('coat')")
    run(block)
    block.locator(".snippet-place").first.click()  # asyncio.run(main())
    expect(editor(block)).to_contain_text("asyncio.run(main())")
    expect(editor(block)).to_be_focused()


# The whole file


def test_the_excerpt_becomes_the_whole_file_and_back(block: Locator) -> None:
    shown = block.locator(".snippet-code").inner_text()
    button(block, "More").click()
    button(block, "Whole file").click()
    expect(button(block, "Whole file")).to_have_attribute("aria-pressed", "true")
    whole = (PROJECT / "snippets" / EDITED).read_text()
    lines = [line for line in whole.splitlines() if "--8<--" not in line]
    assert block.locator(".snippet-code").inner_text().rstrip().splitlines() == lines
    button(block, "Whole file").click()
    assert block.locator(".snippet-code").inner_text() == shown


def test_an_edit_goes_along_into_the_whole_file_and_back(block: Locator) -> None:
    edit(block, "print('mine')")
    button(block, "More").click()
    button(block, "Whole file").click()
    expect(editor(block)).to_contain_text("    print('mine')")
    expect(editor(block)).to_contain_text("asyncio.run(main())")
    button(block, "Whole file").click()
    expect(editor(block)).not_to_contain_text("asyncio.run(main())")
    assert run(block) == "done: mine\n"


def test_an_edit_beyond_the_excerpt_keeps_the_whole_file(block: Locator) -> None:
    button(block, "More").click()
    button(block, "Whole file").click()
    edit(block, "print('all mine')")
    button(block, "Whole file").click()
    expect(block.get_by_role("status")).to_contain_text("the whole file stays")
    assert run(block) == "done: all mine\n"
    block.page.reload()
    expect(editor(block)).to_have_text("print('all mine')")


def test_reset_brings_the_excerpt_back_after_an_edit_beyond_it(block: Locator) -> None:
    before = shown(block)
    button(block, "More").click()
    button(block, "Whole file").click()
    edit(block, "print('all mine')")
    block.page.reload()
    expect(editor(block)).to_have_text("print('all mine')")
    button(block, "More").click()
    expect(button(block, "Whole file")).to_have_attribute("aria-pressed", "true")
    button(block, "Reset").click()
    expect(button(block, "Whole file")).to_have_attribute("aria-pressed", "false")
    assert shown(block) == before


def test_what_is_downloaded_runs_as_the_shell_line_says(block: Locator, tmp_path: Path) -> None:
    button(block, "More").click()
    with block.page.expect_download() as download:
        button(block, "Download").click()
    assert download.value.suggested_filename == Path(EDITED).name
    download.value.save_as(tmp_path / Path(EDITED).name)
    ended = subprocess.run(
        [sys.executable, tmp_path / Path(EDITED).name], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ended.stdout == text(block, "data-promised")
    expect(block.locator(".snippet-shell code")).to_have_text(f"make setup && .venv/bin/python snippets/{EDITED}")
    line = (block.locator(".snippet-shell code").text_content() or "").partition("&& ")[2]
    ended = subprocess.run(line, shell=True, cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S602
    assert ended.stdout == text(block, "data-promised")


# Files


def test_the_files_that_a_run_leaves_are_shown_as_text_and_as_bytes(page: Page) -> None:
    block = page.locator('[data-snippet="storages/directory_storage.py"]').first
    run(block)
    button(block, r"Files it left \(1\)").click()
    files = block.locator(".snippet-files").first
    expect(files).to_contain_text(".sessions/")
    button(files, r"[0-9a-f]{64}\.session, \d+ bytes").click()
    expect(files.get_by_role("group", name=re.compile("as text"))).to_contain_text('{"created":')
    expect(files.get_by_role("group", name=re.compile("as bytes"))).to_contain_text("0000  7b 22 63 72 65 61 74 65  {")


def test_a_run_that_leaves_no_file_offers_none(block: Locator) -> None:
    wait_for_python(block)
    expect(button(block, "Files")).to_have_count(0)


# What a screen reader hears, and what moves


def test_each_change_of_state_is_announced_once(block: Locator) -> None:
    told = announcements(block)
    wait_for_python(block)
    lines = text(block, "data-promised").count("\n")
    spoken = "1 line" if lines == 1 else f"{lines} lines"
    [starting, running, finished] = told()
    assert (starting, running) == ("Starting", "Running")
    assert re.fullmatch(rf"Finished, {spoken}, (under )?\d+\.\d s, as promised", finished)
    edit(block, "{}['coat']")
    run(block)
    assert told() == ["Starting", "Running", f"Failed: KeyError, line {block.get_attribute('data-first')}"]


@pytest.mark.parametrize("options", [{}, {"viewport": PHONE, "has_touch": True}], ids=["desktop", "phone"])
@pytest.mark.parametrize("path", ["/", "/storages/", "/sessions/"])
def test_nothing_moves_when_a_block_runs(new_page: NewPage, path: str, options: dict[str, Any]) -> None:
    page = new_page(**options)
    page.goto(path)
    page.evaluate("document.fonts.ready")
    for block in page.locator(BLOCK).all():
        button(block, "Run").scroll_into_view_if_needed()
        page.evaluate("""() => {
            document.shifts = []
            new PerformanceObserver(list => {
                for (const { value, sources, hadRecentInput } of list.getEntries())
                    if (!hadRecentInput) document.shifts.push([value, ...sources.map(({ node }) => node?.className)])
            }).observe({ type: "layout-shift" })
        }""")
        run(block)
        page.evaluate("new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
        assert page.evaluate("document.shifts") == [], block.get_attribute("data-snippet")


def test_a_block_keeps_its_run_when_the_scheme_changes(page: Page) -> None:
    block = block_of(page)
    edit(block, "import asyncio\nprint('begun')\nawait asyncio.sleep(0.5)\nprint('ended')")
    button(block, "Run").click()
    expect(block.locator("[data-output]")).to_contain_text("begun")
    page.locator("form[data-md-component=palette] label:visible").click()
    assert ended(block) == "done: begun\nended\n"


def test_a_block_is_mounted_once_however_often_it_is_left_and_found_again(page: Page) -> None:
    for _ in range(2):
        page.goto("/sessions/")
        for move in (page.go_back, page.go_forward, page.go_back):
            move()
            expect(page.locator(".snippet-actions").first).to_be_visible()
    block = block_of(page)
    expect(block.locator(".snippet-actions")).to_have_count(1)
    wait_for_python(block)


def as_on_its_host(page: Page) -> None:
    """The theme swaps pages that the sitemap names. It puts this host for the site's there, but not the port."""

    def here(route: Route) -> None:
        response, port = route.fetch(), urlsplit(page.url).port
        route.fulfill(response=response, body=re.sub(r"(?<=<loc>https://)[^/]+", rf"\g<0>:{port}", response.text()))

    page.route("**/sitemap.xml", here)
    page.reload()
    page.wait_for_load_state("networkidle")


@contextmanager
def held(page: Page, name: str) -> Iterator[Callable[[], None]]:
    """Gives what lets a page come that is asked for in the meantime."""
    asked: list[Route] = []
    page.route(f"**/{name}/", lambda route: asked.append(route))  # noqa: PLW0108  # Playwright marks what it is given
    with page.expect_request(f"**/{name}/"):
        yield lambda: asked.pop().continue_()


def swapped(page: Page, do: Callable[[], object]) -> None:
    """Does what has the theme swap the page, and waits until it has."""
    page.evaluate("document.querySelector('article').dataset.before = ''")
    do()
    expect(page.locator("article")).not_to_have_attribute("data-before", "")


def test_blocks_run_after_instant_navigation_back_and_forward(page: Page) -> None:
    as_on_its_host(page)
    page.evaluate("window.swaps = true")
    page.get_by_role("link", name="Sessions", exact=True).first.click()
    page.wait_for_url("**/sessions/")
    for go, path in ((page.go_back, "storages"), (page.go_forward, "sessions"), (page.go_back, "storages")):
        go()
        page.wait_for_url(f"**/{path}/")
        block = page.locator(f'[data-snippet^="{path}/"][data-state]').first
        assert run(block) == f"done: {text(block, 'data-promised')}"
    assert page.evaluate("window.swaps"), "the pages were swapped in place"


def test_a_program_goes_on_while_the_reader_follows_a_link_within_the_page(page: Page) -> None:
    as_on_its_host(page)
    block = block_of(page)
    begin(block, LOOP)
    parts = block.locator(".cm-scroller, .cm-numbers, .cm-content")
    places = "parts => parts.map(part => [part.offsetLeft, part.offsetTop, part.offsetWidth, part.offsetHeight])"
    before = parts.evaluate_all(places)
    link = page.locator(".md-content a.headerlink").last
    swapped(page, link.click)
    assert page.url == link.get_attribute("href")
    expect(block).to_have_attribute("data-state", "running")
    assert text(block, "data-output") == "busy\n"
    assert parts.evaluate_all(places) == before
    editor(block).press("Control+z")
    expect(editor(block)).not_to_contain_text("busy")
    editor(block).fill("print('mended')")
    button(block, "Stop").click()
    expect(block).to_have_attribute("data-state", "stopped")
    assert run(block) == "done: mended\n"


def test_every_button_works_by_touch(new_page: NewPage) -> None:
    page = new_page(viewport=PHONE, has_touch=True, is_mobile=True, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/storages/")
    block = block_of(page)
    before = shown(block)
    button(block, "Run").tap()
    assert ended(block) == f"done: {text(block, 'data-promised')}"
    button(block, "Edit").tap()
    expect(editor(block)).to_be_focused()
    editor(block).fill("while True:\n    pass")
    button(block, "Run").tap()
    expect(block).to_have_attribute("data-state", "running")
    button(block, "Stop").tap()
    expect(block).to_have_attribute("data-state", "stopped")
    button(block, "More").tap()
    button(block, "Whole file").tap()
    expect(editor(block)).to_contain_text("asyncio.run(main())")
    for name, said in {"Copy": "Copied", "Share": "Link copied", "Download": "Downloaded"}.items():
        button(block, name).tap()
        expect(block.locator(".snippet-status")).to_have_text(said)
    button(block, "Reset").tap()
    assert shown(block) == before


def test_the_player_leaves_nothing_among_the_globals_of_the_page(page: Page) -> None:
    wait_for_python(block_of(page))
    assert page.evaluate("Object.keys(window).filter(name => /livedoc|coatcheck|pyodide/i.test(name))") == []


def test_blocks_work_without_instant_navigation(new_page: NewPage) -> None:
    def without_instant_navigation(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=response.text().replace('"navigation.instant",', ""))

    page = new_page()
    page.route(re.compile("/(storages/)?$"), without_instant_navigation)
    page.goto("/")
    page.evaluate("document.documentElement.dataset.kept = 'yes'")
    page.get_by_role("link", name="Storages", exact=True).first.click()
    page.wait_for_url("**/storages/")
    expect(page.locator("html"), "the page was swapped in place").not_to_have_attribute("data-kept", "yes")
    wait_for_python(block_of(page))
    page.go_back()
    block = page.locator(BLOCK).first
    assert run(block) == f"done: {text(block, 'data-promised')}"


@pytest.mark.parametrize("path", ["/", "/storages/", "/sessions/", "/contributing/", "/from-ktor/", "/blocks/"])
def test_every_button_works_under_the_policy_of_the_site(new_page: NewPage, path: str) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.add_init_script("""
        window.refused = []
        addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
            refused.push([violatedDirective, blockedURI]))
    """)
    page.goto(path)
    for block in page.locator(f"{BLOCK}:visible").all():
        for name in ("Run", "Edit", "More", "Whole file", "Share", "Copy", "Reset"):
            button(block, name).click()
            if name == "Run":
                ended(block)
            if name == "Edit":
                expect(editor(block)).to_be_focused()
        with page.expect_download():
            button(block, "Download").click()
    page.keyboard.press("/")
    page.keyboard.type("session")
    expect(page.locator(".md-search-result__item").first).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("form[data-md-component=palette] label:visible").click()
    assert page.evaluate("refused") == []


def test_the_last_run_of_two_blocks_wins_and_python_stays(page: Page) -> None:
    first, second = page.locator(BLOCK).nth(0), block_of(page)
    wait_for_python(second)
    before = pythons(page)
    edit(second, "print('busy')\nwhile True:\n    pass")
    button(second, "Run").click()
    expect(second.locator("[data-output]")).to_have_text("busy\n")
    assert run(first) == f"done: {text(first, 'data-promised')}"
    expect(second).to_have_attribute("data-state", "stopped")
    assert pythons(page) == before
