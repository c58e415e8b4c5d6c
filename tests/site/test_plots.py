"""The plots in a real Chromium: they can be read on any screen, in both schemes, and without telling colours apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.page import PHONE, width_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.page import NewPage

DESK = {"width": 1280, "height": 800}
SMALLEST = 12  # pixels, of text
LEAST = 3  # contrast of what isn't text, by WCAG 2

# What lies outside of its plot, lies on another text, is too small, or has another colour than text has.
FLAWS = """least => [...document.querySelectorAll(".plots svg")].flatMap(svg => {
  const frame = svg.getBoundingClientRect()
  const texts = [...svg.querySelectorAll("text")].map(text => ({ text, box: text.getBoundingClientRect() }))
  const apart = (one, other) =>
    one.right <= other.left || other.right <= one.left || one.bottom <= other.top + 2 || other.bottom <= one.top + 2
  return texts.flatMap(({ text, box }, index) => {
    const { color, fill, fontSize } = getComputedStyle(text)
    const within = [box.left - frame.left, frame.right - box.right, box.top - frame.top, frame.bottom - box.bottom]
    const flaws = [
      within.some(room => room < -0.5) && "cut off",
      texts.slice(index + 1).some(other => !apart(box, other.box)) && "covered",
      parseFloat(fontSize) < least && "small",
      fill !== color && "of another colour",
      box.width * box.height === 0 && "unseen",
    ]
    return flaws.filter(Boolean).map(flaw => `${svg.getAttribute("aria-label")}: ${text.textContent} is ${flaw}`)
  })
})"""

# The contrast of each kind of shape to the page.
CONTRASTS = """() => {
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
  const luminance = color => {
    paint.fillStyle = color
    paint.fillRect(0, 0, 1, 1)
    const [red, green, blue] = [...paint.getImageData(0, 0, 1, 1).data].map(value => {
      const part = value / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const page = luminance(getComputedStyle(document.body).backgroundColor)
  const shapes = [...document.querySelectorAll(".plots svg :is(rect, line)")]
  return Object.fromEntries(shapes.map(shape => {
    const [light, dark] = [luminance(getComputedStyle(shape).stroke), page].sort((a, b) => b - a)
    return [shape.getAttribute("class"), (light + 0.05) / (dark + 0.05)]
  }))
}"""

FORM = """kind => {
  const { strokeDasharray, fill } = getComputedStyle(document.querySelector(`rect.plot-${kind}`))
  const { fontWeight } = getComputedStyle(document.querySelector(`.plot-name-${kind}`))
  return `${fill === "none" ? "empty" : "filled"}, ${strokeDasharray}, ${fontWeight}`
}"""


def opened(new_page: NewPage, path: str, **options: object) -> Page:
    """A page that has its fonts."""
    page = new_page(path, **options)
    page.evaluate("document.fonts.ready")
    return page


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("path", ["how-fast/", "how-many/"])
def test_each_text_of_a_plot_can_be_read(new_page: NewPage, path: str, viewport: dict[str, int]) -> None:
    page = opened(new_page, path, viewport=viewport)
    assert page.locator(".plots svg text").count() > 10
    assert page.evaluate(FLAWS, SMALLEST) == []


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("path", ["how-fast/", "how-many/"])
def test_the_figures_beside_a_plot_unfold_and_fit_on_the_screen(
    new_page: NewPage, path: str, viewport: dict[str, int]
) -> None:
    page = opened(new_page, path, viewport=viewport)
    plots = page.locator(".plots figure")
    for plot in plots.all():
        plot.get_by_text("The figures").click()
        figures = plot.locator("td").all_inner_texts()
        assert {text.strip() for text in plot.locator("svg .plot-figure").all_text_contents()} - set(figures) == set()
    assert width_of(page) == viewport["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_shape_stands_out_from_the_page(new_page: NewPage, scheme: str) -> None:
    contrasts = opened(new_page, "how-fast/", color_scheme=scheme).evaluate(CONTRASTS)
    kinds = {"plot-ours", "plot-peer", "plot-other", "plot-floor", "plot-whisker", "plot-trace"}
    assert set(contrasts) == kinds
    assert {kind for kind in kinds if contrasts[kind] < LEAST} == set()


def test_the_kinds_of_bars_differ_without_their_colours(new_page: NewPage) -> None:
    page = opened(new_page, "how-fast/")
    assert len({page.evaluate(FORM, kind) for kind in ("ours", "peer", "other")}) == 3


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_cells_that_are_below_each_other_say_what_they_are(new_page: NewPage, viewport: dict[str, int]) -> None:
    cell = opened(new_page, "how-fast/", viewport=viewport).locator("td[data-column=target]").first
    label = cell.evaluate("cell => getComputedStyle(cell, '::before').content")
    assert label == ('"target: "' if viewport == PHONE else "none")
