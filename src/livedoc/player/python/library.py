"""Lets Python import from the parts of its standard library that it didn't start with."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast
from zipimport import zipimporter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import ResourceLoader
    from importlib.machinery import ModuleSpec
    from types import ModuleType


def import_from_parts(archive: str, extend: Callable[[int], str | None]) -> None:
    """Have modules come when they are imported. Those of each part are on a line of `parts.txt`.

    Args:
        archive: The standard library, which is extended part by part.
        extend: Called with the number of a part, counted from 1, to extend the archive up to that part, unless it has
            been. Returns why that can't be done.
    """
    loader = cast("ResourceLoader", __spec__.loader)
    lines = loader.get_data(str(PurePosixPath(__file__).with_name("parts.txt"))).decode().splitlines()
    parts = {name: number for number, line in enumerate(lines, 1) for name in line.split()}
    sys.meta_path.insert(sys.meta_path.index(PathFinder) + 1, LaterParts(archive, parts, extend))


class LaterParts(MetaPathFinder):
    """Finds modules in parts of an archive that aren't there yet, or that its importer hasn't seen come."""

    def __init__(self, archive: str, parts: dict[str, int], extend: Callable[[int], str | None]) -> None:
        self._archive = archive
        self._parts = parts
        self._extend = extend

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module.

        Raises:
            ImportError: The part with this module can't be had now.
        """
        part = self._parts.get(fullname)
        if part is None:
            return None
        if reason := self._extend(part):
            way_out = "Run it again, or reload the page."
            raise ImportError(f"{fullname} comes over the network, and it didn't: {reason}. {way_out}", name=fullname)
        zipimporter(self._archive).invalidate_caches()
        return PathFinder.find_spec(fullname, path, target)
