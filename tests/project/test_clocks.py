"""No clock that a reader may copy stands still: sessions under it would never expire."""

from __future__ import annotations

import ast

import pytest

from livedoc.player.python.control import declared
from livedoc.snippet import paths
from tests.support.project import SNIPPETS


def still_clocks(script: str) -> list[int]:
    """The lines of the clocks that always say the same."""
    nodes = list(ast.walk(ast.parse(script)))
    functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
    moved = {control.name for control in declared(script)}
    moved |= {node.target.id for node in nodes if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)}
    given = [node.value for node in nodes if isinstance(node, ast.keyword) and node.arg == "clock"]
    clocks = [(value, functions.get(value.id) if isinstance(value, ast.Name) else value) for value in given]
    return [
        value.lineno
        for value, clock in clocks
        if isinstance(clock, ast.FunctionDef | ast.Lambda) and not any(goes(node, moved) for node in ast.walk(clock))
    ]


def goes(node: ast.AST, moved: set[str]) -> bool:
    return isinstance(node, ast.Call) or (isinstance(node, ast.Name) and node.id in moved)


@pytest.mark.parametrize(
    "clock", ["lambda: 4.0", "lambda: now", "now"], ids=["a number", "a name that nothing moves", "a function"]
)
def test_a_clock_that_stands_still_is_found(clock: str) -> None:
    assert still_clocks(f"def now():\n    return 4.0\ncookie(clock={clock})") == [3]


@pytest.mark.parametrize("clock", ["lambda: later", "clock", "lambda: time.time() + 4", "time.time"])
def test_a_clock_that_goes_is_none(clock: str) -> None:
    assert still_clocks(f"later = 0\nlater += 1\ncookie(clock={clock})") == []


@pytest.mark.parametrize("path", paths(SNIPPETS))
def test_no_clock_of_a_snippet_stands_still(path: str) -> None:
    assert still_clocks((SNIPPETS / path).read_text()) == []
