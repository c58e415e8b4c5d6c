"""The apps that whole servers serve. Each worker of a server calls `make`, which looks into the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis

from coatcheck import SessionStorageDirectory, SessionStorageMemory
from coatcheck.redis import SessionStorageRedis
from tests.benchmarks.speed import app, peers

if TYPE_CHECKING:
    from collections.abc import Callable

    from coatcheck import SessionStorage
    from tests.benchmarks.speed.app import AsgiApp

APPS: dict[str, Callable[[], AsgiApp]] = {
    "bare": app.bare,
    "coatcheck": lambda: app.coatcheck(_storage()),
    # Of the peers that keep sessions on the server, requests to it take the least time.
    "peer": peers.starsessions,
}
SERVED = "SERVED"  # one of the above
READY = "SERVED_READY"  # a folder in which each worker makes a file when it's ready
DIRECTORY, REDIS = "SERVED_DIRECTORY", "SERVED_REDIS"  # where coatcheck stores sessions, instead of in memory


def make() -> Any:
    """Return the app that the environment names."""
    served = APPS[os.environ[SERVED]]().app

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        scope["pause"] = app.turn
        await served(scope, receive, send)

    (Path(os.environ[READY]) / str(os.getpid())).touch()
    return serve


def _storage() -> SessionStorage:
    if DIRECTORY in os.environ:
        return SessionStorageDirectory(os.environ[DIRECTORY])
    if REDIS in os.environ:
        return SessionStorageRedis(Redis(port=int(os.environ[REDIS])))
    return SessionStorageMemory()
