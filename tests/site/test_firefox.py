"""The site in a real Firefox, with and without stack switching: blocks print what their pages say, and Stop stops.

It follows links from page to page, so one Python runs the blocks of all pages.
"""

from __future__ import annotations

import json
import re
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from livedoc.build import NODE
from tests.support.engine import DEEP_TRACEBACK, PROGRAMS
from tests.support.host import serving
from tests.support.origin import Careless, Known, Origin
from tests.support.page import LABS, PAGES
from tests.support.program import FIREFOX, installed
from tests.support.project import PLAYER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.host import Rules

    Read = Callable[..., dict[str, Any]]

PATIENCE = 1500  # seconds, as it is every page
ALL = [program for program, _ in PROGRAMS]
LONG = "for number in range(200): print(number)"
WITHOUT_STACK_SWITCHING = {"javascript.options.wasm_js_promise_integration": False}
WITHOUT_STORAGE = {"network.cookie.cookieBehavior": 2}
HARMLESS = re.compile(
    # What Firefox reports, and only to its driver, of a worker that is terminated inside a WebAssembly.promising call.
    "Error: uncaught exception: undefined"
    # What it says of an image that it gave up to load, as it may on a busy machine. One that is then missing is seen.
    r"|Error: Failed to load \S+[.](svg|png)\W+"
    "A ServiceWorker intercepted the request and encountered an unexpected error[.]"
)


class Forgetful(Careless):
    """Has one file of Python's only when it is asked for it the third time."""

    FILE = "python_stdlib.zip"

    @property
    def is_gone(self) -> bool:
        return self.path.endswith(self.FILE) and len([it for it in self.origin.asked if it.endswith(self.FILE)]) < 2


@pytest.fixture(scope="module")
def known(site: Path, header_rules: Rules) -> Iterator[str]:
    origin = Origin(site)
    with serving(partial(Known, origin, header_rules)) as origin.url:
        yield origin.url


@pytest.fixture(scope="module")
def read(known: str, tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Opens pages in a Firefox with a fresh profile and runs their blocks; firefox.ts tells what it gives."""
    firefox = installed(FIREFOX)

    def read(
        preferences: dict[str, bool | int], paths: list[str], programs: list[str], origin: str = known
    ) -> dict[str, Any]:
        profile = tmp_path_factory.mktemp("firefox")
        arguments = [firefox, str(profile), json.dumps(preferences), origin, json.dumps(programs), *paths]
        command = [str(NODE), str(PLAYER / "node" / "firefox.ts"), *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                printed, complaint = process.communicate(timeout=PATIENCE)
            finally:
                process.terminate()  # it takes its Firefox along
        assert process.returncode == 0, complaint
        seen: dict[str, Any] = json.loads(printed)
        return seen

    return read


@pytest.fixture(scope="module")
def seen(read: Read) -> dict[str, Any]:
    return read({}, PAGES, [*ALL, DEEP_TRACEBACK, LONG])


@pytest.fixture(scope="module")
def seen_without_stack_switching(read: Read) -> dict[str, Any]:
    return read(WITHOUT_STACK_SWITCHING, ["", "storages/"], ALL)


@pytest.fixture(scope="module")
def seen_without_storage(read: Read) -> dict[str, Any]:
    return read(WITHOUT_STORAGE, ["storages/"], [])


@pytest.mark.parametrize("path", PAGES)
def test_each_block_prints_what_its_page_says(seen: dict[str, Any], path: str) -> None:
    assert seen["stackSwitching"] is True
    assert results(seen, path) == expected(seen, path)


@pytest.mark.parametrize("path", [path.strip("/") for path in LABS])
def test_a_lesson_is_played_to_its_end(seen: dict[str, Any], path: str) -> None:
    steps = seen["lessons"][path]
    assert len(steps) > 1
    assert [step for step in steps if step["before"] or not step["after"] or not step["ticked"]] == []


def test_each_block_does_so_without_stack_switching(seen_without_stack_switching: dict[str, Any]) -> None:
    assert seen_without_stack_switching["stackSwitching"] is False
    assert len(results(seen_without_stack_switching, "storages/")) > 5
    assert results(seen_without_stack_switching, "storages/") == expected(seen_without_stack_switching, "storages/")


def test_each_block_does_so_without_storage_and_the_search_finds(seen_without_storage: dict[str, Any]) -> None:
    assert results(seen_without_storage, "storages/") == expected(seen_without_storage, "storages/")
    assert "matching document" in seen_without_storage["found"]


@pytest.mark.parametrize("reading", ["seen", "seen_without_stack_switching", "seen_without_storage"])
def test_stop_ends_a_program_that_never_would_and_the_next_run_imports_what_comes_late(
    request: pytest.FixtureRequest, reading: str
) -> None:
    stopped = request.getfixturevalue(reading)["stopped"]
    assert stopped["state"] == "stopped"
    assert (stopped["next"]["state"], stopped["next"]["printed"]) == ("done", "csv\n")


@pytest.mark.parametrize("reading", ["seen", "seen_without_stack_switching"])
def test_programs_end_as_in_other_browsers(request: pytest.FixtureRequest, reading: str) -> None:
    ran = request.getfixturevalue(reading)["programs"]
    for (program, result), each in zip(PROGRAMS, ran[: len(ALL)], strict=True):
        assert re.fullmatch(result, f"{each['state']}: {each['printed']}{each['error']}"), program


def test_an_error_and_an_output_show_their_end(seen: dict[str, Any]) -> None:
    (_, error), (output, _) = seen["rests"][-2:]
    assert seen["programs"][-2]["error"].endswith("RuntimeError: the line that matters\n")
    assert seen["programs"][-1]["printed"].endswith("\n199\n")
    assert (output, error) == (pytest.approx(0, abs=2), pytest.approx(0, abs=2))


def test_the_keys_of_the_theme_do_nothing_beside_a_block(seen: dict[str, Any]) -> None:
    assert seen["path"] == "/"


def test_two_tabs_that_edit_one_block_tell_each_other_and_a_reset_can_be_undone(seen: dict[str, Any]) -> None:
    assert seen["tabs"]["notice"].startswith("Another tab changed this example too. ")
    assert seen["tabs"]["undone"] == "mine\n"


def test_what_was_missing_for_a_while_is_not_missed_for_good(read: Read, site: Path, header_rules: Rules) -> None:
    origin = Origin(site)
    with serving(partial(Forgetful, origin, header_rules)) as origin.url:
        seen = read({}, ["storages/"], [], origin.url)
    first, *others = seen["pages"]["storages/"]
    assert first["state"] == "failed"
    assert [(ran["state"], ran["printed"]) for ran in others] == [("done", ran["promised"]) for ran in others]
    assert len([path for path in origin.asked if path.endswith(Forgetful.FILE)]) == 3


@pytest.mark.parametrize("reading", ["seen", "seen_without_stack_switching", "seen_without_storage"])
def test_no_error_is_logged_and_no_request_leaves_the_site(request: pytest.FixtureRequest, reading: str) -> None:
    assert [line for line in request.getfixturevalue(reading)["trouble"] if not HARMLESS.fullmatch(line)] == []


def results(seen: dict[str, Any], path: str) -> list[tuple[str, str]]:
    return [(ran["snippet"], f"{ran['state']}: {ran['printed']}") for ran in seen["pages"][path]]


def expected(seen: dict[str, Any], path: str) -> list[tuple[str, str]]:
    return [(ran["snippet"], f"done: {ran['promised']}") for ran in seen["pages"][path]]
