"""What a snippet is, and how another file is refused."""

from __future__ import annotations

import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from livedoc.player.python.control import Control, Range
from livedoc.snippet import WIDEST_LINE, Output, Section, Snippet, load, parse, paths, with_output
from tests.support.project import SNIPPETS, write
from tests.support.snippet import PATH, refusal, script

if TYPE_CHECKING:
    from pathlib import Path

SECTION = ("# --8<-- [start:hang-up]", 'coat = "duffel"', "", "print(coat)", "# --8<-- [end:hang-up]")
TEXT = script(*SECTION)


def complaint(text: str, path: str = PATH) -> str:
    """What the error says about a text that is not a snippet."""
    return refusal(parse, text, path)


def with_body(*lines: str) -> str:
    """TEXT with these lines between `coat = ...` and the call of print, from line 9 on."""
    return script(*SECTION[:2], *lines, *SECTION[2:])


def test_a_snippet_is_its_title_script_sections_and_output() -> None:
    script = TEXT.replace("    # --8<-- [start:hang-up]\n", "").replace("    # --8<-- [end:hang-up]\n", "")
    code = 'coat = "duffel"\n\nprint(coat)\n'
    sections = {"hang-up": Section("hang-up", 7, 9, 4, code)}
    assert parse(TEXT, PATH) == Snippet(
        path=PATH,
        title="Hang up a coat",
        script=script,
        sections=sections,
        output="duffel\n",
        further=(),
        needs=(),
        numbers=(1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15, 16),
        has_app=False,
        watches=(),
        controls=(),
    )


@pytest.mark.parametrize(
    ("statement", "has_app"),
    [
        ("app = 1", True),
        ("app: object = 1", True),
        ("async def app() -> None: ...", True),
        ("if 1:\n    app = 1", True),
        ("first, app = 1, 2", True),
        ("def make() -> None:\n    app = 1", False),
        ("print(app.routes)", False),
        ("app_name = 1", False),
        ("my.app = 1", False),
    ],
)
def test_a_snippet_with_an_app_at_its_top_level_can_be_served(statement: str, *, has_app: bool) -> None:
    assert parse(TEXT.replace("import asyncio\n", f"import asyncio\n\n{statement}\n", 1), PATH).has_app is has_app


def test_the_lines_of_a_section_are_lines_of_the_script() -> None:
    snippet = parse(TEXT, PATH)
    section = snippet.section("hang-up")
    lines = snippet.script.split("\n")[section.first - 1 : section.last]
    assert "".join(f"{line.removeprefix('    ')}\n" for line in lines) == section.code


def test_no_section_is_the_script_up_to_its_output() -> None:
    snippet = parse(TEXT, PATH)
    whole = snippet.section(None)
    assert whole.first == 1
    assert whole.code.startswith('"""Hang up a coat."""\n')
    assert whole.code.endswith("    asyncio.run(main())\n")
    assert whole.code == "".join(f"{line}\n" for line in snippet.script.split("\n")[: whole.last])


def test_sections_may_contain_each_other() -> None:
    snippet = parse(
        script(
            "# --8<-- [start:all]",
            "coat = 1",
            "# --8<-- [start:part]",
            "print(coat)",
            "# --8<-- [end:part]",
            "# --8<-- [end:all]",
        ),
        PATH,
    )
    assert snippet.section("all").code == "coat = 1\nprint(coat)\n"
    assert snippet.section("part") == Section("part", 8, 8, 4, "print(coat)\n")


def test_a_removed_marker_leaves_no_double_gap() -> None:
    text = TEXT.replace("import asyncio\n\n\n", "import asyncio\n\n\n# --8<-- [start:all]\n\n\nX = 1\n\n\n")
    text = text.replace("\n\nif __name__", "\n\n# --8<-- [end:all]\n\n\nif __name__")
    text = text.replace("    # --8<-- [start:hang-up]\n", "").replace("    # --8<-- [end:hang-up]\n", "")
    snippet = parse(text, PATH)
    assert "\n\n\n\n" not in snippet.script
    assert "import asyncio\n\n\nX = 1\n" in snippet.script
    assert snippet.section("all").code.startswith("X = 1\n")
    assert snippet.section("all").code.endswith("print(coat)\n")
    assert snippet.script.split("\n")[snippet.section("all").first - 1] == "X = 1"


