"""The pages of tasks with sessions in a real Chromium: the search finds them, and a reader tries what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.block import Block
from tests.support.lab import Lab
from tests.support.page import search

if TYPE_CHECKING:
    from tests.support.page import NewPage


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("password", "log-in-and-log-out"),
        ("scrypt", "log-in-and-log-out"),
        ("session fixation", "log-in-and-log-out"),
        ("idle timeout", "expiry"),
        ("poll", "expiry"),
        ("several types", "several-types"),
        ("mobile", "mobile-apps"),
        ("curl", "mobile-apps"),
        ("expose_headers", "mobile-apps"),
        ("concurrent", "concurrent-requests"),
        ("streaming", "streaming-and-websockets"),
        ("background", "streaming-and-websockets"),
        ("rolling deployment", "rolling-deployment"),
        ("rename", "rolling-deployment"),
        ("compress", "rolling-deployment"),
    ],
)
def test_the_words_of_a_task_find_its_page_first(new_page: NewPage, words: str, page: str) -> None:
    opened = new_page("/")
    search(opened, words)
    first = opened.locator(".md-search-result__item a").first
    assert first.evaluate("link => link.pathname") == f"/sessions/{page}/"


def test_a_reader_who_tries_the_protected_pages_has_to_log_in_first(new_page: NewPage) -> None:
    page = new_page("/sessions/log-in-and-log-out/")
    lab = Lab(Block(page.locator('[data-snippet="sessions/protect_pages.py"]'))).open()
    lab.get(said="led to GET /log-in, which was answered with 200 OK")
    lab.document.get_by_role("button", name="Log in as Ada").click()
    expect(lab.shown).to_contain_text("the account of ada")
    lab.get("/orders")
    expect(lab.shown).to_contain_text("your orders")
