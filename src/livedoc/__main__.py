"""Builds what the site carries besides its pages, ahead of it: `python -m livedoc` in the project's folder."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from livedoc.build import BuildError, wire_sizes
from livedoc.bundle import build_player
from livedoc.runtime import build_runtime, described


def main() -> None:
    """Build the player and the browser's Python, and print where they are and how big."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        runtime = build_runtime(Path.cwd())
        player = build_player(Path.cwd(), runtime)
        modules = sorted(player.iterdir())
        wire = dict(zip((path.name for path in modules), wire_sizes(modules), strict=True))
    except BuildError as error:
        sys.exit(str(error))
    for folder, sizes in (
        (runtime, {name: size["wire"] for name, size in described(runtime)["sizes"].items()}),
        (player, wire),
    ):
        sys.stdout.write(f"{folder}\n      bytes      brotli\n")
        for name, size in sizes.items():
            sys.stdout.write(f"{(folder / name).stat().st_size:>11,} {size:>11,}  {name}\n")


if __name__ == "__main__":
    main()