def test_a_section_has_no_blank_lines_at_its_ends() -> None:
    snippet = parse(script("# --8<-- [start:a]", " ", "print()", " ", "# --8<-- [end:a]"), PATH)
    assert snippet.section("a") == Section("a", 8, 8, 4, "print()\n")


def test_a_need_is_declared_on_a_line_of_its_own() -> None:
    text = TEXT.replace("import asyncio\n", "# Needs: redis\n# Needs: a-clock\nimport asyncio\n")
    assert parse(text, PATH).needs == ("redis", "a-clock")


@pytest.mark.parametrize("line", ["# needs: redis", "# Needs: redis, a clock", "#Needs: redis", "# Needs:"])
def test_a_need_that_is_not_understood_is_refused_with_its_line(line: str) -> None:
    message = complaint(TEXT.replace("import asyncio\n", f"{line}\nimport asyncio\n"))
    assert message.startswith(
        "snippets/coats/hang_up.py:3: this line of needs is not understood: write one need a line"
    )


WITH_APP = TEXT.replace("import asyncio\n", "import asyncio\n\napp = 1\n")


def test_what_to_watch_is_declared_on_lines_of_their_own() -> None:
    text = WITH_APP.replace("app = 1\n", "app = 1\n# Watch: storage.sessions\n# Watch: len(app)\n")
    assert parse(text, PATH).watches == ("storage.sessions", "len(app)")


@pytest.mark.parametrize("line", ["# watch: app", "#Watch: app", "# Watch:", "    # Watch: app", "# Watches: app"])
def test_what_to_watch_that_is_not_understood_is_refused_with_its_line(line: str) -> None:
    assert complaint(WITH_APP.replace("app = 1\n", f"app = 1\n{line}\n")) == (
        "snippets/coats/hang_up.py:6: this line of what to watch is not understood:"
        " write one expression a line, unindented, such as `# Watch: storage.sessions`"
    )


def test_what_to_watch_is_an_expression() -> None:
    message = complaint(WITH_APP.replace("app = 1\n", "app = 1\n# Watch: a = 1\n"))
    assert message.startswith("snippets/coats/hang_up.py:6: `a = 1` is not an expression: ")


def with_control(*lines: str) -> str:
    """WITH_APP with these lines from line 6 on."""
    return WITH_APP.replace("app = 1\n", "\n".join(["app = 1", *lines, ""]))


def test_what_a_reader_can_set_is_declared_with_its_range_or_its_string() -> None:
    text = with_control(
        "# Control: now 0..28800 s",
        "now = 60",
        "# Control: share -0.5..1.5 by 0.25",
        "share: float = -0.5",
        '# Control: order "1122"',
        'order = "1122"',
    )
    assert parse(text, PATH).controls == (
        Control("now", Range(0, 28800, 1, "s"), 60),
        Control("share", Range(-0.5, 1.5, 0.25, ""), -0.5),
        Control("order", None, "1122"),
    )


@pytest.mark.parametrize(
    "line",
    [
        "# control: now 0..1",
        "#Control: now 0..1",
        "# Control:",
        "    # Control: now 0..1",
        "# Controls: now 0..1",
        "# Control: now",
        "# Control: now 0..",
        "# Control: now 0-1",
        "# Control: now 0..1 by s",
        "# Control: now 0..1 s s",
        "# Control: now '1122'",
        "# Control: now 0..1 # seconds",
        "# Control: a.b 0..1",
    ],
)
def test_a_control_that_is_not_understood_is_refused_with_its_line(line: str) -> None:
    message = complaint(with_control(line, "now = 0"))
    assert message.startswith(
        "snippets/coats/hang_up.py:6: this line of what to control is not understood: write one name a line,"
        " unindented, such as `# Control: now 0..3600 s`, "
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("# Control: nwo 0..9", "now = 0"), "6: the module sets no number `nwo`: did you mean now?"),
        (("# Control: now 0..9", "x = 1"), "6: the module sets no number `now`: write `now = 0` at its top level"),
        (("# Control: now 0..9", 'now = "0"'), "6: the module sets no number `now`: write `now = 0` at its top level"),
        (("# Control: now 0..9", "now = True"), "6: the module sets no number `now`: write `now = 0` at its top"),
        (("# Control: now 0..9", "now = x = int()"), "6: the module sets no number `now`: write `now = 0` at its top"),
        (("# Control: now 0..9", "def f():", "    now = 1"), "6: the module sets no number `now`: write `now = 0`"),
        (('# Control: order "1"', "order = 1"), '6: the module sets no string `order`: write `order = "1"` at its'),
        (
            ('# Control: order "1"', 'order = "2"'),
            "6: the module sets `order` to another string: write `# Control: ord",
        ),
        (("# Control: now 9..0", "now = 1"), "6: no number can be set from 9 to 0: begin with the lower number"),
        (("# Control: now 0..9 by 10", "now = 1"), "6: no number can be set from 0 to 9: begin with the lower number"),
        (("# Control: now 0..9 by 0", "now = 1"), "6: no number can be set from 0 to 9: begin with the lower number"),
        (("# Control: now 1..9", "now = 0"), "6: the module sets `now` to 0, which is out of the range: widen the ran"),
        (("# Control: now 0..9", "# Control: now 0..5", "now = 1"), "7: there are two controls `now`: remove one"),
    ],
)
def test_a_control_is_a_number_or_a_string_that_the_module_sets(lines: tuple[str, ...], message: str) -> None:
    assert complaint(with_control(*lines)).startswith(f"snippets/coats/hang_up.py:{message}")


