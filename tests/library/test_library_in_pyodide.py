"""The library in the browser's Python, under Node: the tests of storages and sessions pass there as well.

This file has two parts to play. Here it is a test, which starts Node; there it is the script that starts pytest, with
`main`, and pytest's plugin, `Outcomes`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import anyio.pytest_plugin
import pytest
from anyio._backends import _asyncio
from hypothesis import Phase, settings

from tests.support.project import PROJECT

if sys.platform != "emscripten":
    from livedoc.build import NODE
    from livedoc.runtime import build_runtime, download

if TYPE_CHECKING:
    from typing import Self


# The files that are played there, and how many of their tests pass at least.
PASSING = {
    "test_arguments.py": 60,
    "test_cache.py": 290,
    "test_contract.py": 150,
    "test_directory.py": 15,
    "test_duration.py": 9,
    "test_error_responses.py": 150,
    "test_expiry.py": 215,
    "test_headers.py": 85,
    "test_interleavings.py": 110,
    "test_locks.py": 4,
    "test_log.py": 10,
    "test_memory.py": 45,
    "test_merge.py": 130,
    "test_provider.py": 100,
    "test_response.py": 100,
    "test_retention.py": 40,
    "test_round_trip.py": 90,
    "test_save.py": 60,
    "test_secrets.py": 4,
    "test_serializer.py": 15,
    "test_sessions.py": 200,
    "test_streams.py": 5,
    "test_transport.py": 50,
    "test_versions.py": 50,
}

# A test's parameter that does not exist there: an event loop, and a server.
ELSEWHERE = {"redis", "trio"}

# Why a test cannot pass there: the error it ends with. One that does pass has to leave this list.
FAILING = {
    "Already running asyncio in this thread": {
        "test_100_000_abandoned_sessions_do_not_stay",
        "test_a_read_in_another_event_loop_is_not_waited_for",
        "test_a_read_in_another_event_loop_keeps_its_place_among_what_is_to_be_evicted",
        "test_a_session_outlives_the_event_loop_that_wrote_it",
        "test_any_history_of_calls_is_as_the_rules_have_it",
        "test_no_history_of_visits_lets_a_cookie_outlive_its_session_or_drift_from_it",
        "test_reclaiming_costs_the_same_for_each_session_however_many_there_are",
        "test_threads_with_event_loops_of_their_own_never_see_a_value_again_that_has_gone",
        "test_updates_in_several_threads_and_event_loops_lose_nothing",
        "test_who_visits_often_enough_is_never_logged_out_before_max_age",
    },
    "can't start new thread": {
        "test_a_task_that_was_lost_with_its_event_loop_may_end_at_any_time",
        "test_each_event_loop_has_locks_of_its_own",
        "test_the_count_of_bytes_is_right_whatever_threads_do_at_once",
    },
    "Not running inside an AnyIO worker thread": {
        "test_a_session_that_is_invalidated_while_a_sweep_waits_for_it_does_not_count",
        "test_a_session_that_is_written_anew_while_a_sweep_waits_for_it_is_kept",
        "test_a_sweep_that_is_cancelled_stops_after_its_slice_and_the_next_one_does_the_rest",
        "test_a_temporary_file_that_goes_while_a_sweep_is_under_way_harms_nothing",
    },
    "emscripten does not support processes": {
        "test_a_process_killed_while_writing_leaves_the_old_session_or_the_new_one",
        "test_a_reader_beside_a_writer_in_another_process_never_sees_half_a_session",
        "test_pydantic_is_imported_by_an_app_that_uses_it_and_not_by_the_library",
        "test_without_file_locks_only_the_directory_is_refused",
    },
    "Bad file descriptor: '/proc/self/fd/": {
        "test_a_cancelled_write_or_read_leaves_no_file_and_no_descriptor",
        "test_a_consumer_that_ignores_a_failed_read_does_not_take_half_a_session_for_the_whole",
        "test_a_failed_write_leaves_no_temporary_file_and_no_descriptor",
        "test_a_read_that_fails_or_stops_early_leaves_no_descriptor",
        "test_a_read_that_stops_early_and_is_cancelled_as_it_closes_the_file_ends_as_cancelled",
        "test_cancelling_from_outside_anyio_leaves_no_trace_and_no_late_write",
        "test_cancelling_twice_while_no_worker_thread_is_free_leaves_no_file_and_no_descriptor",
    },
    "module 'resource' has no attribute 'getrlimit'": {
        "test_a_full_disk_is_raised_and_leaves_the_old_session",
        "test_a_provider_that_ignores_a_full_disk_does_not_store_half_a_session",
    },
    "utime: follow_symlinks unavailable|no attribute 'AF_UNIX'|'NoneType' object is not callable": {
        "test_a_sweep_leaves_alone_what_is_no_file_whatever_its_name",
    },
    r"assert (\d+) not in {\1}": {"test_the_event_loops_own_thread_touches_no_file"},  # there is no other
}

# Why a test is left out: it would wait for ever, or pass, but Python is slow there.
LEFT_OUT = {
    "it judges the kit, not the library": {
        "test_a_mistake_in_an_update_is_caught_likewise",
        "test_a_mistake_is_caught_by_its_check_and_by_no_other",
        "test_a_strangers_storage_keeps_the_contract",
        "test_a_strangers_storage_updates_as_it_must",
    },
    "it plays thousands of schedules, which others do by the dozen": {
        "test_a_cache_loses_nothing_that_two_requests_do",
        "test_a_logout_before_a_renewal_has_made_sure_holds",
        "test_a_logout_holds_behind_a_cache",
        "test_a_renewal_behind_a_cache_ends_the_old_id_and_keeps_the_session",
        "test_a_renewed_session_is_what_the_renewal_had_read_and_as_old_as_before",
        "test_every_schedule_of_a_read_and_another_operation_is_linearizable",
        "test_every_schedule_of_two_reads_and_a_change_is_linearizable",
        "test_every_schedule_of_two_writes_and_a_read_is_linearizable",
        "test_of_one_field_the_later_commit_wins",
        "test_of_two_renewals_each_that_hands_out_an_id_has_made_a_session",
        "test_three_that_count_at_once_count_three",
        "test_what_others_change_in_a_session_that_was_replaced_is_dropped",
    },
    "it looks at what goes on in a worker thread meanwhile": {
        "test_a_receive_that_was_given_up_loses_nothing",
        "test_what_a_callback_that_failed_has_left_under_way_ends_first",
    },
    "it measures how long something takes": {
        "test_evicting_takes_a_fraction_of_the_time_of_fetching",
    },
}


# --- there --------------------------------------------------------------------------------------------------------


def main() -> str:
    """Run the tests, and return pytest's exit status and what became of each test, as JSON."""
    sys.dont_write_bytecode = True  # this folder is the host's, and each run has another
    settings.register_profile("there", deadline=None, phases=[Phase.explicit, Phase.generate])  # to shrink takes long
    settings.load_profile("there")
    # The files import or name these, which do not exist there. A test that uses one fails.
    sys.modules.update({name: ModuleType(name) for name in ("resource", "trio")})
    vars(os).setdefault("mkfifo", None)
    awaiting, threads = (import_module(f"_livedoc.{name}") for name in ("awaiting", "threads"))
    threads.do_without_threads()

    class Runner(_asyncio.TestRunner):
        """Runs tests on the event loop that is already running, and leaves none of their tasks behind."""

        def __enter__(self) -> Self:
            self.others = asyncio.all_tasks(self.get_loop())
            self.get_loop().set_exception_handler(self._exception_handler)
            return self

        def __exit__(self, *_: object) -> None:
            self.get_loop().run_until_complete(awaiting.cancel(asyncio.all_tasks(self.get_loop()) - self.others))
            self.get_loop().set_exception_handler(None)

        def get_loop(self) -> asyncio.AbstractEventLoop:
            return asyncio.get_running_loop()

        def is_running(self) -> bool:
            return False

    runner = classmethod(lambda _, options: Runner(**options))
    _asyncio.AsyncIOBackend.create_test_runner = runner  # type: ignore[method-assign,assignment]
    outcomes = Outcomes()
    options = ["--quiet", "--tb=short", "--maxfail=20", "--disable-plugin-autoload", "-p", "no:cacheprovider"]
    options += ["-o", "faulthandler_timeout=0"]  # it would need a thread
    files = [f"tests/library/{file}" for file in PASSING]
    status = pytest.main([*options, *files], plugins=[outcomes, anyio.pytest_plugin])
    return json.dumps([status, outcomes.seen])


