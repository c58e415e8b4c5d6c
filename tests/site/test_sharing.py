"""Share in a real Chromium: a link brings an edit to another reader, says so, and harms none of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.support.block import Block, block_of
from tests.support.page import held, rewrite, swapped

if TYPE_CHECKING:
    from tests.support.page import NewPage

# The edit of a snippet as it never was: {"block": "storages/write_and_read.py:use", "hash": "00000000", ...}
OLD_LINK = (
    "#try=1.LcFBCoAgEAXQq8TfWCDV2rMEMamoFCozRkR09za992A7it1hIK0wBS_Txan5lbJb2ZMb621"
    "O8dCIJBEG8w8aYjnVBoPKKbdeHSWHjkJRw5Lxfg"
)
SHARED, MINE = "print('shared')", "print('mine')"
THEIRS_IS_SHOWN = "This edit came with the link. Reset brings the original one back."
THEIRS_OVER_MINE = "This edit came with the link. Reset brings your own one back, as long as you change nothing here."
MINE_IS_SHOWN = "This is your edit. Reset brings the original one back."


def link_to(block: Block) -> str:
    block.press("More", "Share")
    expect(block.announcement).to_have_text("Link copied")
    link: str = block.page.evaluate("navigator.clipboard.readText()")
    assert block.element.locator(".snippet-link").get_attribute("href") == link
    return link


def follow(page: Page, link: str) -> None:
    """Open a link on the page that is shown already."""
    page.evaluate("link => { location.hash = new URL(link, location).hash }", link)


@pytest.fixture
def link(block: Block) -> str:
    """To a block that prints "shared". The reader has no edit, and is on the page."""
    block.edit(SHARED)
    link = link_to(block)
    block.press("Reset")
    return link


def test_a_link_brings_the_edit_to_another_reader_and_runs_nothing_by_itself(block: Block, new_page: NewPage) -> None:
    block.edit(SHARED)
    page = new_page(link_to(block))
    other = block_of(page)
    expect(other.editor).to_contain_text(SHARED)
    expect(other.element).to_be_in_viewport()
    expect(other.notice).to_contain_text("This edit came with the link.")
    other.wait_for("idle")
    assert other.run() == "done: shared\n"
    page.goto("/")
    page.goto("/storages/")
    expect(other.editor).to_have_count(0)


def test_a_link_opens_on_the_page_that_is_shown_already(block: Block, link: str) -> None:
    follow(block.page, link)
    expect(block.editor).to_contain_text(SHARED)


def test_a_link_is_shown_and_run_before_an_edit_that_was_kept(block: Block, link: str) -> None:
    block.edit(MINE)
    block.page.goto("/sessions/")
    block.page.goto(link)
    expect(block.editor).to_have_text(SHARED)
    expect(block.notice).to_have_text(THEIRS_OVER_MINE)
    assert block.run() == "done: shared\n"


def test_a_link_to_the_original_is_shown_and_run_before_an_edit_that_was_kept(block: Block) -> None:
    before = block.code
    link = link_to(block)
    block.edit(MINE)
    follow(block.page, link)
    expect(block.editor).to_have_count(0)
    assert block.code == before
    assert block.run() == block.expected
    block.press("Reset")
    expect(block.editor).to_have_text(MINE)


def test_a_link_that_comes_while_another_edit_is_open_is_shown_and_run(block: Block, link: str) -> None:
    block.begin(f"{MINE}\nwhile True:\n    pass", "mine\n")
    follow(block.page, link)
    expect(block.editor).to_have_text(SHARED)
    block.wait_for("idle")  # what runs no longer is what is shown
    assert block.run() == "done: shared\n"


def test_a_link_is_opened_once_although_the_theme_then_fetches_the_page_again(block: Block, link: str) -> None:
    with held(block.page, "**/storages/") as let_come:
        follow(block.page, link)
        expect(block.editor).to_have_text(SHARED)
        assert block.run() == "done: shared\n"
    swapped(block.page, let_come)
    assert block.result == "done: shared\n"
    assert block.run() == "done: shared\n"


def test_a_link_that_was_left_stays_so_although_the_theme_then_fetches_the_page_again(block: Block, link: str) -> None:
    page, before = block.page, block.code
    with held(page, "**/storages/") as let_come:
        follow(page, link)
        expect(block.editor).to_have_text(SHARED)
        block.button("Reset").evaluate("button => button.click()")  # without a scroll before
    scrolled = page.evaluate("scrollY")
    swapped(page, let_come)
    assert page.evaluate("scrollY") == scrolled > 0
    assert block.run() == block.expected
    assert block.code == before
    assert page.url.endswith("/storages/")


def test_what_the_reader_makes_of_a_link_is_theirs_after_a_reload(block: Block, link: str) -> None:
    block.page.goto(link)
    block.page.reload()
    expect(block.notice).to_have_text(THEIRS_IS_SHOWN)
    block.edit(MINE)
    expect(block.notice).to_be_hidden()
    assert block.page.url.endswith("/storages/")
    block.page.reload()
    expect(block.notice).to_have_text(MINE_IS_SHOWN)
    expect(block.editor).to_have_text(MINE)
    assert block.run() == "done: mine\n"


def test_reset_throws_a_link_away_for_good(block: Block, link: str) -> None:
    before = block.code
    block.page.goto(link)
    block.page.reload()
    expect(block.editor).to_have_text(SHARED)
    block.press("Reset")
    assert block.code == before
    block.page.reload()
    expect(block.element).to_contain_text("Runs in your browser")
    assert block.code == before
    assert block.run() == block.expected


def test_reset_takes_a_link_away_from_over_an_edit_and_then_the_edit(block: Block, link: str) -> None:
    before = block.code
    block.edit(MINE)
    follow(block.page, link)
    expect(block.editor).to_have_text(SHARED)
    block.press("Reset")
    expect(block.editor).to_have_text(MINE)
    expect(block.notice).to_have_text(MINE_IS_SHOWN)
    expect(block.announcement).to_have_text(MINE_IS_SHOWN)
    assert block.run() == "done: mine\n"
    block.page.reload()
    expect(block.editor).to_have_text(MINE)
    block.press("Reset")
    assert block.code == before
    block.page.reload()
    assert block.code == before


def test_the_link_that_was_made_is_gone_once_the_code_is_another(block: Block) -> None:
    block.edit(SHARED)
    link_to(block)
    made = block.element.locator(".snippet-link")
    expect(made).to_be_visible()
    block.editor.press("x")
    expect(made).to_be_hidden()


def test_a_link_to_an_earlier_version_says_so(block: Block) -> None:
    block.page.goto(f"/storages/{OLD_LINK}")
    expect(block.notice).to_contain_text("an earlier version of this snippet")
    expect(block.editor).to_contain_text("print('long ago')")


def test_a_link_finds_its_block_though_the_page_shows_other_sections_by_now(block: Block) -> None:
    rewrite(block.page, "**/storages/", lambda text: text.replace('data-section="use"', 'data-section="use run"'))
    block.page.goto(f"/storages/{OLD_LINK}")
    expect(block.editor).to_contain_text("print('long ago')")
    expect(block.page.get_by_role("complementary", name="Shared code")).to_have_count(0)


def test_a_damaged_link_says_so_and_harms_nothing(block: Block) -> None:
    block.page.goto(f"/storages/{OLD_LINK[:-10]}")
    note = block.page.get_by_role("complementary", name="Shared code")
    expect(note).to_contain_text("This link is damaged")
    assert block.run() == block.expected
    follow(block.page, OLD_LINK)
    expect(block.editor).to_have_text("print('long ago')")
    expect(note).to_have_count(0)


def test_a_link_to_a_block_that_is_gone_still_brings_the_code(page: Page) -> None:
    page.goto(f"/sessions/{OLD_LINK}")
    expect(page.get_by_role("complementary", name="Shared code")).to_contain_text("print('long ago')")
