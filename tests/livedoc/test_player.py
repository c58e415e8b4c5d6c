"""The player's own checks, with the Node that the project brings: types, format, unit tests."""

from __future__ import annotations

import os

import pytest

from livedoc.build import NODE
from tests.support.program import output_of
from tests.support.project import PLAYER


@pytest.mark.parametrize("script", ["check", "format:check", "test"])
def test_the_player_passes_its_own_checks(script: str) -> None:
    environment = {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"}
    output_of(NODE, "--run", script, cwd=PLAYER, env=environment)
