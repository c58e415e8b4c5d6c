"""What a block shows and says of a run in a real Chromium: output, errors, differences and files."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.support.block import SNIPPET, Block, block_of, first_block


def test_what_a_program_prints_is_text_and_never_markup(block: Block) -> None:
    assert block.run("print('<b>coat</b>')\nraise ValueError('<b>ticket</b>')") == "failed: <b>coat</b>\n"
    assert block.error.endswith("ValueError: <b>ticket</b>\n")
    expect(block.element.locator("b")).to_have_count(0)


def test_the_two_streams_are_told_apart(block: Block) -> None:
    program = "import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint('out')"
    assert block.run(program) == "done: out\nerr\nout\n"
    expect(block.element.locator(".snippet-stderr")).to_have_text("err\n")
    colours = block.element.locator("[data-output], .snippet-stderr").evaluate_all(
        "parts => parts.map(part => getComputedStyle(part).color)"
    )
    assert len(set(colours)) == 2


def test_what_a_program_printed_before_it_hangs_is_seen(block: Block) -> None:
    block.begin("for line in range(99):\n    print(line)\nwhile True:\n    pass", "98")
    expect(block.output).to_have_text("".join(f"{line}\n" for line in range(99)))


def test_the_last_expression_is_not_echoed(block: Block) -> None:
    assert block.run("print('a')\n1 + 1") == "done: a\n"


def test_colours_of_a_terminal_are_left_out(block: Block) -> None:
    assert block.run(r"print('\x1b[31mred\x1b[0m')") == "done: red\n"


def test_a_carriage_return_and_a_backspace_act_as_in_a_terminal(block: Block) -> None:
    program = """
import sys, time
for done in (5, 50, 100):
    print(f"\\rfetching {done} %", end="", flush=True)
    time.sleep(0.01)
