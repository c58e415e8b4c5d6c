"""Says which version of a project a site was built from."""

from __future__ import annotations

import subprocess
import tomllib
from shutil import which
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def version(project: Path) -> str:
    """The version in `pyproject.toml`, with the commit where Git knows one: "0.1.0 at 7b2ea7f"."""
    with (project / "pyproject.toml").open("rb") as file:
        number: str = tomllib.load(file)["project"]["version"]
    commit = _commit(project)
    return f"{number} at {commit}" if commit else number


def _commit(project: Path) -> str:
    git = which("git")
    if git is None:
        return ""
    command = [git, "-C", str(project), "rev-parse", "--short=7", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603  (our own)
