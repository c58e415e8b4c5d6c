"""A Python environment beside the project's, for packages that mustn't be mixed with its own."""

from __future__ import annotations

import subprocess
import venv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def python_with(requirements: Path, folder: Path) -> Path:
    """The Python of an environment in `folder` that has these requirements. It's made unless it is up to date."""
    python = folder / "bin" / "python"
    installed = folder / requirements.name
    if not installed.exists() or installed.read_bytes() != requirements.read_bytes():
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(requirements)], check=True)
        installed.write_bytes(requirements.read_bytes())
    return python
