"""The search in a real Chromium: the words that people type lead to the page that helps."""

from __future__ import annotations

import json
import re
from random import Random
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.page import search, search_on

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.support.page import NewPage

BEGINNER = {
    "fastapi": "get-started/",
    "install": "get-started/",
    "pip": "get-started/",
    "tutorial": "get-started/",
    "uvicorn": "get-started/",
    "login": "get-started/",
    "starlette": "get-started/starlette/",
    "litestar": "get-started/litestar/",
    "quart": "get-started/quart/",
    "django": "get-started/django/",
    "asgi": "get-started/asgi/",
    "ktor": "from-ktor/",
    "kotlin": "from-ktor/",
    "run in the browser": "blocks/",
    "pyodide": "blocks/",
    "keyboard": "blocks/",
    "offline": "blocks/",
    "contribute": "contributing/",
    "guarantees": "promises/",
    "laboratory": "laboratory/the-id-and-the-record/",
}
TASK = {
    "password": "sessions/log-in-and-log-out/",
    "scrypt": "sessions/log-in-and-log-out/",
    "logout": "sessions/log-in-and-log-out/",
    "session fixation": "sessions/log-in-and-log-out/",
    "fixation": "sessions/log-in-and-log-out/",
    "idle timeout": "sessions/expiry/",
    "idle_timeout": "sessions/expiry/",
    "max_age": "sessions/expiry/",
    "timeout": "sessions/expiry/",
    "poll": "sessions/expiry/",
    "several types": "sessions/several-types/",
    "mobile": "sessions/mobile-apps/",
    "curl": "sessions/mobile-apps/",
    "cors": "sessions/mobile-apps/",
    "expose_headers": "sessions/mobile-apps/",
    "concurrent": "sessions/concurrent-requests/",
    "race": "sessions/concurrent-requests/",
    "streaming": "sessions/streaming-and-websockets/",
    "background": "sessions/streaming-and-websockets/",
    "websocket": "sessions/streaming-and-websockets/#use-a-session-in-a-websocket",
    "rolling deployment": "sessions/rolling-deployment/",
    "rename": "sessions/rolling-deployment/",
    "compress": "sessions/rolling-deployment/",
    "pydantic": "sessions/rolling-deployment/#use-a-pydantic-model",
    "s3": "storages/object-store/",
    "bucket": "storages/object-store/",
    "redis": "recipes/redis/",
    "valkey": "recipes/redis/",
    "cluster": "recipes/redis/",
    "sentinel": "recipes/redis/",
    "eviction": "recipes/redis/",
    "sqlite": "recipes/sqlite/",
    "database": "recipes/sqlite/",
    "workers": "recipes/several-workers/#see-what-breaks-in-memory",
    "gunicorn": "recipes/several-workers/",
    "encrypt": "recipes/encrypt/",
    "key rotation": "recipes/encrypt/",
    "test": "recipes/test-your-app/#test-a-login-with-testclient",
    "pytest": "recipes/test-your-app/",
    "testclient": "recipes/test-your-app/#test-a-login-with-testclient",
    "flask": "recipes/move/",
    "migrate": "recipes/move/",
    "sessionmiddleware": "recipes/move/",
    "log out everywhere": "recipes/log-out-everywhere/",
    "remember me": "sessions/#remember-a-user-after-the-browser-closes",
    "docker": "recipes/deploy/",
    "nginx": "recipes/deploy/",
    "subdomain": "recipes/deploy/",
    "proxy": "recipes/deploy/#behind-a-proxy",
    "jwt": "why/on-the-server/",
    "signed cookie": "why/on-the-server/",
    "threat model": "why/threat-model/",
    "csrf": "why/threat-model/",
    "xss": "why/threat-model/",
    "owasp": "why/threat-model/",
    "entropy": "why/session-ids/",
    "fsync": "why/atomic-writes/",
    "authlib": "recipes/request-session/",
    "request.session": "recipes/request-session/",
    "413": "recipes/large-sessions/",
    "too large": "recipes/large-sessions/",
    "glossary": "reference/glossary/",
    "contract kit": "reference/contract-kit/",
    "benchmark": "how-fast/",
    "fast": "how-fast/",
    "memory usage": "how-many/",
}
TROUBLE = {
    "expire": "sessions/#expire-idle-sessions",
    "restart": "recipes/session-is-gone/#everyone-is-logged-out-after-a-restart",
    "localhost": "recipes/deploy/#on-localhost",
    "lost": "recipes/session-is-gone/#changes-are-lost-when-two-requests-come-at-once",
    "logged out": "recipes/session-is-gone/#login-works-but-the-next-page-is-logged-out",
    "secure": "recipes/session-is-gone/#on-localhost-without-https",
    "https": "recipes/session-is-gone/#on-localhost-without-https",
    "debug": "recipes/session-is-gone/#turn-on-the-debug-log",
    "500": "sessions/#what-an-error-response-saves",
    "deployment": "recipes/session-is-gone/#everyone-is-logged-out-after-a-deployment",
    "connection refused": "recipes/storage-is-down/",
    "unavailable": "recipes/storage-is-down/",
    "503": "recipes/storage-is-down/",
}
NAME = {
    "SessionStorageMemory": "reference/storages/#coatcheck.SessionStorageMemory",
    "StorageMemory": "reference/storages/#coatcheck.SessionStorageMemory",
    "SessionStorageMemroy": "reference/storages/#coatcheck.SessionStorageMemory",
    "directory_session_storage": "reference/storages/#coatcheck.directory_session_storage",
    "redis.SessionStorageRedis": "reference/storages/#coatcheck.redis.SessionStorageRedis",
    "storageredis": "reference/storages/#coatcheck.redis.SessionStorageRedis",
    "CurrentSession": "reference/sessions/#coatcheck.CurrentSession",
    "CurrentSession.update": "reference/sessions/#coatcheck.CurrentSession.update",
    "sessions.update": "reference/sessions/#coatcheck.CurrentSession.update",
    "renew_id": "reference/sessions/#coatcheck.CurrentSession.renew_id",
    "current_sesion": "reference/sessions/#coatcheck.current_session",
    "new_session_id": "reference/sessions/#coatcheck.new_session_id",
    "SessionNotFound": "reference/your-own-storage/#coatcheck.SessionNotFound",
    "ByteReadChannel": "reference/your-own-storage/#coatcheck.ByteReadChannel",
    "readchannel": "reference/your-own-storage/#coatcheck.ByteReadChannel",
    "write_bytes": "reference/your-own-storage/#coatcheck.write_bytes",
}

