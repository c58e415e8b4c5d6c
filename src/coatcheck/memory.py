"""Sessions in memory."""

from __future__ import annotations

from .simplified import SimplifiedSessionStorage


class SessionStorageMemory(SimplifiedSessionStorage):
    """Keeps sessions while the program runs, and forgets them when it ends.

    For one process. Several workers each have a memory of their own; use a directory or a server for those.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, bytes] = {}

    async def load(self, id: str) -> bytes | None:
        """Return the bytes kept under `id`."""
        return self._sessions.get(id)

    async def save(self, id: str, data: bytes | None) -> None:
        """Keep `data` under `id`."""
        if data is None:
            self._sessions.pop(id, None)
        else:
            self._sessions[id] = data
