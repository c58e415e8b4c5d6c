"""What an app keeps, as a page is told: its files, and the values that its comments ask to see."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from livedoc.player.python.store import MOST_BYTES, MOST_FILES, MOST_ROWS, Watched, expressions_in, stored, watched

if TYPE_CHECKING:
    from pathlib import Path


class Broken:
    def __repr__(self) -> str:
        raise LookupError("no coat")


class BrokenMapping(dict[str, str]):
    def __getitem__(self, key: str) -> str:
        raise LookupError(key)


def test_a_script_says_what_to_watch_on_lines_of_their_own() -> None:
    script = "# Watch: visits\n    # Watch: inside\nx = 1  # Watch: beside\n# Watch: len(visits) \n# watch: small\n"
    assert expressions_in(script) == ["visits", "len(visits)"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        (3, "3"),
        (b"as text \xc3\xa4", "as text ä"),
        (b"\xff\x00", "ff 00"),
        (b"\x00a", "00 61"),
        (bytearray(b"abc"), "abc"),
        (memoryview(b"abc"), "abc"),
        ([1, "a"], "[1, 'a']"),
        (None, "None"),
        (Broken(), "[LookupError while this was formatted]"),
        ("x" * 5000, "x" * 2000),
    ],
)
def test_a_value_is_shown_as_text(value: object, text: str) -> None:
    assert watched("it", {"it": value}) == Watched("it", text, None)


@pytest.mark.parametrize(
    ("mapping", "text", "rows"),
    [
        ({}, "", []),
        ({"a": b"b", 1: 2}, "", [("a", "b"), ("1", "2")]),
        ({"a": Broken()}, "", [("a", "[LookupError while this was formatted]")]),
        (dict.fromkeys(range(MOST_ROWS + 3), 0), "and 3 more", [(str(key), "0") for key in range(MOST_ROWS)]),
    ],
)
def test_a_mapping_has_rows(mapping: dict[Any, object], text: str, rows: list[tuple[str, str]]) -> None:
    assert watched("it", {"it": mapping}) == Watched("it", text, rows)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("nothing", "[NameError: name 'nothing' is not defined]"),
        ("1 / 0", "[ZeroDivisionError: division by zero]"),
        ("1 +", "[SyntaxError: invalid syntax (<string>, line 1)]"),
        ("broken", "[LookupError while this was read]"),
    ],
)
def test_what_has_no_value_says_why(expression: str, text: str) -> None:
    assert watched(expression, {"broken": BrokenMapping(a="b")}) == Watched(expression, text, None)


def test_a_file_has_its_size_its_first_bytes_and_its_time(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "a").write_bytes(b"x" * 5000)
    os.utime(tmp_path / "sessions" / "a", (7, 7))
    (tmp_path / "link").symlink_to(tmp_path / "sessions" / "a")
    assert stored(tmp_path, [], {}).files == [("sessions/a", 5000, b"x" * MOST_BYTES, 7.0)]


def test_of_many_files_those_that_were_modified_last_are_listed(tmp_path: Path) -> None:
    for number in range(MOST_FILES + 2):
        (tmp_path / f"{number:02}").touch()
        os.utime(tmp_path / f"{number:02}", (100 - number, 100 - number))
    store = stored(tmp_path, ["1 + 1"], {})
    assert [file.path for file in store.files] == [f"{number:02}" for number in range(MOST_FILES)]
    assert store.unlisted == 2
    assert store.watched == [Watched("1 + 1", "2", None)]
