"""The lesson "Two requests at once" on CPython: each order of its calls, on a naive storage and on ours."""

from __future__ import annotations

import runpy
from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from httpx2 import ASGITransport, AsyncClient

from coatcheck import SessionNotFound, SessionStorageDirectory, SessionStorageMemory, read_bytes, write_bytes
from tests.support.project import SNIPPETS
from tests.support.scheduler import Scheduler, step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from coatcheck import UpdatableSessionStorage

ORDERS = sorted({"".join(order) for order in permutations("1122")})
NONE = "no session"

# What is left by each order of the calls, by the name that the lesson gives to the race.
LEFT = {
    "/naive/milk": {
        "1122": "cart: tea milk",
        "1212": "cart: milk",
        "1221": "cart: tea",
        "2112": "cart: milk",
        "2121": "cart: tea",
        "2211": "cart: milk tea",
    },
    "/naive/logout": {
        "1122": NONE,
        "1212": "cart: tea",
        "1221": "cart: tea",
        "2112": NONE,
        "2121": NONE,
        "2211": NONE,
    },
    "/ours/milk": {order: "cart: tea milk" if order[0] == "1" else "cart: milk tea" for order in ORDERS},
    "/ours/logout": dict.fromkeys(ORDERS, NONE),
}
RACES = [pytest.param(path, order, id=f"{path} {order}") for path in LEFT for order in ORDERS]
all_races = pytest.mark.parametrize(("path", "order"), RACES)

pytestmark = pytest.mark.anyio


class Naive(SessionStorageMemory):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        async with step("read"):
            stored = await read_bytes(self, id)
        async with step("write"):
            await write_bytes(self, id, changed := transform(stored))
        return changed


async def add(storage: UpdatableSessionStorage, item: bytes) -> None:
    try:
        if isinstance(storage, Naive):
            await storage.update("id", lambda cart: cart + item)
        else:
            async with step("update"):
                await storage.update("id", lambda cart: cart + item)
    except SessionNotFound:
        pass


async def log_out(storage: UpdatableSessionStorage) -> None:
    async with step("invalidate"):
        await storage.invalidate("id")


async def left_by(storage: UpdatableSessionStorage, path: str, order: str) -> str:
    """What is stored after two requests whose calls to the storage come in this order, as far as there are so many."""
    await write_bytes(storage, "id", b"cart:")
    second = partial(log_out, storage) if path.endswith("/logout") else partial(add, storage, b" milk")
    turns = iter(order)

    def choose(waiting: Sequence[str]) -> str:
        return next(name for name in turns if name in waiting)

    await Scheduler().play({"1": partial(add, storage, b" tea"), "2": second}, choose)
    try:
        return (await read_bytes(storage, "id")).decode()
    except SessionNotFound:
        return NONE


@all_races
async def test_each_order_leaves_what_the_storage_makes_of_it(path: str, order: str, tmp_path: Path) -> None:
    ours: list[UpdatableSessionStorage] = [SessionStorageMemory(), SessionStorageDirectory(tmp_path)]
    for storage in [Naive()] if path.startswith("/naive") else ours:
        assert await left_by(storage, path, order) == LEFT[path][order]


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """Those of the lesson's script, where its functions find them."""
    app = runpy.run_path(str(SNIPPETS / "labs" / "request_turns.py"))
    found: dict[str, Any] = app["race"].__globals__
    return found


@all_races
async def test_the_app_of_the_lesson_leaves_the_same(path: str, order: str, names: dict[str, Any]) -> None:
    assert await visited(path, order, names) == f"{order}: {LEFT[path][order]}"


@pytest.mark.parametrize("path", LEFT)
@pytest.mark.parametrize(("order", "same"), [("", "1122"), ("2", "2112"), ("é12 12", "1212"), ("1" * 99, "1122")])
async def test_an_order_of_any_length_plays_both_requests_to_their_end(
    path: str, order: str, same: str, names: dict[str, Any]
) -> None:
    assert await visited(path, order, names) == f"{order}: {LEFT[path][same]}"


async def visited(path: str, order: str, names: dict[str, Any]) -> str:
    names["order"] = order
    async with AsyncClient(transport=ASGITransport(names["app"]), base_url="https://app.example") as browser:
        return (await browser.get(path)).text
