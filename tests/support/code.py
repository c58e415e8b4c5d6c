"""The code of a page as its reader sees it: what is shown of a file, what is folded, and in which letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.support.block import Block

SHOWN = """block => [...block.querySelectorAll(".snippet-code pre")]
  .filter(pre => pre.checkVisibility()).map(pre => pre.textContent).join("")"""
# Those that a reader has to scroll sideways, by how much.
WIDE = """(parts) => parts
  .map(part => [part.scrollWidth - part.clientWidth, part.textContent.trim().slice(0, 60)])
  .filter(([over]) => over > 0)"""
LIGATURES = """() => [...document.querySelectorAll("code, pre, kbd, .cm-content, .cm-content *, .cm-tooltip")]
  .map(part => getComputedStyle(part).fontVariantLigatures)"""
# Elements with text of their own, by whether a browser may translate it.
TRANSLATED = """([parts, may]) => [...document.querySelectorAll(parts)]
  .filter(part => part.translate !== may && part.textContent.trim()).map(part => part.outerHTML.slice(0, 100))"""


def folds(block: Block) -> Locator:
    return block.element.locator("[data-fold]")


def shown(block: Block) -> str:
    text: str = block.element.evaluate(SHOWN)
    return text


def code_of(block: Block) -> str:
    """All of the file but its output."""
    return block.script.partition("# Output:\n")[0].rstrip("\n") + "\n"


def wide(parts: Locator) -> list[object]:
    """The parts that a reader has to scroll sideways."""
    found: list[object] = parts.evaluate_all(WIDE)
    return found


def letters(page: Page) -> set[str]:
    """How the letters of code are joined. Only "none" shows each as it was typed."""
    return set(page.evaluate(LIGATURES))


def mistranslated(page: Page) -> list[str]:
    """Code and names that a browser may translate, and prose that it may not."""
    code = "code, pre, kbd, .cm-content, .snippet-files, .doc-object-name, .md-nav__link[href*='#coatcheck.']"
    prose = (
        "h1, article p:not(.snippet *), .snippet-title, .snippet-note, .snippet-label, .snippet-status, .snippet-run"
    )
    found: list[str] = page.evaluate(TRANSLATED, [code, False]) + page.evaluate(TRANSLATED, [prose, True])
    return found
