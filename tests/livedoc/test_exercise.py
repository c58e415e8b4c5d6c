"""An exercise: what its fence may say, and what the build refuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from markdown import Markdown

from livedoc.markdown import embeds
from livedoc.snippet import SnippetError
from livedoc.twins import twin

if TYPE_CHECKING:
    from pathlib import Path

SNIPPET = '''"""{title}."""

import asyncio


# --8<-- [start:report]
async def main() -> None:
    print("""TAP version 14
{points}""")
    # --8<-- [end:report]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# TAP version 14
{output}
'''
FENCE = """``` { .python .exercise solution="coats/hung.py" }
--8<-- "coats/dropped.py:report"
```
"""
HINTS = """
??? hint "Hints"

    1. The hook is on the wall.
    2. It is the left one.

Text.
"""
PAGE = FENCE + HINTS


def snippet(title: str, *points: str) -> str:
    output = "\n".join(f"# {point}" for point in points)
    return SNIPPET.format(title=title, points="\n".join(points), output=output)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    coats = tmp_path / "coats"
    coats.mkdir()
    coats.joinpath("dropped.py").write_text(snippet("Drop a coat", "1..2", "not ok 1 - it_hangs", "ok 2 - it_is_dry"))
    coats.joinpath("hung.py").write_text(snippet("Hang a coat", "1..2", "ok 1 - it_hangs", "ok 2 - it_is_dry"))
    coats.joinpath("plain.py").write_text(snippet("Wear a coat", "ok").replace("TAP version 14", "worn"))
    return tmp_path


def html(page: str, folder: Path, **options: str) -> str:
    extensions = ["livedoc.markdown", "attr_list", "pymdownx.superfences", "pymdownx.details"]
    configs = {"livedoc.markdown": {"base_path": str(folder), **options}}
    return Markdown(extensions=extensions, extension_configs=configs).convert(page)


def refusal(page: str, folder: Path) -> str:
    with pytest.raises(SnippetError) as caught:
        html(page, folder)
    return str(caught.value)


def test_an_exercise_is_a_block_and_its_solution_below_it_folded(folder: Path) -> None:
    text = html(PAGE, folder)
    found = re.findall(r'<div class="exercise" data-exercise="([^"]+)" data-done="false"><div class="snippet" ', text)
    assert found == ["coats/dropped.py"]
    assert '<details class="exercise-solution"><summary>Solution</summary><div class="snippet" ' in text
    assert re.findall('data-snippet="([^"]+)"', text) == ["coats/dropped.py", "coats/hung.py"]
    assert re.findall('data-section="([^"]+)"', text) == ["report", "report"]
    assert text.index("</details></div>") < text.index('<details class="hint">')


def test_a_block_with_checks_knows_where_the_site_explains_them(folder: Path) -> None:
    page = PAGE + '\n```python\n--8<-- "coats/plain.py:report"\n```\n'
    rules = "reference/coats/#rule-"
    assert html(page, folder, rules=rules).count(f' data-rules="{rules}"') == 2
    assert "data-rules" not in html(page, folder)


def test_the_solution_counts_as_embedded_with_the_same_sections_and_is_in_the_twin(folder: Path) -> None:
    exercise, solution = embeds(PAGE)
    assert exercise.hints == 2
    assert (solution.parts, solution.line) == ((("coats/hung.py", "report"),), exercise.line)
    text = twin(PAGE, folder)
    assert text.index("`coats/dropped.py`:") < text.index("The solution:") < text.index("`coats/hung.py`:")


def test_an_exercise_may_be_in_a_list_or_a_tab_with_its_hints(folder: Path) -> None:
    page = "- An exercise:\n\n" + "".join(
        f"    {line}" if line.strip() else line for line in PAGE.splitlines(keepends=True)
    )
    assert [embed.hints for embed in embeds(page)] == [2, 0]
    assert html(page, folder).count("data-exercise") == 1


@pytest.mark.parametrize(
    ("wrong", "right", "rule"),
    [
        ("", ' solution="coats/hung.py"', "an exercise names no solution: write {"),
        ('solution=""', 'solution="coats/hung.py"', "an exercise names no solution: write {"),
        ('solution="coats/hug.py"', 'solution="coats/hung.py"', "there is no such file: did you mean coats/hung.py"),
        ('solution="coats/hung.py" hints="2"', 'solution="coats/hung.py"', "an exercise can't have `hints=2`: write {"),
        (".exercise .lab", ".exercise", "an exercise can't have `.lab`: write {"),
        ("", " .exercise", "a fence names a solution and is no exercise: write {"),
        ("", HINTS, 'an exercise has no hints: below its fence write `??? hint "Hints"`'),
        ("\nText in between.\n" + HINTS, HINTS, "an exercise has no hints: "),
        ("??? tip", "??? hint", "an exercise has no hints: "),
        (
            "    - The hook.\n",
            "    1. The hook is on the wall.\n    2. It is the left one.\n",
            "an exercise has no hints: ",
        ),
        ('"coats/hung.py:report"', '"coats/dropped.py:report"', "there is nothing to do in this exercise"),
        ('"coats/plain.py:report"', '"coats/dropped.py:report"', "the output of an exercise is not a list of checks: "),
        (
            'solution="coats/plain.py"',
            'solution="coats/hung.py"',
            "the output of an exercise is not a list of checks: ",
        ),
        (
            'solution="coats/dropped.py"',
            'solution="coats/hung.py"',
            "this solution of coats/dropped.py fails at it_hangs: correct it",
        ),
    ],
)
def test_what_is_wrong_with_an_exercise_is_refused_with_the_fix(
    folder: Path, wrong: str, right: str, rule: str
) -> None:
    assert right in PAGE
    assert f": {rule}" in refusal(PAGE.replace(right, wrong, 1), folder)


def test_a_solution_that_is_checked_in_another_way_is_refused(folder: Path) -> None:
    folder.joinpath("coats/hung.py").write_text(snippet("Hang a coat", "1..1", "ok 1 - it_hangs"))
    rule = "snippets/coats/hung.py: it isn't checked as coats/dropped.py is: run the same checks in both"
    assert refusal(PAGE, folder) == rule


def test_a_solution_without_a_section_of_its_exercise_is_refused(folder: Path) -> None:
    file = folder / "coats" / "hung.py"
    file.write_text(file.read_text().replace(":report]", ":checks]"))
    assert refusal(PAGE, folder).startswith("snippets/coats/hung.py: there is no section `report`: did you mean checks")


def test_a_skipped_check_is_no_mistake(folder: Path) -> None:
    points = "1..2", "ok 1 - it_hangs # SKIP no hook", "ok 2 - it_is_dry"
    folder.joinpath("coats/hung.py").write_text(snippet("Hang a coat", *points))
    assert html(PAGE, folder)
    folder.joinpath("coats/dropped.py").write_text(snippet("Drop a coat", *points))
    assert "there is nothing to do" in refusal(PAGE, folder)


def test_an_exercise_that_no_browser_can_run_is_refused(folder: Path) -> None:
    file = folder / "coats" / "dropped.py"
    file.write_text(file.read_text().replace("import asyncio\n", "import asyncio\n\n# Needs: redis\n"))
    assert "no browser can check this exercise: leave out what it `# Needs:`" in refusal(PAGE, folder)
