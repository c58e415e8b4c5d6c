"""How an id travels: in a cookie or in a header."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    Headers = Iterable[tuple[bytes, bytes]]

SameSite = Literal["strict", "lax", "none"]

MAX_ID_LENGTH = 512
_ID = re.compile(rf"[!#-+\--:<-\[\]-~]{{1,{MAX_ID_LENGTH}}}")  # RFC 6265, section 4.1.1: cookie-octet
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2: token
_ATTRIBUTE = re.compile(r"[ -:<-~]{1,1024}")  # RFC 6265bis, section 5.6: what a browser keeps of an attribute
_DOMAIN = re.compile(r"\.?[\w-]+(\.[\w-]+)*", re.ASCII)  # a host name; browsers leave out the dot before it
_MAX_COOKIE = 4096  # RFC 6265bis, section 5.6: name and value together


class Transport(Protocol):
    """Carries a session id between the client and the server."""

    @property
    def vary(self) -> bytes:
        """The request header that a response depends on once the id was read."""
        ...

    def receive(self, headers: Headers) -> str | None:
        """Return the id that the client claims, unverified, or `None` if it sent none. The first counts."""

    def grant(self, id: str, max_age: int | None) -> tuple[bytes, bytes]:
        """Return the response header that hands `id` to the client, for `max_age` seconds."""
        ...

    def expire(self) -> tuple[bytes, bytes]:
        """Return the response header that makes the client forget its id."""
        ...


def is_well_formed(id: str) -> bool:
    """Return whether `id` can travel: 1 to 512 characters that neither a cookie nor a header needs to escape."""
    return _ID.fullmatch(id) is not None


class CookieTransport:
    """Carries the id in a cookie. Arguments as for `coatcheck.cookie`."""

    vary = b"cookie"

    def __init__(
        self,
        name: str,
        *,
        path: str,
        domain: str | None,
        secure: bool,
        http_only: bool,
        same_site: SameSite,
        partitioned: bool,
    ) -> None:
        _check_token(name, "cookie")
        if len(name) + MAX_ID_LENGTH > _MAX_COOKIE:
            raise ValueError(f"a cookie name of {len(name)} characters leaves no room for an id: shorten it")
        if not path.startswith("/") or path.endswith(" ") or not _ATTRIBUTE.fullmatch(path):
            raise ValueError(
                f"path={path!r} is no cookie path: begin it with '/' and use neither ';' nor control characters, nor a "
                "blank at its end"
            )
        if domain is not None and not (_DOMAIN.fullmatch(domain) and _ATTRIBUTE.fullmatch(domain)):
            raise ValueError(f"domain={domain!r} is no cookie domain: pass a host name, or None for this host only")
        if same_site not in ("strict", "lax", "none"):
            raise ValueError(f"same_site={same_site!r} is unknown: pass 'strict', 'lax' or 'none'")
        # Browsers drop a cookie that breaks one of these without a word (RFC 6265bis, sections 4.1.3 and 5.6; CHIPS).
        prefix = name.lower()
        if not secure and same_site == "none":
            raise ValueError("same_site='none' needs secure=True: browsers drop the cookie otherwise")
        if not secure and partitioned:
            raise ValueError("partitioned=True needs secure=True: browsers drop the cookie otherwise")
        if not secure and prefix.startswith(("__host-", "__secure-", "__http-")):
            raise ValueError(f"the prefix of {name!r} needs secure=True: browsers drop the cookie otherwise")
        if prefix.startswith("__host-") and (domain is not None or path != "/"):
            raise ValueError(f"the prefix of {name!r} needs path='/' and no domain: browsers drop the cookie otherwise")
        if not http_only and prefix.startswith(("__http-", "__host-http-")):
            raise ValueError(f"the prefix of {name!r} needs http_only=True: browsers drop the cookie otherwise")

        self._name = name.encode()
        self._attributes = "".join(
            (
                f"; Path={path}",
                f"; Domain={domain}" if domain is not None else "",
                "; Secure" if secure else "",
                "; HttpOnly" if http_only else "",
                f"; SameSite={same_site.capitalize()}",
                "; Partitioned" if partitioned else "",
            )
        )

    def receive(self, headers: Headers) -> str | None:
        """Return the value of the first cookie of this name. Browsers send the one with the longest path first."""
        for header, cookies in headers:
            if header == b"cookie":
                for cookie in cookies.split(b";"):
                    name, equals, value = cookie.strip().partition(b"=")
                    if equals and name == self._name:
                        return value.decode("latin-1")
        return None

    def grant(self, id: str, max_age: int | None) -> tuple[bytes, bytes]:
        """Return the `Set-Cookie` header with `id`; without `max_age` the cookie ends with the browser."""
        return self._set_cookie(id, "" if max_age is None else f"; Max-Age={max_age}")

    def expire(self) -> tuple[bytes, bytes]:
        """Return the `Set-Cookie` header that ends the cookie: same path, domain and flags, no value."""
        return self._set_cookie("", "; Max-Age=0")

    def _set_cookie(self, value: str, lifetime: str) -> tuple[bytes, bytes]:
        return b"set-cookie", self._name + f"={value}{lifetime}{self._attributes}".encode()


class HeaderTransport:
    """Carries the id in a header of this name, in both directions. An empty value tells the client to forget its id."""

    def __init__(self, name: str) -> None:
        _check_token(name, "header")
        self.vary = name.lower().encode()
        if self.vary in _RESERVED or self.vary.startswith(_RESERVED_PREFIXES):
            raise ValueError(f"{name!r} has a meaning of its own in HTTP: choose another name, such as 'X-Session'")

    def receive(self, headers: Headers) -> str | None:
        """Return the value of the first header of this name."""
        for header, value in headers:
            if header == self.vary:
                return value.strip().decode("latin-1")
        return None

    def grant(self, id: str, max_age: int | None) -> tuple[bytes, bytes]:  # noqa: ARG002 - a header has no age
        """Return the header with `id`."""
        return self.vary, id.encode()

    def expire(self) -> tuple[bytes, bytes]:
        """Return the header without a value."""
        return self.vary, b""


_RESERVED_PREFIXES = (b"accept-", b"access-control-", b"content-", b"if-", b"proxy-", b"sec-")
_RESERVED = frozenset(
    b"""
    accept age allow alt-svc authorization cache-control clear-site-data connection cookie date etag expect expires
    forwarded from host http2-settings keep-alive last-modified link location max-forwards origin pragma range referer
    refresh retry-after server set-cookie strict-transport-security te trailer transfer-encoding upgrade user-agent vary
    via warning www-authenticate
    """.split()
)


def _check_token(name: str, kind: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is no {kind} name: use letters, digits and any of !#$%&'*+-.^_`|~")
