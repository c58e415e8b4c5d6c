"""The browsers of this machine."""

from __future__ import annotations

import shutil

CHROMIUM = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser", "chrome")
FIREFOX = ("firefox-esr", "firefox")
QUIET = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def installed(names: tuple[str, ...]) -> str:
    """The first of these programs that is there. Debian's package has the first of the names."""
    found = next(filter(None, map(shutil.which, names)), None)
    assert found, f"none of {', '.join(names)} is installed: run `apt-get install {names[0]}`"
    return found
