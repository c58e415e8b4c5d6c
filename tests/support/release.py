"""A release of the site that comes after another one."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from livedoc.caching import write_headers
from livedoc.offline import write_service_worker

if TYPE_CHECKING:
    from pathlib import Path

PLAYER = "assets/livedoc/"


def next_release(site: Path, folder: Path) -> Path:
    """Copy the site to a folder in which each file of the player has another name."""
    shutil.copytree(site, folder)
    for kind in ("page-", "worker-", "editor-", "python-"):
        [old] = (file for file in (folder / PLAYER).glob(f"{kind}*") if file.name.count("-") == 1)  # no package's
        new = old.rename(old.with_name(f"{kind}later{old.suffix}"))
        for file in [*folder.rglob("*.html"), *(folder / PLAYER).glob("*.js")]:
            file.write_text(file.read_text().replace(old.name, new.name))
    written(folder)
    return folder


def written(folder: Path) -> None:
    """Write the service worker and the headers for the files that are in the folder now."""
    write_service_worker(folder, PLAYER)
    write_headers(folder, PLAYER)
