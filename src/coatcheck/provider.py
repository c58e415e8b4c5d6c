"""One kind of session: how it is stored, changed, merged and deleted."""

from __future__ import annotations

import secrets
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from inspect import isclass
from logging import DEBUG
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import finalize

import msgspec
from anyio import Lock

from .argument import must_be_callable, must_be_storage, must_have
from .cache import SessionStorageCache
from .difference import difference
from .locks import Locks
from .log import SessionLog, logger
from .record import Lifetime, Record
from .serializer import JSONSerializer, SessionSerializer, class_name
from .storage import Revision, SessionNotFound, SessionStorage, Whole, collect
from .transport import MAX_ID_LENGTH, Transport, is_well_formed

if TYPE_CHECKING:
    from collections.abc import Callable

S = TypeVar("S")

_LOCKS = Locks(partial(Lock, fast_acquire=True))  # for storages without `update`
_NAMES: dict[int, dict[str, str]] = {}  # of each storage: the class behind each name
_KEPT: list[object] = []


def new_session_id() -> str:
    """Return a new id: 256 random bits from `secrets` as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def _reserve(name: str, type: type, storage: SessionStorage) -> int:
    """Return a number that stands for the storage behind any caches.

    Raises:
        ValueError: Another class has this name there. An id of one would open a session of the other.
    """
    while isinstance(storage, SessionStorageCache):
        storage = storage.delegate
    place = id(storage)
    if place not in _NAMES:
        _NAMES[place] = {}
        try:
            finalize(storage, _NAMES.pop, place)
        except TypeError:  # it can't be weakly referenced; keep it, or its number may become another one's
            _KEPT.append(storage)
    known = _NAMES[place].setdefault(name, class_name(type))
    if known != class_name(type):
        raise ValueError(
            f"in this storage {name!r} is the name of {known}, not of {class_name(type)}; choose another name, or pass "
            "another storage"
        )
    return place


class Stored(msgspec.Struct, Generic[S]):
    """A session as the storage has it."""

    session: S
    base: bytes
    """The session as this version of its class serialises it: what a change is noticed by."""
    record: Record
    """Its `data` may have fields that this version doesn't know."""


class _Expired(SessionNotFound):
    """The session has reached a limit."""


