"""Edit, Reset and Copy in a real Chromium: an edit is of the whole file, runs, is kept, and can be thrown away."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.block import SNIPPET, Block, block_of
from tests.support.page import EDITOR, PHONE, NewPage, held, requests, rewrite
from tests.support.program import output_of
from tests.support.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser

MINE = "print('mine')"
CLEANING = """
import asyncio
async def main():
    try:
        print("busy")
        await asyncio.sleep(60)
    finally:
        print("cleaned")
asyncio.run(main())
"""


def test_edited_code_is_what_runs_and_reset_takes_it_back(block: Block) -> None:
    before = block.code
    assert block.run("print('a duffel coat')") == "done: a duffel coat\n"
    block.press("Reset")
    block.wait_for("idle")
    expect(block.editor).to_have_count(0)
    expect(block.output).to_be_hidden()
    assert block.code == before
    assert block.run() == block.expected


def test_a_run_that_reset_has_ended_prints_nothing_into_the_next(block: Block) -> None:
    block.begin(CLEANING)
    block.element.evaluate("block => ['reset', 'run'].forEach(name => block.querySelector(`.snippet-${name}`).click())")
    assert block.ended() == block.expected


def test_the_editor_comes_with_edit_and_not_before(block: Block) -> None:
    requested = requests(block.page)
    assert block.run() == block.expected
    assert [url for url in requested if EDITOR.search(url)] == []
    block.press("Edit")
    expect(block.editor).to_be_focused()
    assert len([url for url in requested if EDITOR.search(url)]) == 1


@pytest.mark.parametrize("come", [Locator.hover, Locator.focus], ids=["pointer", "focus"])
@pytest.mark.parametrize("place", [".snippet-edit", ".snippet-code code"], ids=["Edit", "code"])
def test_the_editor_is_fetched_when_the_reader_comes_near(
    new_page: NewPage, place: str, come: Callable[[Locator], None]
) -> None:
    page = new_page("/storages/", viewport=PHONE)
    block = block_of(page)
    expect(block.element.locator(".snippet-code code")).to_have_attribute("tabindex", "0")  # what scrolls has it
    with page.expect_request(EDITOR):
        come(block.element.locator(place))
    expect(block.editor).to_have_count(0)


def test_an_edit_survives_a_reload_and_can_be_thrown_away(block: Block) -> None:
    page, before = block.page, block.code
    block.edit(MINE)
    page.reload()
    expect(block.editor).to_contain_text(MINE)
    expect(block.notice).to_have_text("This is your edit. Reset brings the original one back.")
    assert block.run() == "done: mine\n"
    page.goto("/sessions/")
    page.go_back()
    expect(block.editor).to_contain_text(MINE)
    block.press("Reset")
    page.reload()
    expect(block.editor).to_have_count(0)
    assert block.code == before


def test_an_edit_that_is_undone_is_not_kept(block: Block) -> None:
    stored = f"localStorage.getItem('livedoc:{SNIPPET}:use')"
    block.press("Edit")
    block.editor.press("x")
    assert block.page.evaluate(stored)
    block.editor.press("ControlOrMeta+z")
    assert block.page.evaluate(stored) is None
    block.page.reload()
    expect(block.button("Edit")).to_be_visible()
    expect(block.notice).to_be_hidden()


def test_what_copy_copies_runs_as_pasted(block: Block, tmp_path: Path) -> None:
    block.press("Copy")
    expect(block.announcement).to_have_text("Copied")
    script = tmp_path / "pasted.py"
    script.write_text(block.page.evaluate("navigator.clipboard.readText()"))
    assert output_of(sys.executable, script, cwd=tmp_path) == block.expected_output


def test_copy_gives_the_whole_script_with_the_edit(block: Block) -> None:
    block.press("Edit")
    block.editor.press("ControlOrMeta+End")
    block.page.keyboard.type(f"{MINE}\n")
    block.press("Copy")
    expect(block.status).to_have_text("Copied")
    assert block.page.evaluate("navigator.clipboard.readText()") == f"{block.script}{MINE}\n"


def test_an_edit_is_shown_and_runs_where_the_editor_cannot_be_loaded(browser: Browser, server: str) -> None:
    context = browser.new_context(base_url=server, service_workers="block")  # what is not loaded is an error there
    page = context.new_page()
    page.goto("/storages/")
    block = block_of(page)
    block.edit(MINE)
    page.route(EDITOR, lambda route: route.abort())
    page.reload()
    expect(block.status).to_have_text("The editor could not be loaded: Edit tries again")
    assert block.code == MINE
    assert block.run() == "done: mine\n"
    block.press("Edit")
    expect(block.status).to_have_text("The editor could not be loaded: Edit tries again")
    page.unroute(EDITOR)
    block.press("Edit")
    expect(block.editor).to_have_text(MINE)
    expect(block.status).to_contain_text("Finished")
    context.close()


@pytest.mark.parametrize("moves", [True, False])
def test_an_editor_that_comes_late_takes_the_focus_unless_the_reader_has_moved_it(block: Block, *, moves: bool) -> None:
    page, search = block.page, block.page.get_by_role("textbox", name="Search")
    with held(page, EDITOR) as let_come:
        block.press("Edit")
        if moves:
            search.focus()
    let_come()
    expect(block.editor).to_be_visible()
    page.evaluate("new Promise(resolve => setTimeout(resolve, 100))")  # it would have the focus by now
    expect(search if moves else block.editor).to_be_focused()


def test_an_editor_that_is_still_coming_does_not_open_after_reset(block: Block) -> None:
    page, before = block.page, block.code
    block.edit(MINE)
    with held(page, EDITOR) as let_come:
        page.reload()
        block.press("Reset")
    with page.expect_response(EDITOR):
        let_come()
    page.evaluate("new Promise(resolve => setTimeout(resolve, 100))")  # it would be open by now
    expect(block.editor).to_have_count(0)
    assert block.code == before


def test_a_block_that_is_on_a_page_twice_has_ids_of_its_own(page: Page) -> None:
    def twice(text: str) -> str:
        once = rf'<div class="snippet" data-snippet="{SNIPPET}".*?</template><p [^>]*>[^<]*</p></div>'
        text, found = re.subn(once, lambda block: block[0] * 2, text, flags=re.DOTALL)
        assert found == 1
        return text

    rewrite(page, "**/storages/", twice)
    page.reload()
    for block in (Block(page.locator(f'[data-snippet="{SNIPPET}"]').nth(place)) for place in (0, 1)):
        block.press("Edit")
        expect(block.editor).to_be_focused()
    ids = page.locator("[id]").evaluate_all("elements => elements.map(({ id }) => id)")
    assert sorted(set(ids)) == sorted(ids)


def test_an_edit_of_a_snippet_that_has_changed_since_says_so(block: Block) -> None:
    block.edit(MINE)
    block.page.evaluate("""() => {
        const key = Object.keys(localStorage).find(key => key.startsWith("livedoc:"))
        localStorage[key] = JSON.stringify({ ...JSON.parse(localStorage[key]), hash: "00000000" })
    }""")
    block.page.reload()
    expect(block.notice).to_contain_text("an earlier version of this snippet")
    expect(block.editor).to_contain_text(MINE)


def test_an_edit_of_one_block_is_not_shown_in_another(block: Block) -> None:
    block.edit(MINE)
    block.page.reload()
    expect(block.editor).to_be_visible()
    expect(block.page.get_by_role("textbox", name=re.compile("^Code"))).to_have_count(1)


def test_a_reader_whose_browser_keeps_nothing_is_told(new_page: NewPage) -> None:
    page = new_page()
    page.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }")
    page.goto("/storages/")
    block = block_of(page)
    block.edit(MINE)
    expect(block.notice).to_contain_text("can't store this edit")
    assert block.run() == "done: mine\n"


def test_what_is_said_of_a_run_is_not_said_of_an_edit_after_it(block: Block) -> None:
    assert block.run() == block.expected
    block.edit("print('other')")
    expect(block.status).to_have_text("Edited, not run yet")
    block.wait_for("idle")
    told = block.announcements()
    block.press("Reset")
    assert told()[-1] == "The original is back"


def test_escape_leaves_the_editor_and_control_enter_runs(block: Block) -> None:
    block.edit("print('typed')")
    block.editor.press("ControlOrMeta+Enter")
    assert block.ended() == "done: typed\n"
    block.editor.press("Escape")
    expect(block.button("Run")).to_be_focused()


# The whole file


def test_edit_opens_the_whole_file_where_the_page_shows_it(block: Block) -> None:
    block.press("Edit")
    expect(block.editor).to_be_focused()
    block.page.keyboard.type("# here\n")
    lines = block.script.split("\n")
    lines[block.first_line - 1 : block.first_line - 1] = ["# here"]
    block.press("Copy")
    expect(block.status).to_have_text("Copied")
    assert block.page.evaluate("navigator.clipboard.readText()") == "\n".join(lines)


def test_edit_of_an_edit_leaves_the_cursor_alone(block: Block) -> None:
    block.edit(MINE)
    block.editor.press("End")
    block.press("Edit")
    block.page.keyboard.type("  # here")
    expect(block.editor).to_have_text(f"{MINE}  # here")


def test_what_the_reader_has_unfolded_is_there_again_after_reset(block: Block) -> None:
    block.element.locator("[data-fold]").first.click()
    before = block.code
    block.edit(MINE)
    block.press("Reset")
    assert block.code == before
    expect(block.element.locator("[data-fold]").first).to_have_attribute("aria-expanded", "true")


def test_what_is_downloaded_runs_as_the_shell_line_says(block: Block, tmp_path: Path) -> None:
    block.press("More")
    with block.page.expect_download() as download:
        block.press("Download")
    script = tmp_path / Path(SNIPPET).name
    assert download.value.suggested_filename == script.name
    download.value.save_as(script)
    assert output_of(sys.executable, script, cwd=tmp_path) == block.expected_output
    shell = block.element.locator(".snippet-shell code")
    expect(shell).to_have_text(f"make setup && .venv/bin/python snippets/{SNIPPET}")
    line = (shell.text_content() or "").partition("&& ")[2]
    assert output_of("sh", "-c", line, cwd=PROJECT) == block.expected_output