def test_only_an_app_has_controls() -> None:
    message = complaint(TEXT.replace("import asyncio\n", "# Control: now 0..1\nimport asyncio\n"))
    assert message.startswith("snippets/coats/hang_up.py:3: there is no app whose values could be set: ")


def test_only_an_app_is_watched() -> None:
    message = complaint(TEXT.replace("import asyncio\n", "# Watch: 1\nimport asyncio\n"))
    assert message.startswith("snippets/coats/hang_up.py:3: there is no app whose values could be watched: ")


# The docstring


def test_a_docstring_that_is_not_first_is_refused() -> None:
    fix = 'begin the file with a line such as """Keep sessions in memory."""'
    expected = f"snippets/{PATH}:1: the first line is not a docstring: {fix}"
    assert complaint(TEXT.removeprefix('"""Hang up a coat."""\n')) == expected
    assert complaint(f"# A comment\n{TEXT}") == expected


def test_a_docstring_of_two_lines_is_refused() -> None:
    assert ":1: the docstring has more than one line: begin" in complaint(TEXT.replace("up a", "up\na"))
    assert ":1: the docstring has more than one line: begin" in complaint(TEXT.replace("up a", "up\\na"))


@pytest.mark.parametrize("title", ["Hang up a coat", "Hang up a coat?", ".", " ."])
def test_a_docstring_without_a_full_stop_is_refused(title: str) -> None:
    expected = ":1: the docstring is not a sentence with a full stop at its end: begin"
    assert expected in complaint(TEXT.replace("Hang up a coat.", title))


# Imports


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("import coatcheck._private", "coatcheck._private"),
        ("from coatcheck._private import name", "coatcheck._private"),
        ("from coatcheck import _name", "_name"),
        ("import _thread", "_thread"),
        ("from __main__ import main", "__main__"),
    ],
)
def test_the_import_of_a_private_name_is_refused_with_its_line(statement: str, name: str) -> None:
    message = complaint(script(imports=f"{statement}\n"))
    assert message == f"snippets/{PATH}:4: `{name}` is private: import public names only"


def test_a_private_import_inside_a_function_is_refused() -> None:
    assert ":9: `_thread` is private" in complaint(with_body("import _thread"))


def test_a_relative_import_is_refused() -> None:
    message = complaint(script(imports="from . import coat\n"))
    assert message == f"snippets/{PATH}:4: a relative import: a snippet is copied alone; import by full name"


def test_future_annotations_are_allowed() -> None:
    text = TEXT.replace("import asyncio\n", "from __future__ import annotations\n\nimport asyncio\n")
    assert parse(text, PATH).title == "Hang up a coat"


# The program


@pytest.mark.parametrize("signature", ["def main() -> None", "async def run() -> None", "async def main()"])
def test_a_file_without_an_async_main_is_refused(signature: str) -> None:
    message = complaint(TEXT.replace("async def main() -> None", signature))
    rule = "there is no `async def main() -> None`"
    assert message == f"snippets/{PATH}:1: {rule}: put what the snippet does into that function"


