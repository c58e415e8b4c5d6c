"""The benchmark of speed compares what was measured in one round, and its file keeps what it was given."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.speed import app, report
from tests.benchmarks.speed.measurement import Case, Comparison, Contender, Measured, Row, Spread, Target, measure
from tests.benchmarks.speed.quiet import library_without_log

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROLES = {"ours": "coatcheck", "slow": "peer", "fast": "peer", "bare": "floor"}
NOISY = [
    {"ours": 2.0, "slow": 9.0, "fast": 4.0, "bare": 1.0},
    {"ours": 20.0, "slow": 90.0, "fast": 40.0, "bare": 10.0},  # all of them were slow in this round
    {"ours": 2.0, "slow": 9.0, "fast": 4.0, "bare": 1.0},
]


def chance() -> Random:
    return Random(1)  # noqa: S311 - to be repeated


def in_rounds(rounds: list[dict[str, float]], row: Row) -> Case:
    """A case whose contenders have these figures, in this order."""

    def contender(name: str) -> Contender:
        figures = iter([each[name] for each in rounds])

        async def sample() -> Mapping[str, float]:
            return {row.key: next(figures)}

        without = "" if name == "bare" else "bare"
        return Contender(name, ROLES[name], sample, without)  # type: ignore[arg-type]

    return Case([row], [contender(name) for name in ROLES])


async def measured(rounds: list[dict[str, float]], row: Row) -> Measured:
    [found] = await measure([in_rounds(rounds, row)], len(rounds), chance())
    return found


async def test_a_ratio_is_to_the_fastest_rival_in_the_same_round() -> None:
    found = await measured(NOISY, Row("key", "title", "µs", (Target("peer", 0.8),)))
    assert found.comparisons(chance()) == [Comparison("fast", Spread(0.5, 0.5, 0.5), 0.8)]


async def test_a_target_without_a_rival_is_about_the_figure() -> None:
    found = await measured(NOISY, Row("key", "title", "µs", (Target(None, 3),)))
    assert found.comparisons(chance()) == [Comparison("", Spread(2, 2, 20), 3)]


async def test_what_sessions_add_is_counted_round_by_round() -> None:
    found = await measured(NOISY, Row("key", "title", "µs", (Target("peer"),), is_added=True))
    assert found.samples == {"ours": [1, 10, 1], "slow": [8, 80, 8], "fast": [3, 30, 3]}


@pytest.mark.parametrize(("share", "turns"), [(3.0, [3, 3, 3, 3]), (0.5, [1, 0, 1, 0]), (0.01, [1, 0, 0, 0])])
def test_a_case_has_its_share_of_the_rounds(share: float, turns: list[int]) -> None:
    case = Case([], [], share)
    assert [case.turns(number) for number in range(4)] == turns


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        (Spread(0.5, 0.6, 0.7), "yes"),
        (Spread(0.7, 0.8, 0.8), "yes"),
        (Spread(0.7, 0.75, 0.9), "yes, within noise"),
        (Spread(0.7, 0.85, 0.9), "no, within noise"),
        (Spread(0.9, 1.0, 1.1), "no"),
    ],
)
def test_a_verdict_says_whether_it_may_be_noise(ratio: Spread, verdict: str) -> None:
    assert Comparison("fast", ratio, 0.8).verdict == verdict
    assert not Comparison("fast", ratio, None).verdict


async def test_the_file_and_the_table_have_what_was_measured() -> None:
    row = Row("key", "a title", "µs", (Target("peer", 0.8), Target(None, 3)))
    results = {"rows": [report.result(await measured(NOISY, row), chance())]}
    assert json.loads(report.to_json(results)) == results
    assert '"fast": [4, 4, 22]' in report.to_json(results)
    assert report.targets_table(results["rows"]).splitlines()[2:] == [
        "| a title | 2 µs | fast: 4 µs | 0.50 | 0.50 to 0.50 | 0.8 | yes |",
        "| a title | 2 µs |  |  | 2 to 20 µs | 3 µs | yes, within noise |",
    ]


async def test_the_copy_without_a_log_does_the_same(tmp_path: Path) -> None:
    silent = app.coatcheck(library=library_without_log(tmp_path))
    cookie = (await silent.ask("/login")).cookie
    await silent.ask("/change", cookie)
    assert (await silent.ask("/visits", cookie)).body == "1"
    sources = [file.read_text() for file in tmp_path.glob("*/*.py") if file.stem not in ("log", "testing")]
    assert not any("log.t" in source or ".tell(" in source for source in sources)
