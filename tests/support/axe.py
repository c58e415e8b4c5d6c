"""What axe finds wrong with a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # it ships no types

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.lab import Lab

# All rules of axe but AAA and the deprecated ones.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice", "experimental"]

BARRIERS = """async ([part, rules, withContrast]) => {
  const { violations } = await axe.run(part, { runOnly: rules, rules: { "color-contrast": { enabled: withContrast } } })
  return violations.flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.html}: ${node.failureSummary}`))
}"""


def barriers_in_panels(lab: Lab, *, on_a_phone: bool) -> list[str]:
    """What is wrong with a lab's page: with all of its panels at once, or on a phone with one after the other."""
    if not on_a_phone:
        return barriers(lab.page)
    found = []
    for tab in lab.element.get_by_role("tab").all():
        tab.click()
        found += barriers(lab.page)
    return found


def barriers(page: Page, part: str = "html", *, with_contrast: bool = True) -> list[str]:
    """What is wrong. The contrast of a long page takes axe longer than all else."""
    page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(BARRIERS, [part, RULES, with_contrast])
    return found
