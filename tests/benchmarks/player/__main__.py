"""What a reader waits for and what travels, beside a plain use of Pyodide, in a real Chromium.

    python -m tests.benchmarks.player

Both run the same snippet with the same wheels from the same server, each in browsers of its own, in rounds that
alternate. Chromium keeps the machine code of what was busy in a profile's first visit, sometimes more of it and
sometimes less, so later starts differ by a third from one profile to the next: there are several. Prints a Markdown
table.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import brotli  # type: ignore[import-untyped]
from playwright.sync_api import sync_playwright

from livedoc import runtime
from livedoc.build import QUALITY, wire_sizes
from livedoc.snippet import load
from tests.support.block import SNIPPET, Block, block_of
from tests.support.host import ON_THE_FLY, file_of, serving
from tests.support.program import CHROMIUM, QUIET, installed
from tests.support.project import PROJECT, SNIPPETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext

ROUNDS = 9
PROFILES = 7
SLOW_PROFILES = 3
SLOW, DELAY = 10e6 / 8, 0.04  # bytes a second, and the seconds that a request is under way
PIECE = 16 * 1024  # bytes
VISITS = 3  # that are measured once the caches are full
A_LOOK = 3000  # milliseconds that a reader stays in the visits before
FIRST = "first bytes: b'two apples'"  # what it prints first
PAGE = "/storages/"
LESSON = "/laboratory/the-server-dies/"
LOOP = "while True: pass"
STUBBORN = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"

OURS = """() => new Promise(resolve => {
  const block = document.querySelector(`[data-snippet="SNIPPET"]`)
  const begin = performance.now()
  const output = block.querySelector("[data-output]")
  const look = () => output.textContent && resolve([performance.now() - begin, output.textContent])
  new MutationObserver(look).observe(block, { subtree: true, childList: true })
  block.querySelector(".snippet-run").click()
})""".replace("SNIPPET", SNIPPET)
STOCK = """script => new Promise(resolve => {
  const begin = performance.now()
  const worker = new Worker("/stock.js", { type: "module" })
  worker.onmessage = ({ data: printed }) => {
    if (printed) resolve([performance.now() - begin, printed])
    else worker.postMessage(script)
  }
})"""
DONE = """block => new Promise(resolve => {
  const begin = performance.now()
  const look = () => block.dataset.state === "done" && resolve(performance.now() - begin)
  new MutationObserver(look).observe(block, { attributeFilter: ["data-state"] })
  block.querySelector(".snippet-run").click()
})"""
STOPPED = DONE.replace('"done"', '"stopped"').replace(".snippet-run", ".snippet-stop")
WATCH = """() => {
  window.watched = { longest: 0, shifted: 0 }
  new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) watched.longest = Math.max(watched.longest, duration)
  }).observe({ type: "longtask" })
  new PerformanceObserver(list => {
    for (const { value, hadRecentInput } of list.getEntries()) watched.shifted += hadRecentInput ? 0 : value
  }).observe({ type: "layout-shift" })
}"""
PRESSED = """name => new Promise(resolve => {
  const lab = () => document.querySelector("[data-lab]") // Start puts another in its place
  const begin = performance.now()
  const before = lab().dataset.state
  let left = false // the state that it was in
  const look = () => {
    left ||= lab().dataset.state !== before
    if (left && lab().dataset.state === "ready") resolve(performance.now() - begin)
  }
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributeFilter: ["data-state"] })
  const buttons = [...lab().querySelectorAll("button")]
  buttons.find(({ textContent, hidden }) => textContent === name && !hidden).click()
})"""
LOADED = "() => [location.href, ...performance.getEntriesByType('resource').map(({ name }) => name)]"


class Line:
    """A line of so many bytes a second, which all connections share. What is sent over it waits until it's free."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free = 0.0

    def carry(self, number: int) -> None:
        """Return once so many bytes have come through."""
        with self._lock:
            self._free = max(self._free, time.monotonic()) + number / SLOW
            wait = self._free - time.monotonic()
        time.sleep(max(0, wait))