def test_main_takes_nothing() -> None:
    assert "there is no `async def main() -> None`" in complaint(TEXT.replace("def main()", "def main(coat: str)"))


def test_a_missing_guard_is_refused() -> None:
    message = complaint(TEXT.replace('if __name__ == "__main__":\n    asyncio.run(main())\n', ""))
    fix = 'end the code with `if __name__ == "__main__":` and `asyncio.run(main())` below it'
    assert message == f"snippets/{PATH}:6: the last statement does not run main: {fix}"


@pytest.mark.parametrize("call", ["main()", "asyncio.run(main(), debug=True)", "asyncio.run(main())\n    print()"])
def test_a_guard_that_does_something_else_is_refused(call: str) -> None:
    assert ":14: the last statement does not run main" in complaint(TEXT.replace("asyncio.run(main())", call))


def test_a_syntax_error_is_refused_with_its_line() -> None:
    assert complaint(with_body("coat = (")).startswith(f"snippets/{PATH}:9: this is not Python: '(' was never closed")


# Sections


def test_a_section_that_never_ends_is_refused_with_its_line() -> None:
    message = complaint(TEXT.replace("    # --8<-- [end:hang-up]\n", ""))
    assert message == f"snippets/{PATH}:7: section `hang-up` never ends: add `# --8<-- [end:hang-up]`"


def test_a_section_that_never_began_is_refused_with_its_line() -> None:
    message = complaint(TEXT.replace("    # --8<-- [start:hang-up]\n", ""))
    fix = "add `# --8<-- [start:hang-up]` above it, or remove it"
    assert message == f"snippets/{PATH}:10: section `hang-up` ends but is not open: {fix}"


def test_two_sections_of_one_name_are_refused() -> None:
    pair = ("# --8<-- [start:a]", "print()", "# --8<-- [end:a]")
    message = complaint(script(*pair, *pair))
    assert message == f"snippets/{PATH}:10: there are two sections `a`: give each a name of its own"
    assert ":8: there are two sections `a`" in complaint(script("# --8<-- [start:a]", "# --8<-- [start:a]", "print()"))


def test_sections_that_overlap_are_refused() -> None:
    message = complaint(
        script(
            "# --8<-- [start:a]",
            "print(1)",
            "# --8<-- [start:b]",
            "print(2)",
            "# --8<-- [end:a]",
            "# --8<-- [end:b]",
        )
    )
    fix = "end `b` first: sections may contain each other, not overlap"
    assert message == f"snippets/{PATH}:11: section `a` ends inside `b`: {fix}"


def test_an_empty_section_is_refused() -> None:
    message = complaint(script("print()", "# --8<-- [start:a]", " ", "# --8<-- [end:a]"))
    assert message == f"snippets/{PATH}:8: section `a` is empty: put lines into it or remove it"


@pytest.mark.parametrize("name", ["Use", "use_it", "use it", "use-", "1st", ""])
def test_a_section_name_of_another_form_is_refused(name: str) -> None:
    message = complaint(script(f"# --8<-- [start:{name}]", "print()"))
    fix = "use lower-case words joined by hyphens, such as `write-and-read`"
    assert message == f"snippets/{PATH}:7: `{name}` cannot be the name of a section: {fix}"


@pytest.mark.parametrize(
    "line", ["# --8<-- [edn:a]", "# -8<- [end:a]", "#--8<-- [end:a]", "x = 1  # --8<-- [end:a]", '# --8<-- "a.py"']
)
def test_a_misspelt_marker_is_refused_with_its_line(line: str) -> None:
    message = complaint(script("# --8<-- [start:a]", "print()", line, "# --8<-- [end:a]"))
    fix = "write `# --8<-- [start:name]` or `# --8<-- [end:name]` on a line of its own"
    assert message == f"snippets/{PATH}:9: this section marker is not understood: {fix}"


def test_a_section_that_is_not_there_is_refused_with_the_near_ones() -> None:
    message = refusal(parse(TEXT, PATH).section, "hangup")
    assert message == f"snippets/{PATH}: there is no section `hangup`: did you mean hang-up?"


def test_a_section_of_a_snippet_without_sections_is_refused() -> None:
    message = refusal(parse(script("print()"), PATH).section, "use")
    assert "this snippet has no sections, embed the whole file" in message


# The output


