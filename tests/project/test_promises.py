"""The page of promises names checks that exist, and forgets no rule of the contract kit."""

from __future__ import annotations

import re

import pytest

from coatcheck.testing import CHECKS, UPDATE_CHECKS
from tests.support.project import PROJECT

RULES = {check.__name__ for check in (*CHECKS, *UPDATE_CHECKS)}
ROWS = re.findall(r"^\| (?!promise)(.+?) \| (.+) \|$", (PROJECT / "docs" / "promises.md").read_text(), re.MULTILINE)
TEST = r"^(?:async )?def test_{}\("


@pytest.mark.parametrize(("promise", "held_by"), ROWS, ids=[promise for promise, _ in ROWS])
def test_a_promise_names_checks_that_exist(promise: str, held_by: str) -> None:
    names = re.findall(r"`([^`]+)`", held_by)
    assert names, f"nothing holds the promise: {promise}"
    for name in names:
        module, colon, test = name.rpartition(": ")
        if colon:
            [file] = (PROJECT / "tests").rglob(f"test_{module}.py")
            assert re.search(TEST.format(test), file.read_text(), re.MULTILINE), name
        else:
            assert name in RULES, name


def test_every_rule_of_the_kit_holds_a_promise() -> None:
    named = {name for _, held_by in ROWS for name in re.findall(r"`([^`]+)`", held_by)}
    assert named >= RULES, RULES - named
