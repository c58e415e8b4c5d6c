"""What all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coatcheck import SessionStorageDirectory, SessionStorageMemory

if TYPE_CHECKING:
    from pathlib import Path

    from coatcheck import SessionStorage


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["memory", "directory", "durable directory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> SessionStorage:
    """Every storage of the library, in turn."""
    if request.param == "memory":
        return SessionStorageMemory()
    return SessionStorageDirectory(tmp_path / "sessions", durable=request.param == "durable directory")
