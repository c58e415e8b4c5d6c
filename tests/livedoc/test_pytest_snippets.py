"""`pytest snippets` runs each snippet as a reader does, and says what is wrong with one."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from livedoc.pytest_snippets import BrokenPromiseError, check_imports_are_public, run
from livedoc.snippet import Snippet, parse
from tests.support.project import SNIPPETS, write
from tests.support.snippet import PATH, refusal, script

pytest_plugins = ["pytester"]

CONFTEST = SNIPPETS / "conftest.py"


def snippet(*body: str, imports: str = "", output: str = "duffel\n") -> Snippet:
    return parse(script(*body, imports=imports, output=output), PATH)


class Project:
    """A project with our conftest.py in its snippets folder, and our settings."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        pytester.makepyprojecttoml(
            '[tool.pytest.ini_options]\ntestpaths = ["tests", "snippets"]\naddopts = "--import-mode=importlib"\n'
        )
        self.write("conftest.py", CONFTEST.read_text())
        self.write("../tests/test_something.py", "def test_something() -> None:\n    assert True\n")

    def write(self, path: str, text: str) -> Path:
        return write(self.pytester.path / "snippets", path, text)

    def run(self, *arguments: str, **outcomes: int) -> str:
        """What pytest reports, once its outcomes are as expected."""
        result = self.pytester.runpytest(*arguments)
        result.assert_outcomes(**outcomes)
        return result.stdout.str()


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)


# What is collected


def test_a_snippet_is_collected_by_its_title(project: Project) -> None:
    project.write(PATH, script())
    project.write("storages/memory_storage.py", script(title="Keep coats in memory"))
    report = project.run("snippets", "-v", passed=2)
    assert "snippets/coats/hang_up.py::Hang up a coat PASSED" in report
    assert "snippets/storages/memory_storage.py::Keep coats in memory PASSED" in report


@pytest.mark.parametrize(
    "arguments",
    [
        ("snippets", "-k", "memory"),
        ("snippets", "-k", "storages"),
        ("-k", "Keep"),
        ("snippets/storages",),
        ("snippets/storages/memory_storage.py",),
        ("snippets/storages/memory_storage.py", "--update-output"),
        ("snippets/storages/memory_storage.py::Keep coats in memory",),
    ],
)
def test_one_snippet_can_be_chosen(arguments: tuple[str, ...], project: Project) -> None:
    project.write(PATH, script())
    project.write("storages/memory_storage.py", script(title="Keep coats in memory"))
    report = project.run(*arguments, "-v", passed=1)
    assert "Keep coats in memory PASSED" in report


@pytest.mark.parametrize("arguments", [(), ("-k", "memory"), ("storages",), ("storages/memory_storage.py",)])
def test_snippets_are_found_from_inside_their_folder(arguments: tuple[str, ...], project: Project) -> None:
    project.write("storages/memory_storage.py", script())
    os.chdir(project.pytester.path / "snippets")
    project.run(*arguments, passed=1)


def test_plain_pytest_runs_tests_and_snippets(project: Project) -> None:
    project.write(PATH, script())
    project.run(passed=2)
    project.run("--update-output", passed=2)


def test_snippets_run_where_their_option_is_not_known(project: Project) -> None:
    # Of a folder that is named, pytest reads the options in that folder and in its tests only.
    project.write(PATH, script())
    project.run(".", passed=2)


def test_a_broken_snippet_that_is_named_is_not_imported_as_a_module(project: Project) -> None:
    project.write(PATH, "import no_such_module\n")
    project.run("snippets/coats/hang_up.py", failed=1)


def test_two_snippets_may_share_a_file_name(project: Project) -> None:
    project.write(PATH, script())
    project.write("hats/hang_up.py", script())
    project.run("snippets", passed=2)


