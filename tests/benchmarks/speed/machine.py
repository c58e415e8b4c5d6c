"""Where the figures come from."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks.speed import peers
from tests.support.project import PROJECT


def commit() -> str:
    """Return the commit of the library, and whether it was changed since."""
    changed = _git("status", "--porcelain", "--", "src/coatcheck", "tests/benchmarks/speed")
    return _git("rev-parse", "HEAD")[:12] + (", changed" if changed else "")


def _git(*arguments: str) -> str:
    ended = subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S607 - from the PATH
    return ended.stdout.strip() or "unknown" * (ended.returncode != 0)


def facts(folder: Path) -> dict[str, Any]:
    """Return what a figure depends on, besides the code."""
    return {
        "processor": _line("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory": _line("/proc/meminfo", "MemTotal"),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "file system": file_system(folder),
        "load before": round(os.getloadavg()[0], 1),
    }


def versions() -> dict[str, str]:
    """Return the versions of all that takes part."""
    return {name: version(name) for name in ("anyio", "msgspec", *peers.PACKAGES)}


def _line(file: str, name: str) -> str:
    lines = Path(file).read_text().splitlines() if Path(file).exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "unknown")


def file_system(folder: Path) -> str:
    """Return the type of the file system that a folder is on."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return "unknown"
    found = [line.split()[1:3] for line in mounts.read_text().splitlines()]
    above = [(len(point), type) for point, type in found if folder.resolve().is_relative_to(point)]
    return max(above)[1]
