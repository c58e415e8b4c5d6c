"""What the panels of a lab show, and what they leave out, in a real Chromium."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.block import block_of
from tests.support.lab import APP, Lab

if TYPE_CHECKING:
    from tests.support.page import NewPage

SHOP = r"""
import logging
import os
from pathlib import Path

log = logging.getLogger("shop")


async def app(scope, receive, send):
    assert scope["type"] == "http"
    headers = [(b"content-type", b"text/plain")]
    match scope["path"]:
        case "/raise":
            try:
                {}["coat"]
            except KeyError:
                log.exception("no coat", extra={"hook": 7, "seconds": 0.123456})
        case "/log":
            for number in range(103):
                log.debug("record %d", number)
        case "/write":
            Path("0.txt").write_text("<b>text</b>")
            Path("1.bin").write_bytes(b"\xff" * 200)
            Path("2.empty").touch()
            for name in ("0.txt", "1.bin", "2.empty"):
                os.utime(name, (7, 7))
        case "/write-many":
            for number in range(32):
                Path(f"many-{number:02}").touch()
        case "/remove-many":
            for file in Path().glob("many-*"):
                file.unlink()
        case "/set-many":
            headers += [(b"set-cookie", b"A%02d=1" % number) for number in range(53)]
        case "/refused":
            headers += [(b"set-cookie", b"B=1; SameSite=None")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"done"})
"""


@pytest.fixture
def lab(new_page: NewPage) -> Lab:
    return Lab(block_of(new_page("/sessions/", timezone_id="UTC"), APP)).open(SHOP)


def test_the_log_shows_a_record_with_its_level_its_extra_and_its_traceback(lab: Lab) -> None:
    empty = lab.log.get_by_text("What the app and its libraries log is shown here")
    expect(empty).to_be_visible()
    lab.get("/quiet")
    expect(empty).to_be_hidden()
    requests = lab.log.locator(".lab-exchanges > li")
    expect(requests).to_have_text(re.compile(r"^GET /quiet: 200 OK, [\d.]+ msNothing was logged\.$"))
    lab.get("/raise")
    record = requests.first.locator(".lab-records > li")
    expect(record).to_have_count(1)
    expect(record).to_contain_text("ERROR shop no coat hook=7 seconds=0.123")
    expect(record).not_to_contain_text("0.1234")
    expect(record.locator("pre")).to_contain_text("KeyError: 'coat'")
    expect(requests.first).not_to_contain_text("Nothing was logged.")
    expect(lab.log.locator(".lab-lanes, .lab-records:empty")).to_have_count(0)


def test_the_log_has_a_hundred_records_of_a_request_and_thirty_requests(lab: Lab) -> None:
    lab.get("/log")
    requests = lab.log.locator(".lab-exchanges > li")
    expect(requests.first.locator(".lab-records > li")).to_have_count(100)
    expect(requests.first).to_contain_text("record 99and 3 more records")
    for number in range(30):
        lab.get(f"/{number}")
    expect(requests).to_have_count(30)
    expect(requests.first).to_contain_text("GET /29: 200 OK")
    expect(requests.last).to_contain_text("GET /0: 200 OK")
    expect(lab.wire.locator(".lab-exchange")).to_have_count(30)


def test_the_store_shows_when_a_file_was_written_how_large_it_is_and_what_is_in_it(lab: Lab) -> None:
    expect(lab.store).to_contain_text("The app keeps no files.")
    lab.get("/write")
    text, binary, empty = lab.store.locator(".lab-files li").all()
    expect(text).to_have_text("0.txt new00:00:07, 11 bytes<b>text</b>")
    expect(binary).to_contain_text("1.bin new00:00:07, 200 bytes0000  ff ff ff ff ff ff ff ff  ........")
    assert (binary.locator("pre").text_content() or "").count("ff") == 128
    expect(empty).to_have_text("2.empty new00:00:07, 0 bytes")
    lab.get()
    expect(text).to_have_text("0.txt00:00:07, 11 bytes<b>text</b>")


def test_the_store_has_thirty_files_and_twenty_that_were_removed(lab: Lab) -> None:
    lab.get("/write-many")
    expect(lab.store.locator(".lab-heading")).to_have_text("32 files")
    expect(lab.store.locator(".lab-files li")).to_have_count(30)
    expect(lab.store).to_contain_text("and 2 more files")
    lab.get("/remove-many")
    expect(lab.store.locator(".lab-heading")).to_have_text("The app keeps no files.")
    expect(lab.store.locator(".lab-files li")).to_have_count(20)
    expect(lab.store.locator(".lab-files li").first).to_have_text("many-00 removed")
    lab.hear("The server removed 32 files.")


def test_the_jar_shows_fifty_cookies_and_says_what_it_refused(lab: Lab) -> None:
    lab.get("/set-many")
    expect(lab.jar.locator("[data-cookie]")).to_have_count(50)
    expect(lab.jar).to_contain_text("and 3 more")
    expect(lab.jar.get_by_role("list", name="Refused cookies")).to_have_count(0)
    lab.get("/refused", "was answered with 200 OK. The browser refused B.")
    refused = lab.jar.get_by_role("list", name="Refused cookies").get_by_role("listitem")
    expect(refused).to_have_text("Refused: B: SameSite=None needs Secure beside itB=1; SameSite=None")
    expect(lab.wire).to_contain_text("The browser refused it: SameSite=None needs Secure beside it")
