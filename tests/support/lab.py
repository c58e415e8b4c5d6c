"""A lab of the site, as its reader drives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator

    from tests.support.block import Block

APP = "sessions/install_sessions.py"  # the snippet that tests try; its page is /sessions/

# Serves `PAGES`, by path: HTML, or a status and a location, or what a function makes of the request's body.
SERVING = """
import asyncio
import time

PAGES = {pages!r}


async def app(scope, receive, send):
    assert scope["type"] == "http"
    body = (await receive())["body"].decode()
    if scope["path"] == "/busy":
        while True:
            pass
    if scope["path"] == "/waiting":
        await asyncio.Event().wait()
    if scope["path"] == "/raising":
        raise LookupError("no coat")
    page = PAGES.get(scope["path"])
    asked = scope["path"] + "?" + scope["query_string"].decode() + " " + scope["method"] + " " + body
    status, headers = 200, [(b"content-type", b"text/html; charset=utf-8")]
    if isinstance(page, tuple):
        status, headers = page[0], [*headers, *page[1]]
        page = page[2] if page[2:] else ""
    await send({{"type": "http.response.start", "status": status, "headers": headers}})
    content = "<p>asked: " + asked.replace("<", "&lt;") + "</p>" if page is None else page
    await send({{"type": "http.response.body", "body": content.encode()}})
"""


def serving(**pages: object) -> str:
    """A script whose app serves these pages, by their names. One that is named otherwise says what was asked."""
    return SERVING.format(pages={f"/{name.removeprefix('home')}": page for name, page in pages.items()})


class Lab:
    """Finds its parts by what is pinned: attributes, labels and the names of buttons.

    A lab with several browsers is driven by the one of this `name`.
    """

    def __init__(self, block: Block, name: str = "") -> None:
        self.block = block
        self.page = block.page
        self.element = self.page.locator(f'[data-lab="{block.path}"]')
        self.status = self.element.get_by_role("status")
        self.browser = self.element.locator(f'[data-browser="{name}"]' if name else "[data-browser]")
        self.shown = self.browser.locator('[data-panel="page"]')
        self.wire = self.browser.locator('[data-panel="wire"]')
        self.jar = self.browser.locator('[data-panel="jar"]')
        self.store = self.element.locator('[data-panel="store"]')
        self.log = self.element.locator('[data-panel="log"]')
        self.document = self.shown.locator(".lab-document")

    def open(self, script: str = "") -> Lab:
        """Try the app, or that of this script, and wait for its server."""
        if script:
            self.block.edit(script)
        self.block.press("Try it")
        self.wait_for("ready")
        return self

    def wait_for(self, state: str) -> None:
        expect(self.element).to_have_attribute("data-state", state)

    def button(self, name: str) -> Locator:
        return self.element.get_by_role("button", name=name, exact=True)

    def field(self, label: str) -> Locator:
        return self.browser.get_by_label(label, exact=True)

    def ask(self, address: str = "/", method: str = "GET", body: str = "", kind: str = "Fields") -> None:
        """Have the browser send this."""
        self.field("Method").select_option(method)
        self.field("Address").fill(address)
        if body:
            self.field("Send as").select_option(kind)
            self.field("Body").fill(body)
        self.browser.get_by_role("button", name="Send", exact=True).click()

    def get(self, address: str = "/", said: str = "was answered with") -> None:
        """Ask for a page, and wait until this is said."""
        self.ask(address)
        self.hear(f"GET {address} {said}")

    def hear(self, said: str) -> None:
        """Wait until a screen reader would hear this."""
        expect(self.status).to_contain_text(said)

    def announcements(self) -> Callable[[], list[str]]:
        """Listen as a screen reader does. The function that this gives returns what was said since its last call."""
        self.element.evaluate("""lab => {
            const region = lab.querySelector("[role=status]")
            lab.told = []
            new MutationObserver(() => lab.told.push(region.textContent)).observe(region, { childList: true })
        }""")

        def told() -> list[str]:
            announced: list[str] = self.element.evaluate("lab => lab.told.splice(0)")
            return announced

        return told
