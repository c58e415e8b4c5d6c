"""An edit over two tabs, over Reset, over the end of a link and over Back: nothing of it goes without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.block import Block, block_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

MINE, THEIRS, LATER = "print('mine')", "print('theirs')", "print('later')"
BOTH = "Another tab changed this example too. The browser keeps the change that comes last."


@pytest.fixture
def other(block: Block) -> Block:
    """The same block in a second tab of the same reader."""
    page = block.page.context.new_page()
    page.goto("/storages/")
    block.page.bring_to_front()
    return block_of(page)


def test_two_tabs_that_edit_one_block_tell_each_other(block: Block, other: Block) -> None:
    block.edit(MINE)
    expect(other.notice).to_contain_text(BOTH)
    expect(block.notice).to_be_hidden()
    other.edit(THEIRS)
    for each in (block, other):
        expect(each.notice).to_contain_text(BOTH)
    expect(block.announcement).to_have_text(BOTH)
    assert (block.run(), other.run()) == ("done: mine\n", "done: theirs\n")
    other.press("Show the other")
    expect(other.editor).to_have_text(MINE)
    expect(block.notice).to_be_hidden()  # both have the same now
    other.press("Show the other")
    expect(other.editor).to_have_text(THEIRS)
    other.page.reload()
    expect(other.editor).to_have_text(THEIRS)
    block.press("Show the other")
    expect(block.editor).to_have_text(THEIRS)


def test_a_tab_that_could_not_hear_of_the_other_one_overwrites_nothing_without_a_word(block: Block) -> None:
    """As one that was frozen."""
    block.edit(MINE)
    block.page.evaluate(
        """script => {
        const key = Object.keys(localStorage).find(key => key.startsWith("livedoc:"))
        localStorage[key] = JSON.stringify({ ...JSON.parse(localStorage[key]), script })
    }""",
        THEIRS,
    )
    block.editor.press("End")
    block.page.keyboard.type("  # longer")
    expect(block.notice).to_contain_text(BOTH)
    block.press("Show the other")
    expect(block.editor).to_have_text(THEIRS)
    block.press("Show the other")
    expect(block.editor).to_have_text(f"{MINE}  # longer")


def test_a_tab_that_comes_back_from_where_the_browser_keeps_pages_looks_again(block: Block) -> None:
    block.edit(MINE)
    block.page.evaluate(
        """script => {
        const key = Object.keys(localStorage).find(key => key.startsWith("livedoc:"))
        localStorage[key] = JSON.stringify({ ...JSON.parse(localStorage[key]), script })
        dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))
    }""",
        THEIRS,
    )
    expect(block.notice).to_contain_text(BOTH)


def test_a_reset_in_another_tab_takes_no_edit_away(block: Block, other: Block) -> None:
    block.edit(MINE)
    other.page.reload()
    expect(other.editor).to_have_text(MINE)
    other.press("Reset")
    expect(block.notice).to_contain_text(BOTH)
    expect(block.editor).to_have_text(MINE)
    other.press("Undo")
    expect(block.notice).to_be_hidden()


def test_another_block_of_another_tab_is_none_of_its_business(block: Block, other: Block) -> None:
    block.edit(MINE)
    elsewhere = block_of(other.page, "storages/memory_storage.py")
    elsewhere.edit(THEIRS)
    expect(elsewhere.notice).to_be_hidden()
    expect(block.notice).to_be_hidden()


def test_a_reset_can_be_undone(block: Block) -> None:
    before = block.code
    expect(block.button("Undo")).to_have_count(0)
    block.edit(MINE)
    assert block.run() == "done: mine\n"
    block.press("Reset")
    assert block.code == before
    block.press("Reset")  # there is nothing more to discard
    assert block.run() == block.expected
    block.press("Undo")
    expect(block.editor).to_have_text(MINE)
    expect(block.announcement).to_have_text("This is your edit. Reset brings the original one back.")
    expect(block.button("Undo")).to_have_count(0)
    expect(block.button("Run")).to_be_focused()
    assert block.run() == "done: mine\n"
    block.page.reload()
    expect(block.editor).to_have_text(MINE)


def test_an_undo_discards_nothing_that_came_after_the_reset(block: Block) -> None:
    block.edit(MINE)
    block.press("Reset")
    block.edit(LATER)
    block.press("Undo")
    expect(block.editor).to_have_text(MINE)
    block.press("Undo")
    expect(block.editor).to_have_text(LATER)


def test_an_undo_brings_back_what_a_link_had_brought(block: Block) -> None:
    link = made_link(block, THEIRS)
    block.edit(MINE)
    block.page.goto("/sessions/")
    block.page.goto(link)
    expect(block.editor).to_have_text(THEIRS)
    block.press("Reset")
    expect(block.editor).to_have_text(MINE)
    block.press("Undo")
    expect(block.editor).to_have_text(THEIRS)
    expect(block.notice).to_contain_text("This edit came with the link")
    block.press("Reset")
    expect(block.editor).to_have_text(MINE)


@pytest.mark.parametrize("end", [".", ")", ",", ").", "%29", ">;", "_", "&utm_source=chat", "?"])
def test_what_stands_behind_a_link_does_it_no_harm(block: Block, end: str) -> None:
    block.page.goto(made_link(block, THEIRS) + end)
    expect(block.editor).to_have_text(THEIRS)  # a reload any sooner may be one of the address before
    block.page.reload()
    expect(block.editor).to_have_text(THEIRS)
    block.editor.press("End")
    block.page.keyboard.type("  # mine")
    assert block.page.url.endswith("/storages/")


def test_back_takes_away_what_a_link_brought(block: Block) -> None:
    page, before = block.page, block.code
    link = made_link(block, THEIRS)
    follow(page, link)
    expect(block.editor).to_have_text(THEIRS)
    page.go_back()
    expect(block.editor).to_have_count(0)
    assert block.code == before
    expect(block.notice).to_be_hidden()
    assert block.run() == block.expected
    page.go_forward()
    expect(block.editor).to_have_text(THEIRS)
    page.reload()
    expect(block.editor).to_have_text(THEIRS)
    page.go_back()
    expect(block.editor).to_have_count(0)


def test_back_brings_the_readers_own_edit_back(block: Block) -> None:
    link = made_link(block, THEIRS)
    block.edit(MINE)
    follow(block.page, link)
    expect(block.editor).to_have_text(THEIRS)
    block.page.go_back()
    expect(block.editor).to_have_text(MINE)
    expect(block.announcement).to_have_text("This is your edit. Reset brings the original one back.")


def test_a_link_within_the_page_takes_nothing_away_and_neither_does_back_to_the_link(block: Block) -> None:
    page = block.page
    follow(page, made_link(block, THEIRS))
    expect(block.editor).to_have_text(THEIRS)
    assert block.run() == "done: theirs\n"
    page.locator("article .headerlink").last.evaluate("link => link.click()")
    page.wait_for_url("**/storages/#*")
    page.wait_for_function("() => !location.hash.startsWith('#try')")
    settle(page)
    expect(block.editor).to_have_text(THEIRS)
    page.go_back()
    page.wait_for_function("() => location.hash.startsWith('#try')")
    settle(page)
    assert block.result == "done: theirs\n"  # it isn't opened again
    page.go_back()
    expect(block.editor).to_have_count(0)


def test_back_leaves_alone_what_the_reader_made_of_a_link(block: Block) -> None:
    page = block.page
    follow(page, made_link(block, THEIRS))
    expect(block.editor).to_have_text(THEIRS)
    block.edit(MINE)
    page.go_back()
    settle(page)
    expect(block.editor).to_have_text(MINE)


def made_link(block: Block, script: str) -> str:
    """A link that brings this script. The reader is left without an edit, and without a Reset to undo."""
    block.edit(script)
    block.press("More", "Share")
    expect(block.announcement).to_have_text("Link copied")
    link: str = block.page.evaluate("navigator.clipboard.readText()")
    block.press("Reset")
    block.page.reload()
    expect(block.button("Run")).to_be_visible()
    return link


def follow(page: Page, link: str) -> None:
    """Open a link on the page that is shown already."""
    page.evaluate("link => { location.hash = new URL(link, location).hash }", link)


def settle(page: Page) -> None:
    """Let the page do what it would do now."""
    page.wait_for_load_state("networkidle")
    page.evaluate("new Promise(resolve => setTimeout(resolve, 100))")
