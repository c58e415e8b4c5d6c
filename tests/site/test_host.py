"""What the host sends with each file of the site and with an error, and that no line of its rules could be left out."""

from __future__ import annotations

import re
from copy import deepcopy
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from livedoc.runtime import build_runtime, described
from tests.support.host import PACKED, Rules, headers, rules_of
from tests.support.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAYER = "/assets/livedoc/"
# A part of the name that changes with the content: the player's, the runtime's, Material's.
HASH = re.compile(r"-[0-9A-Z]{8}\.\w+$|-[0-9a-f]{16}/|\.[0-9a-f]{8}\.min\.(js|css)(\.map)?$")
YEAR = 31_536_000  # seconds
# What hosts compress, of what the player is made of.
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}
ISOLATED = {
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PRIVATE = {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
POLICY = {
    "default-src": {"'self'"},
    "style-src": {"'self'", "'unsafe-inline'"},
    "img-src": {"'self'", "data:"},
    "object-src": {"'none'"},
    "base-uri": {"'none'"},
    "form-action": {"'self'"},
    "frame-ancestors": {"'none'"},
}


@pytest.fixture(scope="module")
def urls(site: Path) -> list[str]:
    files = sorted(file.relative_to(site).as_posix() for file in site.rglob("*") if file.is_file())
    files.remove("_headers")
    return ["/" + re.sub(r"(^|/)index[.]html$", r"\1", file) for file in files]


@pytest.fixture(scope="module")
def rules(site: Path, header_rules: Rules) -> Rules:
    return [*rules_of(site)[1:], *header_rules]  # without the host's own


@pytest.fixture(scope="module")
def fetched() -> list[str]:
    """What a run may fetch of Python."""
    return [PLAYER + name for name in described(build_runtime(PROJECT))["sizes"]]


def complaints(urls: list[str], fetched: list[str], rules: Rules) -> set[str]:
    """What is wrong with what is sent."""
    found = {complaint for url in urls for complaint in _complaints(url, headers(url, rules))}
    return found | {f"not compressed: {Path(url).suffix}" for url in fetched if not _packed(url, rules)}


def _complaints(url: str, sent: dict[str, str]) -> Iterator[str]:
    for name, value in {**ISOLATED, **PRIVATE}.items():
        if sent.get(name) != value:
            yield f"{name}: {sent.get(name)}"
    yield from _unsafe(sent.get("Content-Security-Policy", ""))
    denied = set(re.findall(r"([a-z-]+)=\(\)", sent.get("Permissions-Policy", "")))
    yield from (f"permitted: {name}" for name in {"camera", "geolocation", "microphone"} - denied)
    secure = re.fullmatch(r"max-age=(\d+)", sent.get("Strict-Transport-Security", ""))
    if not secure or int(secure[1]) < YEAR:
        yield "no strict transport"
    yield from _kept_wrongly(url, sent.get("Cache-Control", ""))


def _unsafe(policy: str) -> Iterator[str]:
    directives = {name: set(sources) for name, *sources in map(str.split, filter(str.strip, policy.split(";")))}
    for name, sources in POLICY.items():
        if directives.get(name) != sources:
            yield f"{name}: {directives.get(name)}"
    scripts = directives.get("script-src", set())
    for source in scripts - {"'self'", "'wasm-unsafe-eval'"}:
        if not re.fullmatch(r"'sha256-[\w+/]{43}='", source):
            yield f"script-src has {source}"
    for source in {"'self'", "'wasm-unsafe-eval'"} - scripts:
        yield f"script-src lacks {source}"


def _kept_wrongly(url: str, cache: str) -> Iterator[str]:
    """A file with a hash in its name is kept. Pages and the service worker's script are asked for each time."""
    if HASH.search(url):
        if "immutable" not in cache or f"max-age={YEAR}" not in cache:
            yield f"asked for again: {PLAYER if url.startswith(PLAYER) else url}"
    elif "max-age=0" not in cache or "must-revalidate" not in cache or "immutable" in cache:
        yield f"kept though it may change: {url}"


def _packed(url: str, rules: Rules) -> bool:
    return bool(PACKED.match(headers(url, rules).get("Content-Type") or TYPES.get(Path(url).suffix, "")))


def test_each_file_of_the_site_is_sent_as_it_must_be(urls: list[str], fetched: list[str], rules: Rules) -> None:
    assert {"/", "/storages/", "/404.html", "/sw.js", "/stylesheets/coatcheck.css"} < set(urls)
    assert {Path(url).suffix for url in fetched} == {".mjs", ".part", ".wasm", ".zip", ".whl"}
    assert set(fetched) < set(urls)
    assert complaints(urls, fetched, rules) == set()


def test_all_of_the_player_has_a_hash_in_its_name(urls: list[str]) -> None:
    assert [url for url in urls if url.startswith(PLAYER) and not HASH.search(url)] == []
    assert [url for url in urls if url.endswith("/") and HASH.search(url)] == []


def test_no_line_of_the_headers_could_be_left_out(urls: list[str], fetched: list[str], rules: Rules) -> None:
    needless = []
    for number, rule in enumerate(rules):
        for name in rule["values"]:
            fewer = deepcopy(rules)
            del fewer[number]["values"][name]
            if not complaints(urls, fetched, fewer):
                needless.append((rule["for"], name))
    assert needless == []


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("'wasm-unsafe-eval'", ""),
        ("'wasm-unsafe-eval'", "'wasm-unsafe-eval' 'unsafe-eval'"),
        ("'wasm-unsafe-eval'", "'wasm-unsafe-eval' 'unsafe-inline'"),
        ("'wasm-unsafe-eval'", "'wasm-unsafe-eval' https:"),
        ("frame-ancestors 'none'", ""),
        ("frame-ancestors 'none'", "frame-ancestors *"),
        ("object-src 'none'", ""),
        ("base-uri 'none'", ""),
        ("default-src 'self'", "default-src *"),
        ("img-src 'self' data:", "img-src *"),
    ],
)
def test_a_weaker_policy_would_be_noticed(rules: Rules, written: str, instead: str) -> None:
    policy = headers("/", rules)["Content-Security-Policy"]
    assert written in policy
    assert list(_unsafe(policy)) == []
    assert len(list(_unsafe(policy.replace(written, instead)))) == 1


@pytest.mark.parametrize("path", ["/*", "/sw.js", "/storages/*"])
def test_a_page_or_a_service_worker_that_is_never_asked_for_again_would_be_noticed(
    urls: list[str], fetched: list[str], rules: Rules, path: str
) -> None:
    immutable = {"for": path, "values": {"Cache-Control": f"public, max-age={YEAR}, immutable"}}
    assert complaints(urls, fetched, [*rules, immutable])


def test_no_error_may_be_kept(urls: list[str], rules: Rules) -> None:
    """A rule that a missing file matches would have the browser keep its 404."""
    hashes = [(url, found) for url in urls if (found := HASH.search(url))]
    assert len(hashes) > 20  # the player, Python, Material
    for url, found in hashes:
        start = found.start() + 1
        for missing in (f"{url[:start]}{url[start : start + 8][::-1]}{url[start + 8 :]}", f"{url}x", f"{url}/x"):
            assert missing not in urls
            assert list(_kept_wrongly("/", headers(missing, rules)["Cache-Control"])) == [], missing


@pytest.mark.parametrize("path", ["/_headers", f"{PLAYER}worker-00000000.js"])
def test_what_is_not_sent_may_not_be_kept(server: str, path: str) -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{server}{path}")  # noqa: S310  # our own server
    with refused.value as answer:
        assert answer.code == HTTPStatus.NOT_FOUND
        assert answer.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
