"""The search in a real Chromium: a word of somebody whose app is broken finds the section that helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.page import search

if TYPE_CHECKING:
    from tests.support.page import NewPage

DEPLOY = "/recipes/deploy/"
GONE = "/recipes/session-is-gone/"
TESTS = "/recipes/test-your-app/"
WORKERS = "/recipes/several-workers/"

# The address of each link of the first page that the search finds; the first is the page itself.
FOUND = "item => [...item.querySelectorAll('a')].map(({ pathname, hash }) => pathname + hash)"


@pytest.mark.parametrize(
    ("words", "page", "section"),
    [
        ("expire", "/sessions/", "#expire-idle-sessions"),
        ("restart", GONE, "#everyone-is-logged-out-after-a-restart"),
        ("localhost", DEPLOY, "#on-localhost"),
        ("proxy", DEPLOY, "#behind-a-proxy"),
        ("workers", WORKERS, "#see-what-breaks-in-memory"),
        ("lost", GONE, "#changes-are-lost-when-two-requests-come-at-once"),
        ("logged out", GONE, "#login-works-but-the-next-page-is-logged-out"),
        ("test", TESTS, "#test-a-login-with-testclient"),
        ("testclient", TESTS, "#test-a-login-with-testclient"),
        ("websocket", "/sessions/streaming-and-websockets/", "#use-a-session-in-a-websocket"),
        ("secure", GONE, "#on-localhost-without-https"),
        ("https", GONE, "#on-localhost-without-https"),
        ("500", "/sessions/", "#what-an-error-response-saves"),
        ("deployment", GONE, "#everyone-is-logged-out-after-a-deployment"),
    ],
)
def test_a_word_of_trouble_finds_the_section_that_helps(new_page: NewPage, words: str, page: str, section: str) -> None:
    opened = new_page("/")
    search(opened, words)
    first, *sections = opened.locator(".md-search-result__item").first.evaluate(FOUND)
    assert first == page
    assert page + section in sections
