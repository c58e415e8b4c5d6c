"""The way to another generator: builds the pages with Zensical, completes the site, and runs a block in Chromium.

    python -m tests.zensical

`make test` doesn't run this, because it installs Zensical into an environment of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from functools import partial
from shutil import copy, copytree, rmtree
from typing import TYPE_CHECKING

from playwright.sync_api import expect, sync_playwright

from livedoc.snippet import paths
from tests.support.block import RUNNABLE, SNIPPET, block_of
from tests.support.environment import python_with
from tests.support.host import Host, serving
from tests.support.page import PAGES
from tests.support.program import CHROMIUM, QUIET, installed
from tests.support.project import DOCS, PROJECT, SNIPPETS

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

HERE = PROJECT / ".cache" / "zensical"
# Zensical caches pages beside its configuration, and doesn't see that a snippet has changed.
COPY = HERE / "project"
SITE = COPY / "site"
# Zensical can't read the theme's templates, which are for Material.
CONFIGURATION = "INHERIT: mkdocs.yml\ntheme: {custom_dir: null}\n"
PATIENCE = 60_000  # milliseconds


def build() -> None:
    """Build the pages with Zensical, and put the player into them."""
    python = python_with(PROJECT / "requirements-zensical.txt", HERE / "python")
    rmtree(COPY, ignore_errors=True)
    copytree(DOCS, COPY / "docs")
    copy(PROJECT / "mkdocs.yml", COPY)
    (COPY / "zensical.yml").write_text(CONFIGURATION)
    for name in ("snippets", "src"):
        (COPY / name).symlink_to(PROJECT / name)
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "src")}
    command = [str(python), "-m", "zensical", "build", "--config-file", "zensical.yml"]
    subprocess.run(command, cwd=COPY, env=environment, check=True)
    command = [sys.executable, "-m", "livedoc", str(SITE)]
    subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)


def check_files(site: Path) -> None:
    """See that each page is there, and each snippet on one of them."""
    built = {file.parent.relative_to(site).as_posix().removeprefix(".") for file in site.rglob("index.html")}
    assert built == set(PAGES), built ^ set(PAGES)
    text = "".join(file.read_text() for file in site.rglob("*.html"))
    missing = [path for path in paths(SNIPPETS) if f'data-snippet="{path}"' not in text]
    assert not missing, missing
    assert '"storages/":' in (site / "sw.js").read_text()


def check_block(page: Page) -> str:
    """Run a block, edit it, and give what it printed."""
    page.goto("/storages/")
    block = block_of(page)
    assert block.path == SNIPPET
    result = block.run()
    assert result == block.expected, result
    changed = block.run('print("changed")\n')
    assert changed == "done: changed\n", changed
    return result


def check_pages(page: Page) -> str:
    """Go to another page as a reader does, and run a block there."""
    page.locator(".md-footer__link--next").first.click()
    expect(page).to_have_url(re.compile("/storages/delete-expired-sessions/$"))
    expect(page.locator("h1")).to_contain_text("Delete expired sessions")  # the address is there before the page
    block = block_of(page, page.locator(RUNNABLE).first.get_attribute("data-snippet") or "")
    result = block.run()
    assert result == block.expected, result
    return result


def main() -> None:
    """Build, check, and print what ran."""
    build()
    check_files(SITE)
    rules = tomllib.loads((PROJECT / "netlify.toml").read_text())["headers"]
    for rule in rules:
        rule["values"].pop("Content-Security-Policy", None)  # it names the inline scripts of Material's pages
    errors: list[str] = []
    with serving(partial(Host, SITE, rules)) as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(CHROMIUM), args=QUIET)
        context = browser.new_context(base_url=origin, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        context.on("request", lambda asked: errors.append(asked.url) if not asked.url.startswith(origin) else None)
        page = context.new_page()
        sys.stdout.write(f"{len(PAGES)} pages\n{check_block(page)}{check_pages(page)}")
        browser.close()
    assert not errors, errors


if __name__ == "__main__":
    main()
