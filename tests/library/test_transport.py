"""The rules of cookies and headers, checked when a provider is built."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from coatcheck import SessionStorageMemory, cookie, header


@dataclass
class Visit:
    pages: int = 0


def set_cookie(name: str = "VISIT", **options: Any) -> str:
    provider = cookie(name, Visit, storage=SessionStorageMemory(), clock=lambda: 0, **options)
    return provider.transport.send("id1", provider.lifetime.rest(provider.lifetime.start(b"")))[1].decode()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "VISIT=id1; Max-Age=604800; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ({"max_age": None}, "VISIT=id1; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ({"persistent": False}, "VISIT=id1; Path=/; Secure; HttpOnly; SameSite=Lax"),
        (
            {"persistent": False, "idle_timeout": timedelta(minutes=5), "path": "/shop"},
            "VISIT=id1; Path=/shop; Secure; HttpOnly; SameSite=Lax",
        ),
        (
            {"max_age": timedelta(seconds=90.9)},
            "VISIT=id1; Max-Age=90; Path=/; Secure; HttpOnly; SameSite=Lax",
        ),
        (
            {"secure": False, "http_only": False, "same_site": "strict"},
            "VISIT=id1; Max-Age=604800; Path=/; SameSite=Strict",
        ),
        (
            {"path": "/shop", "domain": "shop.example", "same_site": "none", "partitioned": True},
            "VISIT=id1; Max-Age=604800; Path=/shop; Domain=shop.example; Secure; HttpOnly; SameSite=None; Partitioned",
        ),
        ({"name": "x" * 3584, "max_age": None}, f"{'x' * 3584}=id1; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ({"name": "__Host-VISIT"}, "__Host-VISIT=id1; Max-Age=604800; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ({"name": "__Secure-VISIT", "max_age": None}, "__Secure-VISIT=id1; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ],
)
def test_the_cookie_says_what_was_asked_for(options: dict[str, Any], expected: str) -> None:
    assert set_cookie(**options) == expected


@pytest.mark.parametrize(
    ("options", "way_out"),
    [
        ({"name": ""}, "use letters, digits"),
        ({"name": "a b"}, "use letters, digits"),
        ({"name": "a;b"}, "use letters, digits"),
        ({"name": "a=b"}, "use letters, digits"),
        ({"name": "a:b"}, "use letters, digits"),
        ({"name": "a\r\nb"}, "use letters, digits"),
        ({"name": "caf\xe9"}, "use letters, digits"),
        ({"name": "x" * 3585}, "shorten it"),
        ({"path": ""}, "start it with '/'"),
        ({"path": "shop"}, "start it with '/'"),
        ({"path": "/shop;secure"}, "start it with '/', and leave out"),
        ({"path": "/shop\r\nset-cookie: a=b"}, "start it with '/', and leave out"),
        ({"path": "/" + "x" * 1024}, "start it with '/'"),
        ({"path": "/shop "}, "and a space at its end"),
        ({"domain": ""}, "pass a host name"),
        ({"domain": "."}, "pass a host name"),
        ({"domain": "*.shop.example"}, "pass a host name"),
        ({"domain": "shop.example:8000"}, "pass a host name"),
        ({"domain": "https://shop.example"}, "pass a host name"),
        ({"domain": "x." * 600 + "example"}, "pass a host name"),
        ({"domain": "a b"}, "pass a host name"),
        ({"domain": "a;b"}, "pass a host name"),
        ({"domain": "a\nb"}, "pass a host name"),
        ({"domain": "m\xfcnchen.example"}, "pass a host name"),
        ({"same_site": "Lax"}, "must be 'strict', 'lax' or 'none'"),
        ({"same_site": "none", "secure": False}, "needs secure=True"),
        ({"partitioned": True, "secure": False}, "needs secure=True"),
        ({"name": "__Secure-A", "secure": False}, "needs secure=True"),
        ({"name": "__secure-A", "secure": False}, "needs secure=True"),
        ({"name": "__Host-A", "secure": False}, "needs secure=True"),
        ({"name": "__Host-A", "path": "/shop"}, "needs path='/' and no domain"),
        ({"name": "__HOST-A", "domain": "shop.example"}, "needs path='/' and no domain"),
        ({"name": "__Http-A", "secure": False}, "needs secure=True"),
        ({"name": "__Http-A", "http_only": False}, "needs http_only=True"),
        ({"name": "__Host-Http-A", "http_only": False}, "needs http_only=True"),
        ({"max_age": timedelta(0)}, "must be a second or more"),
        ({"max_age": timedelta(seconds=-1)}, "must be a second or more"),
        ({"max_age": timedelta(seconds=0.5)}, "must be a second or more"),
        ({"idle_timeout": timedelta(seconds=0.5)}, "must be a second or more"),
    ],
)
def test_a_cookie_that_browsers_would_refuse_is_refused_with_a_way_out(options: dict[str, Any], way_out: str) -> None:
    with pytest.raises(ValueError, match=way_out):
        set_cookie(**options)


def test_the_cookie_that_ends_a_cookie_mirrors_its_path_domain_and_flags() -> None:
    options: dict[str, Any] = {"path": "/shop", "domain": "shop.example", "same_site": "strict", "partitioned": True}
    transport = cookie("VISIT", Visit, storage=SessionStorageMemory(), **options).transport
    assert transport.remove()[1] == transport.send("", 60)[1].replace(b"Max-Age=60", b"Max-Age=0")


@pytest.mark.parametrize("name", ["", "X Visit", "X-Visit:", "X-Visit\r\n", "\xe9"])
def test_what_is_no_header_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a valid header name; use letters"):
        header(name, Visit, storage=SessionStorageMemory())


@pytest.mark.parametrize(
    "name",
    [
        "Cookie",
        "Content-Length",
        "HOST",
        "Sec-Fetch-Site",
        "Proxy-Status",
        "Access-Control-Max-Age",
        "If-Range",
        "ETag",
    ],
)
def test_a_header_with_a_meaning_of_its_own_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="choose another name"):
        header(name, Visit, storage=SessionStorageMemory())
