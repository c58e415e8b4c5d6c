"""Copies of the library without what it does for its log, and without some of what it promises."""

from __future__ import annotations

import ast
import shutil
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import coatcheck

if TYPE_CHECKING:
    from pathlib import Path

STATEMENTS = ("tell", "unreadable")
TIMED = "timed"
ASKED, HEARD = "isEnabledFor", "is_heard"
READ_BACK, TURN, AT_THE_END = "must_read_back", "self._turn", "await sessions.end()"


class Silence(ast.NodeTransformer):
    """Removes each call that logs, and what is only done if somebody listens, and awaits what is timed as it is."""

    def __init__(self) -> None:
        self.removed = 0

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """Leave out what only logs."""
        if isinstance(node.value, ast.Call) and _method(node.value) in STATEMENTS:
            self.removed += 1
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST:
        """Leave out what is done if somebody listens."""
        return ast.Pass() if _is_heard(node.test) else self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """Take what is done if nobody listens."""
        return self.visit(node.orelse) if _is_heard(node.test) else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Take the call that is timed, the third argument."""
        if _method(node) == TIMED:
            self.removed += 1
            return self.visit(node.args[2])  # type: ignore[no-any-return]
        if _method(node) == ASKED:
            self.removed += 1
            return ast.Constant(False)  # noqa: FBT003 - in the place of an answer
        return self.generic_visit(node)


def _is_heard(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == HEARD


def _method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


class Haste(Silence):
    """Removes what else a saved session waits for, although the app would seldom notice if it were missing."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """Leave out the check that a session reads back equal, and the look for changes once the app has returned."""
        is_check = isinstance(node.value, ast.Call) and _method(node.value) == READ_BACK
        if is_check or ast.unparse(node) == AT_THE_END:
            return ast.copy_location(ast.Pass(), node)
        return super().visit_Expr(node)

    def visit_With(self, node: ast.With) -> ast.AST:
        """Let the tasks of one request talk to the storage at the same time."""
        is_turn = ast.unparse(node.items[0]) == TURN
        inside = ast.If(ast.Constant(1), node.body, []) if is_turn else node
        return self.generic_visit(ast.copy_location(inside, node))


def library_without_log(folder: Path) -> Any:
    """Write a copy that doesn't log into `folder`, and import it."""
    return _copied(folder / "coatcheck_without_log", Silence)


def library_without_promises(folder: Path) -> Any:
    """Write a copy that neither logs nor keeps three promises into `folder`, and import it."""
    return _copied(folder / "coatcheck_without_promises", Haste)


def _copied(copy: Path, change: type[Silence]) -> Any:
    [source] = coatcheck.__path__
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    removed = 0
    for file in copy.glob("*.py"):
        if file.stem in ("log", "testing"):
            continue
        changing = change()
        file.write_text(ast.unparse(changing.visit(ast.parse(file.read_text()))))
        removed += changing.removed
    assert removed > len(STATEMENTS), "the library logs in another way by now, and so nothing would be compared"
    sys.path.insert(0, str(copy.parent))
    try:
        return import_module(copy.name)
    finally:
        sys.path.remove(str(copy.parent))
