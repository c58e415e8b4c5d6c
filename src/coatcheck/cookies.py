"""Sessions whose id travels in a cookie."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeVar

from .provider import SessionProvider, new_session_id
from .record import Lifetime
from .transport import MAX_ID_LENGTH, Headers, check_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from .serializer import SessionSerializer
    from .storage import SessionStorage

S = TypeVar("S")
SameSite = Literal["strict", "lax", "none"]

_ATTRIBUTE = re.compile(r"[ -:<-~]{1,1024}")  # RFC 6265bis, section 5.6: what a browser keeps of an attribute
_DOMAIN = re.compile(r"\.?[\w-]+(\.[\w-]+)*", re.ASCII)  # a host name; browsers leave out the dot before it
_MAX_COOKIE = 4096  # RFC 6265bis, section 5.6: name and value together


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
    persistent: bool = True,
    clock: Callable[[], float] = time.time,
) -> SessionProvider[S]:
    """Return a provider for sessions of `type` whose id travels in the cookie `name`.

    The defaults follow OWASP ASVS 5.0, section 3.3: the cookie is for HTTPS only, hidden from JavaScript and not sent
    with cross-site subrequests. Ktor has the same lifetime and path, but neither Secure nor SameSite.

    Args:
        name: The cookie's name. With the prefix `__Host-` browsers accept the cookie from this very host only.
        type: A dataclass, a `msgspec.Struct` or a pydantic model, or any class if you pass a `serializer`.
        storage: Where the sessions are stored. Several providers may share one storage.
        serializer: How a session becomes bytes. `None`: JSON.
        new_id: Makes the ids. They must be impossible to guess: at least 128 random bits.
        max_age: How long a session lives after it started, a second or more. `None`: no limit, and the browser deletes
            the cookie when it closes.
        idle_timeout: How long a session lives without a request that reads it, a second or more. Use is recorded at
            most once per tenth of this time. With 30 minutes, a session ends 27 to 30 minutes after its last request.
            `None`: no limit.
        path: The part of the site that the cookie is for.
        domain: The host that the cookie is for, subdomains included. `None`: this host and no other.
        secure: Whether the browser sends the cookie over HTTPS only. Turn it off for plain HTTP during development.
        http_only: Whether the cookie is hidden from JavaScript.
        same_site: When the browser sends the cookie with requests from other sites.
        partitioned: Whether the browser stores the cookie separately for each site that embeds this one.
        persistent: Whether the browser keeps the cookie when it closes, for as long as the session lives. `False`: the
            cookie has no Max-Age, and the browser deletes it when it closes. Your app enforces the limits either way.
        clock: Returns the time in seconds since 1970. Your app enforces both limits with it, and the cookie never
            outlives them.

    Raises:
        ValueError: A browser would refuse or misread such a cookie, or the storage would delete a session whose id is
            still valid. The message says which rule and what to change.
        TypeError: The default serializer can't handle `type`, `type` isn't a class, or a limit isn't a `timedelta`.
    """
    for option, duration in (("max_age", max_age), ("idle_timeout", idle_timeout)):
        if isinstance(duration, timedelta) and duration < timedelta(seconds=1):
            raise ValueError(f"{option} must be a second or more, not {duration}; pass None for no limit")
    check_token(name, "cookie")
    if len(name) + MAX_ID_LENGTH > _MAX_COOKIE:
        raise ValueError(f"a cookie name of {len(name)} characters leaves no room for an id; shorten it")
    if not path.startswith("/") or path.endswith(" ") or not _ATTRIBUTE.fullmatch(path):
        raise ValueError(
            f"path={path!r} is not a cookie path; start it with '/', and leave out ';', control characters and a "
            "space at its end"
        )
    if domain is not None and not (_DOMAIN.fullmatch(domain) and _ATTRIBUTE.fullmatch(domain)):
        raise ValueError(f"domain={domain!r} is not a cookie domain; pass a host name, or None for this host only")
    if same_site not in ("strict", "lax", "none"):
        raise ValueError(f"same_site must be 'strict', 'lax' or 'none', not {same_site!r}")
    prefix = f"the prefix of {name!r}"
    has_prefix = name.lower().startswith
    # Browsers silently ignore a cookie that breaks one of these (RFC 6265bis, sections 4.1.3 and 5.6; CHIPS).
    rules = {
        "same_site='none' needs secure=True": same_site == "none" and not secure,
        "partitioned=True needs secure=True": partitioned and not secure,
        f"{prefix} needs secure=True": has_prefix(("__host-", "__secure-", "__http-")) and not secure,
        f"{prefix} needs path='/' and no domain": has_prefix("__host-") and (domain is not None or path != "/"),
        f"{prefix} needs http_only=True": has_prefix(("__http-", "__host-http-")) and not http_only,
    }
    for rule, broken in rules.items():
        if broken:
            raise ValueError(f"{rule}; browsers ignore the cookie otherwise")
    attributes = (
        f"; Path={path}",
        f"; Domain={domain}" if domain is not None else "",
        "; Secure" if secure else "",
        "; HttpOnly" if http_only else "",
        f"; SameSite={same_site.capitalize()}",
        "; Partitioned" if partitioned else "",
    )
    transport = CookieTransport(name, "".join(attributes), persistent=persistent)
    lifetime = Lifetime(max_age=max_age, idle_timeout=idle_timeout, clock=clock)
    return SessionProvider(
        name, type, transport, storage=storage, serializer=serializer, new_id=new_id, lifetime=lifetime
    )


class CookieTransport:
    """Carries the id in a cookie of this name, with these attributes, and with a Max-Age if it is `persistent`."""

    vary = b"cookie"

    def __init__(self, name: str, attributes: str, *, persistent: bool) -> None:
        self._start = f"{name}=".encode()
        self._attributes = attributes
        self._persistent = persistent

    def receive(self, headers: Headers) -> list[str]:
        """Return the values of the cookies of this name. A browser may have several, for other domains and paths."""
        start, ids = self._start, []
        for name, value in headers:
            if name == b"cookie":
                for each in value.split(b";"):
                    pair = each.strip()
                    if pair.startswith(start):
                        ids.append(pair[len(start) :].decode("latin-1"))
        return ids

    def send(self, id: str, max_age: int | None) -> tuple[bytes, bytes]:
        """Return the `Set-Cookie` header with `id`. Without `max_age` the browser deletes the cookie when it closes."""
        return self._set_cookie(id, f"; Max-Age={max_age}" if self._persistent and max_age is not None else "")

    def remove(self) -> tuple[bytes, bytes]:
        """Return the `Set-Cookie` header that removes the cookie: same path, domain and flags, no value."""
        return self._set_cookie("", "; Max-Age=0")

    def _set_cookie(self, value: str, lifetime: str) -> tuple[bytes, bytes]:
        return b"set-cookie", self._start + f"{value}{lifetime}{self._attributes}".encode()
