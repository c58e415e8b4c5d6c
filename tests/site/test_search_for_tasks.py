"""The search in a real Chromium: the words of a task with sessions find the page that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
