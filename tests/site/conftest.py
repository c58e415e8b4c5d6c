"""What the tests of the site share: the built site, its server, and browsers."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from functools import partial
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.support.block import Block, block_of
from tests.support.host import Host, Rules, serving
from tests.support.page import CLIPBOARD, PATIENCE, reading
from tests.support.program import QUIET, UNOPTIMISED, WINDOWLESS, installed
from tests.support.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.support.page import NewPage


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built without a warning."""
    folder = tmp_path_factory.mktemp("built") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    ended = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    log = ended.stdout + ended.stderr
    assert ended.returncode == 0, log
    assert "WARNING" not in log, log
    return folder


@pytest.fixture(scope="session")
def header_rules() -> Rules:
    """The headers that the host sends, by path, as netlify.toml has them."""
    rules: Rules = tomllib.loads((PROJECT / "netlify.toml").read_text())["headers"]
    return rules


@pytest.fixture(scope="session")
def server(site: Path, header_rules: Rules) -> Iterator[str]:
    """The origin of a server that sends the site as the host would."""
    with serving(partial(Host, site, header_rules)) as origin:
        yield origin


@pytest.fixture(scope="module")  # not longer: while it lives, this thread counts as one that runs an event loop
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=installed(WINDOWLESS), args=[*QUIET, *UNOPTIMISED])
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Browser, server: str) -> Iterator[NewPage]:
    """Opens pages, as `reading` does."""
    with reading(browser, server) as opened:
        yield opened


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page("/storages/", permissions=CLIPBOARD)


@pytest.fixture
def block(page: Page) -> Block:
    """A block to play with."""
    return block_of(page)
