"""The pages of promises and of threats name checks that exist, and no rule of the contract kit is forgotten."""

from __future__ import annotations

import re

import pytest

from coatcheck.testing import CHECKS, UPDATE_CHECKS
from tests.support.project import DOCS, PROJECT

RULES = {check.__name__ for check in (*CHECKS, *UPDATE_CHECKS)}
ROWS = re.findall(r"^\| (?!guarantee)(.+?) \| (.+) \|$", (DOCS / "promises.md").read_text(), re.MULTILINE)
THREATS = [
    row.strip("| ").split(" | ")
    for row in (DOCS / "why" / "threat-model.md").read_text().splitlines()
    if row.startswith("| ") and not row.startswith("| threat |")
]
TEST = r"^(?:async )?def test_{}\("


def names_of(held_by: str) -> list[str]:
    """The checks in a cell, each of which must exist."""
    names: list[str] = re.findall(r"`([^`]+)`", held_by)
    for name in names:
        module, colon, test = name.rpartition(": ")
        if colon:
            [file] = (PROJECT / "tests").rglob(f"test_{module}.py")
            assert re.search(TEST.format(test), file.read_text(), re.MULTILINE), name
        else:
            assert name in RULES, name
    return names


@pytest.mark.parametrize(("promise", "held_by"), ROWS, ids=[promise for promise, _ in ROWS])
def test_a_promise_names_checks_that_exist(promise: str, held_by: str) -> None:
    assert names_of(held_by), f"nothing holds the promise: {promise}"


def test_every_rule_of_the_kit_holds_a_promise() -> None:
    named = {name for _, held_by in ROWS for name in names_of(held_by)}
    assert named >= RULES, RULES - named


@pytest.mark.parametrize("row", THREATS, ids=[row[0] for row in THREATS])
def test_a_threat_names_its_requirements_and_checks_that_exist(row: list[str]) -> None:
    threat, requirements, _, held_by, _ = row
    assert re.fullmatch(r"\d+\.\d+\.\d+(, \d+\.\d+\.\d+)*", requirements), threat
    assert names_of(held_by), f"nothing is checked against: {threat}"


def test_there_are_threats() -> None:
    assert len(THREATS) > 20