def test_a_file_that_breaks_a_rule_fails_with_the_rule_and_the_others_run(project: Project) -> None:
    project.write(PATH, script())
    project.write("hats/hang_up.py", script().replace("coat.", "coat"))
    project.write("hats/1st.py", script())
    report = project.run("snippets", passed=1, failed=2)
    rule = "the docstring is not a sentence with a full stop at its end"
    assert f'snippets/hats/hang_up.py:1: {rule}: begin the file with a line such as """Keep' in report
    assert "snippets/hats/1st.py:1: `1st` cannot be the name of a module: use lower-case words" in report
    assert "Error" not in report.split("short test summary")[0]
    assert "pytest_snippets.py" not in report.split("short test summary")[0]


@pytest.mark.parametrize(
    ("path", "good", "bad", "message"),
    [
        (
            "coats/a.py",
            "# duffel",
            "# loden",
            "it does not print what it promises: correct the code, or accept the new",
        ),
        ("coats/a.py", '    print("', '    # --8<-- [end:a]\n    print("', ":7: section `a` ends but is not open: add"),
        ("coats/a.py", '"""Hang', "'Hang", ":1: this is not Python: unterminated string literal"),
        ("coats/json.py", "", "", ":1: `json` can be imported already, from the standard library: a copy of this"),
    ],
)
def test_each_break_names_file_rule_and_fix(path: str, good: str, bad: str, message: str, project: Project) -> None:
    project.write(path, script().replace(good, bad))
    report = project.run("snippets", failed=1)
    assert f"snippets/{path}" in report
    assert message in report


def test_a_name_that_is_not_public_fails_with_its_line(project: Project) -> None:
    project.write(PATH, script(imports="from asyncio.tasks import sleep\n"))
    report = project.run("snippets", failed=1)
    assert "snippets/coats/hang_up.py:4: `sleep` is not public in asyncio.tasks: import it from asyncio" in report


def test_the_line_of_a_name_that_is_not_public_counts_the_markers_above_it() -> None:
    body = ("# --8<-- [start:use]", "from asyncio.tasks import sleep", "print(sleep)", "# --8<-- [end:use]")
    message = refusal(check_imports_are_public, snippet(*body))
    assert message.startswith("snippets/coats/hang_up.py:8: `sleep` is not public")


# How it runs


def test_it_runs_in_an_empty_folder_of_its_own_as_a_file_of_its_own_name() -> None:
    imports = "import sys\nfrom pathlib import Path\n"
    body = ("print(*[path.name for path in Path.cwd().iterdir()], *sys.argv)",)
    assert run(snippet(*body, imports=imports)) == "hang_up.py hang_up.py\n"


def test_it_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = run(snippet('Path("coat").touch()', "print(Path.cwd())", imports="from pathlib import Path\n"))
    assert not Path(folder.strip()).exists()
    assert list(tmp_path.iterdir()) == []


def test_it_does_not_see_what_steers_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("REDIS_URL", "redis://localhost")
    imports = "import os\nimport sys\n"
    body = (
        'print("/nowhere" in sys.path, os.environ.get("PYTHONPATH"))',
        'print(os.environ["REDIS_URL"], sys.flags.utf8_mode)',
    )
    assert run(snippet(*body, imports=imports)) == "False None\nredis://localhost 1\n"


def test_every_character_that_it_prints_counts() -> None:
    assert run(snippet('print(" a  \\n\\n\\tü\\u2028b\\r\\n ")')) == " a  \n\n\tü\u2028b\r\n \n"
    assert run(snippet('sys.stdout.buffer.write(b"\\xff\\n")', imports="import sys\n")) == "\\xff\n"


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ('print("loden")', "--- promised\n+++ printed\n@@ -1 +1 @@\n-duffel\n+loden\n"),
        ('print("duffel ")', "-duffel\n+duffel \n"),
        ('print("duffel", end="")', "-duffel\n+duffel\n\\ no newline at the end"),
        ('print("duffel\\n")', " duffel\n+\n"),
        ("pass", "-duffel"),
    ],
)
def test_another_output_fails_with_a_diff(printed: str, shown: str, project: Project) -> None:
    project.write(PATH, script(printed))
    report = project.run("snippets", failed=1)
    assert "snippets/coats/hang_up.py: it does not print what it promises: correct the code" in report
    assert shown in report
    assert "pytest_snippets.py" not in report.split("short test summary")[0]


