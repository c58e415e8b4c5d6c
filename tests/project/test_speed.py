"""The benchmark of speed compares what was measured in one round, and its file keeps what it was given."""

from __future__ import annotations

import gc
import json
import socket
import tracemalloc
from contextlib import AsyncExitStack
from itertools import product
from mmap import mmap
from pathlib import Path
from random import Random
from tracemalloc import Filter
from typing import TYPE_CHECKING, Any

import pytest

import coatcheck
from coatcheck import SessionStorageDirectory, SessionStorageMemory, write_bytes
from tests.benchmarks.speed import app, capacity, cases, direct, growth, report
from tests.benchmarks.speed.copies import library_without_log, library_without_promises
from tests.benchmarks.speed.load import Client
from tests.benchmarks.speed.measurement import Case, Comparison, Contender, Measured, Row, Spread, Target, measure
from tests.benchmarks.speed.servers import MEASURES, Plan, of_apps, of_workers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

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


LOGS, PROMISES = ("log.t", ".tell("), ("self.provider.must_read_back(", "with self._turn:", "await sessions.end()")


@pytest.mark.parametrize(
    ("copied", "without"), [(library_without_log, LOGS), (library_without_promises, LOGS + PROMISES)]
)
async def test_a_copy_that_leaves_something_out_does_the_same(
    copied: Callable[[Path], Any], without: tuple[str, ...], tmp_path: Path
) -> None:
    less = app.coatcheck(library=copied(tmp_path))
    cookie = (await less.ask("/login")).cookie
    await less.ask("/change", cookie)
    assert (await less.ask("/visits", cookie)).body == "1"
    sources = [file.read_text() for file in tmp_path.glob("*/*.py") if file.stem not in ("log", "testing")]
    there = [file.read_text() for file in Path(*coatcheck.__path__).glob("*.py")]
    for each in without:
        assert any(each in source for source in there)
        assert not any(each in source for source in sources)


@pytest.mark.parametrize("make", [app.coatcheck, direct.direct])
async def test_the_same_steps_in_one_place_do_what_the_library_does(make: Callable[[], app.AsgiApp]) -> None:
    each = make()
    old = (await each.ask("/login")).cookie
    await each.ask("/change", old)
    assert (await each.ask("/visits", old)).body == "1"
    new = (await each.ask("/login", old)).cookie
    assert (await each.ask("/read", new)).body == app.USER
    for cookie in (None, old, "session=unknown"):
        assert not (await each.ask("/read", cookie)).body


ON_ASYNCIO = pytest.mark.parametrize("anyio_backend", ["asyncio"])  # as the benchmark itself


