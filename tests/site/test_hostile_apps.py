"""An app that answers what no app should: its lab can be used afterwards. In a real Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.block import block_of
from tests.support.lab import APP, Lab
from tests.support.page import requests

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.page import NewPage

APPS = r'''
# Watch: kept
# Watch: Evil()
# Control: __proto__ "x"
import asyncio
import logging
import os
import shutil
import sys
from pathlib import Path

log = logging.getLogger("evil\ud800\x00<b>")
kept = {}
__proto__ = "x"


class Evil:
    def __repr__(self):
        raise SystemExit


def answer(path):
    """The status, the headers and the body of a response."""
    kind, headers = b"text/html", []
    status, body = 200, "<p>answered " + path[1:].replace("<", "&lt;") + "</p>"
    match path[1:]:
        case "cookies":
            headers = [(b"set-cookie", b"a%d=1" % number) for number in range(4000)]
        case "cookie-names":
            names = [b"__proto__", b"constructor", b"toString", b"a\x00b", b"\xff", b" ", b"<b>", b'"']
            headers = [(b"set-cookie", name + b"=" + name + b"; Path=/" + name) for name in names]
        case "headers":
            headers = [
                (b"refresh", b"0; url=https://elsewhere.example/"),
                (b"location", b"https://elsewhere.example/"),
                (b"clear-site-data", b'"*"'),
                (b"link", b"<https://elsewhere.example/x.css>; rel=preload; as=style"),
                (b"x\x00\r\n: <script>", b"\x00\x80\xff\r\nset-cookie: A=1"),
                (b"", b""),
            ]
        case "json":
            kind, body = b"application/json", "[" * 3000 + "]" * 3000
        case "kind":
            kind, body = b"text/html; charset=x-user-defined; charset=\x00", "<p>\x00"
        case "status":
            status = 10**30
        case "negative":
            status = -1
        case "long-redirect":
            status, headers = 302, [(b"location", b"/answered?" + b"x" * 60_000)]
        case "bad-redirect":
            status, headers = 302, [(b"location", b"https://[\x00<script>")]
        case "error":
            raise LookupError("x" * 20_000_000)
        case "error-name":
            raise type("x" * 1_000_000, (Exception,), {})
        case "extras":
            log.info("many", extra={f"name{number}": "v" * 3000 for number in range(20_000)})
        case "records":
            for number in range(5000):
                log.debug("x" * 5000, extra={"lane": str(number % 9)})
        case "surrogates":
            log.warning("\ud800 \x00 \udfff", extra={"\udfff\x00": "\ud800", "lane": "\udc80"})
            kept.update({"__proto__": "\ud800", "constructor": "\x00", "\udfff": b"\xff\x00", "toString": Evil()})
        case "watched":
            kept.update({"x" * 5000 + str(number): "y" * 100_000 for number in range(300)})
        case "file-names":
            for name in ("__proto__", "a\nb", "<b>", "-", "x" * 200, os.fsdecode(b"\xff")):
                Path(name).write_text(name, errors="surrogateescape")
            Path("loop").symlink_to(".")
            Path("nowhere").symlink_to("/nowhere")
        case "many-files":
            for number in range(500):
                Path(str(number)).write_bytes(bytes(2000))
        case "no-folder":
            shutil.rmtree(os.getcwd())
        case "elsewhere":
            os.chdir("/")
        case "printed":
            for _ in range(2000):
                print("x" * 1000)
        case "logging":
            logging.Logger.handle = logging.Logger.isEnabledFor = None
    return status, [(b"content-type", kind), *headers], body.encode()


async def app(scope, receive, send):
    assert scope["type"] == "http"
    if scope["path"] in ("/endless", "/waiting", "/large"):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        if scope["path"] == "/waiting":
            await asyncio.Event().wait()
        for _ in range(50) if scope["path"] == "/large" else iter(int, 1):
            await send({"type": "http.response.body", "body": b"<p>large" * 125_000, "more_body": True})
        return await send({"type": "http.response.body"})
    status, headers, body = answer(scope["path"])
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    if scope["path"] == "/twice":
        await send({"type": "http.response.start", "status": 200})
    if scope["path"] == "/after-end":
        await send({"type": "http.response.body", "body": b"more"})
'''
ANSWERED = [
    *("cookies", "cookie-names", "headers", "json", "kind", "status", "negative", "long-redirect", "bad-redirect"),
    *("error", "error-name", "extras", "records", "surrogates", "watched", "file-names", "many-files", "no-folder"),
    *("elsewhere", "printed", "large", "twice", "after-end", "logging"),
]
MOST_TEXT = 2_000_000  # characters in a page that stays quick


@pytest.fixture
def lab(new_page: NewPage) -> Lab:
    return Lab(block_of(new_page("/sessions/"), APP)).open(APPS)


def is_usable(lab: Lab) -> bool:
    """The page answers, the lab isn't larger than a page can show, and the site's storage is as it was."""
    lab.wait_for("ready")
    lab.get("/after")
    expect(lab.document).to_have_text("answered after")
    length: int = lab.element.evaluate("lab => lab.textContent.length")
    return length < MOST_TEXT and kept(lab.page) == KEPT


KEPT = ("", "/sessions/", True)


def kept(page: Page) -> tuple[str, str, bool]:
    cookie, path, is_plain = page.evaluate(
        "[document.cookie, location.pathname, Object.keys(Object.prototype).length === 0 && {}.constructor === Object]"
    )
    return cookie, path, is_plain


# In one lab, as a new one costs more than all of them.
def test_a_lab_can_be_used_after_each_hostile_answer_and_after_a_restart(lab: Lab) -> None:
    requested = requests(lab.page)
    for path in ANSWERED:
        lab.get(f"/{path}", "")
        assert is_usable(lab), path
    lab.button("Restart").click()
    lab.hear("The server has started again")
    assert is_usable(lab)
    assert [url for url in requested if "elsewhere" in url] == []


@pytest.mark.parametrize("path", ["endless", "waiting"])
def test_a_response_that_never_ends_can_be_stopped(lab: Lab, path: str) -> None:
    lab.ask(f"/{path}")
    lab.wait_for("busy")
    lab.button("Stop").click()
    assert is_usable(lab)
