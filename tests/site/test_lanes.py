"""The lanes of a race, and the link of a laboratory, in a real Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from livedoc.snippet import load
from tests.support.axe import barriers
from tests.support.block import block_of
from tests.support.lab import Lab
from tests.support.link import link_with
from tests.support.page import CLIPBOARD, DESK, PHONE, width_of
from tests.support.project import SNIPPETS

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.page import NewPage

RACE = "labs/request_turns.py"
PAGE = "/laboratory/two-requests-at-once/"
BOTH = pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


def race_on(page: Page) -> Lab:
    return Lab(block_of(page, RACE))


def started(page: Page) -> Lab:
    lab = race_on(page)
    lab.button("Start").click()
    lab.wait_for("ready")
    return lab


def ordered(lab: Lab, order: str) -> None:
    field = lab.element.get_by_label("order", exact=True)
    field.fill(order)
    field.press("Enter")
    lab.hear(f'order = "{order}" from the next request on.')


@SCHEMES
@BOTH
def test_lanes_are_columns_in_the_order_of_time_and_read_as_a_list(
    new_page: NewPage, scheme: str, viewport: dict[str, int]
) -> None:
    page = new_page(PAGE, color_scheme=scheme, viewport=viewport)
    lab = started(page)
    lab.get("/naive/logout")
    if viewport is PHONE:
        lab.element.get_by_role("tab", name="Log").click()
    events = lab.log.get_by_role("list", name="What was done, in this order").get_by_role("listitem")
    assert events.all_text_contents() == [
        "request 1: reads cart:",
        "request 2: logs out",
        "request 1: saves cart: tea",
    ]
    boxes = events.evaluate_all("all => all.map((event) => event.getBoundingClientRect().toJSON())")
    first, second, third = boxes
    assert max(first["right"], third["right"]) <= second["left"]
    assert first["bottom"] <= second["top"]
    assert second["bottom"] <= third["top"]
    names = lab.log.locator(".lab-lane-names span")
    assert names.all_inner_texts() == ["request 1", "request 2"]
    assert barriers(page) == []
    assert width_of(page) <= viewport["width"]


def test_the_link_of_a_lab_brings_its_controls_and_starts_nothing(new_page: NewPage) -> None:
    page = new_page(PAGE, permissions=CLIPBOARD)
    lab = started(page)
    ordered(lab, "2112")
    lab.button("Share").click()
    lab.hear("Link copied.")
    link = page.evaluate("navigator.clipboard.readText()")
    other = race_on(new_page(link))
    expect(other.element).to_contain_text('The link sets order = "2112".')
    expect(other.element).to_have_attribute("data-state", "idle")
    expect(other.element).to_be_in_viewport()
    expect(other.block.element.locator(".snippet-notice")).not_to_contain_text("edit")
    other.button("Start").click()
    other.wait_for("ready")
    expect(other.element.get_by_label("order", exact=True)).to_have_value("2112")
    other.get("/ours/logout")
    expect(other.log).to_contain_text("finds no session")


def test_the_link_of_a_lab_brings_its_code_and_sets_one_that_is_open(new_page: NewPage) -> None:
    page = new_page(PAGE, permissions=CLIPBOARD)
    lab = started(page)
    script = (SNIPPETS / RACE).read_text(encoding="utf-8")
    lab.block.edit(script.replace("no session", "nothing"))
    lab.button("Restart").click()
    lab.hear("The server has started again")
    ordered(lab, "1122")
    lab.button("Share").click()
    lab.hear("Link copied.")
    link = page.evaluate("navigator.clipboard.readText()")
    other = started(new_page(PAGE))
    other.page.evaluate("link => { location.hash = new URL(link, location).hash }", link)
    other.hear('order = "1122" from the next request on.')
    expect(other.block.element).to_contain_text("This edit came with the link.")
    other.button("Restart").click()
    other.hear("The server has started again")
    other.get("/ours/logout")
    expect(other.shown).to_contain_text("1122: nothing")


@pytest.mark.parametrize(
    ("set", "shown"), [(600, "600"), (18_000, "18000"), (18_001, "0"), (-1, "0"), ("600", "0"), (None, "0")]
)
def test_a_slider_takes_from_a_link_only_what_it_can_be_set_to(new_page: NewPage, set: object, shown: str) -> None:
    clock = "labs/expiry_clock.py"
    page = new_page()
    values = {"now": set, "unknown": "x"}
    script = load(SNIPPETS, clock).script
    page.goto(f"/laboratory/time-passes/{link_with(script, f'{clock}:app', values=values)}")
    lab = Lab(block_of(page, clock))
    lab.button("Start").click()
    lab.wait_for("ready")
    expect(lab.element.get_by_label("now", exact=True)).to_have_value(shown)
    expect(lab.element.get_by_label("unknown")).to_have_count(0)
    lab.get()
    expect(lab.shown).to_contain_text("Visit 1")
