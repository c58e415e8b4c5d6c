"""Programs that are unkind to their block: each is told apart, and none harms what comes after it."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tests.support.block import Block, block_of
from tests.support.engine import PROGRAMS

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
    says = f"Python ended: the program {told}\\.\nPress Run to start it again\\.\n"
    assert re.fullmatch(f"failed: begins\n{where}{says}", result)
    assert run(unwatched, "print('on')") == "done: on\n"


def test_programs_end_as_in_other_browsers(unwatched: Block) -> None:
    for program, result in PROGRAMS:
        assert re.fullmatch(result, unwatched.run(program) + unwatched.error), program


@pytest.mark.parametrize("file", ["python_stdlib.zip", "pyodide.asm.wasm", "pyodide.asm.mjs", "msgspec-*.whl"])
def test_a_web_page_in_the_place_of_a_file_of_python_is_told_in_words(unwatched: Block, file: str) -> None:
    page = unwatched.page
    page.context.route(f"**/{file}", lambda route: route.fulfill(status=200, content_type="text/html", body="<h1>"))
    assert run(unwatched, "import coatcheck").startswith("failed: Python could not start: ")
    assert "object Object" not in unwatched.error
    page.context.unroute(f"**/{file}")
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


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("age = int(input())", "Put the value into the code"),
        ("import threading\nthreading.Timer(1, print).start()", "await asyncio.to_thread(function)"),
        (
            "from concurrent.futures import ThreadPoolExecutor as Pool\nPool().submit(print)",
            "await asyncio.to_thread(function)",
        ),
        ("import subprocess\nsubprocess.check_output('date')", "A browser can't start other programs"),
        ("import os\nos.system('date')", "A browser can't start other programs"),
        ("import os\nos.execv('/bin/date', ['date'])", "A browser can't start other programs"),
        (
            "from concurrent.futures import ProcessPoolExecutor as Pool\nPool().submit(print)",
            "A browser can't start other programs",
        ),
        (
            "import multiprocessing\nmultiprocessing.Process(target=print).start()",
            "A browser can't start other programs",
        ),
        ("import asyncio\nawait asyncio.open_connection('a.example', 80)", "A browser can't open connections"),
        (
            "import asyncio\nasync def coat(): ...\nwith asyncio.Runner() as runner:\n    runner.run(coat())",
            "Write asyncio.run(main()) outside of all functions",
        ),
        (
            "import asyncio\nasyncio.new_event_loop().run_forever()",
            "Write asyncio.run(main()) outside of all functions",
        ),
        ("import urllib.request\nurllib.request.urlopen('http://a.example')", "A browser can't open connections"),
    ],
    ids=[
        "input",
        "thread",
        "pool",
        "process",
        "system",
        "exec",
        "process pool",
        "multiprocessing",
        "connection",
        "runner",
        "forever",
        "url",
    ],
)
def test_what_a_browser_cannot_do_is_told_with_what_to_write_instead(block: Block, program: str, told: str) -> None:
    result = run(block, program)
    assert result.startswith("failed: ")
    assert told in result.splitlines()[-1]


def test_what_needs_a_person_a_window_or_a_network_is_told_too(unwatched: Block) -> None:
    for program, told in (
        ("number = 1\nbreakpoint()", "Print what you want to look at"),
        ("import getpass\ngetpass.getpass()", "Put the value into the code"),
        ("import webbrowser\nwebbrowser.open('http://a.example')", "A program can't open a page"),
        ("import turtle", "A browser's Python comes without this part of the standard library"),
        ("import shelve\nshelve.open('coats')", "A browser's Python comes without this part of the standard library"),
        ("import httpx2\nhttpx2.get('http://a.example')", "A browser can't open connections"),
    ):
        assert told in run(unwatched, program).splitlines()[-1]


@pytest.mark.parametrize(
    "program",
    ["def climb():\n    climb()", "import sys\nsys.setrecursionlimit(10**6)\ndef climb():\n    return climb() + 1"],
)
def test_a_program_that_calls_itself_without_end_is_told_in_words_without_our_frames(
    unwatched: Block, program: str
) -> None:
    result = run(unwatched, f"{program}\nclimb()")
    assert "RecursionError" in result or "called itself too deep for a browser" in result
    assert "_livedoc" not in result
    assert run(unwatched, "print('on')") == "done: on\n"


def test_time_zones_work_and_come_when_they_are_needed(block: Block) -> None:
    requested: list[str] = []
    block.page.context.on("request", lambda request: requested.append(request.url))
    assert run(block, "print('no time zone')") == "done: no time zone\n"
    assert not [url for url in requested if "tzdata" in url]
    program = """
        from datetime import datetime
        from zoneinfo import ZoneInfo, available_timezones
        print(datetime(2026, 7, 1, tzinfo=ZoneInfo("Europe/Lisbon")).isoformat(), ZoneInfo("UTC"))
        print(len(available_timezones()) > 400)
    """
    assert run(block, program) == "done: 2026-07-01T00:00:00+01:00 UTC\nTrue\n"
    assert [url for url in requested if "tzdata" in url]


def test_what_a_program_does_to_python_is_undone(block: Block) -> None:
    assert run(block, "import builtins, sys\nbuiltins.print = lambda *_: None\nsys.path.clear()") == "done: "
    assert run(block, "import _livedoc.process\n_livedoc.process.run = None") == "done: "
    assert run(block, "import fractions\nprint(fractions.Fraction(1, 2))") == "done: 1/2\n"
    for level in ("WARNING", "ERROR"):
        logs = f"import logging, sys\nlogging.basicConfig(stream=sys.stdout, level=logging.{level})\n"
        assert run(block, f"{logs}logging.{level.lower()}('seen')") == f"done: {level}:root:seen\n"


STREAMS = """
import sys
print("out")
print("err", file=sys.stderr)
print(repr(sys.stdin.read()), file=sys.__stdout__)
"""
SPOILT_STREAMS = [
    "import gc, io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, 'ascii')\nsys.stdout = None\ngc.collect()",
    "import sys\nsys.stderr = sys.stdout.detach()\nsys.stdin.close()",
    "import sys\nsys.__stdout__ = sys.stdout = sys.stdin = None\nsys.stderr.reconfigure(encoding='utf-16')",
    "import os\nos.dup2(os.open('/dev/null', os.O_WRONLY), 1)\nos.close(0)\nos.close(2)",
    "import sys\nclass Bad:\n    def flush(self): raise LookupError\nsys.stdout = Bad()",
]


def test_streams_work_whatever_the_last_run_did_to_them(block: Block) -> None:
    assert run(block, STREAMS) == "done: out\nerr\n''\n"
    for program in SPOILT_STREAMS:
        assert run(block, program) == "done: "
        assert run(block, STREAMS) == "done: out\nerr\n''\n", program


LOOK = """
import asyncio, builtins, contextvars, decimal, gc, json, locale
import logging, os, random, re, signal, sys, warnings
logging.warning("seen")
warnings.warn("old")
print(len({random.getstate(), random.Random(1).getstate()}), decimal.Decimal(1) / 3, locale.getlocale())
print(logging.root.handlers, logging.getLogger("coat").level, logging.getLevelName(20))
print([variable.name for variable in contextvars.copy_context()])
print(sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__, sys.gettrace(), sys.getprofile())
print(sys.getrecursionlimit(), sys.path, len(sys.meta_path), sys.argv, sys.flags, sys.get_int_max_str_digits())
print(gc.isenabled(), gc.get_threshold(), signal.getsignal(signal.SIGINT), os.getcwd() == os.path.dirname(os.getcwd()))
print(os.environ.get("COAT"), json.dumps([1]), json.JSONEncoder.item_separator, re._MAXCACHE)
print(type(asyncio.get_event_loop_policy()).__name__, hasattr(builtins, "coat"), "fractions" in sys.modules)
print(hasattr(json, "coat"), repr(decimal.getcontext()), sys.breakpointhook is sys.__breakpointhook__)
"""
HARMS = [
    "import random\nrandom.seed(1)\nrandom.random = lambda: 4\nrandom.Random.getstate = lambda self: 0",
    "import logging\nlogging.basicConfig()\nlogging.disable(50)\nlogging.addLevelName(20, 'COAT')",
    "import logging\nlogging.getLogger('coat').setLevel(1)\nlogging.root.addFilter(lambda record: False)",
    "import decimal, locale\ndecimal.getcontext().prec = 3\nlocale.setlocale(locale.LC_ALL, 'C')",
    "import sys\nsys.excepthook = sys.displayhook = sys.breakpointhook = print\nsys.setprofile(lambda *_: None)",
    "import gc, os, signal\ngc.disable()\nos.environ['COAT'] = 'grey'\nos.chdir('/')\nsignal.signal(2, signal.SIG_IGN)",
    "import json\njson.dumps = len\njson.coat = json.JSONEncoder.item_separator = 2",
    "import functools, re\nfunctools.reduce = print\nre._MAXCACHE = 1\nre.compile('a')",
    "import asyncio\nasyncio.set_event_loop_policy(None)\nasyncio.get_running_loop().call_later(0.1, print, 'late')",
    "import atexit, codecs, copyreg\natexit.register(print, 'late')\ncodecs.register(print)\nimport fractions",
    "import contextvars\nkept = contextvars.ContextVar('coat')\nkept.set('grey')",
    "import os\nfor _ in range(20): os.open('/', 0)",
    "import warnings\nwarnings.simplefilter('error')\nwarnings.showwarning = print",
    "import builtins, time\nbuiltins.print = None\nbuiltins.coat = 1\ntime.time = lambda: 0",
    "import sys\nsys.setrecursionlimit(300)\nsys.set_int_max_str_digits(9999)\nsys.path[:] = sys.meta_path[:] = []",
    "import sys\nsys.settrace(lambda *_: None)\nsys.argv.append('coat')\nsys.modules.clear()",
]
# What makes the next run start on another interpreter.
SPENDING = [
    "import os\nos.symlink('/', '/tmp/coat')",
    "import js\njs.Array = js.coat = print",
    "kept = bytearray(b'x') * 300_000_000",
]


def test_a_run_starts_as_in_a_fresh_process(block: Block) -> None:
    fresh = run(block, LOOK)
    assert fresh.startswith("done: WARNING:root:seen\n")
    for program in ("\n".join(HARMS), *SPENDING):
        assert run(block, program).startswith("done: ")
        assert run(block, LOOK) == fresh, program


def test_random_numbers_are_other_ones_in_each_run(block: Block) -> None:
    program = "import random, secrets, uuid\nprint(random.random(), secrets.token_hex(), uuid.uuid4())"
    assert len({number for _ in range(3) for number in run(block, program).split()}) == 1 + 3 * 3


def test_reset_takes_back_what_a_program_did_inside_a_library(block: Block) -> None:
    assert run(block, "import json\njson.dumps = None\nprint('done')") == "done: done\n"
    block.press("Reset")
    assert run(block, "import json\nprint(json.dumps([1]))") == "done: [1]\n"
