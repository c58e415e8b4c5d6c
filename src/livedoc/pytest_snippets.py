"""Runs each snippet the way a reader does, compares what it prints with what it promises, and plays its lessons."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from difflib import unified_diff
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from livedoc.lesson import LessonError, play
from livedoc.markdown import Lesson, lessons, wrong_steps
from livedoc.service import SERVICES
from livedoc.snippet import Snippet, SnippetError, parse, read, with_output

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

TIME_LIMIT = 60.0
"""Seconds that a snippet may take."""
UPDATED = "updated_snippet"
PLAYED = "played_lesson"


class BrokenPromiseError(AssertionError):
    """A snippet does not do what it promises; the message is all that a reader of the report needs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-output`."""
    parser.addoption(
        "--update-output", action="store_true", help="write what each snippet prints into its `# Output:` block"
    )


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """A snippet is collected here and nowhere else: pytest would import one that is named on the command line."""
    collectors = yield
    if file_path.suffix == ".py" and file_path.name not in ("conftest.py", "__init__.py"):
        return [SnippetFile.from_parent(parent, path=file_path)]
    return collectors


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what `--update-output` changed, for review, and what of the lessons could not be seen here."""
    reports = terminalreporter.getreports("passed")
    diffs = [str(value) for report in reports for name, value in report.user_properties if name == UPDATED]
    if diffs:
        terminalreporter.section("snippets with a new output: read the changes")
        terminalreporter.write_line("\n".join(diffs))
    played = [str(value) for report in reports for name, value in report.user_properties if name == PLAYED]
    if played:
        terminalreporter.section("lessons")
        terminalreporter.write_line("\n".join(played))


class SnippetFile(pytest.File):
    """A file under the folder whose conftest.py imports this collector."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item for the snippet, or the rule that it breaks, and one for each page with steps for its app."""
        folder = next(parent for parent in self.path.parents if (parent / "conftest.py").is_file())
        path = self.path.relative_to(folder).as_posix()
        update = bool(self.config.getoption("--update-output"))
        try:
            text = read(folder, path)
            snippet = parse(with_output(text, "not yet known\n") if update else text, path, folder)
        except SnippetError as error:
            yield BrokenSnippet.from_parent(self, name=self.path.stem, error=error)
        else:
            yield SnippetItem.from_parent(self, name=snippet.title, snippet=snippet, update=update)
            for page, found in _lessons(folder, path) if snippet.has_app else []:
                name = f"steps of {page}"
                if isinstance(found, LessonError):
                    yield BrokenSnippet.from_parent(self, name=name, error=found)
                else:
                    yield LessonItem.from_parent(self, name=name, snippet=snippet, lesson=found, page=page)


def _lessons(folder: Path, snippet: str) -> Iterator[tuple[str, Lesson | LessonError]]:
    """The steps that the project's pages have for the app of a snippet, or why they can't be read."""
    project = folder.parent
    for file in sorted((project / "docs").rglob("*.md")):
        text = file.read_text(encoding="utf-8")
        if snippet not in text:
            continue
        page = file.relative_to(project).as_posix()
        wrong = [LessonError(page, line, error.rule, error.fix) for line, error in wrong_steps(text, folder)]
        if wrong:
            yield page, wrong[0]
        else:
            yield from (
                (page, lesson) for lesson in lessons(text, folder) if lesson.lab.path == snippet and lesson.steps
            )


class SnippetItem(pytest.Item):
    """One run of one snippet."""

    def __init__(self, name: str, parent: SnippetFile, snippet: Snippet, *, update: bool) -> None:
        super().__init__(name, parent)
        self.snippet = snippet
        self.update = update

    def runtest(self) -> None:
        """Run the snippet and compare, or write down, what it prints."""
        check_imports_are_public(self.snippet)
        printed = run(self.snippet)
        if self.update:
            self._write(printed)
        elif printed != self.snippet.output:
            raise BrokenPromiseError(
                f"snippets/{self.snippet.path}: it does not print what it promises: correct the code, or accept the"
                f" new output with pytest snippets --update-output\n{diff(self.snippet.output, printed)}"
            )

    def _write(self, printed: str) -> None:
        before = self.path.read_text(encoding="utf-8")
        try:
            after = with_output(before, printed)
        except ValueError as error:
            raise BrokenPromiseError(f"snippets/{self.snippet.path}: {error}") from None
        if after != before:
            self.path.write_text(after, encoding="utf-8", newline="\n")
            changes = unified_diff(before.splitlines(), after.splitlines(), "before", "after", n=1, lineterm="")
            self.user_properties.append((UPDATED, "\n".join([f"snippets/{self.snippet.path}", *changes])))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]
        """The message alone where it says everything: the machinery's own frames help nobody."""
        if isinstance(excinfo.value, SnippetError | BrokenPromiseError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """The file, and the heading of a failure."""
        return self.path, 0, f"snippets/{self.snippet.path}: {self.name}"


class LessonItem(pytest.Item):
    """The steps of one page, played against the app of one snippet."""

    def __init__(self, name: str, parent: SnippetFile, snippet: Snippet, lesson: Lesson, page: str) -> None:
        super().__init__(name, parent)
        self.snippet = snippet
        self.lesson = lesson
        self.page = page

    def runtest(self) -> None:
        """Do each step, and look for what it says."""
        played = play(self.snippet.script, self.lesson, self.page)
        self.user_properties.append((PLAYED, f"{self.page}: {played}"))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]
        """The message alone where it says everything."""
        return str(excinfo.value) if isinstance(excinfo.value, LessonError) else str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """The file, and the heading of a failure."""
        return self.path, 0, f"snippets/{self.snippet.path}: {self.name}"


