"""What a block leaves out is told in words, and nothing prints there."""

from __future__ import annotations

import pytest

from livedoc.excerpt import Piece, check_prints, excerpt
from livedoc.snippet import parse
from tests.support.snippet import PATH, refusal, script

MARKED = ("# --8<-- [start:use]", 'print("duffel")', "# --8<-- [end:use]")
IMPORTS = "import asyncio\n"


def left_out(text: str, *names: str) -> list[str]:
    """What the bars of a block say."""
    return [piece.left_out for piece in excerpt(parse(text, PATH), names or ("use",)).pieces if piece.left_out]


def with_module_code(*lines: str) -> str:
    """A snippet with these lines between its imports and main."""
    return script(*MARKED).replace(IMPORTS, "\n".join([IMPORTS, *lines, ""]))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "imports and the start of main"),
        (["import sys", "from os import path"], "imports and the start of main"),
        (["if True:", "    import sys"], "imports and the start of main"),
        (["class Coat:", "    pass"], "imports, Coat and the start of main"),
        (["@decorated", "def hang() -> None:", "    pass"], "imports, hang and the start of main"),
        (["coat = 1", "hat: int = 2"], "imports, coat, hat and the start of main"),
        (["hooks[1].coat = 1"], "imports, hooks[1].coat and the start of main"),
        (["app.add(1)", "app.add(2)"], "imports, app.add and the start of main"),
        (["# hooks"], "imports and the start of main"),
        (["for x in (): pass"], "imports, more code and the start of main"),
        (["a = 1", "b = 2", "c = 3"], "imports, a, b and 2 more"),
    ],
)
def test_what_is_left_out_is_named(lines: list[str], words: str) -> None:
    assert left_out(with_module_code(*lines)) == [words, "the call of main"]


def test_what_is_left_out_of_a_function_is_its_start_a_part_or_its_end() -> None:
    body = (*MARKED, "x = 1", *(line.replace("use", "more") for line in MARKED), "y = 1")
    bars = ["imports and the start of main", "part of main", "the end of main and the call of main"]
    assert left_out(script(*body), "use", "more") == bars


def test_a_title_or_a_comment_alone_is_called_that() -> None:
    text = script().replace('coat."""\n', 'coat."""\n\n# --8<-- [start:use]')
    text = text.replace("\n\nasync def", "\n# --8<-- [end:use]\n# hooks\n\n# --8<-- [start:more]\nasync def")
    text = text.replace("\n\n\nif", "\n    # --8<-- [end:more]\n\n\nif")
    assert left_out(text, "use", "more") == ["the title", "comments", "the call of main"]


def test_the_pieces_are_the_code_in_order() -> None:
    snippet = parse(script(*MARKED), PATH)
    found = excerpt(snippet, ["use"])
    assert found.pieces == (
        Piece(1, 6, "imports and the start of main"),
        Piece(7, 7, ""),
        Piece(8, 11, "the call of main"),
    )
    assert found.shown == [Piece(7, 7, "")]
    assert excerpt(snippet, []).pieces == (Piece(1, 11, ""),)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("print(1)", "print(1)"),
        ("print(", "print(1)"),
        ("builtins.print(1)", "builtins.print(1)"),
        ("[*map(print, [1])]", "print"),
        ("pprint.pprint(1)", "pprint.pprint(1)"),
        ("pp(1)", "pp(1)"),
        ('sys.stdout.write("1")', "sys.stdout"),
        ('sys.__stdout__.write("1")', "sys.__stdout__"),
    ],
)
def test_what_prints_and_is_not_shown_is_refused_with_its_line_in_the_file(line: str, told: str) -> None:
    lines = [line] if line != "print(" else [line, "    1", ")"]
    snippet = parse(script(*MARKED, *lines), PATH)
    message = refusal(check_prints, snippet, [excerpt(snippet, ["use"])])
    fix = "put it into a section, and embed that too"
    assert message == f"snippets/{PATH}:10: `{told}` prints, and the page doesn't show it: {fix}"
    check_prints(snippet, [excerpt(snippet, [])])


def test_a_call_that_is_shown_only_in_part_is_refused() -> None:
    body = ("# --8<-- [start:use]", "print(", "# --8<-- [end:use]", "    1,", ")")
    snippet = parse(script(*body), PATH)
    assert "`print(1)` prints" in refusal(check_prints, snippet, [excerpt(snippet, ["use"])])


@pytest.mark.parametrize("line", ["printer = 1", "reprint(1)", "stdout = 1", "redirect_stdout(1)", 'x = "print(1)"'])
def test_what_does_not_print_may_be_left_out(line: str) -> None:
    snippet = parse(script(*MARKED, line), PATH)
    check_prints(snippet, [excerpt(snippet, ["use"])])