# Asks the search for each of these words, past the page. Gives those that find nothing.
ASK = """async words => {
    const { search } = JSON.parse(document.getElementById("__config").textContent)
    const worker = new Worker(new URL(search, location.href))
    const lost = []
    for (const word of words) {
        const found = new Promise(resolve => worker.onmessage = ({ data }) => {
            if (data.type === 3) resolve(data.data.items)
        })
        worker.postMessage({ type: 2, data: word })
        if ((await found).length === 0) lost.push(word)
    }
    return lost
}"""
# The address of each link of the first page that the search finds; the first is the page itself.
FOUND = "item => [...item.querySelectorAll('a')].map(({ pathname, hash }) => pathname.slice(1) + hash)"


@pytest.mark.parametrize("words", [BEGINNER, TASK, TROUBLE, NAME], ids=["beginner", "task", "trouble", "name"])
def test_the_words_that_people_type_find_the_page_that_helps_first(new_page: NewPage, words: dict[str, str]) -> None:
    page = new_page("/")
    page.keyboard.press("/")
    found = {typed: first(page, typed) for typed in words}
    assert {typed: found[typed][:3] for typed, wanted in words.items() if not leads(found[typed], wanted)} == {}


def test_at_least_80_words_are_tried() -> None:
    assert len(BEGINNER | TASK | TROUBLE | NAME) >= 80


def test_no_word_is_lost_among_many_numbers(new_page: NewPage, site: Path) -> None:
    page = new_page("/")
    warnings: list[str] = []  # a word that one form doesn't find is found by another
    page.on("console", lambda message: warnings.append(message.text))
    random = Random(11)  # noqa: S311  (the same words each time)
    words = sorted({"".join(random.choices("0123456789ab", k=random.randint(2, 6))) for _ in range(1500)})
    index = json.loads((site / "search" / "search_index.json").read_text())
    index["docs"] = [{"location": "", "title": "Coats", "text": " ".join(words)}]
    page.route("**/search_index.json", lambda route: route.fulfill(json=index))
    assert page.evaluate(ASK, words) == []
    assert warnings == []


def test_the_word_cookie_finds_where_a_browser_lists_them(new_page: NewPage) -> None:
    page = new_page("/")
    search(page, "cookie")
    found = page.locator(".md-search-result__link").evaluate_all("links => links.map(link => link.href)")
    assert [each for each in found if re.search("/get-started/[^/]*#find-the-session-cookie$", each)]


def first(page: Page, words: str) -> list[str]:
    """Search for these words instead, and give the links to the first page that is found: itself, and its sections."""
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.press("Delete")
    expect(page.locator(".md-search-result__item")).to_have_count(0)
    search_on(page, words)
    links: list[str] = page.locator(".md-search-result__item").first.evaluate(FOUND)
    return links


def leads(links: list[str], wanted: str) -> bool:
    """Whether these links lead to this page, or to this section of it."""
    return re.sub("#.*", "", links[0]) == re.sub("#.*", "", wanted) and ("#" not in wanted or wanted in links)
