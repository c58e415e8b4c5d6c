"""The pages of the site, and how a test watches one or changes what the server sends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, ViewportSize, Worker, expect

from livedoc.markdown import lessons
from tests.support.project import DOCS

PATIENCE = 60_000  # milliseconds that anything may take on a busy machine; how long it does take, benchmarks say
# The fixture new_page: it opens a page for a new reader, at a path or blank, with options of Playwright's new_context.
NewPage = Callable[..., Page]
Pattern = str | re.Pattern[str]

# A strict build has each of these in the navigation.
PAGES = sorted(file.relative_to(DOCS).with_suffix("").as_posix().removesuffix("index") for file in DOCS.rglob("*.md"))
GET_STARTED = ["/get-started/", "/get-started/starlette/", "/get-started/asgi/"]
STORAGES = [
    "/storages/",
    "/storages/delete-expired-sessions/",
    "/storages/stream-large-sessions/",
    "/storages/test-your-storage/",
]
SESSIONS = [
    "/sessions/",
    "/sessions/log-in-and-log-out/",
    "/sessions/expiry/",
    "/sessions/several-types/",
    "/sessions/mobile-apps/",
    "/sessions/concurrent-requests/",
    "/sessions/streaming-and-websockets/",
    "/sessions/rolling-deployment/",
]
IN_RECIPES = (
    "session-is-gone test-your-app several-workers sqlite log-out-everywhere move request-session large-sessions "
    "deploy storage-is-down"
)
RECIPES = [f"/recipes/{page}/" for page in IN_RECIPES.split()]
WHY = [f"/why/{page}/" for page in ("session-ids", "races", "atomic-writes")]
LABS = [
    f"/{file.relative_to(DOCS).with_suffix('').as_posix()}/"
    for file in sorted((DOCS / "laboratory").glob("*.md"))
    if any(lesson.steps for lesson in lessons(file.read_text()))
]
EXERCISES = "/laboratory/write-your-own-storage/"
IN_REFERENCE = "sessions storages your-own-storage contract-kit configuration record-format"
REFERENCE = [f"/reference/{page}/" for page in IN_REFERENCE.split()]
PAGES_WITH_BLOCKS = [
    *("/", *GET_STARTED, *STORAGES, *SESSIONS, *LABS, *RECIPES, *WHY, *REFERENCE),
    *("/contributing/", "/blocks/", EXERCISES),
]
PHONE = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 800}
LOOKS = pytest.mark.parametrize(
    ("scheme", "viewport"),
    [("light", DESK), ("dark", DESK), ("light", PHONE), ("dark", PHONE)],
    ids=["light desk", "dark desk", "light phone", "dark phone"],
)
# Where colours don't hang on the screen, and another test looks at all of them.
PAIRS = pytest.mark.parametrize(
    ("scheme", "viewport"), [("light", PHONE), ("dark", DESK)], ids=["light phone", "dark desk"]
)
CLIPBOARD = ["clipboard-read", "clipboard-write"]
PYTHON = re.compile("/assets/livedoc/(worker-|python-[^-/]+/)")  # and no package python-multipart
EDITOR = re.compile("/assets/livedoc/editor-")


@contextmanager
def reading(browser: Browser, server: str) -> Iterator[NewPage]:
    """Opens pages, each in a new reader's browser. In none may a request leave the site, or an error be logged."""
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def opened(path: str | None = None, **options: Any) -> Page:
        options = {"service_workers": "block", **options}  # only tests that are about them get them
        context = browser.new_context(base_url=server, reduced_motion="reduce", **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        context.on("request", lambda request: requested(request.url))
        context.on("console", lambda message: logged(message.type, message.text))
        context.on("weberror", lambda error: trouble.append(str(error.error)))
        page = context.new_page()
        if path is not None:
            page.goto(path)
        return page

    def requested(url: str) -> None:
        if not url.startswith((f"{server}/", "data:", "blob:")):
            trouble.append(f"request: {url}")

    def logged(type: str, text: str) -> None:
        if type == "error":
            trouble.append(f"console: {text}")

    yield opened
    for context in contexts:
        for page in context.pages:
            page.unroute_all(behavior="ignoreErrors")  # of an answer that the test hasn't waited for
        context.close()
    assert trouble == []


def pythons(page: Page) -> list[Worker]:
    return [worker for worker in page.workers if PYTHON.search(worker.url)]


def requests(page: Page) -> list[str]:
    """The addresses of all requests from now on; the list grows."""
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    return requested


def rewrite(page: Page, pattern: Pattern, change: Callable[[str], str]) -> None:
    """Change the text that these addresses send."""

    def rewritten(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=change(response.text()))

    page.route(pattern, rewritten)


@contextmanager
def held(page: Page, pattern: Pattern) -> Iterator[Callable[[], None]]:
    """Hold back the answer to a request that is made within the block, until the function that this gives is called."""
    asked: list[Route] = []
    page.route(pattern, lambda route: asked.append(route))  # noqa: PLW0108  # Playwright marks what it is given

    def let_come() -> None:
        while not asked:  # Playwright tells of a request before its route
            page.wait_for_timeout(10)
        asked.pop().continue_()

    with page.expect_request(pattern):
        yield let_come


def have_pages_swapped(page: Page) -> None:
    """Reload the page with a sitemap of this server. The theme swaps in place only pages that the sitemap names."""
    port = page.evaluate("location.port")
    rewrite(page, "**/sitemap.xml", lambda text: re.sub(r"(?<=<loc>https://)[^/]+", rf"\g<0>:{port}", text))
    page.reload()
    page.wait_for_load_state("networkidle")


def swapped(page: Page, do: Callable[[], object]) -> None:
    """Do what has the theme swap the page, and wait until it has."""
    page.evaluate("document.querySelector('article').dataset.before = ''")
    do()
    expect(page.locator("article")).not_to_have_attribute("data-before", "")


def search(page: Page, words: str) -> None:
    """Open the search, type this, and wait for what it finds."""
    page.keyboard.press("/")
    search_on(page, words)


def search_on(page: Page, words: str) -> None:
    """Type this into the search that is open, and empty, and wait for what it finds."""
    page.keyboard.insert_text(words)  # at once: letter by letter, there are results for the first few
    page.keyboard.press("End")  # only a key begins the search
    expect(page.locator(".md-search-result__meta")).to_have_text(re.compile("matching document"))
    expect(page.locator(".md-search-result__item").first).to_be_visible()


def width_of(page: Page) -> int:
    """How wide a page is, including what a reader would have to scroll to."""
    pixels: int = page.evaluate("document.documentElement.scrollWidth")
    return pixels


def watch_shifts(page: Page) -> Callable[[], list[object]]:
    """Watch for parts that move on their own. The function that this gives returns those that did."""
    page.evaluate("""() => {
        document.shifts = []
        new PerformanceObserver(list => {
            for (const { value, sources, hadRecentInput } of list.getEntries())
                if (!hadRecentInput) document.shifts.push([value, ...sources.map(({ node }) => node?.className)])
        }).observe({ type: "layout-shift" })
    }""")

    def shifts() -> list[object]:
        page.evaluate("new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
        moved: list[object] = page.evaluate("document.shifts")
        return moved

    return shifts