class Outcomes:
    """Leaves out or expects to fail what is listed above, and keeps what became of each test."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        left_out = set().union(*LEFT_OUT.values())
        errors = {test: error for error, tests in FAILING.items() for test in tests}
        collected, items[:] = items.copy(), []
        for item in collected:
            if item.originalname in left_out:
                self._keep(item.nodeid, "left out")
            elif hasattr(item, "callspec") and not ELSEWHERE.isdisjoint(map(str, item.callspec.params.values())):
                self._keep(item.nodeid, "elsewhere")
            else:
                items.append(item)
            if error := errors.get(item.originalname):
                item.add_marker(pytest.mark.xfail(raises=pytest.RaisesExc(match=error), strict=True))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or not report.passed:
            expected = report.skipped and hasattr(report, "wasxfail")
            self._keep(report.nodeid, "failed as expected" if expected else report.outcome)

    def _keep(self, nodeid: str, outcome: str) -> None:
        file, test = nodeid.removeprefix("tests/library/").partition("[")[0].split("::")
        self.seen.append((file, test, outcome))


# --- here ---------------------------------------------------------------------------------------------------------

ENTRY = PROJECT / "src" / "livedoc" / "player" / "node" / "pytest_in_node.ts"
PACKAGES = ("hypothesis", "iniconfig", "packaging", "pluggy", "pygments", "pytest", "redis", "sortedcontainers")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tests need there besides the library and what snippets have: the versions that they have here."""
    pinned = re.findall(r"^(\S+)(==.+\\\n(?: +--hash=.+\n)+)", (PROJECT / "requirements.txt").read_text(), re.MULTILINE)
    wanted = tmp_path_factory.mktemp("wheels") / "requirements-of-tests-in-pyodide.txt"
    wanted.write_text("".join(name + rest for name, rest in pinned if name in PACKAGES))
    return download(PROJECT, str(wanted))


