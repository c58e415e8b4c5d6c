"""Bundles the player into modules and a style sheet, each named by a hash of what is in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from livedoc.build import NODE, PLAYER, cached, run
from livedoc.completions import completions

if TYPE_CHECKING:
    from pathlib import Path

BUNDLE = PLAYER / "build" / "bundle.ts"


def build_player(project: Path, runtime: Path) -> Path:
    """The folder with the player's modules and style sheet, for the built `runtime` and no other.

    Raises:
        BuildError: The player's sources do not bundle, or its packages are not installed.
    """
    constants = [(runtime / "runtime.json").read_text(), json.dumps(completions(project))]
    files = (path for path in PLAYER.rglob("*") if "node_modules" not in path.parts)
    sources = sorted(path for path in files if path.suffix in {".ts", ".css", ".json"} and ".test" not in path.suffixes)

    def bundle(folder: Path) -> None:
        command = [str(NODE), str(BUNDLE), str(folder), *constants]
        run(command, "correct the file that esbuild names, or run `make setup` if esbuild is missing", cwd=PLAYER)

    inputs = [*(path.read_bytes() for path in sources), *(constant.encode() for constant in constants)]
    return cached(project, "player", inputs, bundle)
