"""Every login that a reader may copy is a POST and renews the id."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from livedoc.pytest_snippets import run
from livedoc.snippet import load, paths
from tests.support.login import LOGIN, logins
from tests.support.project import PROJECT, SNIPPETS

if TYPE_CHECKING:
    from pathlib import Path

WATCHED = "import sys; sys.path.append({project!r}); from tests.support.login import watch; watch({notes!r})\n{script}"

# Those that show an attack, and the class whose id they keep for it.
ATTACKED = {"labs/login_logout.py": {"Careless"}, "sessions/plant_an_id.py": {"User"}}
# Those whose login is the old library's.
BEFORE_THE_MOVE = {"recipes/move_from_django_sessions.py", "recipes/move_from_session_middleware.py"}


def says_login(node: ast.AST) -> bool:
    """Whether this is a function or a path that says login."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return LOGIN.search(node.name) is not None
    path = node.value if isinstance(node, ast.Constant) else None
    return isinstance(path, str) and path.startswith("/") and LOGIN.search(path) is not None


def has_login(path: str) -> bool:
    return any(map(says_login, ast.walk(ast.parse((SNIPPETS / path).read_text()))))


@pytest.mark.parametrize("path", [path for path in paths(SNIPPETS) if has_login(path)])
def test_a_login_is_a_post_and_renews_the_id(path: str, tmp_path: Path) -> None:
    snippet, notes = load(SNIPPETS, path), tmp_path / "notes"
    run(replace(snippet, script=WATCHED.format(project=str(PROJECT), notes=str(notes), script=snippet.script)))
    seen = [login for login in logins(notes) if login.started]
    assert seen or path in BEFORE_THE_MOVE, "main() doesn't log in"
    for login in seen:
        assert login.method == "POST", f"{login.method} {login.path} starts a session"
        kept = set(login.started) - set(login.renewed) - ATTACKED.get(path, set())
        assert not kept, f"{login.path} keeps the id of {kept}"
