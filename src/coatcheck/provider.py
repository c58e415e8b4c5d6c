"""One kind of session: its name, its type, where it is kept and how its id travels."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Generic, TypeVar

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
        transport: Transport,
    ) -> None:
        self.name = name
        self.type = type
        self.serializer: SessionSerializer[S] = JSONSerializer(type) if serializer is None else serializer
        self.transport = transport
        self._storage = storage
        self._new_id = new_id

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

    async def load(self, id: str) -> tuple[S, bytes] | None:
        """Return the session that the storage holds under `id`, and its bytes; `None` if it holds none.

        What cannot be decoded is no session.
        """
        try:
            data = await read_bytes(self._storage, self._key(id))
        except SessionNotFound:
            return None
        try:
            session = self.serializer.deserialize(data)
            # Serialized anew: what another version of the class stored is no change of this request.
            return session, self.serializer.serialize(session)
        except Exception:  # noqa: BLE001 - whatever a serializer raises, the client must not be locked out for good
            digest = sha256(self._key(id).encode()).hexdigest()[:12]
            _log.warning("a stored %s session cannot be decoded and counts as none (id hash %s)", self.name, digest)
            return None

    async def save(self, id: str, data: bytes) -> None:
        """Store the serialized session under `id`.

        Raises:
            ValueError: The bytes do not decode, so no later request could read them. Nothing was stored.
        """
        try:
            self.serializer.deserialize(data)
        except Exception as error:
            raise ValueError(
                f"this {self.type.__qualname__} could not be read back ({error}): give each field a value of its type"
            ) from error
        await write_bytes(self._storage, self._key(id), data)

    async def forget(self, id: str) -> None:
        """Make the storage forget `id`."""
        await self._storage.invalidate(self._key(id))

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
    path: str = "/",
    domain: str | None = None,
    secure: bool = True,
    http_only: bool = True,
    same_site: SameSite = "lax",
    partitioned: bool = False,
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
        max_age: How long the browser keeps the cookie; whole seconds, at least one. `None`: until the browser closes.
        path: The part of the site that the cookie is for.
        domain: The host that the cookie is for, subdomains included. `None`: this host and no other.
        secure: Whether the cookie travels over HTTPS only. Turn it off for plain HTTP during development.
        http_only: Whether scripts cannot read the cookie.
        same_site: When the cookie goes along with requests from other sites.
        partitioned: Whether the cookie is kept apart for each site that embeds this one.

    Raises:
        ValueError: A browser would refuse or misread such a cookie; the message says which rule and what to change.
        TypeError: The default serializer cannot handle `type`.
    """
    transport = CookieTransport(
        name,
        max_age=max_age,
        path=path,
        domain=domain,
        secure=secure,
        http_only=http_only,
        same_site=same_site,
        partitioned=partitioned,
    )
    return SessionProvider(name, type, storage=storage, serializer=serializer, new_id=new_id, transport=transport)


def header(
    name: str,
    type: type[S],
    *,
    storage: SessionStorage,
    serializer: SessionSerializer[S] | None = None,
    new_id: Callable[[], str] = new_session_id,
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

    Raises:
        ValueError: `name` is no header name, or one that HTTP itself uses.
        TypeError: The default serializer cannot handle `type`.
    """
    transport = HeaderTransport(name)
    return SessionProvider(
        name.lower(), type, storage=storage, serializer=serializer, new_id=new_id, transport=transport
    )
