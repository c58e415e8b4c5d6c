"""An exercise: a snippet that fails some of its checks, a list of hints, and a snippet that passes all of them."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from livedoc.snippet import SnippetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from livedoc.snippet import Snippet

CLASS = "exercise"
SOLUTION = "solution"
TAP = "TAP version 14\n"
"""What an output begins with that is a list of checks."""
FORM = f'write {{ .python .{CLASS} {SOLUTION}="labs/their_solution.py" }}'
HINTS = re.compile(r"\?\?\? hint( .*)?")
HINT = re.compile(r" {4}\d+\. .*")
POINT = re.compile(r"(?P<failed>not )?ok\b[ \d]*(- )?(?P<name>.*?)(?P<skipped>\s#\s*SKIP\b.*)?", re.IGNORECASE)


def count_hints(lines: Sequence[str], after: int, margin: str) -> int:
    """How many hints a page has for the exercise whose fence ends before the line `after`."""
    rest = [line.removeprefix(margin) for line in lines[after:]]
    below = next((index for index, line in enumerate(rest) if line.strip("> \t")), len(rest))
    if below == len(rest) or not HINTS.fullmatch(rest[below].rstrip()):
        return 0
    count = 0
    for line in rest[below + 1 :]:
        if line.strip("> \t") and not line.startswith("    "):
            break
        count += HINT.fullmatch(line) is not None
    return count


def check(attributes: Sequence[tuple[str, str]], hints: int, start: Snippet) -> None:
    """Check what a fence says of an exercise that begins with the snippet `start`.

    Raises:
        SnippetError: The fence breaks a rule, there are no hints, or the snippet has no check to pass.
    """
    known = [(".", "python"), (".", "py"), (".", CLASS)]
    for name, value in attributes:
        if (name, value) not in known and name != SOLUTION:
            rule = f"an exercise can't have `{f'.{value}' if name == '.' else f'{name}={value}'}`"
            raise SnippetError(start.path, None, rule, FORM)
    if not dict(attributes).get(SOLUTION, "").endswith(".py"):
        raise SnippetError(start.path, None, "an exercise names no solution", FORM)
    if not hints:
        fix = 'below its fence write `??? hint "Hints"`, and below that an ordered list, indented by four'
        raise SnippetError(start.path, None, "an exercise has no hints", fix)
    if start.needs:
        fix = "leave out what it `# Needs:`"
        raise SnippetError(start.path, None, "no browser can check this exercise", fix)
    if False not in _results(start).values():
        fix = "begin with a snippet that has a mistake"
        raise SnippetError(start.path, None, "there is nothing to do in this exercise, as each check passes", fix)


def check_solution(start: Snippet, solution: Snippet) -> None:
    """Check that `solution` is one.

    Raises:
        SnippetError: It is not.
    """
    results = _results(solution)
    if failed := [name for name, is_ok in results.items() if not is_ok]:
        rule = f"this solution of {start.path} fails at {failed[0]}"
        raise SnippetError(solution.path, None, rule, "correct it, and run pytest snippets --update-output")
    if list(results) != list(_results(start)):
        fix = "run the same checks in both"
        raise SnippetError(solution.path, None, f"it isn't checked as {start.path} is", fix)


def render(start: Snippet, block: str, solution: str) -> str:
    """The HTML of an exercise of these blocks. Its hints stand below it."""
    return (
        f'<div class="{CLASS}" data-exercise="{escape(start.path)}" data-done="false">{block}'
        f'<details class="{CLASS}-solution"><summary>Solution</summary>{solution}</details></div>'
    )


def _results(snippet: Snippet) -> Mapping[str, bool]:
    """Whether each check of a snippet passes, or is skipped."""
    if not snippet.output.startswith(TAP):
        fix = "print TAP version 14, as `await coatcheck.testing.report(MyStorage)` does"
        raise SnippetError(snippet.path, None, "the output of an exercise is not a list of checks", fix)
    points = (POINT.fullmatch(line) for line in snippet.output.split("\n"))
    return {point["name"]: not point["failed"] for point in points if point}