class Run(NamedTuple):
    status: int
    log: str
    seen: list[tuple[str, str, str]]

    def tests(self, *outcomes: str) -> set[str]:
        return {test for _, test, outcome in self.seen if outcome in outcomes}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Run:
    """Play the files in a copy, so that nothing there reaches what is here."""
    project = tmp_path_factory.mktemp("project")
    there = project / "tests" / "library"
    there.mkdir(parents=True)
    for file in (*PASSING, "conftest.py", Path(__file__).name):
        shutil.copy(PROJECT / "tests" / "library" / file, there)
    shutil.copytree(PROJECT / "tests" / "support", project / "tests" / "support")
    shutil.copy(PROJECT / "pyproject.toml", project)
    arguments = [ENTRY, build_runtime(PROJECT), wheels, project, f"tests/library/{Path(__file__).name}"]
    command = [str(NODE), "--experimental-wasm-stack-switching", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    status, seen = json.loads(ended.stdout)
    return Run(status, ended.stderr, seen)


def test_what_passes_here_passes_there(run: Run) -> None:
    assert run.status == 0, run.log


def test_there_pass_as_many_as_ever(run: Run) -> None:
    passed = Counter(file for file, _, outcome in run.seen if outcome == "passed")
    assert {file: passed[file] for file, least in PASSING.items() if passed[file] < least} == {}


def test_none_fails_there_but_for_the_reason_that_is_given(run: Run) -> None:
    assert run.tests("failed as expected") == set().union(*FAILING.values())


def test_none_is_left_out_but_for_the_reason_that_is_given(run: Run) -> None:
    assert run.tests("left out") == set().union(*LEFT_OUT.values())
    assert run.tests("elsewhere") <= run.tests("passed", "failed as expected")
    assert not run.tests("skipped")
