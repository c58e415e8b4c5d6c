"""One kind of session: how it is stored, changed, merged and deleted."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from inspect import isclass
from typing import TYPE_CHECKING, Generic, TypeVar

from anyio import Lock
from msgspec import structs

from .locks import Locks
from .record import Record
from .serializer import JSONSerializer
from .storage import SessionNotFound, read_bytes, write_bytes
from .transport import MAX_ID_LENGTH, is_well_formed

if TYPE_CHECKING:
    from collections.abc import Callable

    from .record import Lifetime
    from .serializer import SessionSerializer
    from .storage import SessionStorage
    from .transport import Transport

S = TypeVar("S")

_log = logging.getLogger("coatcheck")
_LOCKS = Locks(Lock)  # for storages without `update`


def new_session_id() -> str:
    """Return a new id: 256 random bits from `secrets` as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


class SessionProvider(Generic[S]):
    """One kind of session, as `cookie` and `header` return it for `Sessions`."""

    def __init__(
        self,
        name: str,
        type: type[S],
        *,
        storage: SessionStorage,
        serializer: SessionSerializer[S] | None,
        new_id: Callable[[], str],
        lifetime: Lifetime,
        transport: Transport,
    ) -> None:
        self.name = name
        self.type = type
        self.serializer: SessionSerializer[S] = JSONSerializer(type) if serializer is None else serializer
        if not isclass(type):
            raise TypeError(f"{name!r}: type must be a class, not {type!r}; a session is found by its class")
        self.lifetime = lifetime
        self.transport = transport
        self._storage = storage
        self._lock_name = id(storage)
        self._new_id = new_id
        self._warn_once = lru_cache(maxsize=16384)(self._warn)
        retention = getattr(storage, "retention", None)
        if isinstance(retention, timedelta) and lifetime.outlasts(retention):
            shown = str(retention).removesuffix(", 0:00:00")
            raise ValueError(
                f"{name!r}: sessions may outlive the storage's retention ({shown}), which would delete sessions whose "
                "id is still valid; raise retention or lower max_age or idle_timeout"
            )

    def issue_id(self) -> str:
        """Return a fresh id.

        Raises:
            ValueError: The provider's own `new_id` returned one that a cookie or header can't carry.
        """
        id = self._new_id()
        if not is_well_formed(id):
            raise ValueError(
                f"new_id for {self.name!r} must return 1 to {MAX_ID_LENGTH} visible ASCII characters without any of "
                '",;\\, which a cookie could not carry'
            )
        return id

    async def load(self, id: str) -> tuple[S, Record] | None:
        """Return the session stored under `id` and its record, or `None`.

        A session that has expired or can't be decoded counts as none.
        """
        try:
            stored = await read_bytes(self._storage, self._key(id))
            return self._open(id, stored)
        except SessionNotFound:
            return None

    async def save(self, id: str, record: Record) -> None:
        """Store a session under a fresh id.

        Raises:
            ValueError: Its bytes don't decode, so no later request could read them. Nothing was stored.
        """
        self._must_be_readable(record.data)
        await write_bytes(self._storage, self._key(id), record.encode())

    async def change(self, id: str, base: bytes, data: bytes, *, touch: bool) -> Record:
        """Save a changed session: it was `base` when it was loaded, and is `data` now. Return the record of `data`.

        What other requests have saved since then is kept, field by field.

        Raises:
            SessionNotFound: It has ended or expired.
            ValueError: As for `save`.
        """
        self._must_be_readable(data)
        changed = Record(0, 0)

        def transform(stored: bytes) -> bytes:
            nonlocal changed
            theirs = self._live(id, stored)
            changed = Record(theirs.created, self.lifetime.now() if touch else theirs.seen, data)
            merged = self.merge(base, data, theirs.data)
            if merged is not data:
                self._must_be_readable(merged)
            return structs.replace(changed, data=merged).encode()

        await self._update(id, transform)
        return changed

    async def apply(self, id: str, change: Callable[[S], S]) -> tuple[S, Record]:
        """Apply `change` to the session as it is stored now, and save it. Return the session and its record.

        Raises:
            SessionNotFound: There is none, or it has expired.
            ValueError: As for `save`.
            TypeError: `change` returned something else.
        """
        result: list[tuple[S, Record]] = []

        def transform(stored: bytes) -> bytes:
            session, record = self._open(id, stored)
            session = change(session)
            if not isinstance(session, self.type):
                raise TypeError(f"change must return the {self.type.__qualname__}, not a {type(session).__name__}")
            data = self.serializer.serialize(session)
            self._must_be_readable(data)
            record = structs.replace(record, data=data)
            result[:] = [(session, record)]
            return record.encode()

        await self._update(id, transform)
        return result[0]

    async def invalidate(self, id: str) -> None:
        """Delete the session stored under `id`."""
        key = self._key(id)
        if hasattr(self._storage, "update"):
            await self._storage.invalidate(key)
        else:
            async with _LOCKS[self._lock_name, key]:
                await self._storage.invalidate(key)

    def merge(self, base: bytes, mine: bytes, theirs: bytes) -> bytes:
        """Return what to store when a session was `base`, this request made it `mine`, and `theirs` is stored now."""
        if mine == base:
            return theirs
        merge = getattr(self.serializer, "merge", None)
        if theirs == base or merge is None:
            return mine
        decode = self.serializer.deserialize
        try:
            stored = decode(theirs)
        except Exception:  # noqa: BLE001 - a serializer may raise anything: another version stored what this one can't read
            return mine
        return self.serializer.serialize(merge(decode(base), decode(mine), stored))

    def _open(self, id: str, stored: bytes) -> tuple[S, Record]:
        record = self._live(id, stored)
        try:
            session = self.serializer.deserialize(record.data)
            # Serialise it again, because a change is noticed by comparing bytes. Those in the storage may come from an
            # older version of the class, without a field that has a default now; compared with them, a session that was
            # only read would look changed and be saved.
            return session, structs.replace(record, data=self.serializer.serialize(session))
        except Exception:  # noqa: BLE001 - a serializer may raise anything, and the client must not be locked out for good
            raise self._unreadable(id) from None

    def _live(self, id: str, stored: bytes) -> Record:
        try:
            record = Record.decode(stored)
        except ValueError:
            raise self._unreadable(id) from None
        if self.lifetime.has_expired(record):
            raise SessionNotFound
        return record

    def _unreadable(self, id: str) -> SessionNotFound:
        self._warn_once(sha256(self._key(id).encode()).hexdigest()[:12])
        return SessionNotFound()

    def _must_be_readable(self, data: bytes) -> None:
        try:
            self.serializer.deserialize(data)
        except Exception as error:
            raise ValueError(
                f"this {self.type.__qualname__} could not be read back ({error}); give each field a value of its type"
            ) from error

    def _warn(self, digest: str) -> None:
        _log.warning("a stored %s session can't be decoded and counts as none (id hash %s)", self.name, digest)

    async def _update(self, id: str, transform: Callable[[bytes], bytes]) -> None:
        key = self._key(id)
        update = getattr(self._storage, "update", None)
        if update is not None:
            await update(key, transform)
            return
        async with _LOCKS[self._lock_name, key]:
            await write_bytes(self._storage, key, transform(await read_bytes(self._storage, key)))

    def _key(self, id: str) -> str:
        # A name can't contain ":", so two providers never share a key, even with hostile names and ids.
        return f"{self.name}:{id}"
