"""The guide to object stores, with the one in memory."""

from __future__ import annotations

import runpy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from obstore.store import LocalStore, MemoryStore

from coatcheck import SessionNotFound, read_bytes, write_bytes
from coatcheck.testing import CHECKS, UPDATE_CHECKS
from tests.support.project import SNIPPETS
from tests.support.storage import is_found, is_updated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from obstore import GetResult, ObjectMeta

    from coatcheck.testing import Check

GUIDE = runpy.run_path(str(SNIPPETS / "storages" / "sessions_in_an_object_store.py"))
DAY = timedelta(days=1)


class Aged:
    """What a store has, as if it had been put there earlier."""

    def __init__(self, found: GetResult, age: timedelta) -> None:
        self.bytes = found.bytes
        self.meta: ObjectMeta = {**found.meta, "last_modified": found.meta["last_modified"] - age}


class Watched:
    """A store that counts what is put into it, ages what is in it, and lets something happen after its next `get`."""

    def __init__(self, store: MemoryStore | LocalStore) -> None:
        self.store = store
        self.age = timedelta(0)
        self.puts = 0
        self.action: Callable[[], object] | None = None

    def get(self, path: str) -> Aged:
        found = Aged(self.store.get(path), self.age)
        action, self.action = self.action, None
        if action is not None:
            action()
        return found

    def put(self, path: str, data: bytes, **options: Any) -> None:
        self.puts += 1
        self.store.put(path, data, **options)

    def delete(self, path: str) -> None:
        self.store.delete(path)


@pytest.fixture
def store() -> Watched:
    return Watched(MemoryStore())


@pytest.fixture
def storage(store: Watched) -> Any:
    return GUIDE["ObjectStorage"](store)


@pytest.mark.parametrize("check", [*CHECKS, *UPDATE_CHECKS], ids=lambda check: check.__name__)
async def test_the_contract_holds_in_an_object_store(check: Check) -> None:
    await check(GUIDE["ObjectStorage"](MemoryStore()))


@pytest.mark.parametrize("id", ["../../etc/passwd", "/", "", ".", "a//b", "Ä", "a" * 10_000])
async def test_no_id_is_a_path_in_an_object_store(id: str, storage: Any, store: Watched) -> None:
    await write_bytes(storage, id, b"two apples")
    [name] = [found["path"] for batch in store.store.list() for found in batch]
    folder, _, key = name.partition("/")
    assert (folder, len(key), set(key) <= set("0123456789abcdef")) == ("sessions", 64, True)


async def test_another_change_in_between_has_an_update_start_again(storage: Any, store: Watched) -> None:
    await write_bytes(storage, "id1", b"one")
    store.action = lambda: store.store.put(GUIDE["key_of"]("id1"), b"two")
    seen: list[bytes] = []

    def exclaim(data: bytes) -> bytes:
        seen.append(data)
        return data + b"!"

    await storage.update("id1", exclaim)
    assert (seen, await read_bytes(storage, "id1")) == ([b"one", b"two"], b"two!")


async def test_a_logout_in_between_is_not_undone_by_an_update_or_by_noting_a_use(storage: Any, store: Watched) -> None:
    for age, call in ((timedelta(0), is_updated), (DAY, is_found)):
        await write_bytes(storage, "id1", b"one")
        store.age = age
        store.action = lambda: store.store.delete(GUIDE["key_of"]("id1"))
        await call(storage, "id1")
        assert not await is_found(storage, "id1")


async def test_a_use_is_noted_at_most_once_per_tenth_of_the_retention(storage: Any, store: Watched) -> None:
    await write_bytes(storage, "id1", b"one")
    for age, puts in ((DAY * 0.6, 1), (DAY * 0.8, 2)):
        store.age = age
        assert await read_bytes(storage, "id1") == b"one"
        assert store.puts == puts


async def test_a_session_that_was_not_used_for_a_week_is_not_found_in_an_object_store(
    storage: Any, store: Watched
) -> None:
    await write_bytes(storage, "id1", b"one")
    store.age = 7 * DAY
    with pytest.raises(SessionNotFound):
        await read_bytes(storage, "id1")
    with pytest.raises(SessionNotFound):
        await storage.update("id1", bytes.upper)


async def test_a_store_without_conditional_put_says_so(tmp_path: Path) -> None:
    storage = GUIDE["ObjectStorage"](LocalStore(tmp_path))
    await write_bytes(storage, "id1", b"one")
    with pytest.raises(NotImplementedError):
        await storage.update("id1", bytes.upper)
    assert await read_bytes(storage, "id1") == b"one"