def test_an_empty_line_of_output_is_a_lone_hash_and_spaces_survive() -> None:
    text = TEXT.removesuffix("# duffel\n") + "# a\n#\n#   b  \n"
    assert parse(text, PATH).output == "a\n\n  b  \n"


@pytest.mark.parametrize("output", ["a\n\nb\n", "\n", "\n\n", " a  \n", "# a\n", "Output:\n", "ü\x0c\u2028\n"])
def test_an_output_reads_back_as_it_was_written(output: str) -> None:
    assert parse(with_output(TEXT, output), PATH).output == output


def test_a_new_output_replaces_the_old_and_nothing_else() -> None:
    assert with_output(TEXT, "loden\n\ncape\n") == TEXT.replace("# duffel\n", "# loden\n#\n# cape\n")


def test_a_file_without_output_gets_a_block() -> None:
    assert with_output(TEXT.removesuffix("\n# Output:\n# duffel\n"), "duffel\n") == TEXT


def test_what_follows_the_output_is_not_lost() -> None:
    assert with_output(f"{TEXT}\nx = 1\n", "loden\n").endswith("# Output:\n# loden\n\nx = 1\n")


@pytest.mark.parametrize("output", ["", "duffel", "a\nb"])
def test_an_output_that_does_not_end_in_a_newline_is_refused(output: str) -> None:
    with pytest.raises(ValueError, match=r"does not end in a newline: end with print\(\)"):
        with_output(TEXT, output)


@pytest.mark.parametrize("output", ["50 %\r100 %\n", "\0\n"])
def test_an_output_that_no_comment_can_hold_is_refused(output: str) -> None:
    with pytest.raises(ValueError, match="carriage return or a null character: print lines of plain text"):
        with_output(TEXT, output)


def test_a_missing_output_block_is_refused() -> None:
    message = complaint(TEXT.removesuffix("\n# Output:\n# duffel\n"))
    fix = "end the file with `# Output:` and run pytest snippets --update-output"
    assert message == f"snippets/{PATH}:15: there is no `# Output:` block: {fix}"


def test_an_empty_output_block_is_refused() -> None:
    message = complaint(TEXT.removesuffix("# duffel\n"))
    fix = "print what the reader shall see, and run pytest snippets --update-output"
    assert message == f"snippets/{PATH}:17: the output block is empty: {fix}"


@pytest.mark.parametrize("line", ["", "x = 1", "#duffel"])
def test_anything_else_after_the_output_is_refused_with_its_line(line: str) -> None:
    message = complaint(f"{TEXT}{line}\n")
    assert message.startswith(f"snippets/{PATH}:19: this is not part of the output block: each line of it is `# ` and")


# Further outputs


FURTHER = "\n# Output, with a cape:\n# cape\n#\n\n# Output, once it is `None`:\n# None\n"


def test_a_snippet_may_have_further_outputs_that_are_right() -> None:
    snippet = parse(TEXT + FURTHER, PATH)
    assert snippet.output == "duffel\n"
    assert snippet.further == (Output("with a cape", "cape\n\n"), Output("once it is `None`", "None\n"))
    assert snippet.script.endswith(f"# Output:\n# duffel\n{FURTHER}")


def test_a_new_output_leaves_the_further_ones_alone() -> None:
    assert with_output(TEXT + FURTHER, "loden\n") == TEXT.replace("# duffel", "# loden") + FURTHER


def test_what_is_printed_may_look_like_the_label_of_a_further_output() -> None:
    snippet = parse(with_output(TEXT, "\nOutput, with a cape:\ncape\n"), PATH)
    assert (snippet.output, snippet.further) == ("\nOutput, with a cape:\ncape\n", ())


def test_an_empty_further_output_is_refused() -> None:
    message = complaint(f"{TEXT}\n# Output, with a cape:\n")
    assert message.startswith(f"snippets/{PATH}:20: the output block is empty: ")


@pytest.mark.parametrize(
    "label", ["# Output with a cape:", "# Output, :", "# Output, with a cape", "# output, a cape:"]
)
def test_a_misspelt_further_output_is_refused_with_its_line(label: str) -> None:
    message = complaint(f"{TEXT}\n{label}\n# cape\n")
    assert message.startswith(f"snippets/{PATH}:19: this is not part of the output block: ")
    assert message.endswith("each after an empty line and `# Output, with the mistake corrected:`")


