"""Programs that are unkind to their block: each is told apart, and none harms what comes after it."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tests.support.block import Block, block_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture
def unwatched(browser: Browser, server: str) -> Iterator[Block]:
    """A block of a page whose console may say what it likes: Pyodide tells there of its end."""
    with browser.new_page(base_url=server, service_workers="block") as page:
        page.goto("/storages/")
        yield block_of(page)


def run(block: Block, program: str) -> str:
    """What a reader sees who runs this in the place of the excerpt."""
    return block.run(dedent(program).strip()) + block.error


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (
            "class Coat:\n    def __repr__(self): return repr(self)\nprint(Coat())",
            "called itself too deep for a browser",
        ),
        ("import os\nos._exit(3)", "ended it with exit code 3"),
        ("import os\nos.abort()", "asked for more than a browser can do"),
    ],
    ids=["too deep", "exit", "abort"],
)
def test_a_program_that_ends_python_is_told_and_the_next_run_works(unwatched: Block, program: str, told: str) -> None:
    result = run(unwatched, f"print('begins')\n{program}")
    where = r"(Stack \(most recent call first\):\n(  .*\n)+)?"  # what Pyodide had to say
    assert re.fullmatch(f"failed: begins\n{where}Python ended: the program {told}\\.\nRun starts it anew\\.\n", result)
    assert run(unwatched, "print('on')") == "done: on\n"


def test_a_program_cannot_reach_what_the_site_keeps_nor_speak_for_the_player(block: Block) -> None:
    looks = """
        import js
        for name in ("caches", "indexedDB", "postMessage", "localStorage"):
            print(name, hasattr(js, name), hasattr(js.globalThis, name), name in js.Object.getOwnPropertyNames(js.self))
    """
    result = run(block, looks)
    names = ("caches", "indexedDB", "postMessage", "localStorage")
    assert result == "done: " + "".join(f"{name} False False False\n" for name in names)


def test_a_failure_of_any_length_is_shown_as_plain_text_of_some_length(block: Block) -> None:
    result = run(block, "raise ValueError('\\x1b[31mred\\x1b[0m' + 'x' * 5_000_000)")
    assert "ValueError: redxxx" in result
    assert len(result) < 101_000
    assert result.endswith("[The rest is not shown.]\n")


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("input('Your name? ')", "EOFError"),
        (
            "import numpy",
            "Here a program can import most of the standard library, and annotated-doc, annotated-types, anyio,",
        ),
        ("import sys\nsys.stdout.buffer.write(b'caf\\xc3')", "done: caf\N{REPLACEMENT CHARACTER}"),
    ],
    ids=["input", "import", "half a character"],
)
def test_what_a_browser_has_not_is_said(block: Block, program: str, told: str) -> None:
    assert told in run(block, program)


def test_what_a_program_does_to_python_is_undone(block: Block) -> None:
    assert run(block, "import builtins, sys\nbuiltins.print = lambda *_: None\nsys.path.clear()") == "done: "
    assert run(block, "import _livedoc.process\n_livedoc.process.run = None") == "done: "
    assert run(block, "import fractions\nprint(fractions.Fraction(1, 2))") == "done: 1/2\n"
    for level in ("WARNING", "ERROR"):
        logs = f"import logging, sys\nlogging.basicConfig(stream=sys.stdout, level=logging.{level})\n"
        assert run(block, f"{logs}logging.{level.lower()}('seen')") == f"done: {level}:root:seen\n"


def test_reset_takes_back_what_a_program_did_inside_a_library(block: Block) -> None:
    assert run(block, "import json\njson.dumps = None\nprint('done')") == "done: done\n"
    block.press("Reset")
    assert run(block, "import json\nprint(json.dumps([1]))") == "done: [1]\n"
