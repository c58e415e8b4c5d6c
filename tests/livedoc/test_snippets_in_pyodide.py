"""The browser's Python, under Node: each snippet prints what it promises, with and without stack switching."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import PurePosixPath
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from livedoc.build import NODE
from livedoc.runtime import build_runtime
from livedoc.snippet import load, paths
from tests.support.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    Perform = Callable[[dict[str, str]], dict[str, dict[str, Any]]]
    Run = Callable[[dict[str, str]], dict[str, tuple[str, str | None]]]

ENTRY = PROJECT / "src" / "livedoc" / "player" / "node" / "snippets_in_node.ts"
RUNNABLE = [snippet for path in paths(PROJECT / "snippets") if not (snippet := load(PROJECT / "snippets", path)).needs]


@pytest.fixture(scope="module", params=["with-jspi", "without-jspi"])
def perform(request: pytest.FixtureRequest) -> Perform:
    def run_in_pyodide(scripts: dict[str, str]) -> dict[str, dict[str, Any]]:
        command = [NODE, "--experimental-wasm-stack-switching", ENTRY, build_runtime(PROJECT), request.param]
        asked = json.dumps([{"path": path, "source": source} for path, source in scripts.items()])
        ended = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return {result["path"]: result for result in json.loads(ended.stdout)}

    return run_in_pyodide


@pytest.fixture
def run(perform: Perform) -> Run:
    return lambda scripts: {path: (result["output"], result["error"]) for path, result in perform(scripts).items()}


@pytest.fixture(scope="module")
def performed(perform: Perform) -> dict[str, dict[str, Any]]:
    """What came of each snippet.

    Those first for which no part of the library comes ahead: one that has come stays for the snippets after it.
    """
    others = re.compile(r"^ *(from|import) (fastapi|httpx2|pydantic|starlette)", re.MULTILINE)
    ordered = sorted(RUNNABLE, key=lambda snippet: bool(others.search(snippet.script)))
    return perform({snippet.path: snippet.script for snippet in ordered})


def test_each_snippet_prints_what_it_promises(performed: dict[str, dict[str, Any]]) -> None:
    promised = {snippet.path: (snippet.output, None) for snippet in RUNNABLE}
    assert {path: (result["output"], result["error"]) for path, result in performed.items()} == promised


def test_no_snippet_waits_for_a_part_of_the_library_while_it_runs(performed: dict[str, dict[str, Any]]) -> None:
    assert {path: result["waitedFor"] for path, result in performed.items()} == {path: [] for path in performed}


LATE = """
import importlib, logging, logging.handlers, sys
try:
    import msvcrt
except ImportError as error:
    print(error)
print(importlib.import_module("csv").__file__, "café".encode("cp037"))
print(logging.handlers.__name__, importlib.import_module("email.message").Message().__class__)
"""


def test_what_a_script_is_not_seen_to_import_comes_while_it_runs_and_stays(perform: Perform) -> None:
    scripts = {
        "core.py": "import asyncio, json, msvcrt",
        "late.py": LATE,
        "again.py": LATE,
        "seen.py": "import sqlite3",
    }
    results = perform(scripts)
    assert [PurePosixPath(file).name for file in results["late.py"]["waitedFor"]] == [
        "python_stdlib.1.part",
        "python_stdlib.2.part",
    ]
    for path in ("late.py", "again.py"):
        assert results[path]["error"] is None
        assert results[path]["output"].splitlines() == [
            "No module named 'msvcrt'",
            "/lib/python314.zip/csv.pyc b'\\x83\\x81\\x86Q'",
            "logging.handlers <class 'email.message.Message'>",
        ]
    assert [result["waitedFor"] for path, result in results.items() if path != "late.py"] == [[], [], []]
    assert [result["spent"] for result in results.values()] == [False] * 4


def test_a_traceback_through_a_later_part_shows_the_script(run: Run) -> None:
    script = "import importlib\njson = importlib.import_module('configparser')\njson.ConfigParser().read_string('x')\n"
    _, traceback = run({"late.py": script})["late.py"]
    assert traceback is not None
    assert "  File \"late.py\", line 3, in <module>\n    json.ConfigParser().read_string('x')\n" in traceback


FILES = """
import anyio
from anyio import to_thread

