"""How long a reader's first Run waits for Python: from the worker's creation to its first print, in a real Chromium.

    python tests/benchmarks/start

Compares npm's Pyodide and the same wheels as downloaded with the compiled runtime of `livedoc.runtime`, in rounds that
alternate, with a warm HTTP cache. Prints a Markdown table.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import sync_playwright

from livedoc import runtime

ROUNDS = 9
WARM_UP = 2  # the first start fills the HTTP cache, the second the cache of compiled WebAssembly

START = """runtime => new Promise((resolve, reject) => {
  const begin = performance.now()
  const worker = new Worker(`/worker.js?runtime=${runtime}`, { type: "module" })
  worker.onmessage = () => { resolve(performance.now() - begin); worker.terminate() }
  worker.onerror = event => reject(new Error(event.message))
})"""


class CachedFiles(SimpleHTTPRequestHandler):
    """Serves a folder as a static host would: right types, files that may be cached for good."""

    protocol_version = "HTTP/1.1"
    extensions_map = {  # noqa: RUF012 - the base class declares it so
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".js": "text/javascript",
        ".wasm": "application/wasm",
        ".whl": "application/zip",
    }

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "public, max-age=31536000, immutable")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the table readable."""


def stock_runtime(project: Path, compiled: Path, folder: Path) -> None:
    """Fill `folder` with npm's Pyodide and the wheels as downloaded, under a lock that differs in nothing else."""
    lock = json.loads((compiled / runtime.LOCK).read_text())
    for name in runtime.PYODIDE_FILES:
        shutil.copy(runtime.PYODIDE / name, folder)
    wheels = runtime.download(project, "requirements-browser.txt")
    own = runtime.build_wheel(project, folder)
    for wheel in [own, *wheels.iterdir()]:
        if wheel.parent != folder:
            shutil.copy(wheel, folder)
        package = lock["packages"][wheel.name.split("-")[0].replace("_", "-").lower()]
        package |= {"file_name": wheel.name, "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()}
    (folder / runtime.LOCK).write_text(json.dumps(lock))


def measure(site: Path, runtimes: list[str]) -> dict[str, list[float]]:
    """Seconds from the worker's creation to its first print, for each runtime below `site`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(CachedFiles, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    seconds: dict[str, list[float]] = {name: [] for name in runtimes}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
            args=["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"],
            chromium_sandbox=os.geteuid() != 0,
        )
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        for turn in range(WARM_UP + ROUNDS):
            for name in runtimes if turn % 2 else reversed(runtimes):
                milliseconds = page.evaluate(START, f"{name}/")
                if turn >= WARM_UP:
                    seconds[name].append(milliseconds / 1000)
        browser.close()
    server.shutdown()
    return seconds


def main() -> None:
    """Measure and print the table."""
    project = Path.cwd()
    compiled = runtime.build_runtime(project)
    with tempfile.TemporaryDirectory() as scratch:
        site = Path(scratch)
        (site / "stock").mkdir()
        stock_runtime(project, compiled, site / "stock")
        shutil.copytree(compiled, site / "compiled")
        shutil.copy(Path(__file__).with_name("worker.js"), site)
        (site / "index.html").write_text("<!doctype html><title>Start of Python</title>")
        load = os.getloadavg()[0]
        seconds = measure(site, ["stock", "compiled"])
    stock, ours = (statistics.median(seconds[name]) for name in ("stock", "compiled"))
    sys.stdout.write(
        "| worker to first print, warm cache | median of rounds | fastest | slowest | ratio |\n|---|---|---|---|---|\n"
    )
    for name, values in seconds.items():
        median = statistics.median(values)
        sys.stdout.write(
            f"| {name} | {median:.2f} s | {min(values):.2f} s | {max(values):.2f} s | {median / stock:.2f} |\n"
        )
    sys.stdout.write(
        f"\n{ROUNDS} rounds, alternating; {os.cpu_count()} CPUs, load {load:.1f} before. "
        f"The goal is a ratio of at most 0.50: it is {ours / stock:.2f}.\n"
    )


if __name__ == "__main__":
    main()
