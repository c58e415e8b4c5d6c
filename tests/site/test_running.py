"""Run and Stop in a real Chromium: each block prints what its page says, Python starts early, and Stop stops."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.block import Block, block_of, blocks_of, first_block
from tests.support.page import (
    EDITOR,
    PYTHON,
    NewPage,
    held,
    pythons,
    requests,
    rewrite,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Route


WASM = "pyodide.asm.wasm"


def each_runs_as_expected(page: Page) -> None:
    blocks = blocks_of(page)
    results = [(block.path, block.run()) for block in blocks]
    assert results == [(block.path, block.expected) for block in blocks]


def worker_begins_with(page: Page, script: str) -> None:
    rewrite(page, "**/worker-*.js", lambda text: f"{script}\n{text}")


def test_python_compiles_while_its_javascript_is_read(new_page: NewPage) -> None:
    page = new_page()
    worker_begins_with(page, "WebAssembly.instantiateStreaming = () => Promise.reject(new Error('later'))")
    page.goto("/storages/")
    assert first_block(page).run().startswith("done: ")


def test_each_block_does_so_without_stack_switching(new_page: NewPage) -> None:
    page = new_page()
    worker_begins_with(page, "delete WebAssembly.Suspending")
    page.goto("/storages/")
    each_runs_as_expected(page)
    [worker] = pythons(page)
    assert worker.evaluate("'Suspending' in WebAssembly") is False


# Start


@pytest.mark.parametrize("come", [Locator.hover, Locator.focus], ids=["pointer", "focus"])
def test_python_starts_when_the_reader_comes_near_run(block: Block, come: Callable[[Locator], None]) -> None:
    with block.page.expect_worker(lambda worker: bool(PYTHON.search(worker.url))):
        come(block.button("Run"))
    block.wait_for("idle")
    assert block.run() == block.expected
    assert len(pythons(block.page)) == 1


def test_a_reader_who_saves_data_starts_nothing_by_coming_near(new_page: NewPage) -> None:
    page = new_page()
    requested, block = requests(page), block_of(page)
    page.add_init_script("Object.defineProperty(navigator, 'connection', { value: { saveData: true } })")
    page.goto("/storages/")
    block.button("Run").hover()
    block.button("Edit").focus()
    block.element.locator(".snippet-code").hover()
    page.wait_for_load_state("networkidle")
    assert pythons(page) == []
    assert [url for url in requested if EDITOR.search(url)] == []


def test_the_size_is_said_before_the_click_and_counted_while_it_loads(block: Block) -> None:
    before = re.fullmatch(r"Runs in your browser: up to (\d\.\d) MB, once", block.status.text_content() or "")
    assert before
    block.status.evaluate("""status => {
        document.said = []
        new MutationObserver(() => document.said.push(status.textContent)).observe(status, { childList: true })
    }""")
    assert block.run() == block.expected
    said = block.page.evaluate("document.said")
    steps = [re.fullmatch(r"Loading Python, (\d\.\d) of (\d\.\d) MB", text) for text in said]
    shown = [(float(step[1]), float(step[2])) for step in steps if step]
    assert shown
    assert shown == sorted(shown), "it goes forward only"
    assert all(loaded <= total <= float(before[1]) for loaded, total in shown)


def test_a_package_that_a_block_does_not_import_is_not_loaded_for_it(block: Block) -> None:
    requested = requests(block.page)
    assert block.run("import json\nprint(json.dumps([1]))\n") == "done: [1]\n"
    assert [url for url in requested if url.endswith(".whl")] == []


def test_the_packages_of_a_block_come_once_the_webassembly_is_there_and_before_python_is(block: Block) -> None:
    requested = requests(block.page)
    with (
        block.page.expect_request("**/coatcheck-*.whl"),
        held(block.page, "**/python_stdlib.zip") as let_python_start,
    ):
        with held(block.page, "**/*.wasm") as let_come:
            block.press("Run")
        block.wait_for("starting")
        assert [url for url in requested if url.endswith(".whl")] == [], "they share no slow line with it"
        let_come()
    let_python_start()
    block.wait_for("done")


# Counts the workers for Python of a page, and knows what the last of them waits for.
WATCH_WORKERS = """
    window.opened = 0
    window.Worker = class extends Worker {
      constructor(...options) {
        super(...options)
        if (!String(options[0]).includes("/worker-")) return // it's the search's
        opened++
        window.awaited = ""
        this.addEventListener("message", ({ data }) => { awaited = data.awaits ?? awaited })
      }
    }
