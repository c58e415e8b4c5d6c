"""The reference names what is public, shows it at work, and tells figures and rules as they are in the code."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import pytest
from markdown import markdown

import coatcheck
from coatcheck import (
    SessionStorageDirectory,
    SessionStorageMemory,
    SimplifiedSessionStorage,
    cookie,
    directory_session_storage,
    header,
)
from coatcheck.redis import SessionStorageRedis
from coatcheck.slot import MOST_SENT_IDS
from coatcheck.steps import PIECE
from coatcheck.testing import CHECKS, UPDATE_CHECKS
from coatcheck.transport import MAX_ID_LENGTH
from tests.support.project import DOCS, PROJECT, SNIPPETS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from coatcheck import SessionProvider

REFERENCE = DOCS / "reference"
API = ["sessions", "storages", "your-own-storage", "contract-kit"]
ELSEWHERE = ["redis.SessionStorageRedis", "testing", "testing.report"]
RULES = (*CHECKS, *UPDATE_CHECKS)
OBJECT = re.compile(r"^::: coatcheck\.(\S+)\n((?: {4}.*\n)*)", re.MULTILINE)
ROW = re.compile(r"^\| (.+) \|$", re.MULTILINE)


@dataclass
class Visit:
    pages: int = 0


class Bytes(SimplifiedSessionStorage):
    """A storage that shows what it was given."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}

    async def load(self, id: str) -> bytes | None:
        return self.stored.get(id)

    async def save(self, id: str, data: bytes | None) -> None:
        self.stored[id] = data or b""


def read(page: str) -> str:
    return (REFERENCE / f"{page}.md").read_text()


def sections() -> Iterator[tuple[str, str]]:
    """Each public name, and the section that it is in."""
    for page in API:
        for section in re.split(r"^(?=## )", read(page), flags=re.MULTILINE):
            yield from ((name, section) for name, _ in OBJECT.findall(section))


def anchors() -> Iterator[str]:
    """The anchors of the objects on the pages, as mkdocstrings makes them, and those of the rules."""
    for page in API:
        for name, options in OBJECT.findall(read(page)):
            found, listed = resolve_name(f"coatcheck.{name}"), re.search(r"members: \[(.*)\]", options)
            members = listed[1].split(", ") if listed else []
            if inspect.isclass(found) and "members:" not in options and found.__module__.startswith("coatcheck"):
                functions = [name for name, value in vars(found).items() if inspect.isfunction(value) and value.__doc__]
                members = [name for name in functions if not re.match(r"_(?!_)|__init__|__subclasshook__", name)]
            yield from (f"coatcheck.{name}", *(f"coatcheck.{name}.{member}" for member in members))
    yield from (f"coatcheck.testing.{rule.__name__}" for rule in RULES)


def rows(columns: str) -> list[list[str]]:
    """The rows of the table on the page of limits whose first columns are called so."""
    tables = re.findall(r"(?:^\|.*\n)+", read("configuration"), re.MULTILINE)
    [table] = [each for each in tables if each.startswith(f"| {columns} |")]
    return [row.split(" | ") for row in ROW.findall(table)[1:]]


def test_the_reference_holds_exactly_the_public_names() -> None:
    assert sorted(name for name, _ in sections()) == sorted([*coatcheck.__all__, *ELSEWHERE])


@pytest.mark.parametrize(("name", "section"), list(sections()), ids=[name for name, _ in sections()])
def test_a_public_name_has_an_example_that_uses_it_and_a_link_to_its_guide(name: str, section: str) -> None:
    examples = re.findall(r'^--8<-- "([^":]+)', section, re.MULTILINE)
    assert any(re.search(rf"\b{name.rpartition('.')[2]}\b", (SNIPPETS / each).read_text()) for each in examples)
    assert re.search(r"^Guide: \[[^\]]+\]\(\.\./", section, re.MULTILINE)


def test_the_index_leads_on_from_every_old_address() -> None:
    page = markdown((DOCS / "reference.md").read_text(), extensions=["attr_list"])
    links = re.findall(r'<a href="reference/[^"#]+#([^"]+)" id="([^"]+)">', page)
    assert sorted(anchor for _, anchor in links) == sorted(anchors())
    assert [link for link in links if link[0] != link[1]] == []


def test_every_rule_is_told_in_the_words_of_the_kit_with_what_a_storage_loses() -> None:
    told = re.findall(r"^### `(\w+)` \{ #\S+ \}\n\n(.+?)\n\n(.+?)\n\n", read("contract-kit"), re.MULTILINE | re.DOTALL)
    words = {name: " ".join(rule.split()) for name, rule, _ in told}
    assert words == {rule.__name__: (rule.__doc__ or "").strip() for rule in RULES}
    assert [name for name, _, why in told if not re.search(r"storage\s+that\s+breaks\s+this\s+rule", why)] == []


