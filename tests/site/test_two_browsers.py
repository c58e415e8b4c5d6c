"""A laboratory with two browsers over one server, in a real Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.axe import barriers
from tests.support.block import block_of
from tests.support.lab import Lab
from tests.support.page import LOOKS, PHONE, width_of

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

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


def test_on_a_phone_the_panels_are_tabs_and_the_lesson_is_done_with_a_keyboard(new_page: NewPage) -> None:
    page = new_page(THEFT, viewport=PHONE)
    alice, mallory = (Lab(block_of(page, APP), name) for name in ("Alice", "Mallory"))
    press(page, alice.button("Start"), "Enter")
    alice.wait_for("ready")
    for lab, name in ((alice, "Alice"), (mallory, "Mallory")):
        choose(page, lab, "POST")
        write(page, lab.field("Address"), "/log-in")
        write(page, lab.field("Body"), f"name={name}")
        press(page, lab.browser.get_by_role("button", name="Send"), "Enter")
        expect(lab.shown).to_contain_text(f"The account of {name}")
    show(page, mallory, "Page", "Jar")
    expect(mallory.shown).to_be_hidden()
    for name in ("NAIVE", "USER"):
        press(page, mallory.jar.locator(f'[data-cookie="{name}"]').get_by_role("button", name="Tamper"), " ")
    visit(page, mallory, "/account")
    done(page, 5)
    show(page, alice, "Page", "Jar")
    press(page, copy(alice, "USER", "Mallory"), "Enter")
    visit(page, mallory, "/account")
    done(page, 7)
    choose(page, alice, "POST")
    write(page, alice.field("Address"), "/log-out")
    press(page, alice.field("Address"), "Enter")
    done(page, 8)
    visit(page, mallory, "/orders")
    expect(page.locator(".lab-progress")).to_contain_text("9 of 9 steps are done.")
    assert width_of(page) <= PHONE["width"]


def reach(page: Page, wanted: Locator) -> None:
    """Press Tab until the focus is there, or Shift and Tab if it's above."""
    is_here = "(wanted) => document.activeElement === wanted"
    is_above = (
        "(wanted) => !!(document.activeElement.compareDocumentPosition(wanted) & Node.DOCUMENT_POSITION_PRECEDING)"
    )
    for _ in range(300):
        if wanted.evaluate(is_here):
            return
        page.keyboard.press("Shift+Tab" if wanted.evaluate(is_above) else "Tab")
    raise AssertionError(f"the keyboard doesn't come to {wanted}")


def press(page: Page, control: Locator, key: str) -> None:
    reach(page, control)
    page.keyboard.press(key)


def write(page: Page, field: Locator, text: str) -> None:
    reach(page, field)
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type(text)


def choose(page: Page, lab: Lab, method: str) -> None:
    """Choose the first method, which is GET, or the one below it, which is POST."""
    press(page, lab.field("Method"), "Home")
    if method == "POST":
        page.keyboard.press("ArrowDown")
    expect(lab.field("Method")).to_have_value(method)


def show(page: Page, lab: Lab, chosen: str, wanted: str) -> None:
    """Choose a tab of a browser, with the arrow keys from the one that is chosen."""
    tabs = lab.browser.get_by_role("tab")
    reach(page, tabs.filter(has_text=chosen))
    while not tabs.filter(has_text=wanted).evaluate("tab => tab === document.activeElement"):
        page.keyboard.press("ArrowRight")


def visit(page: Page, lab: Lab, address: str) -> None:
    choose(page, lab, "GET")
    write(page, lab.field("Address"), address)
    press(page, lab.field("Address"), "Enter")


def done(page: Page, number: int) -> None:
    expect(page.locator(f'[data-step="{number}"]')).to_have_attribute("data-done", "true")


@LOOKS
def test_axe_finds_no_barrier_with_two_browsers(new_page: NewPage, scheme: str, viewport: dict[str, int]) -> None:
    page = new_page(THEFT, color_scheme=scheme, viewport=viewport)
    lab = Lab(block_of(page, APP))
    for number in range(1, 8):
        page.locator(f'[data-step="{number}"]').get_by_role("button", name="Do it").click()
        done(page, number)
    for panel in ("Page", "Wire", "Jar", "Store", "Log"):
        for tab in lab.element.get_by_role("tab", name=panel).all() if viewport is PHONE else []:
            tab.click()
        assert barriers(page) == []
    assert width_of(page) <= viewport["width"]