print("\\rdone\\x1b[K")
print("/\\b-", end="\\b")
print("ready", file=sys.stderr)
print("one\\r\\ntwo")
"""
    assert block.run(program.strip()) == "done: done\nready\none\ntwo\n"
    expect(block.element.locator(".snippet-stderr")).to_have_text("ready\n")


def test_a_progress_bar_may_end_in_the_expected_output(block: Block) -> None:
    lines = block.expected_output.splitlines()
    program = "\n".join(f"print('...', end='\\r')\nprint({line!r})" for line in lines)
    assert block.run(program) == block.expected
    expect(block.status).not_to_contain_text("not as")


def test_how_an_output_differs_is_shown_line_by_line_when_asked(block: Block) -> None:
    assert block.run() == block.expected
    expect(block.status).to_contain_text("as expected")
    expect(block.button("How it differs")).to_have_count(0)
    assert block.run("print('something else')") == "done: something else\n"
    expect(block.status).to_contain_text("not as expected")
    block.press("How it differs")
    difference = block.element.locator(".snippet-difference")
    expected = block.expected_output.splitlines()
    assert difference.locator("del").all_text_contents() == [f"- {line}\n" for line in expected]
    assert difference.locator("ins").all_text_contents() == ["+ something else\n"]
    block.press("How it differs")
    expect(difference).to_be_hidden()


def test_a_detail_that_does_not_come_is_told_and_comes_at_the_next_press(browser: Browser, server: str) -> None:
    with browser.new_context(base_url=server, service_workers="block") as context:
        page = context.new_page()
        page.goto("/storages/")
        block = first_block(page)
        block.run("print('something else')")
        page.route("**/details-*", lambda route: route.abort())
        block.button("How it differs").click()
        expect(block.element.get_by_role("alert")).to_have_text("This did not come. Press the button again.")
        page.unroute_all()
        block.press("How it differs")
        expect(block.element.locator(".snippet-difference")).to_be_visible()
        expect(block.element.get_by_role("alert")).to_have_count(0)


# Errors


def test_an_error_shows_the_line_that_the_reader_wrote(block: Block) -> None:
    assert block.run("hooks = {}\nprint('looking')\nhooks['duffel']") == "failed: looking\n"
    assert f"File \"{SNIPPET}\", line 3, in <module>\n    hooks['duffel']\n" in block.error
    assert block.error.endswith("KeyError: 'duffel'\n")


def test_a_failed_line_is_marked_and_its_frame_leads_there(block: Block) -> None:
    assert block.run("print('looking')\n\n{}['coat']") == "failed: looking\n"
    expect(block.status).to_have_text(re.compile("Failed: KeyError, line 3$"))
    failed = block.element.locator(".cm-failedLine")
    expect(failed).to_have_text("{}['coat']")
    block.element.locator(".snippet-place").last.click()
    expect(block.editor).to_be_focused()
    type_at_the_end(block)
    expect(failed).to_have_count(0)


def test_a_frame_leads_to_its_line_wherever_the_line_is_by_now(block: Block) -> None:
    block.run("print('looking')\n{}['coat']")
    block.editor.press("ControlOrMeta+Home")
    block.page.keyboard.type("# one\n# two\n")
    failed = block.element.locator(".cm-failedLine")
    expect(failed).to_have_text("{}['coat']")
    block.element.locator(".snippet-place").last.click()
    type_at_the_end(block)
    expect(failed, "it is another line by now").to_have_count(0)


def type_at_the_end(block: Block) -> None:
    """Type where a frame has led: at the end of the line that failed."""
    block.page.keyboard.press("End")
    block.page.keyboard.type("  # here")
    expect(block.editor).to_contain_text("{}['coat']  # here")


def test_a_line_that_fails_is_marked_though_it_has_moved(block: Block) -> None:
    block.begin("import asyncio\nprint('begun')\nawait asyncio.sleep(10)\n{}['coat']", "begun")
    block.editor.press("ControlOrMeta+Home")
    block.editor.press("Enter")
    assert block.ended() == "failed: begun\n"
    expect(block.element.locator(".cm-failedLine")).to_have_text("{}['coat']")


def test_each_frame_leads_to_its_own_line(block: Block) -> None:
    block.run("def look():\n    {}['coat']\n\n\nlook()")
    block.element.locator(".snippet-place").first.click()
    expect(block.editor).to_be_focused()
    block.page.keyboard.press("End")
    block.page.keyboard.type("  # here")
    expect(block.editor).to_contain_text("look()  # here")


# Files


def test_the_files_that_a_run_leaves_are_shown_as_text_and_as_bytes(page: Page) -> None:
    block = block_of(page, "storages/directory_storage.py")
    block.run()
    block.press(r"Files it left \(1\)")
    expect(block.element.locator(".snippet-files").first).to_contain_text(".sessions/")
    block.press(r"[0-9a-f]{64}\.session, \d+ bytes")
    as_text, as_bytes = (
        block.element.get_by_role("group", name=re.compile(f"as {kind}")) for kind in ("text", "bytes")
    )
    expect(as_text).to_contain_text('{"created":')
    expect(as_bytes).to_contain_text("0000  7b 22 63 72 65 61 74 65  {")


def test_a_run_that_leaves_no_file_offers_none(block: Block) -> None:
    assert block.run() == block.expected
    expect(block.button("Files")).to_have_count(0)


# What a screen reader hears


def test_each_change_of_state_is_announced_once(block: Block) -> None:
    told = block.announcements()
    assert block.run() == block.expected
    lines = block.expected_output.count("\n")
    spoken = "1 line" if lines == 1 else f"{lines} lines"
    [starting, running, finished] = told()
    assert (starting, running) == ("Starting", "Running")
    assert re.fullmatch(rf"Finished, {spoken}, (under )?\d+\.\d s, as expected", finished)
    block.run("{}['coat']")
    assert told() == ["Starting", "Running", "Failed: KeyError, line 1"]