def test_an_error_fails_with_its_exit_code_and_what_was_printed() -> None:
    with pytest.raises(BrokenPromiseError) as caught:
        run(snippet('print("duffel")', 'raise LookupError("no coat")'))
    message = str(caught.value)
    fix = "a reader who runs it must see its output and nothing else"
    assert message.startswith(
        f"snippets/coats/hang_up.py: it ended with exit code 1: {fix}\n--- standard output\nduffel\n"
    )
    assert message.endswith("LookupError: no coat\n")
    assert 'hang_up.py", line 8, in main' in message


def test_a_need_that_is_not_there_fails_with_the_programs_own_error(project: Project) -> None:
    body = 'await asyncio.open_connection("127.0.0.1", 1)'
    project.write(PATH, script(body, imports="# Needs: redis\n"))
    assert "ConnectionRefusedError" in project.run("snippets", failed=1)


def test_a_need_is_started_for_the_run_and_ended_after_it() -> None:
    body = (
        'url = os.environ["REDIS_URL"]',
        'reader, writer = await asyncio.open_unix_connection(url.removeprefix("unix://"))',
        'writer.write(b"PING\\r\\n")',
        "print(await reader.readline(), url)",
        "writer.close()",
    )
    printed = run(snippet(*body, imports="import os\n# Needs: redis\n"))
    answer, _, url = printed.strip().rpartition(" ")
    assert answer == r"b'+PONG\r\n'"
    assert not Path(url.removeprefix("unix://")).exists()


def test_a_database_is_started_for_the_run_and_ended_after_it_with_all_its_processes() -> None:
    body = (
        'async with await AsyncConnection.connect(os.environ["DATABASE_URL"]) as connection:',
        '    cursor = await connection.execute("SELECT pg_backend_pid()")',
        '    print(await cursor.fetchone(), os.environ["DATABASE_URL"])',
    )
    printed = run(snippet(*body, imports="import os\nfrom psycopg import AsyncConnection\n# Needs: postgresql\n"))
    pid, url = re.fullmatch(r"\((\d+),\) (.+)\n", printed).groups()  # type: ignore[union-attr]
    folder = url.partition("host=")[2]
    assert not Path(folder).exists()
    assert not Path("/proc", pid).exists()
    assert not any(folder.encode() in line.read_bytes() for line in Path("/proc").glob("[0-9]*/cmdline"))


def test_a_need_that_is_not_installed_fails_with_the_command_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BrokenPromiseError, match=r"hang_up\.py: it needs Redis: install it, for example"):
        run(snippet('print("duffel")', imports="# Needs: redis\n"))


def test_anything_on_standard_error_fails() -> None:
    with pytest.raises(BrokenPromiseError, match=r"it wrote to standard error: a reader(.|\n)*standard error\nmoth\n"):
        run(snippet('print("duffel")', 'print("moth", file=sys.stderr)', imports="import sys\n"))


def test_a_warning_fails() -> None:
    with pytest.raises(BrokenPromiseError, match="PendingDeprecationWarning: use a hook"):
        run(snippet('warnings.warn("use a hook", PendingDeprecationWarning)', imports="import warnings\n"))


def test_a_snippet_that_does_not_end_is_stopped() -> None:
    with pytest.raises(BrokenPromiseError) as caught:
        run(snippet('print("duffel", flush=True)', "while True:", "    pass"), time_limit=1)
    assert str(caught.value).startswith(
        "snippets/coats/hang_up.py: it still ran after 1 seconds: let main() come to an"
    )
    assert "--- standard output\nduffel\n" in str(caught.value)


# What it may import


@pytest.mark.parametrize(
    "imports",
    [
        "import asyncio.tasks\n",
        "from asyncio import sleep\n",
        "from collections import abc\n",
        "from os.path import join\n",
        "from livedoc.snippet import parse\n",
        "from no_such_module import name\n",
        "from coatcheck.no_such_module import name\n",
        "from asyncio import *\n",
    ],
)
def test_a_public_import_is_accepted(imports: str) -> None:
    check_imports_are_public(snippet(imports=imports))