class SessionProvider(Generic[S]):
    """One kind of session, as `cookie` and `header` return it for `Sessions`.

    `write`, `read` and `invalidate` are for sessions outside a request: in tests, for a login on another device, to log
    a user out everywhere. They take and return the id that the client has. Don't pass it to the storage, which knows
    each id only together with the provider's name.
    """

    def __init__(
        self,
        name: str,
        type: type[S],
        transport: Transport,
        *,
        storage: SessionStorage,
        serializer: SessionSerializer[S] | None,
        new_id: Callable[[], str],
        lifetime: Lifetime,
    ) -> None:
        if not isclass(type):
            raise TypeError(f"{name!r}: type must be a class, not {type!r}; pass the class itself")
        must_be_storage(storage, f"{name!r}: storage")
        if serializer is not None:
            both = ("serialize(session)", "deserialize(data)")
            must_have(serializer, f"{name!r}: serializer", *both, example="None for JSON")
        must_be_callable(new_id, f"{name!r}: new_id", "new_session_id")
        self.name = name
        self.type = type
        self.serializer: SessionSerializer[S] = JSONSerializer(type) if serializer is None else serializer
        self.lifetime = lifetime
        self.transport = transport
        self.log = SessionLog(name)
        self._storage = storage
        self._new_id = new_id
        retention = getattr(storage, "retention", None)
        if isinstance(retention, timedelta) and lifetime.outlasts(retention):
            shown = str(retention).removesuffix(", 0:00:00")
            raise ValueError(
                f"{name!r}: sessions may outlive the storage's retention ({shown}), which would delete sessions whose "
                "id is still valid; raise retention or lower max_age or idle_timeout"
            )
        self._place = _reserve(name, type, storage)

    async def write(self, session: S) -> str:
        """Store `session` under a fresh id and return the id.

        Raises:
            TypeError: `session` isn't an instance of the provider's class.
            ValueError: It would not read back equal. Nothing was stored.
        """
        data = self._serialized(session, "write() takes", "pass one, or use another provider")
        id = self.issue_id()
        await self.save(id, self.lifetime.start(data))
        return id

    async def read(self, id: str) -> S | None:
        """Return the live session stored under `id`, or `None`. It doesn't count as a use of the session."""
        stored = await self.load(id) if is_well_formed(id) else None
        return None if stored is None else stored.session

    async def invalidate(self, id: str) -> None:
        """End the session stored under `id`. Doing so twice, or for an unknown id, is not an error."""
        if is_well_formed(id):
            await self._delete(self._key(id))
            self.tell("ended", id)

    def issue_id(self) -> str:
        """Return a fresh id.

        Raises:
            ValueError: The provider's own `new_id` returned one that a cookie or header can't carry.
        """
        id = self._new_id()
        if not isinstance(id, str) or not is_well_formed(id):
            raise ValueError(
                f"new_id for {self.name!r} must return 1 to {MAX_ID_LENGTH} visible ASCII characters without any of "
                '",;\\, which a cookie could not carry'
            )
        return id

    def must_read_back(self, session: S, data: bytes) -> None:
        """Raise `ValueError` if the bytes of `session` don't read back equal. It names the field and both types."""
        back = self._read_back(data)
        if isinstance(self.serializer, JSONSerializer) and session != back:
            place = difference(session, back, self.type.__qualname__)
            if place is not None:
                raise ValueError(f"{place}; store another type there, or declare the field with this one")

    def tell(self, event: str, id: str | None) -> None:
        """Log a decision about the session with this id, if it has one."""
        self.log.tell(event, None if id is None else self._key(id))

    async def load(self, id: str) -> Stored[S] | None:
        """Return what is stored under `id`, or `None`.

        A session that has expired counts as none, and is deleted. One that can't be decoded counts as none, too.
        """
        key, is_heard = self._key(id), logger.isEnabledFor(DEBUG)
        try:
            call = self._storage.read(key, collect)
            stored = await (self.log.timed("read", key, call) if is_heard else call)
        except SessionNotFound:
            self.log.tell("no session under this id", key)
            return None
        try:
            record = self._decode(key, stored)
            if self.lifetime.limit_reached(record):  # another process may have touched it since; if not, it's deleted
                record = await self._update(key, lambda record: record.data, is_heard=is_heard)
            opened = self._open(key, record)
        except SessionNotFound:  # it has expired or can't be decoded
            return None
        if is_heard:
            self.log.tell("loaded", key, record.data)
        return opened

    async def save(self, id: str, record: Record) -> None:
        """Store a session under a fresh id."""
        key, data, is_heard = self._key(id), record.stored, logger.isEnabledFor(DEBUG)
        call = self._storage.write(key, Whole(data))
        await (self.log.timed("write", key, call, data) if is_heard else call)
        if is_heard:
            self.log.tell("stored", key, record.data)

    async def change(self, id: str, read: Record, base: bytes, mine: bytes, *, touch: bool) -> Record:
        """Save a changed session: it was `base` in the record that was `read`, and is `mine` now. Return the record.

        The changes that other requests have saved since then are kept, field by field.

        Raises:
            SessionNotFound: It has ended or expired.
            ValueError: The merged session can't be read back. Nothing was stored.
        """
        key, is_heard = self._key(id), logger.isEnabledFor(DEBUG)
        record = await self._update(
            key, lambda theirs: self.merge(base, mine, theirs.data), is_heard=is_heard, read=read, touch=touch
        )
        if is_heard:
            saved = "saved" if record.data == mine else "merged with what is stored, and saved"
            self.log.tell("touched" if mine == base else saved, key, record.data)
        return record

    async def apply(self, id: str, change: Callable[[S], S]) -> Stored[S]:
        """Apply `change` to the session as it is stored now, and save it.

        Raises:
            SessionNotFound: There is none, or it has expired.
            ValueError: As for `must_read_back`.
            TypeError: `change` returned something else.
        """
        key, is_heard = self._key(id), logger.isEnabledFor(DEBUG)
        result: list[tuple[S, bytes]] = []

        def changed(record: Record) -> bytes:
            stored = self._open(key, record)
            session = change(stored.session)
            mine = self._serialized(session, "change must return", "return the changed session")
            result[:] = [(session, mine)]
            return self.merge(stored.base, mine, record.data)

        record = await self._update(key, changed, is_heard=is_heard)
        if is_heard:
            self.log.tell("updated", key, record.data)
        session, base = result[0]
        return Stored(session, base, record)

    def merge(self, base: bytes, mine: bytes, theirs: bytes) -> bytes:
        """Return what to store when a session was `base`, this request made it `mine`, and `theirs` is stored now."""
        if mine == base:
            return theirs
        merge = None if theirs == base else getattr(self.serializer, "merge", None)
        if merge is None:
            return mine
        # The serializer for JSON finds out itself that another version stored what this one can't read.
        if not isinstance(self.serializer, JSONSerializer) and not self._can_read(theirs):
            return mine
        merged: bytes = merge(base, mine, theirs)
        self._read_back(merged)
        return merged

    def _decode(self, key: str, data: bytes) -> Record:
        try:
            return Record.decode(data)
        except ValueError:
            self.log.unreadable(key)
            raise SessionNotFound from None

    def _open(self, key: str, record: Record) -> Stored[S]:
        try:
            session = self.serializer.deserialize(record.data)
            # Serialise it again, because a change is noticed by comparing bytes. Those in the storage may come from
            # another version of the class; compared with them, a session that was only read would look changed.
            return Stored(session, self.serializer.serialize(session), record)
        except Exception:  # noqa: BLE001 - a serializer may raise anything, and the client must not be locked out
            self.log.unreadable(key)
            raise SessionNotFound from None

    def _serialized(self, session: S, who: str, way_out: str) -> bytes:
        if not isinstance(session, self.type):
            kinds = f"an instance of {self.type.__qualname__}, not of {type(session).__name__}"
            raise TypeError(f"{who} {kinds}; {way_out}")
        data = self.serializer.serialize(session)
        self.must_read_back(session, data)
        return data

    def _can_read(self, data: bytes) -> bool:
        try:
            self.serializer.deserialize(data)
        except Exception:  # noqa: BLE001 - a serializer may raise anything
            return False
        return True

    def _read_back(self, data: bytes) -> S:
        try:
            return self.serializer.deserialize(data)
        except Exception as error:
            raise ValueError(
                f"this {self.type.__qualname__} could not be read back ({error}); give each field a value of its type"
            ) from error

    async def _delete(self, key: str) -> None:
        lock = nullcontext() if hasattr(self._storage, "update") else _LOCKS[self._place, key]
        async with lock:
            await self.log.timed("invalidate", key, self._storage.invalidate(key))

    async def _update(
        self,
        key: str,
        change: Callable[[Record], bytes],
        *,
        is_heard: bool,
        read: Record | None = None,
        touch: bool = False,
    ) -> Record:
        """Change the data of a live record in one step, and return the new record. One that has expired is deleted.

        `read` is the record as this request knows it, which a storage may try first.
        """
        new: Record | None = None

        def transform(stored: bytes) -> bytes:
            nonlocal new
            record = read if read is not None and stored == read.stored else self._decode(key, stored)
            limit = self.lifetime.limit_reached(record)
            if limit is not None:
                self.log.tell(f"expired by {limit}", key)
                raise _Expired
            data = change(record)
            new = Record.of(record.created, self.lifetime.now(), data) if touch else record.with_data(data)
            return new.stored

        update = getattr(self._storage, "update", None)
        revision = transform if read is None else Revision(read.stored, transform)
        try:
            if update is not None:
                call = update(key, revision)
                data = await (self.log.timed("update", key, call) if is_heard else call)
            else:
                async with _LOCKS[self._place, key]:
                    stored = await self.log.timed("read", key, self._storage.read(key, collect))
                    data = transform(stored)
                    if data != stored:
                        await self.log.timed("write", key, self._storage.write(key, Whole(data)), data)
            return new if new is not None and data == new.stored else Record.decode(data)
        except _Expired:  # by now, so no process can still touch it
            await self._delete(key)
            raise

    def _key(self, id: str) -> str:
        # A name can't contain ":", so two providers never share a key, even with hostile names and ids.
        return f"{self.name}:{id}"
