"""What a reader would hardly see on a page, or hit with a finger."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

# By the formula of WCAG 2, on the colours that a browser computes: translucent ones lie on what is behind them.
FAINT = """least => {
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
  const rgba = color => {
    paint.clearRect(0, 0, 1, 1)
    paint.fillStyle = color
    paint.fillRect(0, 0, 1, 1)
    const [red, green, blue, alpha] = paint.getImageData(0, 0, 1, 1).data
    return { rgb: [red, green, blue], alpha: alpha / 255 }
  }
  const over = (above, alpha, below) => above.map((value, i) => alpha * value + (1 - alpha) * below[i])
  const behind = element => {
    if (!element) return [255, 255, 255]
    const { rgb, alpha } = rgba(getComputedStyle(element).backgroundColor)
    return alpha === 1 ? rgb : over(rgb, alpha, behind(element.parentElement))
  }
  const opacity = element => (element ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1)
  const luminance = rgb => {
    const [red, green, blue] = rgb.map(value => {
      const part = value / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const faint = new Set()
  let seen = 0
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement
    const text = texts.currentNode.data.trim()
    if (!text || element.closest("script, style, template, :disabled, [aria-disabled=true]")) continue
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue
    seen += 1
    const background = behind(element)
    const { rgb, alpha } = rgba(getComputedStyle(element).color)
    const color = over(rgb, alpha * opacity(element), background)
    const [light, dark] = [luminance(color), luminance(background)].sort((a, b) => b - a)
    const ratio = (light + 0.05) / (dark + 0.05)
    if (ratio < least) faint.add(`${element.outerHTML.slice(0, 80)}: ${ratio.toFixed(2)}`)
  }
  return { faint: [...faint], seen }
}"""

# Everything to press, but for links within a sentence.
SMALL = """least => {
  const parts = "[data-snippet], .md-header, .md-search, .md-nav, .md-footer, .tabbed-labels"
  const pressed = "a, button, summary, label[for], input:not(.md-option, .md-toggle, .md-nav__toggle), select"
  const found = [...document.querySelectorAll(parts)].flatMap(part => [...part.querySelectorAll(`:scope ${pressed}`)])
  return [...new Set(found)].flatMap(element => {
    const { width, height } = element.getBoundingClientRect()
    const shown = element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && width * height > 0
    const small = Math.min(width, height) < least
    return shown && small ? [`${element.outerHTML.slice(0, 120)}: ${width.toFixed(1)} x ${height.toFixed(1)}`] : []
  })
}"""


def faint(page: Page, scheme: str) -> list[str]:
    """The elements whose text doesn't stand out from what is behind it, in this scheme."""
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == scheme
    found = page.evaluate(FAINT, 4.5)
    assert found["seen"] > 10
    elements: list[str] = found["faint"]
    return elements


def small(page: Page) -> list[str]:
    """The controls that are less than 24 pixels high or wide."""
    elements: list[str] = page.evaluate(SMALL, 24)
    return elements
