"""The version that a site names: the project's, and the commit where there is one."""

from __future__ import annotations

import subprocess
from shutil import which
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

from livedoc.version import version


def git(project: Path, *command: str) -> str:
    program = which("git")
    assert program, "git is not on the PATH"
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@shop.example")
    done = subprocess.run(
        [program, "-C", str(project), *identity, *command], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_version_has_the_commit_that_the_project_is_at(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    git(tmp_path, "init", "--quiet")
    assert version(tmp_path) == "1.2.3"
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "Hang up a coat")
    assert version(tmp_path) == f"1.2.3 at {git(tmp_path, 'rev-parse', 'HEAD')[:7]}"


def test_a_version_is_known_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert version(tmp_path) == "1.2.3"
