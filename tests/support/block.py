"""A runnable block of the site, as its reader drives it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

RUNNABLE = "[data-snippet][data-state]"
SNIPPET = "storages/write_and_read.py"  # the one that tests edit; its page is /storages/
ENDED = re.compile("done|failed|stopped")


class Block:
    """Finds buttons by their names, and the state and outputs by the attributes that are pinned."""

    def __init__(self, element: Locator) -> None:
        self.element = element
        self.page = element.page
        self.editor = element.get_by_role("textbox")
        self.output = element.locator("[data-output]")
        self.status = element.locator(".snippet-status")
        self.notice = element.locator(".snippet-notice")
        self.announcement = element.get_by_role("status")

    def button(self, name: str) -> Locator:
        """The button whose name begins with these words, a regular expression."""
        return self.element.get_by_role("button", name=re.compile(f"^{name}"))

    def press(self, *names: str) -> None:
        """Click these buttons, one after the other. What one of them discloses is there when the next is clicked."""
        for name in names:
            button = self.button(name)
            expanded = button.get_attribute("aria-expanded")
            button.click()
            if expanded:
                expect(button).not_to_have_attribute("aria-expanded", expanded)

    def edit(self, code: str) -> None:
        self.press("Edit")
        self.editor.fill(code)

    def run(self, code: str = "") -> str:
        """Put this code into the editor, if there is any, and give the result of a run."""
        if code:
            self.edit(code)
        self.press("Run")
        return self.ended()

    def begin(self, code: str, printed: str = "busy") -> None:
        """Run this code until it has printed this."""
        self.edit(code)
        self.press("Run")
        expect(self.output).to_contain_text(printed)

    def wait_for(self, state: str | re.Pattern[str]) -> None:
        expect(self.element).to_have_attribute("data-state", state)

    def ended(self) -> str:
        """Wait for the end of a run, and give its result."""
        self.wait_for(ENDED)
        return self.result

    @property
    def result(self) -> str:
        """The state, and what was printed."""
        return f"{self.attribute('data-state')}: {self.output.text_content()}"

    @property
    def expected(self) -> str:
        """The result of a run that prints what the page says."""
        return f"done: {self.expected_output}"

    @property
    def expected_output(self) -> str:
        return self.element.locator("[data-promised]").text_content() or ""

    @property
    def error(self) -> str:
        return self.element.locator("[data-error]").text_content() or ""

    @property
    def code(self) -> str:
        """What the reader sees of the code, edited or not."""
        return self.element.locator(".snippet-code:visible, .snippet-editing .cm-content").inner_text()

    @property
    def path(self) -> str:
        return self.attribute("data-snippet")

    @property
    def first_line(self) -> int:
        """Where the lines that the page shows begin in the file."""
        return int(self.attribute("data-first"))

    @property
    def script(self) -> str:
        """The file as it is copied."""
        text: str = self.element.locator("template").first.evaluate("template => template.content.textContent")
        return text

    def attribute(self, name: str) -> str:
        return self.element.get_attribute(name) or ""

    def announcements(self) -> Callable[[], list[str]]:
        """Listen as a screen reader does. The function that this gives returns what was said since its last call."""
        self.element.evaluate("""block => {
            const region = block.querySelector("[role=status]")
            block.told = []
            new MutationObserver(() => block.told.push(region.textContent)).observe(region, { childList: true })
        }""")

        def told() -> list[str]:
            announced: list[str] = self.element.evaluate("block => block.told.splice(0)")
            return announced

        return told


def block_of(page: Page, path: str = SNIPPET) -> Block:
    """The block of this snippet."""
    return Block(page.locator(f'[data-snippet="{path}"]').first)


def first_block(page: Page) -> Block:
    return Block(page.locator(RUNNABLE).first)


def blocks_of(page: Page) -> list[Block]:
    """All blocks, those of solutions too, which are shown."""
    page.locator("details.exercise-solution").evaluate_all("all => all.forEach(each => { each.open = true })")
    return [Block(element) for element in page.locator(RUNNABLE).all()]
