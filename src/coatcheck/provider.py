"""One kind of session: its name, its type, where it is kept and how its id travels."""

from __future__ import annotations

import logging
import secrets
import time
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from inspect import isclass
from math import inf
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec
from msgspec import structs

from .duration import TOUCHES, seconds
from .locks import Locks
from .serializer import JSONSerializer
from .storage import SessionNotFound, read_bytes, write_bytes
from .transport import MAX_ID_LENGTH, CookieTransport, HeaderTransport, is_well_formed

if TYPE_CHECKING:
    from collections.abc import Callable

    from .serializer import SessionSerializer
    from .storage import SessionStorage
    from .transport import SameSite, Transport

S = TypeVar("S")

_log = logging.getLogger("coatcheck")


def new_session_id() -> str:
    """Return a new id: 256 random bits from `secrets` as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


class Record(msgspec.Struct, frozen=True):
    """A session as it is stored: a line of JSON that says since when it is there, then the serialized session.

    Both times are seconds since 1970. `seen` is kept up to date where an `idle_timeout` counts from it.
    """

    created: float
    seen: float
    data: bytes = b""

    def encode(self) -> bytes:
        """Return the bytes to store."""
        # To the microsecond and of one length, so that a touch fits wherever the session did.
        return b'{"created":%.6f,"seen":%.6f}\n%b' % (self.created, self.seen, self.data)

    @classmethod
    def decode(cls, stored: bytes) -> Record:
        """Return the record in `stored`, or raise `ValueError`."""
        times, _, data = stored.partition(b"\n")
        record = _TIMES.decode(times)
        return cls(record.created, record.seen, data)


_TIMES = msgspec.json.Decoder(Record)
_LOCKS = Locks()  # for storages that cannot update in one step


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
        max_age: timedelta | None,
        idle_timeout: timedelta | None,
        clock: Callable[[], float],
        transport: Transport,
    ) -> None:
        self.name = name
        self.type = type
        self.serializer: SessionSerializer[S] = JSONSerializer(type) if serializer is None else serializer
        if not isclass(type):
            raise TypeError(f"{type!r} is no class: make one of it, for a session is found by its class")
        self.transport = transport
        self._storage = storage
        self._lock_name = id(storage)
        self._new_id = new_id
        self._max_age = seconds(max_age, "max_age")
        self._idle_timeout = seconds(idle_timeout, "idle_timeout")
        self._clock = clock
        self._warn_once = lru_cache(maxsize=16384)(self._warn)
        retention = getattr(storage, "retention", None)
        if (
            isinstance(retention, timedelta)
            and inf > min(self._max_age, self._idle_timeout) > retention.total_seconds()
        ):
            raise ValueError(
                f"the storage of {name!r} forgets what was not used for {retention}, and its client would still hold a "
                "ticket: give the storage a longer retention, or the sessions a shorter max_age or idle_timeout"
            )

    def issue_id(self) -> str:
        """Return a fresh id.

        Raises:
            ValueError: The provider's own `new_id` made one that cannot travel.
        """
        id = self._new_id()
        if not is_well_formed(id):
            raise ValueError(
                f"new_id for {self.name!r} made an id that cannot travel: return 1 to {MAX_ID_LENGTH} visible ASCII "
                'characters without any of ",;\\'
            )
        return id

    def begin(self, data: bytes, *, since: float | None = None) -> Record:
        """Return the record of a session that begins now, or that got its first id at `since`."""
        now = self._clock()
        return Record(now if since is None else since, now, data)

    def is_touch_due(self, record: Record) -> bool:
        """Return whether it is time to note that the session is in use, and to tell the client's cookie."""
        return self._clock() - record.seen >= self._idle_timeout / TOUCHES

    def is_ahead(self, record: Record) -> bool:
        """Return whether the clock has jumped back, so that no touch is due for long but the cookie goes on ageing."""
        return self._clock() < record.seen and self._idle_timeout < inf

    def grant(self, id: str, record: Record) -> tuple[bytes, bytes]:
        """Return the response header that hands `id` to the client, for as long as its session lives."""
        rest = min(self._max_age - max(0, record.seen - record.created), self._idle_timeout)
        rest = max(0, rest - max(0, self._clock() - record.seen) // 1)  # whole seconds since it was stored
        return self.transport.grant(id, None if rest == inf else int(rest))

    async def load(self, id: str) -> tuple[S, Record] | None:
        """Return the session that the storage holds under `id`, and its record; `None` if it holds none.

        What cannot be decoded is no session, nor is what has outlived `max_age` or `idle_timeout`.
        """
        try:
            stored = await read_bytes(self._storage, self._key(id))
            return self._open(id, stored)
        except SessionNotFound:
            return None

    async def save(self, id: str, record: Record) -> None:
        """Store a session under a fresh id.

        Raises:
            ValueError: Its bytes do not decode, so no later request could read them. Nothing was stored.
        """
        self._must_be_readable(record.data)
        await write_bytes(self._storage, self._key(id), record.encode())

    async def change(self, id: str, base: bytes, data: bytes, *, touch: bool) -> Record:
        """Store what became of a session: `data`, that was `base` when it was loaded. Return the record of `data`.

        What others have stored meanwhile stays, field by field.

        Raises:
            SessionNotFound: It was ended meanwhile, or is over.
            ValueError: As for `save`.
        """
        self._must_be_readable(data)
        changed = Record(0, 0)

        def transform(stored: bytes) -> bytes:
            nonlocal changed
            theirs = self._live(id, stored)
            changed = Record(theirs.created, self._clock() if touch else theirs.seen, data)
            merged = self.merge(base, data, theirs.data)
            if merged is not data:
                self._must_be_readable(merged)
            return structs.replace(changed, data=merged).encode()

        await self._update(id, transform)
        return changed

    async def apply(self, id: str, change: Callable[[S], S]) -> tuple[S, Record]:
        """Store what `change` makes of the session as it is stored now. Return both, the session and its record.

        Raises:
            SessionNotFound: There is none, or it is over.
            ValueError: As for `save`.
            TypeError: `change` returned something else.
        """
        result: list[tuple[S, Record]] = []

        def transform(stored: bytes) -> bytes:
            session, record = self._open(id, stored)
            session = change(session)
            if not isinstance(session, self.type):
                raise TypeError(f"change returned a {type(session).__name__}: return the {self.type.__qualname__}")
            data = self.serializer.serialize(session)
            self._must_be_readable(data)
            record = structs.replace(record, data=data)
            result[:] = [(session, record)]
            return record.encode()

        await self._update(id, transform)
        return result[0]

    async def forget(self, id: str) -> None:
        """Make the storage forget `id`."""
        key = self._key(id)
        if hasattr(self._storage, "update"):
            await self._storage.invalidate(key)
        else:
            async with _LOCKS[self._lock_name, key]:
                await self._storage.invalidate(key)

    def merge(self, base: bytes, mine: bytes, theirs: bytes) -> bytes:
        """Return what to store where a session was `base`, `mine` is what became of it, and `theirs` is stored."""
        if mine == base:
            return theirs
        merge = getattr(self.serializer, "merge", None)
        if theirs == base or merge is None:
            return mine
        decode = self.serializer.deserialize
        try:
            stored = decode(theirs)
        except Exception:  # noqa: BLE001 - whatever a serializer raises: another version has stored what we cannot read
            return mine
        return self.serializer.serialize(merge(decode(base), decode(mine), stored))

    def _open(self, id: str, stored: bytes) -> tuple[S, Record]:
        record = self._live(id, stored)
        try:
            session = self.serializer.deserialize(record.data)
            # Serialized anew: what another version of the class stored is no change of this request.
            return session, structs.replace(record, data=self.serializer.serialize(session))
        except Exception:  # noqa: BLE001 - whatever a serializer raises, the client must not be locked out for good
            raise self._unreadable(id) from None

    def _live(self, id: str, stored: bytes) -> Record:
        try:
            record = Record.decode(stored)
        except ValueError:
            raise self._unreadable(id) from None
        now = self._clock()
        if now - record.created >= self._max_age or now - record.seen >= self._idle_timeout:
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
                f"this {self.type.__qualname__} could not be read back ({error}): give each field a value of its type"
            ) from error

    def _warn(self, digest: str) -> None:
        _log.warning("a stored %s session cannot be decoded and counts as none (id hash %s)", self.name, digest)

    async def _update(self, id: str, transform: Callable[[bytes], bytes]) -> None:
        key = self._key(id)
        update = getattr(self._storage, "update", None)
        if update is not None:
            await update(key, transform)
            return
        async with _LOCKS[self._lock_name, key]:
            await write_bytes(self._storage, key, transform(await read_bytes(self._storage, key)))

    def _key(self, id: str) -> str:
        # A name holds no ":", so no two providers, whatever their names and ids, ever share a key.
        return f"{self.name}:{id}"


