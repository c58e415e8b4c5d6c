"""The programs that tests run."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser", "chrome")
# The same engine without the windows of a browser around it: a page opens in half the time.
WINDOWLESS = ("chromium-headless-shell", *CHROMIUM)
FIREFOX = ("firefox-esr", "firefox")
# The optimising compiler takes a third of the time of a program that runs once.
UNOPTIMISED = ["--js-flags=--liftoff-only"]
QUIET = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def installed(names: tuple[str, ...], package: str = "") -> str:
    """The first of these programs that is there. Debian's package has the first of the names, or the one given."""
    found = next(filter(None, map(shutil.which, names)), None)
    assert found, f"none of {', '.join(names)} is installed: run `apt-get install {package or names[0]}`"
    return found


def output_of(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What a program prints, once it has ended without an error."""
    ended = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
