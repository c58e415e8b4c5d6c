"""Measures contenders in turns, so that what else the machine does hits all of them alike."""

from __future__ import annotations

import gc
from asyncio import create_task, sleep
from dataclasses import dataclass
from math import ceil
from statistics import median, quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from random import Random

Role = Literal["coatcheck", "peer", "floor", "other"]
"""What a contender is compared as. `other` is shown and not compared; its name says why."""

RESAMPLES = 1000
PAUSE = 0.001  # seconds


@dataclass(frozen=True)
class Contender:
    """What is measured in each round."""

    name: str
    role: Role
    sample: Callable[[], Awaitable[Mapping[str, float]]]
    """Measures once, and returns the figure of each row by its key."""
    without: str = ""
    """The contender that does the same without sessions, for rows that are about what sessions add."""


@dataclass(frozen=True)
class Target:
    """What coatcheck is compared with, and how much it may take at most."""

    against: Role | None
    """The fastest of these. `None`: the target is in the row's unit."""
    at_most: float | None = None


@dataclass(frozen=True)
class Row:
    """A figure that each contender of a case has, or some of them."""

    key: str
    title: str
    unit: str
    targets: tuple[Target, ...]
    is_added: bool = False
    """Whether it's about what sessions add to the same app without them."""


@dataclass(frozen=True)
class Case:
    """Contenders that take turns."""

    rows: list[Row]
    contenders: list[Contender]
    share: float = 1.0
    """How often it's measured in each round. What varies little or takes long isn't measured in every one."""

    def turns(self, number: int) -> int:
        """Return how often it's measured in the round of this number. In the first it is, in any case."""
        return ceil((number + 1) * self.share) - ceil(number * self.share)


class Spread(NamedTuple):
    """A median and what lies around it."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """How coatcheck does against a rival."""

    rival: str
    ratio: Spread
    """Of coatcheck's figure to the rival's, with the interval that holds the true ratio in 95 of 100 runs."""
    at_most: float | None

    @property
    def verdict(self) -> str:
        """Whether the target is met, or the interval is on both sides of it."""
        if self.at_most is None:
            return ""
        if self.ratio.low <= self.at_most < self.ratio.high:
            return f"{'yes' if self.ratio.middle <= self.at_most else 'no'}, within noise"
        return "yes" if self.ratio.middle <= self.at_most else "no"


class Measured:
    """The samples of a row, by contender and in the order of the rounds."""

    def __init__(self, row: Row, contenders: Iterable[Contender], rounds: list[dict[str, Mapping[str, float]]]) -> None:
        self.row = row
        self.roles: dict[str, Role] = {}
        self.samples: dict[str, list[float]] = {}
        for contender in contenders:
            if (row.is_added and not contender.without) or row.key not in rounds[0][contender.name]:
                continue
            self.roles[contender.name] = contender.role
            self.samples[contender.name] = [
                each[contender.name][row.key] - (each[contender.without][row.key] if row.is_added else 0)
                for each in rounds
            ]

    def comparisons(self, chance: Random) -> list[Comparison]:
        """Compare coatcheck with what each target names."""
        [ours] = (samples for name, samples in self.samples.items() if self.roles[name] == "coatcheck")
        found = []
        for target in self.row.targets:
            if target.against is None:
                found.append(Comparison("", _interval(ours, chance), target.at_most))
                continue
            rivals = [name for name, role in self.roles.items() if role == target.against]
            rival = min(rivals, key=lambda name: median(self.samples[name]))
            pairs = zip(ours, self.samples[rival], strict=True)  # of one round each, with the same noise
            found.append(Comparison(rival, _interval([one / other for one, other in pairs], chance), target.at_most))
        return found


def quartiles(samples: list[float]) -> Spread:
    """Return the median between the quartiles."""
    return Spread(*quantiles(samples, n=4, method="inclusive")) if len(samples) > 1 else Spread(*samples * 3)


def _interval(samples: list[float], chance: Random) -> Spread:
    """Return the median and its interval of confidence, from samples of the samples."""
    medians = sorted(median(chance.choices(samples, k=len(samples))) for _ in range(RESAMPLES))
    return Spread(medians[RESAMPLES // 40], median(samples), medians[-RESAMPLES // 40])


async def measure(cases: list[Case], rounds: int, chance: Random) -> list[Measured]:
    """Let each contender of each case have its turn in each round, in an order that changes.

    So every case is measured from the first minute to the last, and its spread shows what changed in between.
    """
    gc.collect()
    gc.freeze()  # what the libraries made when they were set up is nobody's garbage
    found: list[list[dict[str, Mapping[str, float]]]] = [[] for _ in cases]
    for number in range(rounds):
        for index in chance.sample(range(len(cases)), len(cases)):
            for _ in range(cases[index].turns(number)):
                found[index].append(await _turns(cases[index].contenders, chance))
    gc.unfreeze()
    return [
        Measured(row, case.contenders, turns) for case, turns in zip(cases, found, strict=True) for row in case.rows
    ]


async def _turns(contenders: list[Contender], chance: Random) -> dict[str, Mapping[str, float]]:
    samples = {}
    for contender in chance.sample(contenders, len(contenders)):
        gc.collect()  # then it's on, as in a server, and each contender pays for its own
        samples[contender.name] = await contender.sample()
    return samples


async def typical(calls: Iterable[Callable[[], Awaitable[object]]]) -> float:
    """Return how many microseconds a call takes: the median, because some wait for another process."""
    taken = []
    for call in calls:
        begin = perf_counter()
        await call()
        taken.append(perf_counter() - begin)
    return median(taken) * 1e6


async def longest_stall(work: Callable[[], Awaitable[object]]) -> float:
    """Return how many milliseconds another task waited at most, after a pause, while this work was done."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            begin = perf_counter()
            await sleep(PAUSE)
            longest = max(longest, perf_counter() - begin - PAUSE)

    watching = create_task(watch())
    await work()
    watching.cancel()
    return longest * 1000