def cookie(
    name: str,
    type: type[S],
    *,
    storage: SessionStorage,
    serializer: SessionSerializer[S] | None = None,
    new_id: Callable[[], str] = new_session_id,
    max_age: timedelta | None = timedelta(days=7),
    idle_timeout: timedelta | None = None,
    path: str = "/",
    domain: str | None = None,
    secure: bool = True,
    http_only: bool = True,
    same_site: SameSite = "lax",
    partitioned: bool = False,
    clock: Callable[[], float] = time.time,
) -> SessionProvider[S]:
    """Return a provider for sessions of `type` whose id travels in the cookie `name`.

    The defaults follow OWASP ASVS 5.0, section 3.3: the cookie is for HTTPS only, hidden from scripts and not sent with
    cross-site subrequests. Ktor has the same lifetime and path, but neither Secure nor SameSite.

    Args:
        name: The cookie's name. With the prefix `__Host-` browsers accept the cookie from this very host only.
        type: A dataclass or a `msgspec.Struct`, or any class if you bring a `serializer`.
        storage: Where the sessions are kept. Several providers may share one.
        serializer: How a session becomes bytes; JSON if `None`.
        new_id: Makes the ids. They must be impossible to guess: at least 128 random bits.
        max_age: How long a session lives, from its beginning; a second or more. `None`: no limit, and the browser
            drops the cookie when it closes.
        idle_timeout: How long a session lives without a request that reads it; a second or more. A request counts once
            a tenth of this time has passed since the last that did. `None`: no limit.
        path: The part of the site that the cookie is for.
        domain: The host that the cookie is for, subdomains included. `None`: this host and no other.
        secure: Whether the cookie travels over HTTPS only. Turn it off for plain HTTP during development.
        http_only: Whether scripts cannot read the cookie.
        same_site: When the cookie goes along with requests from other sites.
        partitioned: Whether the cookie is kept apart for each site that embeds this one.
        clock: Returns the time in seconds since 1970. Both limits are enforced by it, on the server; the cookie never
            outlives them.

    Raises:
        ValueError: A browser would refuse or misread such a cookie, or the storage would forget a session whose ticket
            is still good; the message says which rule and what to change.
        TypeError: The default serializer cannot handle `type`, or it is no class; a limit is no `timedelta`.
    """
    for option, duration in (("max_age", max_age), ("idle_timeout", idle_timeout)):
        if isinstance(duration, timedelta) and duration < timedelta(seconds=1):
            raise ValueError(f"{option}={duration} would end the cookie at once: pass a second or more, or None")
    transport = CookieTransport(
        name,
        path=path,
        domain=domain,
        secure=secure,
        http_only=http_only,
        same_site=same_site,
        partitioned=partitioned,
    )
    return SessionProvider(
        name,
        type,
        storage=storage,
        serializer=serializer,
        new_id=new_id,
        max_age=max_age,
        idle_timeout=idle_timeout,
        clock=clock,
        transport=transport,
    )


