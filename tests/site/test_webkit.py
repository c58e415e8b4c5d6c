"""The site in a real WebKit, with the headers of production and without: what a reader can do elsewhere works there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from socketserver import BaseRequestHandler
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver import Keys

from tests.support.block import SNIPPET
from tests.support.engine import DEEP_TRACEBACK, PROGRAMS, TALKING
from tests.support.host import serving
from tests.support.lesson import play
from tests.support.origin import Careless, Known, Origin
from tests.support.page import LABS, PAGES, PAGES_WITH_BLOCKS, PHONE
from tests.support.project import SNIPPETS
from tests.support.webkit import DESKTOP, WebKit, webkit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.host import Rules

STORAGES = "storages/"


class Elsewhere(BaseRequestHandler):
    """A proxy for all hosts but the site's. It has nothing, and notes how a request for it begins.

    For HTTPS the browser speaks TLS to a proxy, so that is no more than a sign that there was one.
    """

    def __init__(self, asked: list[bytes], *arguments: Any) -> None:
        self.asked = asked
        super().__init__(*arguments)

    def handle(self) -> None:
        self.asked.append(self.request.recv(1000).partition(b"\r\n")[0])
        self.request.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")


@dataclass
class Seen:
    """What a page was like on a phone, once all of its blocks had run."""

    results: list[list[str]]
    width: int


class Reader:
    """A reader at home, with a WebKit, and the site."""

    def __init__(self, browser: WebKit, origin: Origin, home: Path, elsewhere: list[bytes]) -> None:
        self.browser = browser
        self.origin = origin
        self.home = home
        self.elsewhere = elsewhere

    def visit(self, path: str) -> WebKit:
        self.browser.resize(DESKTOP)
        self.browser.open(f"{self.origin.url}/{path}")
        return self.browser

    def see(self, path: str) -> Seen:
        """Follow the link to a page on a phone, and run its blocks."""
        browser = self.browser
        browser.resize(PHONE["width"])
        browser.follow(path)
        for block in browser.blocks():
            block.run()
        return Seen(browser.results(), browser.evaluate("document.documentElement.scrollWidth"))


@pytest.fixture(scope="module", params=["with headers", "without headers"])
def reader(
    request: pytest.FixtureRequest, site: Path, header_rules: Rules, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reader]:
    """A reader of a site with the headers of production, or with none. All tests are one visit.

    It follows links from page to page, so one Python runs the blocks of all pages. Other tests load a page each.
    """
    is_isolated = request.param == "with headers"
    origin, home = Origin(site), tmp_path_factory.mktemp("home")
    elsewhere: list[bytes] = []
    rules = header_rules if is_isolated else []
    with (
        serving(partial(Known, origin, rules)) as origin.url,
        serving(partial(Elsewhere, elsewhere)) as proxy,
        webkit(home, proxy) as browser,
    ):
        reader = Reader(browser, origin, home, elsewhere)
        assert reader.visit(STORAGES).evaluate("crossOriginIsolated") is is_isolated
        yield reader


@pytest.mark.parametrize("path", PAGES)
def test_each_block_prints_what_its_page_says_and_the_page_fits_a_phone(reader: Reader, path: str) -> None:
    seen = reader.see(path)
    assert bool(seen.results) == (f"/{path}/".replace("//", "/") in PAGES_WITH_BLOCKS)
    assert [(path, printed) for path, printed, _ in seen.results] == [(path, said) for path, _, said in seen.results]
    assert seen.width == PHONE["width"]


def test_stop_ends_a_program_that_never_would_and_the_next_run_works(reader: Reader) -> None:
    block = reader.visit(STORAGES).block()
    block.edit("print('busy')\nwhile True: pass")
    block.press("Run")
    block.wait_for("running")
    block.press("Stop")
    block.wait_for("stopped")
    assert block.run("print('off')") == "done: off\n"
    block.press("Reset")


def test_programs_end_as_in_other_browsers(reader: Reader) -> None:
    block = reader.visit(STORAGES).block()
    for program, result in PROGRAMS:
        assert re.fullmatch(result, block.run(program)), program
    block.press("Reset")


def test_a_module_that_is_not_there_from_the_start_comes_when_it_is_imported(reader: Reader) -> None:
    block = reader.visit(STORAGES).block()
    for name in ("email.message", "csv"):
        late = f"import importlib\nprint(importlib.import_module('{name}').__name__)"
        assert block.run(late) == f"done: {name}\n"
    block.press("Reset")


@pytest.mark.parametrize("path", LABS)
def test_a_lesson_is_played_to_its_end(reader: Reader, path: str) -> None:
    browser = reader.visit(path.removeprefix("/"))
    browser.find("[data-step] button")
    assert len(play(browser)) > 1


def test_an_error_shows_its_end_and_output_follows_its_tail_until_the_reader_scrolls(reader: Reader) -> None:
    block = reader.visit(STORAGES).block()
    assert block.run(DEEP_TRACEBACK).endswith("RuntimeError: the line that matters\n")
    assert block.rest("[data-error]") == pytest.approx(0, abs=2)
    block.edit(TALKING)
    block.press("Run")
    reader.browser.wait(lambda: "line 120" in block.text("[data-output]"))
    reader.browser.wait(lambda: block.rest("[data-output]") < 2)
    block.scroll("[data-output]", -300)
    reader.browser.wait(lambda: block.rest("[data-output]") > 100)
    seen = len(block.text("[data-output]").splitlines())
    reader.browser.wait(lambda: len(block.text("[data-output]").splitlines()) > seen + 30)
    assert block.rest("[data-output]") > 100
    block.press("Stop")
    block.wait_for("stopped")
    block.press("Reset")


def test_the_keys_of_the_theme_do_nothing_beside_a_block(reader: Reader) -> None:
    browser = reader.visit(STORAGES)
    block = browser.block()
    block.edit("import asyncio\nasyncio.run(asyncio.sleep(600))")
    browser.keys(Keys.CONTROL, Keys.ENTER)
    block.wait_for("running")
    browser.keys(Keys.ESCAPE)
    assert browser.evaluate("document.activeElement.matches('[data-snippet] button')")
    for key in "nps/.":
        browser.keys(key)
    assert browser.evaluate("location.pathname") == f"/{STORAGES}"
    block.press("Stop")
    block.wait_for("stopped")
    block.press("Reset")


def test_two_tabs_that_edit_one_block_tell_each_other_and_a_reset_can_be_undone(reader: Reader) -> None:
    browser = reader.visit(STORAGES)
    block = browser.block()
    block.edit("print('mine')")
    with browser.another_tab() as back:
        reader.visit(STORAGES)
        browser.block().edit("print('theirs')")
        back()
        browser.wait(lambda: "Another tab changed this example too" in block.text(".snippet-notice"))
    block.press("Show the other")
    assert block.run() == "done: theirs\n"
    block.press("Reset")
    block.press("Undo")
    assert block.run() == "done: theirs\n"
    block.press("Reset")


def test_what_was_missing_for_a_while_is_not_missed_for_good(site: Path, header_rules: Rules, tmp_path: Path) -> None:
    origin = Origin(site)
    with serving(partial(Careless, origin, header_rules)) as origin.url, webkit(tmp_path) as browser:
        browser.open(f"{origin.url}/{STORAGES}")
        block = browser.block()
        origin.lost = {r"python_stdlib\.zip"}
        block.press("Run")
        browser.wait(lambda: "The site was updated. Reload the page" in block.text(".snippet-notice"))
        assert len([path for path in origin.asked if "python_stdlib.zip" in path]) > 1  # it was asked for once more
        origin.lost = set()
        assert block.run() == block.expected


def test_an_edit_survives_a_reload_and_can_be_thrown_away(reader: Reader) -> None:
    browser = reader.visit(STORAGES)
    browser.block().edit("print('mine')")
    browser.reload()
    browser.find(".cm-content")
    assert browser.block().run() == "done: mine\n"
    browser.block().press("Reset")
    browser.reload()
    assert browser.block().run() == browser.block().expected


def test_what_is_shared_opens_and_what_is_copied_and_downloaded_is_the_file(reader: Reader) -> None:
    block = reader.visit(STORAGES).block()
    block.press("Copy")
    reader.browser.wait(lambda: block.text(".snippet-status") == "Copied")
    block.edit("print('gone')")
    for key in "av":
        reader.browser.keys(Keys.CONTROL, key)  # what was copied takes the place of all
    block.press("More", "Download")
    file = reader.home / Path(SNIPPET).name
    reader.browser.wait(file.exists)
    lines = (SNIPPETS / SNIPPET).read_text().splitlines(keepends=True)
    assert file.read_text() == "".join(line for line in lines if "--8<--" not in line)
    block.edit("print('shared')")
    block.press("Share")
    link = reader.browser.wait(lambda: reader.browser.find(".snippet-link:not([hidden])").get_attribute("href"))
    block.press("Reset")
    reader.visit("")
    reader.browser.open(link)
    assert reader.browser.block().run() == "done: shared\n"


def test_search_finds(reader: Reader) -> None:
    browser = reader.visit("")
    browser.find(".md-search__input").send_keys("renew")
    found = "document.querySelector('.md-search-result__item a[href*=renew]')?.href"
    browser.open(browser.wait(lambda: browser.evaluate(found)))
    assert "renew" in browser.find(":target").text.lower()


def test_a_page_that_was_visited_reads_and_runs_offline(reader: Reader) -> None:
    browser = reader.visit(STORAGES)
    block = browser.block()
    assert block.run() == block.expected
    browser.wait(lambda: "are available offline" in browser.find(".offline [role=status]").text)
    reader.origin.down = True
    reader.visit("never-visited/")
    assert "not here offline" in browser.find("h1").text
    reader.visit(STORAGES)
    block = browser.block()
    assert block.run() == block.expected
    reader.origin.down = False


# The last one of a visit: in a session that is not to be remembered, WebKit loses its caches with it.
def test_no_request_leaves_the_site(reader: Reader) -> None:
    reader.see(STORAGES)  # and what was seen before
    reader.browser.open("http://elsewhere.example/")
    assert reader.elsewhere[:1] == [b"GET http://elsewhere.example/ HTTP/1.1"]  # and then perhaps its icon