class Host(SimpleHTTPRequestHandler):
    """Serves a folder, compressed, isolated, and to be kept for good, over a slow line if there is one."""

    protocol_version = "HTTP/1.1"
    extensions_map = {  # noqa: RUF012 - the base class declares it so
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def __init__(self, *arguments: Any, line: Line | None = None, **options: Any) -> None:
        self._line = line
        super().__init__(*arguments, **options)

    def handle(self) -> None:
        """Answer a browser, which may go at any time."""
        with suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        """Send a file."""
        if self._line:
            time.sleep(DELAY)
        file = Path(self.translate_path(self.path))
        file = file / "index.html" if file.is_dir() else file
        if not file.is_file():
            self.send_error(404)
            return
        content = compressed(file)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(file)))
        self.send_header("Content-Encoding", "br")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "public, max-age=31536000, immutable")
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.end_headers()
        for begin in range(0, len(content), PIECE):
            piece = content[begin : begin + PIECE]
            if self._line:
                self._line.carry(len(piece))
            self.wfile.write(piece)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the table readable."""


@cache
def compressed(file: Path) -> bytes:
    sent: bytes = brotli.compress(file.read_bytes(), quality=QUALITY)
    return sent


def build(site: Path) -> None:
    """Fill `site` with ours, and with what a plain use of Pyodide has: npm's files and the wheels as downloaded."""
    subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", site], check=True)
    stock = site / "stock"
    stock.mkdir()
    for name in ("pyodide.mjs", *runtime.PYODIDE_FILES, runtime.LIBRARY):
        shutil.copy(runtime.PYODIDE / name, stock)
    lock = runtime.described(runtime.build_runtime(PROJECT))["lock"]
    wheels = [*runtime.download(PROJECT, "requirements-browser.txt").iterdir(), runtime.build_wheel(PROJECT, stock)]
    for wheel in wheels:
        if wheel.parent != stock:
            shutil.copy(wheel, stock)
        package = lock["packages"][wheel.name.split("-")[0].replace("_", "-").lower()]
        package |= {"file_name": wheel.name, "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()}
    (stock / runtime.LOCK).write_text(json.dumps(lock))
    shutil.copy(Path(__file__).with_name("stock.js"), site)
    (stock / "index.html").write_text("<!doctype html><title>A plain use of Pyodide</title>")


def first_output(profile: BrowserContext, kind: str, stay: int = 0) -> float:
    """Milliseconds from the click to what the snippet prints first."""
    script = load(SNIPPETS, SNIPPET).script.replace("asyncio.run(main())", "await main()")
    page = profile.new_page()
    page.goto(PAGE if kind == "ours" else "/stock/")
    page.wait_for_load_state("networkidle")
    taken: float
    taken, printed = page.evaluate(OURS) if kind == "ours" else page.evaluate(STOCK, script)
    assert printed.startswith(FIRST), printed  # what Pyodide itself may say is not meant
    page.wait_for_timeout(stay)
    page.close()
    return taken


def slow_starts(open_profile: Callable[[], BrowserContext]) -> dict[str, list[float]]:
    """The start of a reader who has nothing of it yet, by whose it was, over a slow line."""
    taken: dict[str, list[float]] = {}
    for turn in range(SLOW_PROFILES):
        for kind in ("ours", "stock") if turn % 2 else ("stock", "ours"):
            with open_profile() as profile:
                taken.setdefault(kind, []).append(first_output(profile, kind))
    return taken


def starts(open_profile: Callable[[], BrowserContext]) -> dict[tuple[str, str], list[float]]:
    """The start in each profile, by whether its cache was empty and whose it was; with a warm one, the median."""
    taken: dict[tuple[str, str], list[float]] = {}
    for turn in range(PROFILES):
        for kind in ("ours", "stock") if turn % 2 else ("stock", "ours"):
            with open_profile() as profile:
                taken.setdefault(("empty", kind), []).append(first_output(profile, kind, A_LOOK))
                first_output(profile, kind, A_LOOK)
                warm = median(first_output(profile, kind) for _ in range(VISITS))
                taken.setdefault(("warm", kind), []).append(warm)
    return taken


def stop(block: Block, program: str) -> float:
    """Milliseconds from the click on Stop to the end of a program that runs."""
    block.editor.fill(program)
    block.press("Run")
    block.wait_for("running")
    taken: float = block.element.evaluate(STOPPED)
    return taken


def figures(browser: Browser, origin: str, site: Path) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and limit of everything but the starts."""
    with browser.new_context(base_url=origin, service_workers="block") as context:
        page = context.new_page()
        page.goto(PAGE, wait_until="networkidle")
        files = list({file_of(site, url) for url in page.evaluate(LOADED)})
        ours = [file for file in files if "livedoc" in file.parts]
        yield "bytes of Python before a click", f"{len([file for file in ours if 'worker' in file.name])}", "0"
        total, own = (sum(wire_sizes(some, ON_THE_FLY)) / 1000 for some in (files, ours))
        yield "a content page before a click", f"{total:.0f} kB, of which ours {own:.1f} kB", "150 kB, 15 kB"
        page.evaluate(WATCH)
        requested: list[str] = []
        context.on("request", lambda request: requested.append(request.url))
        block = block_of(page)
        block.element.evaluate(DONE)
        first = sum(wire_sizes(list({file_of(site, url) for url in requested}))) / 1e6
        yield "first Run on the wire", f"{first:.2f} MB", "4.2 MB"
        again = median(block.element.evaluate(DONE) for _ in range(ROUNDS))
        shifted = page.evaluate("watched.shifted")
        block.edit("for n in range(200_000):\n    print('line', n)")
        page.wait_for_timeout(500)  # what opening the editor took is not meant
        page.evaluate("watched.longest = 0")
        block.element.evaluate(DONE)
        longest = page.evaluate("watched.longest")
        stops = {program: median(stop(block, program) for _ in range(ROUNDS)) for program in (LOOP, STUBBORN)}
        yield "second Run, from click to done, the program included", f"{again:.0f} ms", "50 ms"
        yield "longest task of the page while 200,000 lines are printed", f"{longest:.0f} ms", "50 ms"
        yield "Stop of a loop", f"{stops[LOOP]:.0f} ms", "100 ms"
        yield "Stop of a program that catches all", f"{stops[STUBBORN]:.0f} ms", "2000 ms"
        yield "layout shift while a block runs", f"{shifted:.3f}", "0"
        [editor] = site.glob("assets/livedoc/editor-*.js")
        yield "editor, on demand", f"{wire_sizes([editor])[0] / 1000:.1f} kB", "115 kB"


def lab_figures(profile: BrowserContext, warm: float) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and limit of a laboratory whose Python is cached. `warm`: the start of a block then."""
    starts, sends, longest = list[float](), list[float](), 0.0
    restarts, unready = list[float](), list[float]()
    for _ in range(VISITS + 1):
        page = profile.new_page()
        page.goto(LESSON, wait_until="networkidle")
        page.evaluate(WATCH)
        started = page.evaluate(PRESSED, "Start")
        first, *others = (page.evaluate(PRESSED, "Send") for _ in range(ROUNDS))
        starts.append(started + first)
        sends += others
        page.wait_for_timeout(A_LOOK)  # at the responses: the next Python gets ready
        restarts.append(page.evaluate(PRESSED, "Restart"))
        unready.append(page.evaluate(PRESSED, "Restart"))  # the one after it doesn't, without a response
        longest = max(longest, page.evaluate("watched.longest"))
        page.close()
    start, restart, other = (median(taken[1:]) for taken in (starts, restarts, unready))  # the first fills the cache
    yield "lab: Start to the first response", f"{start:.0f} ms, {start / warm:.2f} of a block's warm start", "1.5"
    yield "lab: Send to the response, the app included", f"{median(sends):.0f} ms", "50 ms and the app"
    yield "lab: Restart", f"{restart:.0f} ms, {restart / warm:.2f} of a block's warm start", "1"
    yield "lab: Restart while no Python is ready", f"{other:.0f} ms, {other / warm:.2f} of a block's warm start", "none"
    yield "lab: longest task of the page", f"{longest:.0f} ms", "50 ms"


def main() -> None:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        site = Path(scratch) / "site"
        build(site)
        load_before = os.getloadavg()[0]
        options: dict[str, Any] = {
            "executable_path": installed(CHROMIUM),
            "args": QUIET,
            "chromium_sandbox": os.geteuid() != 0,
        }
        browser = playwright.chromium.launch(**options)

        def open_profile(origin: str) -> BrowserContext:
            folder = tempfile.mkdtemp(dir=scratch)
            return playwright.chromium.launch_persistent_context(folder, base_url=origin, **options)

        with serving(partial(Host, directory=str(site))) as origin:
            for kind in ("ours", "stock"):  # once, for the host to compress what it sends
                with open_profile(origin) as profile:
                    first_output(profile, kind)
            taken = starts(partial(open_profile, origin))
            rest = list(figures(browser, origin, site))
            with open_profile(origin) as profile:
                rest += lab_figures(profile, median(taken["warm", "ours"]))
        with serving(partial(Host, directory=str(site), line=Line())) as origin:
            slow = slow_starts(partial(open_profile, origin))
        browser.close()
    print("| figure | measured | at most |\n|---|---|---|")
    for cached, limit in (("empty", 0.36), ("warm", 0.30)):
        ours, stock = (median(taken[cached, kind]) for kind in ("ours", "stock"))
        told = f"{ours / 1000:.2f} s against {stock / 1000:.2f} s: {ours / stock:.2f}"
        told += f" ({min(taken[cached, 'ours']) / stock:.2f} to {max(taken[cached, 'ours']) / stock:.2f})"
        print(f"| click to first output, {cached} cache, as a part of plain Pyodide | {told} | {limit} |")
    ours, stock = (median(slow[kind]) for kind in ("ours", "stock"))
    told = f"{ours / 1000:.2f} s against {stock / 1000:.2f} s: {ours / stock:.2f}"
    print(f"| the same with an empty cache, at 10 Mbit/s and 40 ms | {told} | 5.0 s, 0.6 |")
    for name, value, limit_told in rest:
        print(f"| {name} | {value} | {limit_told} |")
    profiles = f"{PROFILES} profiles ({SLOW_PROFILES} at 10 Mbit/s)"
    print(f"\nMedians of {profiles} or {ROUNDS} rounds; {os.cpu_count()} CPUs, load {load_before:.1f} before.")


if __name__ == "__main__":
    main()
