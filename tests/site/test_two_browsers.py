"""A laboratory with two browsers over one server, in a real Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.axe import barriers_in_panels
from tests.support.block import block_of
from tests.support.lab import Lab, serving
from tests.support.page import LOOKS, PHONE, width_of

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.support.page import NewPage

THEFT = "/laboratory/steal-forge-replay/"
APP = "labs/cookie_theft.py"


@pytest.fixture
def alice(new_page: NewPage) -> Lab:
    """A server that is ready, and the first of its browsers."""
    lab = Lab(block_of(new_page(THEFT), APP), "Alice")
    lab.button("Start").click()
    lab.wait_for("ready")
    return lab


@pytest.fixture
def mallory(alice: Lab) -> Lab:
    return Lab(alice.block, "Mallory")


def log_in(lab: Lab, name: str) -> None:
    lab.ask("/log-in", "POST", f"name={name}")
    lab.hear("POST /log-in led to GET /account")
    expect(lab.shown).to_contain_text(f"The account of {name}")


def copy(lab: Lab, cookie: str, receiver: str) -> Locator:
    return lab.jar.locator(f'[data-cookie="{cookie}"]').get_by_role("button", name=f"Copy to {receiver}", exact=True)


def test_each_browser_has_its_own_page_wire_and_jar_over_one_server(alice: Lab, mallory: Lab) -> None:
    log_in(alice, "Alice")
    expect(mallory.shown).to_contain_text("Send asks the app for a page")
    expect(mallory.jar).to_have_text("The jar is empty: Mallory has no cookie.")
    expect(mallory.wire.locator(".lab-exchange")).to_have_count(0)
    expect(alice.store).to_contain_text("1 file")
    log_in(mallory, "Mallory")
    alice.hear("Mallory: POST /log-in led to GET /account, which was answered with 200 OK.")
    expect(alice.log.locator(".lab-heading").first).to_contain_text("Mallory: GET /account: 200 OK")
    expect(alice.log.locator(".lab-heading").last).to_contain_text("Alice: POST /log-in: 303 See Other")
    expect(alice.store).to_contain_text("2 files")
    expect(alice.shown).to_contain_text("The account of Alice")
    expect(alice.wire.locator(".lab-exchange")).to_have_count(2)
    alice.block.edit(serving(home="<p id=a>a"))
    alice.button("Restart").click()
    alice.hear("The server has started again")
    for lab in (alice, mallory):
        lab.get()
    assert len({lab.document.locator("p").get_attribute("id") for lab in (alice, mallory)}) == 2


def test_each_part_is_a_region_with_a_name(alice: Lab) -> None:
    for name in ("Alice", "Mallory"):
        expect(alice.element.get_by_role("region", name=f"Browser of {name}", exact=True)).to_be_visible()
        expect(alice.element.get_by_role("form", name=f"Request of {name}", exact=True)).to_be_visible()
        for panel in ("Page", "Wire", "Jar"):
            expect(alice.element.get_by_role("region", name=f"{panel} of {name}", exact=True)).to_be_visible()
    expect(alice.element.locator("[data-panel=store], [data-panel=log]")).to_have_count(2)


def test_a_cookie_is_copied_to_the_other_browser_and_that_is_told_once(alice: Lab, mallory: Lab) -> None:
    log_in(alice, "Alice")
    told = alice.announcements()
    button = copy(alice, "USER", "Mallory")
    button.click()
    stolen = mallory.jar.locator('[data-cookie="USER"]')
    expect(stolen).to_contain_text("43 characters. Copied from Alice.")
    expect(stolen).to_contain_text("new")
    value = alice.jar.locator('[data-cookie="USER"] .lab-value').text_content() or ""
    expect(stolen.locator(".lab-value")).to_have_text(value)
    expect(button).to_be_focused()
    assert told() == ["USER is copied to Mallory, whose next request sends it."]
    mallory.get("/account")
    expect(mallory.shown).to_contain_text("and of Alice (Coatcheck).")
    copy(mallory, "USER", "Alice").click()
    expect(alice.jar.locator('[data-cookie="USER"]')).to_contain_text("Copied from Mallory.")


def test_a_browser_alone_has_nobody_to_copy_to(new_page: NewPage) -> None:
    lab = Lab(block_of(new_page("/laboratory/the-id-and-the-record/"), "labs/visit_counter.py"))
    lab.button("Start").click()
    lab.wait_for("ready")
    lab.get()
    expect(lab.jar.get_by_role("button", name="Tamper")).to_be_visible()
    expect(lab.jar.get_by_role("button", name="Copy to")).to_have_count(0)


@LOOKS
def test_axe_finds_no_barrier_with_two_browsers(new_page: NewPage, scheme: str, viewport: dict[str, int]) -> None:
    page = new_page(THEFT, color_scheme=scheme, viewport=viewport)
    lab = Lab(block_of(page, APP))
    for number in range(1, 8):
        page.locator(f'[data-step="{number}"]').get_by_role("button", name="Do it").click()
        expect(page.locator(f'[data-step="{number}"]')).to_have_attribute("data-done", "true")
    assert barriers_in_panels(lab, on_a_phone=viewport is PHONE) == []
    assert width_of(page) <= viewport["width"]
