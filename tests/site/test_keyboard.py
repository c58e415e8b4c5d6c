"""Each lesson to its end, in a real Chromium as wide as a phone, with a keyboard alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from livedoc.snippet import load
from tests.support.block import ENDED
from tests.support.keyboard import Keyboard
from tests.support.lesson import play
from tests.support.page import EXERCISES, LABS, PHONE, width_of
from tests.support.project import SNIPPETS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.support.page import NewPage

LESSONS = [*LABS, EXERCISES]


@pytest.fixture
def page(new_page: NewPage, request: pytest.FixtureRequest) -> Page:
    page = new_page(request.param, viewport=PHONE)
    expect(page.get_by_role("button", name=re.compile("Start|Check", re.IGNORECASE)).first).to_be_visible()
    return page


@pytest.mark.parametrize("page", LESSONS, indirect=True)
def test_a_lesson_is_done_with_its_controls(page: Page) -> None:
    keyboard = Keyboard(page)
    if page.locator("[data-step]").count() > 0:
        steps = play(keyboard)
        expect(page.locator(".lab-progress")).to_contain_text(f"{len(steps)} of {len(steps)} steps are done.")
    for exercise in page.locator("[data-exercise]").all():
        solve(keyboard, exercise)
    assert page.locator("[data-step][data-done=false], [data-exercise][data-done=false]").count() == 0
    assert width_of(page) <= PHONE["width"]


@pytest.mark.parametrize("page", LABS, indirect=True)
def test_a_lesson_is_done_with_do_it_and_begun_again(page: Page) -> None:
    keyboard = Keyboard(page)
    for step in page.locator("[data-step]").all():
        keyboard.enter(step.get_by_role("button", name="Do it"), scrolls=True)  # to the panel that the step is about
        keyboard.wait(lambda step=step: step.get_attribute("data-done") == "true")  # type: ignore[misc]
    keyboard.enter(page.locator(".lab-progress").get_by_role("button", name="Start over"))
    expect(page.locator("[data-step][data-done=true]")).to_have_count(0)
    expect(page.locator('[data-step="1"] button')).to_be_focused()
    assert width_of(page) <= PHONE["width"]


def solve(keyboard: Keyboard, exercise: Locator) -> None:
    """Check, read all hints and the solution, write it into the editor, check again, and begin again."""
    buttons = exercise.locator(".exercise-actions")
    block = exercise.locator("[data-snippet]").first
    check(keyboard, exercise)
    assert exercise.locator("[data-check][data-result=fail]").count() > 0
    expect(exercise).to_have_attribute("data-done", "false")
    keyboard.reach(exercise.get_by_role("link", name=re.compile("Why this rule")).first)
    hints = exercise.locator("xpath=following-sibling::details[1]//li")
    for hint in hints.all():
        keyboard.enter(buttons.get_by_role("button", name="Hint"))
        expect(hint).to_be_visible()
    keyboard.enter(buttons.get_by_role("button", name="Solution"))
    solution = exercise.locator(".exercise-solution [data-snippet]")
    expect(solution).to_be_visible()
    keyboard.enter(buttons.get_by_role("button", name="Solution"))
    expect(solution).to_be_hidden()
    keyboard.enter(block.get_by_role("button", name="Edit"))
    expect(block.get_by_role("textbox")).to_be_focused()
    keyboard.paste(load(SNIPPETS, solution.get_attribute("data-snippet") or "").script)
    keyboard.key("Escape")
    check(keyboard, exercise)
    expect(exercise).to_have_attribute("data-done", "true")


def check(keyboard: Keyboard, exercise: Locator) -> None:
    """Press Check, and wait for the list."""
    keyboard.enter(exercise.locator(".exercise-actions").get_by_role("button", name="Check"))
    expect(exercise.locator("[data-snippet]").first).to_have_attribute("data-state", ENDED)
    expect(exercise.locator(".checklist").first).to_be_visible()
