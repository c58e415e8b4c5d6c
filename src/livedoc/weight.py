"""Weighs what a reader's browser fetches for the first run of a script."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from livedoc.build import BuildError, wire_sizes
from livedoc.runtime import described

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from livedoc.runtime import Runtime

BLOCK = re.compile(r'(data-snippet="([^"]+)")( data-weight="\d+")?')


def weights(scripts: Mapping[str, str], player: Path, runtime: Path) -> dict[str, int]:
    """The bytes on the wire for the first run of each of `scripts`, at the most, with these built folders."""
    [worker] = wire_sizes(list(player.glob("worker-*.js")))
    return {path: worker + weight(script, described(runtime)) for path, script in scripts.items()}


def weight(script: str, runtime: Runtime) -> int:
    """The bytes of `runtime` on the wire, without the packages and parts of the library that `script` doesn't need."""
    modules = set(_imported(script))
    parts = {part["file_name"]: set(part["packages"]) for part in runtime["parts"]}
    packages = runtime["lock"]["packages"]
    needed = {name for name, package in packages.items() if _meets(modules, package["imports"])}
    while needed != (more := needed | {each for name in needed for each in packages[name]["depends"]}):
        needed = more
    left_out = {package["file_name"] for name, package in packages.items() if name not in needed}
    for part in reversed(runtime["parts"]):  # each needs those before it
        if _meets(modules, part["imports"]) or parts[part["file_name"]] & needed:
            break
        left_out.add(part["file_name"])
    return sum(size["wire"] for name, size in runtime["sizes"].items() if name not in left_out)


def weighed(html: str, weights: Mapping[str, int]) -> str:
    """`html` with `data-weight` on each block.

    Raises:
        BuildError: A snippet was no snippet yet when all were weighed.
    """

    def weighed(block: re.Match[str]) -> str:
        if block[2] not in weights:
            raise BuildError(f"snippets/{block[2]} was changed while the site was built: build the site again")
        return f'{block[1]} data-weight="{weights[block[2]]}"'

    return BLOCK.sub(weighed, html)


def _imported(script: str) -> Iterator[str]:
    """The modules that `script` imports, wherever it does."""
    for node in ast.walk(ast.parse(script)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _meets(modules: set[str], wanted: list[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for module in modules for name in wanted)
