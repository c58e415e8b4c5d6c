"""The site in a real WebKit, with the headers of production and without: what a reader can do elsewhere works there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.block import SNIPPET
from tests.support.engine import PROGRAMS
from tests.support.host import serving
from tests.support.lesson import play
from tests.support.origin import Origin, Sender
from tests.support.page import LABS, PAGES, PAGES_WITH_BLOCKS, PHONE
from tests.support.project import SNIPPETS
from tests.support.webkit import DESKTOP, WebKit, webkit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.host import Rules

STORAGES = "storages/"
REQUESTS = "performance.getEntriesByType('resource').map(({ name }) => name)"


@dataclass
class Seen:
    """What a page was like on a phone, once all of its blocks had run."""

    printed: list[tuple[str, str]]
    expected: list[tuple[str, str]]
    width: int
    requests: list[str]


class Reader:
    """A reader at home, with a WebKit, and the site."""

    def __init__(self, browser: WebKit, origin: Origin, home: Path) -> None:
        self.browser = browser
        self.origin = origin
        self.home = home

    def visit(self, path: str) -> WebKit:
        self.browser.open(f"{self.origin.url}/{path}")
        return self.browser

    def see(self, path: str) -> Seen:
        browser = self.visit(path)
        blocks = browser.blocks()
        printed = [(block.path, block.run()) for block in blocks]
        expected = [(block.path, block.expected) for block in blocks]
        browser.resize(PHONE["width"])
        width = browser.evaluate("document.documentElement.scrollWidth")
        browser.resize(DESKTOP)
        return Seen(printed, expected, width, browser.evaluate(REQUESTS))


@pytest.fixture(scope="module", params=["with headers", "without headers"])
def reader(
    request: pytest.FixtureRequest, site: Path, header_rules: Rules, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reader]:
    """A reader of a site with the headers of production, or with none. All tests are one visit."""
    is_isolated = request.param == "with headers"
    origin, home = Origin(site), tmp_path_factory.mktemp("home")
    with serving(partial(Sender, origin, header_rules if is_isolated else [])) as origin.url, webkit(home) as browser:
        reader = Reader(browser, origin, home)
        assert reader.visit("").evaluate("crossOriginIsolated") is is_isolated
        yield reader


@pytest.fixture(scope="module")
def see(reader: Reader) -> Callable[[str], Seen]:
    return cache(reader.see)


@pytest.mark.parametrize("path", PAGES)
def test_each_block_prints_what_its_page_says(see: Callable[[str], Seen], path: str) -> None:
    assert bool(see(path).expected) == (f"/{path}/".replace("//", "/") in PAGES_WITH_BLOCKS)
    assert see(path).printed == see(path).expected


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_wider_than_a_phone(see: Callable[[str], Seen], path: str) -> None:
    assert see(path).width == PHONE["width"]


def test_no_request_leaves_the_site(see: Callable[[str], Seen], reader: Reader) -> None:
    requested = {url for path in PAGES for url in see(path).requests}
    assert len(requested) > 10
    assert {url for url in requested if not url.startswith((f"{reader.origin.url}/", "data:", "blob:"))} == set()


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


def test_an_edit_survives_a_reload_and_can_be_thrown_away(reader: Reader) -> None:
    browser = reader.visit(STORAGES)
    browser.block().edit("print('mine')")
    browser.reload()
    browser.find(".cm-content")
    assert browser.block().run() == "done: mine\n"
    browser.block().press("Reset")
    browser.reload()
    assert browser.block().run() == browser.block().expected


def test_what_is_shared_opens_and_what_is_downloaded_is_the_file(reader: Reader) -> None:
    block = reader.visit(STORAGES).block()
    block.press("Copy")
    reader.browser.wait(lambda: block.text(".snippet-status") == "Copied")
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
