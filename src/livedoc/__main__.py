"""Builds what the site carries besides its pages, ahead of it: `python -m livedoc` in the project's folder.

`python -m livedoc site/` also puts it into the pages of that folder, which any generator may have built.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from livedoc.build import BuildError, wire_sizes
from livedoc.bundle import build_player
from livedoc.runtime import build_runtime, described
from livedoc.site import complete


def main() -> None:
    """Build the player and the browser's Python, complete a site with them, and print where they are and how big."""
    options = argparse.ArgumentParser(prog="python -m livedoc", description=main.__doc__)
    options.add_argument("site", nargs="?", type=Path, help="a folder of pages built from mkdocs.yml, to complete")
    site: Path | None = options.parse_args().site
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        runtime = build_runtime(Path.cwd())
        player = build_player(Path.cwd(), runtime)
        modules = sorted(player.iterdir())
        if site is not None:
            complete(site, Path.cwd(), player, runtime)
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