class BrokenSnippet(pytest.Item):
    """Stands for a file that breaks a rule, so that its neighbours still run."""

    def __init__(self, name: str, parent: SnippetFile, error: SnippetError | LessonError) -> None:
        super().__init__(name, parent)
        self.error = error

    def runtest(self) -> None:
        """Fail with the rule."""
        raise self.error

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]
        """The message, which says everything."""
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The file, and the heading of a failure."""
        return self.path, 0, self.name


def run(snippet: Snippet, time_limit: float = TIME_LIMIT) -> str:
    """What `snippet` prints when its script is copied into an empty folder and run there.

    Raises:
        BrokenPromiseError: it ends in an error, writes to standard error, or takes more than `time_limit` seconds.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as services:
        environment = _environment()
        for need in snippet.needs:
            if need in SERVICES:
                try:
                    environment |= services.enter_context(SERVICES[need]())
                except RuntimeError as error:
                    raise BrokenPromiseError(f"snippets/{snippet.path}: {error}") from None
        script = Path(folder, PurePosixPath(snippet.path).name)
        script.write_text(snippet.script, encoding="utf-8", newline="\n")
        try:
            done = subprocess.run(  # noqa: S603  (running a snippet is what this file is for)
                [sys.executable, "-W", "error", script.name],
                check=False,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=time_limit,
            )
        except subprocess.TimeoutExpired as error:
            raise BrokenPromiseError(
                f"snippets/{snippet.path}: it still ran after {time_limit:g} seconds: let main() come to an end"
                f"\n{_streams(error.stdout or b'', error.stderr or b'')}"
            ) from None
    if done.returncode or done.stderr:
        rule = f"it ended with exit code {done.returncode}" if done.returncode else "it wrote to standard error"
        fix = "a reader who runs it must see its output and nothing else"
        raise BrokenPromiseError(f"snippets/{snippet.path}: {rule}: {fix}\n{_streams(done.stdout, done.stderr)}")
    return _text(done.stdout)


def _environment() -> dict[str, str]:
    """A reader's environment: nothing that steers this Python, and UTF-8 everywhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {"PYTHONUTF8": "1"}


def _streams(stdout: bytes, stderr: bytes) -> str:
    return f"--- standard output\n{_text(stdout)}--- standard error\n{_text(stderr)}"


def _text(output: bytes) -> str:
    return output.decode("utf-8", errors="backslashreplace")


def diff(promised: str, printed: str) -> str:
    """What changed from `promised` to `printed`, as a unified diff."""
    lines = unified_diff(
        promised.splitlines(keepends=True), printed.splitlines(keepends=True), "promised", "printed", n=3
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ no newline at the end\n" for line in lines)


def check_imports_are_public(snippet: Snippet) -> None:
    """Refuse a name that is imported from elsewhere than where it is public.

    Raises:
        SnippetError: the name's package offers it itself, or its module does not offer it.
    """
    for node in ast.walk(ast.parse(snippet.script)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if reason := _not_public(node.module, alias.name):
                    rule = f"`{alias.name}` is not public in {node.module}"
                    raise SnippetError(snippet.path, snippet.numbers[node.lineno - 1], rule, reason)


def _not_public(module: str, name: str) -> str | None:
    parts = module.split(".")
    for length in range(1, len(parts)):
        package = ".".join(parts[:length])
        if name in _public_names(package) and _attribute(package, name) is _attribute(module, name):
            return f"import it from {package}"
    names = _public_names(module)
    if names and name not in names and name != "*" and not _is_module(f"{module}.{name}"):
        return f"use what {module}.__all__ names"
    return None


def _public_names(module: str) -> list[str]:
    try:
        return list(getattr(importlib.import_module(module), "__all__", []))
    except ImportError:
        # The run will say so, with the reader's own traceback.
        return []


def _attribute(module: str, name: str) -> object:
    return getattr(importlib.import_module(module), name, None)


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
