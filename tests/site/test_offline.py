"""Without a network the site reads and runs as far as it was kept, and a release takes over from another one whole."""

from __future__ import annotations

import re
import shutil
from functools import partial
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.block import block_of, first_block
from tests.support.host import serving
from tests.support.lab import APP, Lab
from tests.support.origin import Origin, Sender
from tests.support.release import PLAYER, next_release, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.support.host import Rules

NOT_HERE = "This page is not here offline"
UPDATE = """async () => {
  const registration = await navigator.serviceWorker.getRegistration()
  const found = new Promise((resolve) =>
    registration.addEventListener("updatefound", () => resolve(registration.installing), { once: true }))
  await registration.update()
  const worker = await found
  if (worker.state === "installing")
    await new Promise((resolve) => worker.addEventListener("statechange", resolve, { once: true }))
  return worker.state
}"""


@pytest.fixture(scope="module")
def host(site: Path, header_rules: Rules) -> Iterator[Origin]:
    origin = Origin(site)
    with serving(partial(Sender, origin, header_rules)) as origin.url:
        yield origin


@pytest.fixture
def origin(host: Origin, site: Path) -> Origin:
    host.site, host.down, host.lost, host.asked = site, False, set(), []
    return host


@pytest.fixture
def context(origin: Origin, browser: Browser) -> Iterator[BrowserContext]:
    """The browser of a reader who has never been here."""
    trouble: list[str] = []
    context = browser.new_context(base_url=origin.url, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    context.on("weberror", lambda error: trouble.append(str(error.error)))
    yield context
    context.close()
    assert trouble == []


@pytest.fixture
def later(site: Path, tmp_path: Path) -> Path:
    """The next release: another player, another Python, another text on one page, and a page more."""
    later = next_release(site, tmp_path / "later")
    page = later / "storages" / "index.html"
    page.write_text(page.read_text().replace("</h1>", " of the next release</h1>", 1))
    shutil.copytree(page.parent, later / "cloaks")
    written(later)
    return later


def opened(context: BrowserContext, path: str) -> Page:
    page = context.new_page()
    page.goto(path)
    return page


def opened_by_the_next_release(context: BrowserContext, path: str) -> Page:
    """Opened once no page of the release before is left, which a browser may be slow to see."""
    for _ in range(100):
        page = opened(context, path)
        if not page.evaluate("navigator.serviceWorker.getRegistration().then(({ waiting }) => waiting !== null)"):
            return page
        page.close()
    raise AssertionError("the release before stays")


def run(page: Page) -> None:
    """Run the first block: it prints what the page says."""
    block = first_block(page)
    assert block.run() == block.expected
    expect(block.status).to_have_text(re.compile("^Finished.*, as expected$"))


def status(page: Page, text: str) -> None:
    expect(page.locator(".offline [role=status]")).to_have_text(re.compile(text))


def keep_everything(page: Page, said: str = "The whole site is available offline") -> None:
    page.get_by_role("button", name="Available offline").click()
    status(page, said)


def go_offline(context: BrowserContext, origin: Origin) -> None:
    origin.down = True
    clear_cache(context)


def clear_cache(context: BrowserContext) -> None:
    """From now on the browser has only what it was told to keep."""
    page = context.new_page()
    context.new_cdp_session(page).send("Network.clearBrowserCache")
    page.close()


def kept(page: Page) -> list[str]:
    """The caches, and whether there is a service worker."""
    names: list[str] = page.evaluate(
        """async () => {
          const registration = await navigator.serviceWorker.getRegistration()
          return [...(await caches.keys()), ...(registration ? ["registered"] : [])]
        }"""
    )
    return names


def test_nothing_is_kept_before_the_first_run(context: BrowserContext) -> None:
    page = opened(context, "storages/")
    page.locator(".md-tabs").get_by_role("link", name="Sessions").click()
    page.wait_for_url("**/sessions/")
    status(page, r"The whole site without a network: \d\.\d MB")
    assert kept(page) == []


def test_after_one_run_the_visited_pages_read_and_run_offline(context: BrowserContext, origin: Origin) -> None:
    page = opened(context, "storages/")
    page.locator(".md-tabs").get_by_role("link", name="Sessions").click()
    page.wait_for_url("**/sessions/")
    run(page)
    status(page, r"The pages that you open are available offline\. All others: \d\.\d MB")
    go_offline(context, origin)
    page.reload()
    assert page.evaluate("crossOriginIsolated")
    assert page.evaluate("fetch(location.href).then(({ headers }) => headers.get('Livedoc-Kept'))") == "yes"
    run(page)
    first_block(page).press("Edit")
    expect(first_block(page).editor).to_be_focused()
    page.goto("storages/")
    expect(page.locator("h1")).to_contain_text("Storages")
    page.goto("promises/")
    expect(page.get_by_role("heading")).to_have_text(NOT_HERE)
    assert [link.text_content() for link in page.locator("li a").all()] == [
        "Sessions - Coatcheck",
        "Storages - Coatcheck",
    ]
    page.get_by_role("link", name="Sessions").click()
    expect(page.locator("h1")).to_contain_text("Sessions")


def test_an_app_that_was_tried_once_can_be_visited_offline(context: BrowserContext, origin: Origin) -> None:
    page = opened(context, "sessions/")
    Lab(block_of(page, APP)).open().get()
    status(page, r"The pages that you open are available offline\. All others: \d\.\d MB")
    go_offline(context, origin)
    page.reload()
    lab = Lab(block_of(page, APP)).open()
    lab.get()
    expect(lab.shown).to_contain_text("page 1 of your visit")


LATE = "import importlib\nprint(importlib.import_module('{}').__name__)"


def test_what_a_program_imports_late_comes_from_what_was_kept(context: BrowserContext, origin: Origin) -> None:
    page = opened(context, "storages/")
    run(page)
    status(page, r"The pages that you open are available offline")
    go_offline(context, origin)
    page.reload()
    block = block_of(page)
    assert block.run(LATE.format("email.message")) == "done: email.message\n"
    assert block.run(LATE.format("csv")) == "done: csv\n"
    assert block.run("import sqlite3\nprint(sqlite3.__name__)") == "done: sqlite3\n"


def test_a_network_that_fails_while_a_program_imports_is_told_and_can_come_back(
    context: BrowserContext, origin: Origin
) -> None:
    context.add_init_script("Object.defineProperty(navigator, 'serviceWorker', { value: undefined })")
    page = opened(context, "storages/")
    run(page)
    block = block_of(page)
    block.edit(LATE.format("csv"))
    go_offline(context, origin)
    assert block.run() == "failed: "
    assert "ImportError: csv comes over the network, and it didn't: python_stdlib." in block.error
    origin.down = False
    assert block.run() == "done: csv\n"


def test_available_offline_takes_every_page(context: BrowserContext, origin: Origin, site: Path) -> None:
    page = opened(context, "")
    keep_everything(page)
    go_offline(context, origin)
    failed: list[tuple[str, str | None]] = []
    page.on("requestfailed", lambda request: failed.append((request.url, request.failure)))
    for file in site.rglob("index.html"):
        page.goto(file.relative_to(site).as_posix().removesuffix("index.html"))
        expect(page.get_by_role("heading", level=1).first).not_to_have_text(NOT_HERE)
        status(page, "The whole site is available offline")
    page.keyboard.press("/")
    page.keyboard.insert_text("renew")
    page.keyboard.press("End")  # only a key begins the search
    expect(page.locator(".md-search-result__meta")).to_have_text(re.compile("matching document"))
    # A slow machine leaves a page while its icon is still coming.
    assert [url for url, reason in failed if reason != "net::ERR_ABORTED"] == []
    page.goto("sessions/")
    run(page)


def test_a_new_release_is_taken_over_whole(context: BrowserContext, origin: Origin, later: Path) -> None:
    page, untouched = opened(context, "storages/"), opened(context, "storages/")
    run(page)
    status(page, "The pages that you open")
    before = kept(page)
    clear_cache(context)
    origin.site, origin.asked = later, []
    assert page.evaluate(UPDATE) == "installed"
    changed = {"sw.js", "storages/"} | {
        file.relative_to(later).as_posix()
        for file in (later / PLAYER).rglob("*")
        if file.is_file() and re.search("(page|worker|editor|python)-later|/service_worker-", file.as_posix())
    }
    assert set(origin.asked) <= changed
    assert "storages/" in origin.asked
    run(untouched)  # the worker and Python that its page names are no longer at the server
    untouched.close()
    page.close()
    page = opened_by_the_next_release(context, "storages/")
    expect(page.locator("h1")).to_contain_text("of the next release")
    status(page, "The pages that you open")
    go_offline(context, origin)
    page.reload()
    expect(page.locator("h1")).to_contain_text("of the next release")
    run(page)
    assert len(kept(page)) == len(before) == 2
    assert kept(page) != before


def test_a_release_that_does_not_come_whole_changes_nothing(
    context: BrowserContext, origin: Origin, later: Path
) -> None:
    page = opened(context, "storages/")
    keep_everything(page)
    before = kept(page)
    origin.site, origin.lost = later, {f"{PLAYER}worker-later.js"}
    assert page.evaluate(UPDATE) == "redundant"
    assert kept(page) == before
    go_offline(context, origin)
    page.reload()
    expect(page.locator("h1")).to_have_text(re.compile("^Storages"))
    run(page)
    origin.down, origin.lost = False, set()
    assert page.evaluate(UPDATE) == "installed"
    page.close()
    page = opened_by_the_next_release(context, "storages/")
    expect(page.locator("h1")).to_contain_text("of the next release")
    status(page, "The whole site is available offline")
    assert kept(page) != before


def test_a_browser_without_room_says_so(context: BrowserContext, origin: Origin) -> None:
    page = opened(context, "reference/")
    quota = {"origin": origin.url, "quotaSize": 12_000_000}
    context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", quota)
    keep_everything(page, "This browser has no room for it")


def test_what_did_not_come_comes_when_asked_for_again(context: BrowserContext, origin: Origin) -> None:
    page = opened(context, "reference/")
    origin.lost = {"promises/"}
    keep_everything(page, "Not all of it is here")
    origin.lost = set()
    keep_everything(page)


def test_what_was_kept_can_be_removed_for_good(context: BrowserContext) -> None:
    page = opened(context, "storages/")
    keep_everything(page)
    page.get_by_role("button", name="Remove").click()
    status(page, "The whole site without a network")
    expect(page.get_by_role("button", name="Available offline")).to_be_focused()
    assert kept(page) == []
    page.evaluate("navigator.serviceWorker.dispatchEvent(new MessageEvent('message', { data: { kept: 9, of: 9 } }))")
    status(page, "The whole site without a network")  # what the worker said before that may come after it
    run(page)
    assert kept(page) == []