def shown(default: Any) -> str:
    """A default as the tables have it."""
    if isinstance(default, timedelta):
        minutes = int(default.total_seconds() / 60)
        return f"{default.days} days" if default.days else f"{minutes} minute{'s' * (minutes != 1)}"
    return f"`{default}`"


@pytest.mark.parametrize(("column", "compared"), [("limit", 9), ("option", 14)])
def test_the_defaults_are_those_of_the_code(column: str, compared: int) -> None:
    told = {
        (place, re.findall(r"`(\w+)`", option)[-1]): default
        for option, places, default, *_ in rows(f"{column} | argument of | default")
        if not default.startswith("what is left")  # of the cookie, which `test_expiry` compares with the session
        for place in re.findall(r"\[coatcheck\.(?:redis\.)?(\w+)\]", places)
    }
    assert len(told) == compared
    signatures = {place: inspect.signature(getattr(coatcheck, place, SessionStorageRedis)) for place, _ in told}
    assert told == {(place, name): shown(signatures[place].parameters[name].default) for place, name in told}


def test_every_option_of_a_limit_has_a_row() -> None:
    named = re.findall(r"`(\w+)`", read("configuration"))
    for found in (cookie, header, SessionStorageMemory, SessionStorageDirectory, directory_session_storage):
        options = {*inspect.signature(found).parameters} - {"name", "type", "storage", "root", "new_id", "clock"}
        assert options <= {*named}, found


def fixed(words: str) -> int:
    [value] = [re.match(r"(\d+)", row[1]) for row in rows("limit | value") if words in row[0]]
    assert value
    return int(value[1])


def provider(name: str = "VISIT", **options: Any) -> SessionProvider[Visit]:
    return cookie(name, Visit, storage=SessionStorageMemory(), **options)


def test_the_fixed_limits_are_those_of_the_code() -> None:
    assert fixed("length of an id") == MAX_ID_LENGTH
    assert fixed("ids of one name") == MOST_SENT_IDS
    assert fixed("a session that a directory reads") == PIECE - 1
    longest, attribute, shortest = fixed("cookie's name"), fixed("`path` or `domain`"), fixed("shortest")
    second = timedelta(seconds=shortest)
    provider("x" * longest, path="/" + "x" * (attribute - 1), max_age=second, idle_timeout=second)
    for wrong in (
        {"name": "x" * (longest + 1)},
        {"path": "/" + "x" * attribute},
        {"domain": "x" * (attribute + 1)},
        {"max_age": second * 0.9},
        {"idle_timeout": second * 0.9},
    ):
        with pytest.raises(ValueError, match=r"."):
            provider(**wrong)
    assert f"An id from `new_session_id` has {len(coatcheck.new_session_id())} characters." in read("configuration")
    attempts = fixed("attempts of an `update`")
    assert f"{attempts} times" in (PROJECT / "tests" / "library" / "test_redis.py").read_text()
    assert len(rows("limit | value")) == 7  # one for each value above


async def test_a_record_is_what_its_page_says() -> None:
    storage = Bytes()
    visits = header("X-Visit", Visit, storage=storage, clock=lambda: 0.5)
    id = await visits.write(Visit(2))
    assert storage.stored == {f"x-visit:{id}": b'{"created":0.500000,"seen":0.500000}\n{"pages":2}'}
    storage.stored[f"x-visit:{id}"] = b'{"newer":[1],"seen":0.5,"created":0.5}\n{"pages":3}'
    assert await visits.read(id) == Visit(3)


async def test_a_file_is_named_by_a_hash_of_the_providers_name_and_the_id(tmp_path: Path) -> None:
    id = await cookie("VISIT", Visit, storage=directory_session_storage(tmp_path)).write(Visit())
    assert [file.name for file in tmp_path.iterdir()] == [f"{sha256(f'VISIT:{id}'.encode()).hexdigest()}.session"]


def test_the_glossary_is_in_order_and_each_term_has_its_page() -> None:
    terms = re.findall(r"^- \*\*(.+)\.\*\*\{ #([a-z-]+) \}(.+(?:\n  .+)*)", read("glossary"), re.MULTILINE)
    assert len(terms) > 30
    names = [name.casefold() for name, _, _ in terms]
    assert names == sorted(names)
    assert [name for name, anchor, _ in terms if anchor != name.lower().replace(" ", "-")] == []
    assert [name for name, _, text in terms if not re.search(r"See\s+\[[^\]]+\][(\[]", text)] == []
