"""A lesson of the site, played from the steps in its built page, through the controls that its reader has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Callable

LESSON = "laboratory/the-id-and-the-record/"
STEPS = "[...document.querySelectorAll('[data-step]')].map(({ dataset }) => ({ ...dataset }))"

LAB = "document.querySelector('[data-lab]').dataset.lab"
READY = "document.querySelector('[data-lab]').dataset.state === 'ready'"


class Hands(Protocol):
    """What a reader does with a page, whatever their browser."""

    def evaluate(self, expression: str) -> Any:
        """What an expression of JavaScript gives."""

    def press(self, inside: str, name: str) -> None:
        """Press the button of this name that is inside of what a selector finds."""

    def fill(self, inside: str, label: str, value: str) -> None:
        """Put a value into the field, or choose it in the list, with this label."""

    def leave(self) -> None:
        """Leave a field that was filled. What is typed counts then."""

    def show(self, panel: str) -> None:
        """Have the panel that a selector finds in sight."""

    def wait(self, found: Callable[[], bool], /) -> object:
        """Wait until this is so."""


def play(hands: Hands) -> list[dict[str, str]]:
    """Play all steps of the page that is open, and give them. Each text has to be missing before its step."""
    steps: list[dict[str, str]] = hands.evaluate(STEPS)
    assert steps, "the page has no step"
    lab = f'[data-lab="{hands.evaluate(LAB)}"]'
    hands.press(lab, "Start")
    hands.wait(lambda: bool(hands.evaluate(READY)))
    for number, step in enumerate(steps, 1):
        do, see = json.loads(step["do"]), json.loads(step["see"])
        assert not is_seen(hands, see), f"step {number}: {see['text']!r} is there before the step"
        assert not is_done(hands, number), f"step {number} is ticked before it's done"
        perform(hands, do, lab)
        wait_to_see(hands, see, number)
        hands.show(panel_of(see))
        hands.wait(lambda number=number: is_done(hands, number))  # type: ignore[misc]
    return steps


def wait_to_see(hands: Hands, see: dict[str, str], number: int) -> None:
    """Wait until what a step says is seen."""
    try:
        hands.wait(lambda: is_seen(hands, see))
    except Exception as error:
        place = " ".join(filter(None, [see["browser"], see["panel"]]))
        fault = f"step {number}: {see['text']!r} doesn't come into {place}; what is there: {text_in(hands, see)}"
        raise AssertionError(fault) from error


def perform(hands: Hands, do: dict[str, str], lab: str) -> None:
    """Do what a step says, with the controls of this laboratory."""
    if do["kind"] == "restart":
        hands.press(lab, "Restart")
        hands.wait(lambda: bool(hands.evaluate(READY)))
        return None
    if do["kind"] == "plug":
        hands.fill(lab, "before the first", do["operation"])
        return hands.press(lab, "Pull the plug")
    if do["kind"] == "control":
        hands.fill(lab, do["name"], str(do["value"]))
        return hands.leave()
    browser = f'{lab} [data-browser="{do["browser"]}"]'
    if do["kind"] == "copy":
        return hands.press(f'{browser} [data-cookie="{do["cookie"]}"]', f"Copy to {do['receiver']}")
    if do["kind"] == "cookie":
        return hands.press(f'{browser} [data-cookie="{do["cookie"]}"]', do["action"].capitalize())
    hands.fill(browser, "Method", do["method"])
    hands.fill(browser, "Address", do["target"])
    if do["body"]:
        hands.fill(browser, "Body", "\n".join(f"{name}={value}" for name, value in parse_qsl(do["body"])))
    return hands.press(browser, "Send")


def panel_of(see: dict[str, str]) -> str:
    """A selector of the panel in which a step says that something is seen."""
    owner = f'[data-browser="{see["browser"]}"] ' if see["browser"] else ""
    return f'{owner}[data-panel="{see["panel"]}"]'


def is_seen(hands: Hands, see: dict[str, str]) -> bool:
    """Whether a reader reads this text in its panel."""
    return see["text"] in text_in(hands, see)


def text_in(hands: Hands, see: dict[str, str]) -> str:
    """What a reader reads in the panel where a step says that something is seen."""
    return " ".join(hands.evaluate(f"document.querySelector('{panel_of(see)}').innerText").split())


def is_done(hands: Hands, number: int) -> bool:
    """Whether the step of this number is ticked."""
    return bool(hands.evaluate(f"document.querySelector('[data-step=\"{number}\"]').dataset.done === 'true'"))
