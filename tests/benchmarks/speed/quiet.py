"""A copy of the library without what it does for its log."""

from __future__ import annotations

import ast
import shutil
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import coatcheck

if TYPE_CHECKING:
    from pathlib import Path

NAME = "coatcheck_without_log"
STATEMENTS = ("tell", "unreadable")
TIMED = "timed"
ASKED, HEARD = "isEnabledFor", "is_heard"


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


def library_without_log(folder: Path) -> Any:
    """Write the copy into `folder`, and import it."""
    [source] = coatcheck.__path__
    copy = shutil.copytree(source, folder / NAME, ignore=shutil.ignore_patterns("__pycache__"))
    removed = 0
    for file in copy.glob("*.py"):
        if file.stem in ("log", "testing"):
            continue
        silence = Silence()
        file.write_text(ast.unparse(silence.visit(ast.parse(file.read_text()))))
        removed += silence.removed
    assert removed > len(STATEMENTS), "the library logs in another way by now, and so nothing would be compared"
    sys.path.insert(0, str(folder))
    try:
        return import_module(NAME)
    finally:
        sys.path.remove(str(folder))
