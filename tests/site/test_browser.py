"""The site in a real Chromium: each block prints what its page promises, and the player does what its buttons say."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Locator, Page, Route, Worker

    NewPage = Callable[..., Page]

# A strict build has each of these in the navigation.
PAGES = sorted(
    file.relative_to(PROJECT / "docs").with_suffix("").as_posix().removesuffix("index")
    for file in (PROJECT / "docs").rglob("*.md")
)
ENDED = re.compile("done|failed|stopped")
BLOCK = "[data-snippet][data-state]"
PHONE = {"width": 390, "height": 844}
EDITED = "storages/write_and_read.py"
PYTHON = re.compile("/assets/livedoc/(worker|python)-")


@pytest.fixture
def block(new_page: NewPage) -> Locator:
    """A block for the reader to play with."""
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/storages/")
    return page.locator(f'[data-snippet="{EDITED}"]').first


def button(block: Locator, verb: str) -> Locator:
    return block.get_by_role("button", name=re.compile(f"^{verb}"))


def run(block: Locator) -> str:
    """The state in which a run ends, and what it printed."""
    button(block, "Run").click()
    expect(block).to_have_attribute("data-state", ENDED)
    return f"{block.get_attribute('data-state')}: {text(block, 'data-output')}"


def text(block: Locator, marker: str) -> str:
    return block.locator(f"[{marker}]").text_content() or ""


def edit(block: Locator, code: str) -> None:
    button(block, "Edit").click()
    block.get_by_role("textbox").fill(code)


def results(page: Page) -> list[tuple[str | None, str]]:
    """The blocks of a page, each run once."""
    return [(block.get_attribute("data-snippet"), run(block)) for block in page.locator(BLOCK).all()]


def promises(page: Page) -> list[tuple[str | None, str]]:
    blocks = page.locator(BLOCK).all()
    return [(block.get_attribute("data-snippet"), f"done: {text(block, 'data-promised')}") for block in blocks]


def pythons(page: Page) -> list[Worker]:
    return [worker for worker in page.workers if PYTHON.search(worker.url)]


@pytest.mark.parametrize("path", PAGES)
def test_each_block_prints_what_its_page_promises(new_page: NewPage, path: str) -> None:
    page = new_page()
    page.goto(path)
    assert results(page) == promises(page)


def worker_begins_with(page: Page, script: str) -> None:
    def begun(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=f"{script}\n{response.text()}")

    page.route("**/worker-*.js", begun)


def test_python_compiles_while_its_javascript_is_read(new_page: NewPage) -> None:
    page = new_page()
    worker_begins_with(page, "WebAssembly.instantiateStreaming = () => Promise.reject(new Error('later'))")
    page.goto("/storages/")
    assert run(page.locator(BLOCK).first).startswith("done: ")


def test_each_block_does_so_without_stack_switching(new_page: NewPage) -> None:
    page = new_page()
    worker_begins_with(page, "delete WebAssembly.Suspending")
    page.goto("/storages/")
    assert results(page) == promises(page)
    [worker] = pythons(page)
    assert worker.evaluate("'Suspending' in WebAssembly") is False


@pytest.mark.parametrize("path", PAGES)
def test_nothing_of_python_is_fetched_before_the_first_run(new_page: NewPage, path: str) -> None:
    page = new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(path, wait_until="networkidle")
    assert [url for url in requested if PYTHON.search(url)] == []


def test_python_is_fetched_once_and_survives_a_change_of_page(new_page: NewPage, server: str) -> None:
    def with_this_origin(route: Route) -> None:  # pages are swapped in place only if the sitemap has them
        response = route.fetch()
        route.fulfill(response=response, body=response.text().replace("https://coatcheck.example", server))

    page = new_page()
    page.route("**/sitemap.xml", with_this_origin)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto("/")
    run(page.locator(BLOCK).first)
    page.evaluate("document.documentElement.dataset.kept = 'yes'")
    page.get_by_role("link", name="Sessions", exact=True).first.click()
    page.wait_for_url("**/sessions/")
    block = page.locator(BLOCK).first
    assert run(block) == f"done: {text(block, 'data-promised')}"
    expect(page.locator("html"), "the page was loaded anew").to_have_attribute("data-kept", "yes")
    fetched = sorted(url for url in requested if PYTHON.search(url))
    assert fetched == sorted(set(fetched))
    assert len(fetched) == 4  # the worker, and Python in three files


def test_edited_code_is_what_runs_and_reset_takes_it_back(block: Locator) -> None:
    shown = block.locator(".snippet-code").inner_text()
    edit(block, "print('a duffel coat')")
    assert run(block) == "done: a duffel coat\n"
    button(block, "Reset").click()
    expect(block).to_have_attribute("data-state", "idle")
    expect(block.get_by_role("textbox")).to_have_count(0)
    expect(block.locator("[data-output]")).to_be_hidden()
    assert block.locator(".snippet-code").inner_text() == shown
    assert run(block) == f"done: {text(block, 'data-promised')}"


def test_what_copy_copies_runs_as_pasted(block: Locator, tmp_path: Path) -> None:
    button(block, "Copy").click()
    expect(block.get_by_role("status")).to_have_text("Copied")
    script = tmp_path / "pasted.py"
    script.write_text(block.page.evaluate("navigator.clipboard.readText()"))
    ended = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout == text(block, "data-promised")


def test_an_error_shows_the_line_that_the_reader_wrote(block: Locator) -> None:
    edit(block, "hooks = {}\nprint('looking')\nhooks['duffel']")
    assert run(block) == "failed: looking\n"
    traceback = text(block, "data-error")
    line = int(block.get_attribute("data-first") or "") + 2
    assert f"File \"{EDITED}\", line {line}, in main\n    hooks['duffel']\n" in traceback
    assert traceback.endswith("KeyError: 'duffel'\n")


def test_what_a_program_prints_is_text_and_never_markup(block: Locator) -> None:
    edit(block, "print('<b>coat</b>')\nraise ValueError('<b>ticket</b>')")
    assert run(block) == "failed: <b>coat</b>\n"
    assert text(block, "data-error").endswith("ValueError: <b>ticket</b>\n")
    expect(block.locator("b")).to_have_count(0)


def test_the_keyboard_alone_is_enough(new_page: NewPage) -> None:
    page = new_page()
    page.goto("/")
    block = page.locator(BLOCK).first
    tab_to(button(block, "Run"))
    page.keyboard.press("Enter")
    expect(block).to_have_attribute("data-state", "done")
    tab_to(button(block, "Edit"))
    page.keyboard.press("Enter")
    expect(block.get_by_role("textbox")).to_be_focused()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.insert_text("if True:\n")
    page.keyboard.press("Tab")
    page.keyboard.insert_text("print('typed')")
    page.keyboard.press("Escape")
    expect(button(block, "Run")).to_be_focused()
    page.keyboard.press("Enter")
    expect(block.locator("[data-output]")).to_have_text("typed\n")


def tab_to(wanted: Locator) -> None:
    for _ in range(100):
        wanted.page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"a hundred Tabs do not reach {wanted}")


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_need_not_scroll_sideways(new_page: NewPage, path: str) -> None:
    page = new_page(viewport=PHONE)
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