# Length, width and name


def test_forty_lines_of_code_are_enough() -> None:
    spare = 40 - 5  # def, coat, print, and two of the guard
    assert parse(with_body(*["coat += coat", ""] * spare), PATH).title == "Hang up a coat"
    message = complaint(with_body(*["coat += coat"] * (spare + 1)))
    rule = "41 lines of code without its imports, more than 40"
    assert message == f"snippets/{PATH}:1: {rule}: make it two snippets, or show less"


def test_imports_do_not_count() -> None:
    imports = "from collections import (\n    Counter,\n    deque,\n)\nimport sys\n\nif sys:\n    import json\n"
    body = with_body(*["coat += coat"] * 34)  # and five more; "if sys:" is the last
    assert parse(body.replace("import asyncio\n", f"import asyncio\n{imports}"), PATH).title == "Hang up a coat"
    complaint(body.replace("import asyncio\n", f"import asyncio\n{imports}x = 1\n"))


def test_a_line_of_code_is_no_wider_than_a_block() -> None:
    widest = f'coat = "{"x" * 79}"'
    assert parse(with_body(widest), PATH).title == "Hang up a coat"
    message = complaint(with_body("", widest.replace("x", "xx", 1)))
    rule = "93 characters, more than the 92 that a block shows"
    fix = "break the line: `ruff format` does so with code, and leaves strings as they are"
    assert message == f"snippets/{PATH}:10: {rule}: {fix}"


def test_what_is_printed_may_be_wider_than_a_block() -> None:
    assert parse(with_output(TEXT, f"{'x' * 200}\n"), PATH).output == f"{'x' * 200}\n"


def test_ruff_breaks_the_lines_of_snippets_at_the_same_width() -> None:
    assert tomllib.loads((SNIPPETS / "ruff.toml").read_text())["line-length"] == WIDEST_LINE


@pytest.mark.parametrize("name", ["hang-up", "1st", "class", "_coat"])
def test_a_file_name_that_is_not_a_module_name_is_refused(name: str) -> None:
    message = complaint(TEXT, f"coats/{name}.py")
    fix = "use lower-case words joined by underscores, such as memory_storage.py"
    assert message == f"snippets/coats/{name}.py:1: `{name}` cannot be the name of a module: {fix}"


def test_the_name_of_a_standard_module_is_refused() -> None:
    message = complaint(TEXT, "coats/secrets.py")
    fix = "a copy of this file would hide it; rename the file, for example to secrets_example.py"
    rule = "`secrets` can be imported already, from the standard library"
    assert message == f"snippets/coats/secrets.py:1: {rule}: {fix}"


def test_the_name_of_an_installed_module_is_refused_with_its_place() -> None:
    message = complaint(TEXT, "coats/anyio.py")
    assert message.startswith("snippets/coats/anyio.py:1: `anyio` can be imported already, from ")
    assert "anyio/__init__.py: a copy of this file would hide it" in message


def test_a_snippet_on_the_import_path_may_be_found_under_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "hang_up_a_coat.py", TEXT)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert load(tmp_path, "hang_up_a_coat.py").title == "Hang up a coat"
    assert "can be imported already" in complaint(TEXT, "hang_up_a_coat.py")


# The folder


def test_every_script_of_the_folder_is_a_snippet(tmp_path: Path) -> None:
    for name in ("b.py", "conftest.py", "a/c.py", "a/__init__.py", "a/notes.md"):
        write(tmp_path, name, "")
    assert paths(tmp_path) == ["a/c.py", "b.py"]


def test_a_missing_file_is_refused_with_the_near_ones(tmp_path: Path) -> None:
    write(tmp_path, PATH, TEXT)
    message = refusal(load, tmp_path, "coats/hangup.py")
    assert message == f"snippets/coats/hangup.py: there is no such file: did you mean {PATH}?"


def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "coat.py", TEXT)
    (tmp_path / "snippets").mkdir()
    assert "there is no such file: add it to snippets/" in refusal(load, tmp_path / "snippets", "../coat.py")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mantel.py").write_bytes(TEXT.replace("coat", "m\u00e4ntel").encode("latin-1"))
    assert refusal(load, tmp_path, "mantel.py") == "snippets/mantel.py: the file is not UTF-8: save it as UTF-8"