def header(
    name: str,
    type: type[S],
    *,
    storage: SessionStorage,
    serializer: SessionSerializer[S] | None = None,
    new_id: Callable[[], str] = new_session_id,
    max_age: timedelta | None = timedelta(days=7),
    idle_timeout: timedelta | None = None,
    clock: Callable[[], float] = time.time,
) -> SessionProvider[S]:
    """Return a provider for sessions of `type` whose id travels in the header `name`, for clients that are no browsers.

    The response to the request that began a session carries the id; the client sends it along from then on. A response
    with the header left empty tells the client that its id is dead.

    Args:
        name: The header's name, in requests and in responses; upper and lower case are the same.
        type: A dataclass or a `msgspec.Struct`, or any class if you bring a `serializer`.
        storage: Where the sessions are kept. Several providers may share one.
        serializer: How a session becomes bytes; JSON if `None`.
        new_id: Makes the ids. They must be impossible to guess: at least 128 random bits.
        max_age: How long a session lives, from its beginning. `None`: no limit.
        idle_timeout: How long a session lives without a request that reads it; a request counts once a tenth of this
            time has passed since the last that did. `None`: no limit.
        clock: Returns the time in seconds since 1970. Both limits are enforced by it.

    Raises:
        ValueError: `name` is no header name, or one that HTTP itself uses; a limit is zero or negative, or longer than
            the storage's `retention`.
        TypeError: The default serializer cannot handle `type`, or it is no class; a limit is no `timedelta`.
    """
    transport = HeaderTransport(name)
    return SessionProvider(
        name.lower(),
        type,
        storage=storage,
        serializer=serializer,
        new_id=new_id,
        max_age=max_age,
        idle_timeout=idle_timeout,
        clock=clock,
        transport=transport,
    )