async def main() -> None:
    await anyio.Path("é.txt").write_bytes("é".encode())
    async with await anyio.open_file("é.txt") as file:
        print(await file.read(), await to_thread.run_sync(len, "abc"))

anyio.run(main)
"""
APP = """
import asyncio
import httpx2
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

def hello(request):
    return PlainTextResponse("hello")

async def main():
    transport = httpx2.ASGITransport(Starlette(routes=[Route("/", hello)]))
    async with httpx2.AsyncClient(transport=transport, base_url="https://a.example") as client:
        return (await client.get("/")).text

print(asyncio.run(main()))
"""


def test_what_needs_threads_elsewhere_works_without_them(run: Run) -> None:
    assert run({"files.py": FILES, "app.py": APP}) == {"files.py": ("é 3\n", None), "app.py": ("hello\n", None)}


LAZY = """
import anyio, coatcheck, sys
print("anyio._backends._asyncio" in sys.modules)
print(await anyio.to_thread.run_sync(len, "abc"), "anyio._backends._asyncio" in sys.modules)
"""
SPOILT = """
from anyio._backends._asyncio import AsyncIOBackend
AsyncIOBackend.run_sync_in_worker_thread = None
"""


def test_the_event_loop_of_anyio_comes_when_a_script_uses_it_and_is_mended_for_the_next(run: Run) -> None:
    ended = run({"lazy.py": LAZY, "spoilt.py": SPOILT, "files.py": FILES})
    assert ended["lazy.py"] == ("False\n3 True\n", None)
    assert ended["files.py"] == ("é 3\n", None)


def test_a_character_in_two_parts_is_one_and_stderr_is_shown_too(run: Run) -> None:
    script = """
        import os, sys
        os.write(1, b"\\xc3")
        os.write(1, b"\\xa9\\n")
        print("error", file=sys.stderr)
    """
    assert run({"parts.py": dedent(script)}) == {"parts.py": ("é\nerror\n", None)}


def test_a_run_finds_nothing_of_the_run_before(run: Run) -> None:
    failing = "import asyncio\nleft = asyncio.sleep(0)\nopen('left.txt', 'w').close()\nleft, [].pop()\n"
    fresh = "import os\nprint(os.listdir(), 'left' in globals())\n"
    ended = run({"failing.py": failing, "fresh.py": fresh})
    output, traceback = ended["failing.py"]
    assert traceback is not None
    assert "coroutine 'sleep' was never awaited" in output
    assert traceback.splitlines()[1:3] == ['  File "failing.py", line 4, in <module>', "    left, [].pop()"]
    assert traceback.endswith("IndexError: pop from empty list\n")
    assert ended["fresh.py"] == ("[] False\n", None)


LOOPS = """
import asyncio

async def other(name):
    await asyncio.sleep(0.001)
    return name

print(asyncio.new_event_loop().run_until_complete(other("new")))
print(asyncio.get_event_loop().run_until_complete(asyncio.ensure_future(other("same"))))

def inside():
    return asyncio.get_event_loop().run_until_complete(other("inside"))

print(inside())
"""


def test_a_loop_runs_until_complete_or_says_what_to_write(run: Run, request: pytest.FixtureRequest) -> None:
    output, error = run({"loops.py": LOOPS})["loops.py"]
    if "with-jspi" in request.node.callspec.id:
        assert (output, error) == ("new\nsame\ninside\n", None)
    else:
        assert output == "new\nsame\n"
        assert error is not None
        assert error.endswith("outside of all functions, or await main() inside an async one.\n")
