"""What the library tells the logger `coatcheck`: each storage call and each decision, without ids and payloads."""

from __future__ import annotations

import logging
from functools import lru_cache
from hashlib import sha256
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from .storage import SessionNotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")

logger = logging.getLogger("coatcheck")
"""Ask it once for a storage call that most requests make. Each question costs a hundredth of such a request."""


class SessionLog:
    """Writes the records of one provider. Each has `provider`, and `id_hash`, `bytes` and `ms` where they apply."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._warn_once = lru_cache(maxsize=16384)(self._warn)

    def tell(self, event: str, key: str | None, data: bytes | None = None, ms: float | None = None) -> None:
        """Log at DEBUG what happened to the session stored under `key`; `None` if it isn't stored yet.

        Where it applies, also the size of its `data` and the milliseconds that it took.
        """
        if logger.isEnabledFor(logging.DEBUG):
            digest = None if key is None else _short_hash(key)
            size = None if data is None else len(data)
            known = {"provider": self._provider, "id_hash": digest, "bytes": size, "ms": ms}
            extra = {name: value for name, value in known.items() if value is not None}
            logger.debug("%s session %s: %s", self._provider, digest or "without an id", event, extra=extra)

    def timed(self, verb: str, key: str, call: Awaitable[T], data: bytes | None = None) -> Awaitable[T]:
        """Return a storage call that is also logged, with the size of `data`, or of the bytes that it returns."""
        return self._timed(verb, key, call, data) if logger.isEnabledFor(logging.DEBUG) else call

    async def _timed(self, verb: str, key: str, call: Awaitable[T], data: bytes | None) -> T:
        start, outcome = perf_counter(), "done"
        try:
            result = await call
        except BaseException as error:
            outcome = "found nothing" if isinstance(error, SessionNotFound) else f"raised {type(error).__name__}"
            raise
        else:
            data = result if isinstance(result, bytes) else data
            return result
        finally:
            self.tell(f"storage {verb} {outcome}", key, data, (perf_counter() - start) * 1000)

    def unreadable(self, key: str) -> None:
        """Warn that a record can't be decoded, once for each key. At DEBUG it is logged each time."""
        self._warn_once(_short_hash(key))
        self.tell("unreadable, which counts as none", key)

    def _warn(self, digest: str) -> None:
        text = "a stored %s session can't be decoded and counts as none (id hash %s)"
        logger.warning(text, self._provider, digest, extra={"provider": self._provider, "id_hash": digest})


def _short_hash(key: str) -> str:
    """Return the beginning of the hash that names the session's file in a directory, and its key in Redis."""
    # An id that UTF-8 can't encode is the business of the storage. Logging it must not raise.
    return sha256(key.encode(errors="surrogatepass")).hexdigest()[:12]