@ON_ASYNCIO
async def test_a_sweep_is_measured_with_three_numbers_of_sessions(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        case = await cases.sweep(cases.Place(tmp_path, 50, stack))
        found = await measure([case], 1, chance())
    for each in found:
        assert [*each.samples] == [f"coatcheck with {number} sessions" for number in ("50", "1,000", "10,000")]
        assert all(figure > 0 for [figure] in each.samples.values())


QUICK = Plan(("uvicorn",), ("bare", "coatcheck"), (1, 3), 3, (2,), clients=6, sessions=2, turns=2, seconds=0.05)


@ON_ASYNCIO
async def test_apps_are_compared_behind_a_server(tmp_path: Path) -> None:
    rows = await of_apps(QUICK, tmp_path, chance())
    assert [(row["connections"], row["action"], row["measure"]) for row in rows] == [
        (connections, action, measure)
        for connections in (1, 3)
        for action in ("read", "change")
        for measure in MEASURES
    ]
    for row in rows:
        [ours], [floor] = row["coatcheck"].values(), row["floors"].values()
        assert all(figure > 0 for figure in (*ours, *floor)), row
        assert [each["with"] for each in row["compared"]] == [app.BARE]
        assert row["better"] == ("more" if row["unit"] == "requests/s" else "less")


@ON_ASYNCIO
async def test_workers_on_one_storage_lose_no_change(tmp_path: Path) -> None:
    rows, changes = await of_workers(QUICK, tmp_path, chance())
    assert [(row["storage"], row["measure"]) for row in rows] == list(product(("directory", "Redis"), MEASURES))
    assert changes.keys() == {"uvicorn, 2 workers on one directory", "uvicorn, 2 workers on one Redis"}
    for each in changes.values():
        assert each["changes"] >= QUICK.clients
        assert each["lost"] == 0


HEAD = b"HTTP/1.1 200 OK\r\nset-cookie: session=abc; Path=/\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD, b"Content-Length: 3\r\n", b"\r\n", b"a", b"nn"],
        [HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nann", b"\r\n0\r", b"\n\r\n"],
    ],
)
def test_the_client_takes_an_answer_in_any_pieces(pieces: list[bytes]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = Client(listening.getsockname()[1])
        connection, _ = listening.accept()
        with client.socket, connection:
            connection.sendall(b"".join(pieces))
            client.log_in()
            assert connection.recv(4096).startswith(b"GET /login HTTP/1.1\r\n")
            connection.sendall(b"".join(pieces))
            assert client.ask("/read") == b"ann"
            assert b"cookie: session=abc\r\n" in connection.recv(4096)
            client.send()
            complete = []
            for piece in pieces:
                connection.sendall(piece)
                complete.append(client.has_received())
    assert complete == [False] * (len(pieces) - 1) + [True]


@ON_ASYNCIO
@pytest.mark.parametrize("kind", growth.KINDS)
async def test_memory_is_looked_at_ten_times(kind: str) -> None:
    marks = await growth.measured(kind, requests=400, live=5)
    sent = [number for number, _ in marks]
    assert len(marks) == growth.MARKS
    assert sent == sorted(sent)
    assert sent[-1] >= 400


@ON_ASYNCIO
async def test_memory_that_grows_is_noticed() -> None:
    held = []

    async def clients() -> AsyncGenerator[int, None]:
        while True:
            held.append(mmap(-1, 8 * growth.GRAIN))  # new pages, where an object may get some that were free
            held[-1].write(b"x" * len(held[-1]))
            yield 1

    assert growth.row("returning", await growth.marks(clients(), 10))["grows"]
    assert not growth.row("returning", [(1, growth.GRAIN), (2, growth.GRAIN * 2)])["grows"]


@ON_ASYNCIO
@pytest.mark.parametrize("payload", capacity.PAYLOADS)
async def test_the_calculated_room_in_memory_is_what_it_takes(payload: int) -> None:
    storage = SessionStorageMemory()
    ours = [
        Filter(inclusive=True, filename_pattern=f"*/{name}")
        for name in ("memory.py", "capacity.py", Path(__file__).name)
    ]
    gc.collect()  # it gives back the tuples that Python keeps for the next ones, which nobody would count
    tracemalloc.start()
    try:
        for number in range(1000):
            await write_bytes(storage, capacity.ID.format(number), bytes([number % 256]) * payload)
        traces = tracemalloc.take_snapshot().filter_traces(ours).traces
    finally:
        tracemalloc.stop()
    assert capacity.in_memory(payload, 1000).bytes == pytest.approx(sum(trace.size for trace in traces), rel=0.1)


@ON_ASYNCIO
@pytest.mark.parametrize("payload", capacity.PAYLOADS)
async def test_the_calculated_room_in_a_directory_is_what_it_takes(payload: int, tmp_path: Path) -> None:
    storage = SessionStorageDirectory(tmp_path / "sessions")
    for number in range(200):
        await write_bytes(storage, str(number), bytes(payload))
    found = capacity.on_disk(tmp_path / "sessions")
    for measured in (found, capacity.directory(payload, 200, tmp_path)):
        calculated = capacity.in_directory(payload, 200)
        assert calculated.bytes == pytest.approx(measured.bytes, rel=0.05)
        assert calculated.facts() | {"bytes": 0} == measured.facts() | {"bytes": 0}


@pytest.mark.parametrize("payload", capacity.PAYLOADS)
def test_the_calculated_room_in_redis_is_what_it_takes(payload: int, tmp_path: Path) -> None:
    calculated, measured = capacity.in_redis(payload, 1000), capacity.redis(payload, 1000, tmp_path)
    assert calculated.bytes == pytest.approx(measured.bytes, rel=0.1)


def test_points_of_another_command_stay_in_the_file() -> None:
    def row(**points: int) -> dict[str, Any]:
        return {"row": "memory", "points": [{"sessions": number, "from": name} for name, number in points.items()]}

    other = {"row": "directory", "points": []}
    assert capacity.kept([row(new=2), other], [row(first=1, second=2, third=3)]) == [
        row(first=1, new=2, third=3),
        other,
    ]
