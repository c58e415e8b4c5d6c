"""Lists of checks and exercises, in a real Chromium."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from coatcheck.testing import CHECKS, UPDATE_CHECKS
from livedoc.snippet import load
from tests.support.axe import barriers
from tests.support.block import Block, block_of
from tests.support.keyboard import Keyboard
from tests.support.page import (
    EXERCISES,
    LOOKS,
    PHONE,
    have_pages_swapped,
    requests,
    swapped,
    watch_shifts,
    width_of,
)
from tests.support.project import SNIPPETS
from tests.support.tap import read_tap

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

    from tests.support.page import NewPage

START, SOLUTION = "labs/dictionary_start.py", "labs/dictionary_solution.py"
ALL = [
    (START, SOLUTION),
    ("labs/sqlite_start.py", "labs/sqlite_solution.py"),
    ("labs/test_my_storage.py", "labs/test_my_solution.py"),
]
MISTAKEN = "storages/check_a_storage.py"  # its page is /storages/, and it is no exercise
NAMES = sorted(check.__name__ for check in (*CHECKS, *UPDATE_CHECKS))


class Exercise:
    """An exercise as its reader works on it."""

    def __init__(self, page: Page, path: str = START) -> None:
        self.page = page
        self.element = page.locator(f'[data-exercise="{path}"]')
        self.block = Block(self.element.locator(f'[data-snippet="{path}"]'))
        self.hints = page.locator(f'[data-exercise="{path}"] + details.hint li')

    def button(self, name: str) -> Locator:
        return self.element.locator(".exercise-actions").get_by_role("button", name=name, exact=True)

    def check(self) -> dict[str, str]:
        """Press Check, and return the result of each check."""
        self.button("Check").click()
        self.block.ended()
        return results(self.block)

    def is_done(self, done: str) -> None:
        expect(self.element).to_have_attribute("data-done", done)


def results(block: Block) -> dict[str, str]:
    expect(block.element.locator(".checklist")).to_be_visible()
    found = block.element.locator("[data-check]").evaluate_all(
        "all => all.map(each => [each.dataset.check, each.dataset.result])"
    )
    return dict(found)


def told(path: str) -> dict[str, str]:
    """The results in the output that pytest saw."""
    points = read_tap(load(SNIPPETS, path).output)
    return {point.name: "skipped" if point.skipped else "pass" if point.ok else "fail" for point in points}


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page(EXERCISES)


@pytest.fixture
def exercise(page: Page) -> Exercise:
    return Exercise(page)


# The list of checks


def test_each_check_of_the_kit_has_a_paragraph_to_which_its_link_leads(site: Path) -> None:
    [rules] = {
        found for file in site.rglob("*.html") for found in re.findall(r'data-rules="([^"]+)"', file.read_text())
    }
    path, _, beginning = rules.partition("#")
    text = (site / path / "index.html").read_text()
    assert [name for name in NAMES if f'id="{beginning}{name}"' not in text] == []


def test_an_output_in_tap_becomes_a_list_with_what_failed_first(new_page: NewPage) -> None:
    block = block_of(new_page("/storages/"), MISTAKEN)
    assert block.run() == block.expected
    assert results(block) == told(MISTAKEN)
    assert list(dict.fromkeys(results(block).values())) == ["fail", "pass", "skipped"]
    expect(block.element.locator(".snippet-verdict")).to_have_text("as expected")
    first = block.element.locator("[data-check]").first
    expect(first).to_have_attribute("data-check", "an_empty_session_is_a_session")
    expect(first).to_have_attribute("data-result", "fail")
    expect(first).to_contain_text("an empty session is a session")
    expect(first).to_contain_text("has written a session of no bytes")  # the rule, and what was seen
    expect(first.locator("pre")).to_contain_text("AssertionError: a session that should be there is not found")
    expect(block.output).to_be_hidden()
    block.press("As TAP")
    expect(block.element.locator(".snippet-asked")).to_contain_text("1..45")


def test_a_failed_check_leads_to_the_paragraph_about_its_rule(exercise: Exercise) -> None:
    checked = exercise.check()
    links = exercise.block.element.get_by_role("link", name="Why this rule")
    expect(links).to_have_count(list(checked.values()).count("fail"))
    expect(links.first).to_have_attribute("translate", "yes")
    link = exercise.block.element.get_by_role("link", name="Why this rule: an invalidated id is not found")
    link.click()
    rule = exercise.page.locator("[id='coatcheck.testing.an_invalidated_id_is_not_found']")
    expect(rule).to_be_in_viewport()
    expect(exercise.page).to_have_url(re.compile("/reference/contract-kit/#coatcheck"))


def test_a_check_that_the_site_does_not_explain_has_no_link(exercise: Exercise) -> None:
    report = "1..3\\nok 1 - b # SKIP why\\nok 2 - c_d_e\\nnot ok 3 - <b>mine</b>\\n  ---\\n  a: 1\\n  ..."
    exercise.block.run(f"print('TAP version 14\\n{report}')")
    assert results(exercise.block) == {"<b>mine</b>": "fail", "c_d_e": "pass", "b": "skipped"}
    title = exercise.block.element.locator(".snippet-title").text_content()
    list_ = exercise.block.element.get_by_role("region", name=f"Checks: {title}", exact=True)
    expect(list_.get_by_role("listitem")).to_have_text(["failed <b>mine</b>a: 1", "passed c d e", "skipped b: why"])
    expect(list_.locator("[translate=yes]")).to_have_text(["failed", "passed", "skipped"])
    expect(list_).to_have_css("overflow-y", "auto")  # it has its style sheet
    expect(list_.get_by_role("link")).to_have_count(0)
    exercise.is_done("false")


def test_what_a_rule_has_in_backticks_is_code_and_never_markup(exercise: Exercise) -> None:
    exercise.check()
    failed = exercise.block.element.locator("[data-check=an_unknown_id_calls_no_consumer]")
    expect(failed.locator("p")).to_have_text("SessionNotFound is raised before the consumer is called.")
    expect(failed.locator("code")).to_have_text("SessionNotFound")
    code = "print('TAP version 14\\n1..1\\nnot ok 1 - a\\n  ---\\n  rule: \"`<b>`, <b> and a ` alone\"\\n  ...')"
    exercise.block.run(code)
    paragraph = exercise.block.element.locator("[data-check=a] p")
    expect(paragraph).to_have_text("<b>, <b> and a ` alone")
    expect(paragraph.locator("code")).to_have_text("<b>")
    expect(paragraph.locator("b")).to_have_count(0)
    assert exercise.page.evaluate("new Set(document.adoptedStyleSheets).size === document.adoptedStyleSheets.length")


def test_a_report_that_stops_half_way_is_not_passed(exercise: Exercise) -> None:
    exercise.block.run("print('TAP version 14\\n1..2\\nok 1 - a')\nraise KeyError")
    assert results(exercise.block) == {"a": "pass"}
    expect(exercise.block.element.locator(".checklist-said")).to_have_text("1 check passes, 1 of 2 checks ran.")
    assert "KeyError" in exercise.block.error
    exercise.is_done("false")


def test_an_output_that_is_not_tap_is_shown_as_it_is(exercise: Exercise) -> None:
    requested = requests(exercise.page)
    assert exercise.block.run("print(' TAP version 14')") == "done:  TAP version 14\n"
    expect(exercise.block.output).to_be_visible()
    expect(exercise.block.element.locator(".checklist")).to_have_count(0)
    assert not [url for url in requested if "/details-" in url]


def test_without_the_module_of_the_list_the_output_stays_as_it_was_printed(browser: Browser, server: str) -> None:
    with browser.new_context(base_url=server, service_workers="block") as context:  # whose console may complain
        page = context.new_page()
        page.route("**/details-*.js", lambda route: route.abort())
        page.goto(EXERCISES)
        exercise = Exercise(page)
        exercise.button("Check").click()
        exercise.block.ended()
        expect(exercise.block.output).to_contain_text("not ok 6 - an_unknown_id_calls_no_consumer")


def test_nothing_moves_when_the_list_comes(exercise: Exercise) -> None:
    exercise.button("Check").scroll_into_view_if_needed()
    shifts = watch_shifts(exercise.page)
    exercise.check()
    assert shifts() == []


def test_the_result_of_the_checks_is_announced(exercise: Exercise) -> None:
    announced = exercise.block.announcements()
    exercise.check()
    assert announced()[-1] == "5 of 30 checks fail, 15 are skipped"


# Exercises


@pytest.mark.parametrize(("start", "solution"), ALL)
def test_an_exercise_fails_as_pytest_saw_until_its_solution_is_in_its_place(
    page: Page, start: str, solution: str
) -> None:
    exercise = Exercise(page, start)
    assert exercise.check() == told(start)
    exercise.is_done("false")
    solved = Block(exercise.element.locator(f'[data-snippet="{solution}"]'))
    expect(solved.element).to_be_hidden()
    exercise.button("Solution").click()
    expect(solved.button("Run")).to_be_visible()
    solved.run()
    assert results(solved) == told(solution)
    exercise.is_done("false")  # that was not the reader's
    exercise.block.edit(solved.script)
    assert exercise.check() == told(solution)
    assert "fail" not in told(solution).values()
    exercise.is_done("true")
    exercise.button("Solution").click()
    expect(solved.element).to_be_hidden()


def test_hint_gives_one_hint_after_the_other(exercise: Exercise) -> None:
    count = exercise.hints.count()
    for number in range(count + 1):
        assert exercise.hints.evaluate_all("all => all.filter(each => each.checkVisibility()).length") == number
        if number < count:
            exercise.button("Hint").click()
            expect(exercise.element.get_by_role("status").last).to_have_text(f"Hint {number + 1} of {count} is below.")
    expect(exercise.button("Hint")).to_have_attribute("aria-disabled", "true")


def test_progress_is_remembered_until_the_reader_starts_over(page: Page, exercise: Exercise) -> None:
    exercise.block.edit(load(SNIPPETS, SOLUTION).script)
    exercise.check()
    exercise.is_done("true")
    page.reload()
    exercise.is_done("true")
    Exercise(page, ALL[1][0]).is_done("false")
    expect(exercise.element.locator(".exercise-said")).to_have_text("Solved: all checks pass.")
    exercise.button("Hint").click()
    exercise.button("Start over").click()
    expect(exercise.button("Hint")).to_be_focused()
    expect(exercise.hints.first).to_be_hidden()
    exercise.is_done("false")
    page.reload()
    exercise.is_done("false")
    assert exercise.check() == told(START)


def test_an_exercise_works_where_the_browser_keeps_nothing(new_page: NewPage) -> None:
    page = new_page()
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('blocked') } })")
    page.goto(EXERCISES)
    exercise = Exercise(page)
    exercise.block.edit(load(SNIPPETS, SOLUTION).script)
    exercise.check()
    exercise.is_done("true")


def test_an_exercise_comes_back_with_its_page(page: Page, exercise: Exercise) -> None:
    have_pages_swapped(page)
    exercise.check()
    swapped(page, page.locator(".md-tabs").get_by_role("link", name="Storages").click)
    swapped(page, page.go_back)
    expect(exercise.button("Check")).to_have_count(1)
    exercise.button("Hint").click()
    expect(exercise.hints.first).to_be_visible()
    assert exercise.check() == told(START)


def test_download_takes_the_storage_and_its_test_along(page: Page) -> None:
    path, _ = ALL[2]
    with page.expect_download() as download:
        Exercise(page, path).button("Download").click()
    assert download.value.suggested_filename == "test_my_storage.py"
    assert download.value.path().read_text() == load(SNIPPETS, path).script


def test_without_javascript_an_exercise_reads_as_details(new_page: NewPage) -> None:
    page = new_page(EXERCISES, java_script_enabled=False)
    exercise = Exercise(page)
    expect(page.get_by_role("button", name="Hint")).to_have_count(0)
    for summary in ("Hints", "Solution"):
        page.locator("summary", has_text=summary).first.click()
    expect(exercise.hints.last).to_be_visible()
    expect(exercise.element.locator(f'[data-snippet="{SOLUTION}"]')).to_be_visible()


def test_a_keyboard_follows_the_link_to_a_rule(new_page: NewPage) -> None:
    exercise = Exercise(new_page(EXERCISES, viewport=PHONE))
    keyboard = Keyboard(exercise.page)
    keyboard.enter(exercise.button("Check"))
    exercise.block.ended()
    name = exercise.block.element.locator("[data-check]").first.get_attribute("data-check") or ""
    keyboard.reach(exercise.block.element.get_by_role("link", name="Why this rule").first)
    exercise.page.keyboard.press("Enter")
    expect(exercise.page).to_have_url(re.compile(f"/reference/contract-kit/#coatcheck.testing.{name}$"))


@LOOKS
def test_axe_finds_no_barrier_in_an_exercise(new_page: NewPage, scheme: str, viewport: dict[str, int]) -> None:
    page = new_page(EXERCISES, color_scheme=scheme, viewport=viewport)
    exercise, part = Exercise(page), f'[data-exercise="{START}"]'
    exercise.check()
    exercise.button("Hint").click()
    exercise.button("Solution").click()
    page.evaluate("scrollTo(0, 0)")  # the page's header must not lie over half of a button
    assert barriers(page, part) == []
    exercise.block.run(load(SNIPPETS, SOLUTION).script)
    exercise.is_done("true")
    assert barriers(page, part) == []
    assert width_of(page) <= viewport["width"]
