"""An app that uvicorn serves: started as a beginner starts it, in a folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STARTED = "Application startup complete."  # each worker says so
RUNNING = re.compile(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")


@contextmanager
def served(app: Path, folder: Path, workers: int = 1, name: str = "app", **environment: str) -> Iterator[str]:
    """Copy an app's file into a folder, run uvicorn there until the block ends, and give its port.

    The app is called `name` in that file.
    """
    if app.parent != folder:
        shutil.copy(app, folder)
    command = [sys.executable, "-m", "uvicorn", f"{app.stem}:{name}", "--port", "0", "--workers", str(workers)]
    with subprocess.Popen(
        command, cwd=folder, env=os.environ | environment, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        lines: list[str] = []
        try:
            for line in server.stderr:
                lines.append(line)
                said = "".join(lines)
                if (running := RUNNING.search(said)) and said.count(STARTED) == workers:
                    yield running[1]
                    break
            else:
                pytest.fail("".join(lines))
        finally:
            server.terminate()
            said = server.stderr.read()
    assert "Traceback" not in said, said