@pytest.mark.parametrize(
    ("imports", "message"),
    [
        ("from asyncio.tasks import sleep\n", "`sleep` is not public in asyncio.tasks: import it from asyncio"),
        ("from json import codecs\n", "`codecs` is not public in json: use what json.__all__ names"),
        ("from asyncio import Task, sys\n", "`sys` is not public in asyncio: use what asyncio.__all__ names"),
    ],
)
def test_an_import_from_elsewhere_is_refused(imports: str, message: str) -> None:
    refused = refusal(check_imports_are_public, snippet(imports=imports))
    assert refused == f"snippets/coats/hang_up.py:4: {message}"


# --update-output


def test_update_output_rewrites_the_promise_and_shows_the_change(project: Project) -> None:
    changed = project.write(PATH, script('print("loden\\n\\n ü ")'))
    kept = project.write("coats/take_down.py", script())
    report = project.run("snippets", "--update-output", passed=2)
    assert changed.read_text() == script('print("loden\\n\\n ü ")').replace("# duffel\n", "# loden\n#\n#  ü \n")
    assert kept.read_text() == script()
    assert "snippets with a new output: read the changes" in report
    assert "snippets/coats/hang_up.py\n--- before\n+++ after\n" in report
    assert "-# duffel\n+# loden\n+#\n+#  ü \n" in report
    assert "take_down.py\n" not in report
    project.run("snippets", passed=2)


def test_update_output_writes_the_first_promise_of_a_new_snippet(project: Project) -> None:
    bare = project.write("bare.py", script().removesuffix("\n# Output:\n# duffel\n"))
    empty = project.write("empty.py", script(output=""))
    project.run("snippets", failed=2)
    project.run("snippets", "--update-output", passed=2)
    assert bare.read_text() == empty.read_text() == script()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('print("duffel", end="")', "does not end in a newline: end with print()"),
        ("pass", "does not end in a newline: end with print()"),
        ('raise LookupError("no coat")', "it ended with exit code 1"),
        ("import _thread", ":7: `_thread` is private: import public names only"),
    ],
)
def test_update_output_promises_nothing_of_a_snippet_that_fails(body: str, message: str, project: Project) -> None:
    file = project.write(PATH, script(body))
    report = project.run("snippets", "--update-output", failed=1)
    assert f"snippets/coats/hang_up.py{'' if message.startswith(':') else ': '}" in report
    assert message in report
    assert file.read_text() == script(body)


# Lessons


ASGI = """
async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})
"""
STEPS = """# Coats

``` { .python .lab browsers="Alice" }
--8<-- "coats/hang_up.py"
```

1. Visit.
   { do="Alice: GET /coat" see="Alice page: SEEN" }
2. Look.
   { do="Alice: GET /hat" see="Alice wire: /hat" }
"""


@pytest.fixture
def with_lesson(project: Project) -> Project:
    imports = f"from typing import Any\n{ASGI}"
    project.write(PATH, script(imports=imports))
    project.write("../docs/coats.md", STEPS.replace("SEEN", "/coat"))
    project.write("../docs/hats.md", "No lab, but `coats/hang_up.py`.")
    return project


def test_a_lesson_is_played_and_what_only_a_page_has_is_counted(with_lesson: Project) -> None:
    report = with_lesson.run("snippets", "-v", passed=2)
    assert "snippets/coats/hang_up.py::steps of docs/coats.md PASSED" in report
    assert "docs/coats.md: 2 steps played, of which 1 look into a wire or jar, which only a page has" in report


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        ("/cloak", "docs/coats.md:8: `/cloak` is not there after the step: correct the step or the app"),
        ('x" se="y', "docs/coats.md:8: a step has no `se`: did you mean see?"),
    ],
)
def test_a_lesson_that_says_what_does_not_happen_fails_with_its_line(
    seen: str, message: str, with_lesson: Project
) -> None:
    with_lesson.write("../docs/coats.md", STEPS.replace("SEEN", seen))
    report = with_lesson.run("snippets", passed=1, failed=1)
    assert message in report
    assert "Traceback" not in report
