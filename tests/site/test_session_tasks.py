"""The pages of tasks with sessions in a real Chromium: a reader tries what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.support.block import Block
from tests.support.lab import Lab

if TYPE_CHECKING:
    from tests.support.page import NewPage


def test_a_reader_who_tries_the_protected_pages_has_to_log_in_first(new_page: NewPage) -> None:
    page = new_page("/sessions/log-in-and-log-out/")
    lab = Lab(Block(page.locator('[data-snippet="sessions/protect_pages.py"]'))).open()
    lab.get(said="led to GET /log-in, which was answered with 200 OK")
    lab.document.get_by_role("button", name="Log in as Ada").click()
    expect(lab.shown).to_contain_text("the account of ada")
    lab.get("/orders")
    expect(lab.shown).to_contain_text("your orders")
