"""A reader of a page who has a keyboard only: no pointer, and no focus that a script sets."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

HERE = "wanted => document.activeElement === wanted"
# What brings the focus nearer; null: it is there.
NEARER = """wanted => {
  const here = document.activeElement
  if (here === wanted) return null
  return here.compareDocumentPosition(wanted) & Node.DOCUMENT_POSITION_PRECEDING ? "Shift+Tab" : "Tab"
}"""
# What is wrong with the focus. It may take some frames to scroll to it.
LOST = """document.activeElement === document.body && "the focus is lost" """
TROUBLE = """async () => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame) // no hand is faster
  const element = document.activeElement
  if (element === document.body) return "the focus is lost"
  const isMarked = (part, pseudo) => {
    const { outlineStyle, outlineWidth, boxShadow, borderStyle, content } = getComputedStyle(part, pseudo)
    if (pseudo) return content !== "none" && borderStyle !== "none"
    return boxShadow !== "none" || (outlineStyle !== "none" && parseFloat(outlineWidth) > 0)
  }
  const editor = element.closest(".cm-editor") // the ring lies over all of it
  const rings = [element, ...(element.labels ?? [])].map(part => isMarked(part))
  if (editor) rings.push(isMarked(editor, "::after"))
  if (!rings.some(Boolean)) return `the focus isn't marked: ${element.outerHTML.slice(0, 200)}`
  const isInSight = part => [...part.getClientRects()].some(({ left, top, right, bottom }) => {
    const [x, y] = [[left, right, innerWidth], [top, bottom, innerHeight]].map(
      ([from, to, most]) => (Math.max(from, 0) + Math.min(to, most)) / 2)
    const there = document.elementFromPoint(x, y)
    return there && (part.contains(there) || there.contains(part) && there !== document.body)
  })
  for (let frame = 0; frame < 60; frame++) {
    if ([element, ...(element.labels ?? [])].some(isInSight)) return ""
    await new Promise(requestAnimationFrame)
  }
  const { top, bottom } = element.getBoundingClientRect()
  return `the focus is out of sight, from ${top} to ${bottom}: ${element.outerHTML.slice(0, 200)}`
}"""


class Keyboard:
    """Reaches a control with Tab, and uses it with the keys that its kind has. The focus is never lost or unseen."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._press = cycle(["Enter", "Space"])

    def key(self, key: str, *, scrolls: bool = False) -> None:
        """Press a key. The focus is then somewhere, marked, and in sight, unless it `scrolls` to something else."""
        self.page.keyboard.press(key)
        self._check(key, LOST if scrolls else TROUBLE)

    def reach(self, wanted: Locator) -> None:
        """Press Tab until the focus is there, or Shift and Tab if it's above."""
        for _ in range(300):
            key = wanted.evaluate(NEARER)
            if key is None:
                return
            self.key(key)
        raise AssertionError(f"the keyboard doesn't come to {wanted}")

    def enter(self, wanted: Locator, *, scrolls: bool = False) -> None:
        """Press a button, with one of the two keys that do."""
        self.reach(wanted)
        self.key(next(self._press), scrolls=scrolls)

    def write(self, text: str) -> None:
        """Put a text in the place of all that is written where the focus is."""
        self.key("ControlOrMeta+A")
        self.page.keyboard.type(text)

    def paste(self, text: str) -> None:
        """Put a text at once in the place of all that is written where the focus is."""
        self.key("ControlOrMeta+A")
        self.page.keyboard.insert_text(text)
        self._check("a paste", TROUBLE)

    # What `play` asks of the hands of a reader.

    def evaluate(self, expression: str) -> Any:
        """What an expression of JavaScript gives. It changes nothing."""
        return self.page.evaluate(expression)

    def press(self, inside: str, name: str) -> None:
        """Press the button of this name that is inside of what a selector finds."""
        found = self.page.locator(inside)
        self._open(found)
        self.enter(found.get_by_role("button", name=name, exact=True))

    def fill(self, inside: str, label: str, value: str) -> None:
        """Put a value into the field, or choose it in the list, with this label."""
        field = self.page.locator(inside).get_by_label(label, exact=True)
        self.reach(field)
        kind = field.evaluate("field => field.type")
        if kind == "select-one":
            self.key("Home")
            for _ in range(
                field.evaluate("(field, value) => [...field].findIndex(each => each.value === value)", value)
            ):
                self.key("ArrowDown")
        elif kind == "range":
            steps = round(field.evaluate("(field, value) => (value - field.valueAsNumber) / field.step", float(value)))
            for _ in range(abs(steps)):
                self.key("ArrowRight" if steps > 0 else "ArrowLeft")
        else:
            self.write(value)
        assert field.input_value() == value

    def leave(self) -> None:
        """Leave a field that was filled. What is typed counts then."""
        self.key("Tab")

    def show(self, panel: str) -> None:
        """Go to a panel, to read what is in it."""
        found = self.page.locator(panel)
        self._open(found)
        assert found.is_visible()
        if found.get_attribute("tabindex") == "0":
            self.reach(found)

    def wait(self, found: Callable[[], bool], /) -> None:
        """Wait until this is so. The focus isn't lost on the way."""
        for _ in range(1200):
            self._check("a while", LOST)
            if found():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("it was waited for a minute, and did not come")

    def _check(self, what: str, trouble: str) -> None:
        found = self.page.evaluate(trouble)
        assert not found, f"after {what}, {found}"

    def _open(self, part: Locator) -> None:
        """Choose the tab of the panel that this part is in, if it is hidden."""
        panel = part.locator("xpath=ancestor-or-self::*[@data-panel]")
        if panel.count() == 0 or panel.is_visible():
            return
        name = panel.get_attribute("data-panel") or ""
        of = (panel.get_attribute("aria-label") or "").partition(" of ")[2]
        tabs = self.page.get_by_role("tablist", name=f"Panels of {of}", exact=True)
        wanted = tabs.get_by_role("tab", name=name.capitalize(), exact=True)
        self.reach(tabs.get_by_role("tab", selected=True))
        for _ in range(tabs.get_by_role("tab").count()):
            if wanted.evaluate(HERE):
                break
            self.key("ArrowRight")
        assert panel.is_visible()