"""


@pytest.mark.parametrize("silent", [1, 2], ids=["once", "twice"])
def test_a_start_that_hangs_is_begun_again_and_then_given_up(new_page: NewPage, silent: int) -> None:
    page = new_page()
    page.add_init_script(WATCH_WORKERS)
    unanswered: list[Route] = []

    def answer(route: Route) -> None:
        if len(unanswered) < silent:
            unanswered.append(route)
        else:
            route.continue_()

    page.route(f"**/{WASM}", answer)
    block = block_of(at_the_pages_time(page))
    block.press("Run")
    for number in range(1, silent + 1):
        # All else has come by then.
        while not page.evaluate(f"opened === {number} && awaited.endsWith('/{WASM}') && !awaited.includes(' ')"):
            page.wait_for_timeout(10)
        while page.evaluate("opened") == number and block.attribute("data-state") != "failed":
            page.clock.fast_forward(60_000)
    if silent == 1:
        assert block.ended() == block.expected
    else:
        told = rf"nothing happened for 60 seconds while it waited for \S*/{WASM}[.]\nPress Run to start it again[.]"
        expect(block.element.locator("[data-error]")).to_have_text(re.compile(told))
        assert block.run() == block.expected


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
def test_stop_ends_any_program_and_the_next_run_works(block: Block, program: str) -> None:
    block.begin(program)
    block.press("Stop")
    block.wait_for("stopped")
    assert block.run("print('off')") == "done: off\n"


# Of time, here, only what the page gives a program counts. How long a reader waits is in tests/benchmarks/player.


@pytest.mark.parametrize(("program", "given"), [(LOOP, 100), (AWAIT, 0), (EVENT, 0)], ids=["loop", "await", "event"])
def test_where_the_page_is_isolated_stop_is_quick_and_python_stays(new_page: NewPage, program: str, given: int) -> None:
    page = at_the_pages_time(new_page())
    assert page.evaluate("crossOriginIsolated")
    block = block_of(page)
    assert block.run() == block.expected
    before = pythons(page)
    block.begin(program)
    stop_within(block, given)
    assert block.run("print('off')") == "done: off\n"
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
    block.begin(program)
    stop_within(block, 2000)
    assert block.run("print('off')") == "done: off\n"


@pytest.mark.parametrize("program", [LOOP, AWAIT, EVENT], ids=["loop", "await", "event"])
def test_an_interrupt_that_comes_before_the_page_knows_that_a_program_stops_does_no_harm(
    new_page: NewPage, program: str
) -> None:
    page = new_page()
    page.add_init_script("""const wait = window.setTimeout
        window.setTimeout = (act, time, ...given) => (time === 30 ? queueMicrotask(act) : wait(act, time, ...given))""")
    page.goto("/storages/")
    block = block_of(page)
    assert block.run() == block.expected
    before = pythons(page)
    for _ in range(3):
        block.begin(program)
        block.press("Stop")
        block.wait_for("stopped")
        assert block.run("print('off')") == "done: off\n"
    assert pythons(page) == before


def without_isolation(route: Route) -> None:
    """As `mkdocs serve` sends a page."""
    response = route.fetch()
    headers = {name: value for name, value in response.headers.items() if not name.startswith("cross-origin-")}
    route.fulfill(response=response, headers=headers)


def at_the_pages_time(page: Page) -> Page:
    """A page whose time a test can hold; until then it goes by as ever."""
    page.clock.install(time=0)
    page.goto("/storages/")
    return page


def stop_within(block: Block, milliseconds: int) -> None:
    """Stop, while no more time than this passes for the page, however long that takes."""
    clock = block.page.clock
    clock.pause_at(3600)  # seconds; all that was due is done
    block.press("Stop")
    clock.run_for(milliseconds)
    block.wait_for("stopped")
    clock.resume()


def test_the_last_run_of_two_blocks_wins_and_python_stays(page: Page) -> None:
    first, second = first_block(page), block_of(page)
    assert second.run() == second.expected
    before = pythons(page)
    second.begin(LOOP)
    assert first.run() == first.expected
    second.wait_for("stopped")
    assert pythons(page) == before


# What a run costs the page


@contextmanager
def traced(page: Page) -> Iterator[list[dict[str, Any]]]:
    """Gives a list of what Chromium did within the block, which is filled at its end."""
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


def test_a_program_that_prints_a_million_lines_neither_fills_nor_stops_the_page(block: Block) -> None:
    assert block.run() == block.expected
    longest = []
    for lines in (20_000, 1_000_000):
        block.edit(f"for line in range({lines}):\n    print('line', line)")
        with traced(block.page) as events:
            result = block.run()
        assert result.startswith("done: line 0\nline 1\n")
        assert result.endswith("\n[The rest is not shown.]\n")
        assert len(result) < 101_000
        longest.append(longest_task(events))
    few, many = longest
    assert 0 < many <= 3 * few  # tests/benchmarks/player has the figure that readers see


def test_the_player_leaves_nothing_among_the_globals_of_the_page(block: Block) -> None:
    assert block.run() == block.expected
    assert block.page.evaluate("Object.keys(window).filter(name => /livedoc|coatcheck|pyodide/i.test(name))") == []
