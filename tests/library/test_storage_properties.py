"""Each storage against a dict, in long random stories."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import count, cycle, product
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anyio
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from redis.asyncio import Redis

from coatcheck import (
    SessionNotFound,
    SessionStorageCache,
    SessionStorageDirectory,
    SessionStorageMemory,
    StorageFull,
    read_bytes,
    write_bytes,
)
from coatcheck.redis import SessionStorageRedis
from tests.support.clock import Clock
from tests.support.storage import Shelf
from tests.support.story import Interrupted, Story, in_loop, outcome, outcome_of, scenes, tell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from coatcheck import ByteReadChannel, ByteWriteChannel, SessionStorage, UpdatableSessionStorage

    Event = tuple[Callable[[Any, Any], Awaitable[None]], Any]  # a deed and what it is about

RETENTION = 100  # seconds
ROOM = 100  # bytes
FRESH = 30  # seconds for which the cache serves a value
IDS = ["a", "a", "a", "A", "", "?", "\U0001f9e5", "../" * 100]  # mostly the same
MOVES = [10, 90, 10, 90, 9, 99, 100, -10]  # of the clock, in seconds
SMALL = [[4], [], [40], [1, 0, 4], [40, 40], [99], [4], [], [100], [1]]
SIZES = [*SMALL, [65_535, 1], *SMALL, [70_000, 70_000]]  # of the pieces of sessions, in bytes


class Model:
    """What a storage must do: a dict, each value with the time of its last use that counted."""

    def __init__(self, clock: Clock, *, retention: float = inf, room: float = inf) -> None:
        self.clock = clock
        self.retention = retention
        self.room = room
        self.kept: dict[str, tuple[bytes, float]] = {}

    def look(self) -> float:
        """Begin a call. Returns the time."""
        return self.clock()

    @contextmanager
    def changing(self, _id: str) -> Iterator[None]:
        """While a change of `_id` is under way, whatever becomes of it."""
        yield

    def read(self, id: str) -> bytes:
        now = self.look()
        data, used = self._live(id, now)
        if now - used >= self.retention / 10:
            self.kept[id] = data, now
        return data

    def write(self, id: str, data: bytes) -> None:
        self._keep(id, data, self.look())

    def update(self, id: str, transform: Callable[[bytes], bytes]) -> bytes:
        now = self.look()
        data = transform(self._live(id, now)[0])
        self._keep(id, data, now)
        return data

    def invalidate(self, id: str) -> None:
        self.look()
        self.kept.pop(id, None)

    def sweep(self) -> int:
        over = [id for id, (_, used) in self.kept.items() if self.clock() - used >= self.retention]
        for id in over:
            del self.kept[id]
        return len(over)

    def _live(self, id: str, now: float) -> tuple[bytes, float]:
        data, used = self.kept.get(id, (b"", -inf))
        if now - used >= self.retention or id not in self.kept:
            raise SessionNotFound
        return data, used

    def _keep(self, id: str, data: bytes, now: float) -> None:
        if sum(len(kept) for other, (kept, _) in self.kept.items() if other != id) + len(data) > self.room:
            raise StorageFull
        self.kept[id] = data, now


class MemoryModel(Model):
    """Its time never goes back, and each call forgets for good what is due."""

    latest = Clock().now

    def look(self) -> float:
        self.latest = max(self.latest, self.clock())
        self.kept = {id: (data, used) for id, (data, used) in self.kept.items() if self.latest - used < self.retention}
        return self.latest


class CacheModel(Model):
    """What was fetched stays as it was for a while, unless it is changed here. `kept` has the times of the fetches."""

    def __init__(self, behind: Model, clock: Clock) -> None:
        super().__init__(clock)
        self.behind = behind
        self.changes: Counter[str] = Counter()

    @contextmanager
    def changing(self, id: str) -> Iterator[None]:
        self.kept.pop(id, None)
        self.changes[id] += 1
        try:
            yield
        finally:
            self.changes[id] -= 1

    def read(self, id: str) -> bytes:
        data, fetched = self.kept.get(id, (b"", -inf))
        if self.clock() - fetched >= FRESH:
            data = self.behind.read(id)
            if not self.changes[id]:
                self.kept[id] = data, self.clock()
        return data

    def write(self, id: str, data: bytes) -> None:
        with self.changing(id):
            self.behind.write(id, data)

    def update(self, id: str, transform: Callable[[bytes], bytes]) -> bytes:
        self.kept.pop(id, None)
        return self.behind.update(id, transform)

    def invalidate(self, id: str) -> None:
        with self.changing(id):
            self.behind.invalidate(id)


class StorageStory(Story):
    """What every storage can do."""

    def __init__(self, storage: SessionStorage, model: Model) -> None:
        super().__init__()
        self.storage = storage
        self.model = model
        self.letters = cycle(range(256))
        self.sizes = cycle(SIZES)
        self.scene: Iterator[Event] = iter(())

    async def write(self, id: str) -> None:
        await self._write(id, nothing)

    async def write_slowly(self, id: str) -> None:
        await self._write(id, self._next)

    async def write_and_raise(self, id: str) -> None:
        async def interrupt() -> None:
            await self._next()
            raise Interrupted

        with self.model.changing(id), pytest.raises(Interrupted):
            await self.storage.write(id, sending(self._pieces(), interrupt))

    async def write_and_be_cancelled(self, id: str) -> None:
        async def cancel() -> None:
            await self._next()
            scope.cancel()
            await anyio.sleep_forever()

        with self.model.changing(id), anyio.CancelScope() as scope:
            await self.storage.write(id, sending(self._pieces(), cancel))
        assert scope.cancelled_caught

    async def read(self, id: str) -> None:
        assert await outcome_of(read_bytes(self.storage, id)) == outcome(partial(self.model.read, id))

    async def read_slowly(self, id: str) -> None:
        async def consumer(channel: ByteReadChannel) -> bytes:
            await self._next()
            return b"".join([piece async for piece in channel])

        expected = outcome(partial(self.model.read, id))
        assert await outcome_of(self.storage.read(id, consumer)) == expected

    async def read_a_piece(self, id: str) -> None:
        async def consumer(channel: ByteReadChannel) -> bytes:
            try:
                return await channel.receive(3)
            except anyio.EndOfStream:
                return b""

        expected = outcome(lambda: self.model.read(id)[:3])
        assert await outcome_of(self.storage.read(id, consumer)) == expected

    async def read_and_raise(self, id: str) -> None:
        async def consumer(_: ByteReadChannel) -> None:
            raise Interrupted

        found = outcome(partial(self.model.read, id)) is not SessionNotFound
        assert await outcome_of(self.storage.read(id, consumer)) is (Interrupted if found else SessionNotFound)

    async def invalidate(self, id: str) -> None:
        await self.storage.invalidate(id)
        self.model.invalidate(id)

    READS = (read, read, read_slowly, read_a_piece, read_and_raise)
    WRITES = (write, write, write_slowly, write_and_raise, write_and_be_cancelled)
    EVENTS: ClassVar[list[Event]] = [*product((*READS, *WRITES, invalidate), IDS)]

    @rule(scene=st.runner().flatmap(lambda story: scenes(story.EVENTS)))
    @in_loop
    async def act(self, scene: list[Event]) -> None:
        self.scene = iter(scene)
        while await self._next():
            pass

    async def _next(self) -> bool:
        """Let the next event of the scene happen, wherever it is called. Returns whether there was one."""
        for deed, argument in self.scene:
            await deed(self, argument)
            return True
        return False

    async def _write(self, id: str, then: Callable[[], Awaitable[object]]) -> None:
        pieces = self._pieces()
        with self.model.changing(id):
            written = await outcome_of(self.storage.write(id, sending(pieces, then)))
            assert written == outcome(partial(self.model.write, id, b"".join(pieces)))

    def _pieces(self) -> list[bytes]:
        return [bytes([next(self.letters)]) * size for size in next(self.sizes)]


def sending(
    pieces: list[bytes], then: Callable[[], Awaitable[object]]
) -> Callable[[ByteWriteChannel], Awaitable[None]]:
    """A provider that sends the pieces and then does something else before it returns."""

    async def provider(channel: ByteWriteChannel) -> None:
        for piece in pieces:
            await channel.send(piece)
        await then()

    return provider


async def nothing() -> None:
    pass


class SimplifiedStory(StorageStory):
    """Two methods over a dict."""

    def __init__(self) -> None:
        super().__init__(Shelf(), Model(Clock()))


class UpdatableStory(StorageStory):
    storage: UpdatableSessionStorage

    async def append(self, id: str) -> None:
        await self._update(id, lambda stored: stored + b"+")

    async def double(self, id: str) -> None:
        await self._update(id, lambda stored: stored * 2)

    async def empty(self, id: str) -> None:
        await self._update(id, lambda _: b"")

    async def update_and_raise(self, id: str) -> None:
        def transform(_: bytes) -> bytes:
            raise Interrupted

        await self._update(id, transform)

    EVENTS: ClassVar[list[Event]] = [*StorageStory.EVENTS, *product((append, double, empty, update_and_raise), IDS)]

    async def _update(self, id: str, transform: Callable[[bytes], bytes]) -> None:
        updated = await outcome_of(self.storage.update(id, transform))
        assert updated == outcome(partial(self.model.update, id, transform))


class ClockedStory(UpdatableStory):
    def __init__(self, clock: Clock, storage: UpdatableSessionStorage, model: Model) -> None:
        super().__init__(storage, model)
        self.clock = clock

    async def move_the_clock(self, seconds: int) -> None:
        self.clock.now += seconds

    EVENTS: ClassVar[list[Event]] = [*UpdatableStory.EVENTS, *product((move_the_clock,), MOVES * 6)]


class MemoryStory(ClockedStory):
    def __init__(self) -> None:
        clock = Clock()
        storage = SessionStorageMemory(retention=timedelta(seconds=RETENTION), clock=clock)
        super().__init__(clock, storage, MemoryModel(clock, retention=RETENTION))


class SmallMemoryStory(ClockedStory):
    def __init__(self) -> None:
        clock = Clock()
        storage = SessionStorageMemory(retention=timedelta(seconds=RETENTION), max_bytes=ROOM, clock=clock)
        super().__init__(clock, storage, MemoryModel(clock, retention=RETENTION, room=ROOM))


class DirectoryStory(ClockedStory):
    """Its time is what the clock says: if that goes back, what was over and not swept is there again."""

    storage: SessionStorageDirectory

    def __init__(self) -> None:
        clock = Clock()
        self.folder = tempfile.TemporaryDirectory()
        self.open = partial(
            SessionStorageDirectory, self.folder.name, retention=timedelta(seconds=RETENTION), clock=clock
        )
        super().__init__(clock, self.open(), Model(clock, retention=RETENTION))

    async def restart(self, _: None) -> None:
        self.storage = self.open()

    async def sweep(self, _: None) -> None:
        assert await self.storage.sweep() == self.model.sweep()

    EVENTS: ClassVar[list[Event]] = [*ClockedStory.EVENTS, *product((restart, sweep), [None] * 4)]

    @invariant()
    def there_is_a_file_for_each_session_and_no_other(self) -> None:
        assert len([*Path(self.folder.name).iterdir()]) == len(self.model.kept)

    def teardown(self) -> None:
        self.folder.cleanup()


class CacheStory(ClockedStory):
    """The clock that goes back is that of the memory behind the cache."""

    def __init__(self) -> None:
        clock, self.clock_of_the_cache = Clock(), Clock()
        self.behind = SessionStorageMemory(retention=timedelta(seconds=RETENTION), clock=clock)
        self.model_behind = MemoryModel(clock, retention=RETENTION)
        storage = SessionStorageCache(self.behind, idle_timeout=timedelta(seconds=FRESH), clock=self.clock_of_the_cache)
        super().__init__(clock, storage, CacheModel(self.model_behind, self.clock_of_the_cache))

    async def move_the_clock_of_the_cache(self, seconds: int) -> None:
        self.clock_of_the_cache.now += seconds

    async def write_behind(self, id: str) -> None:
        await write_bytes(self.behind, id, b"glove")
        self.model_behind.write(id, b"glove")

    async def invalidate_behind(self, id: str) -> None:
        await self.behind.invalidate(id)
        self.model_behind.invalidate(id)

    EVENTS: ClassVar[list[Event]] = [
        *ClockedStory.EVENTS,
        *product((move_the_clock_of_the_cache,), [FRESH / 2, FRESH - 1, 1] * 6),
        *product((write_behind, write_behind, invalidate_behind), IDS),
    ]


class RedisStory(UpdatableStory):
    """Its server has a clock of its own, which does not get far meanwhile."""

    stories = count()

    def __init__(self, *, port: int) -> None:
        self.client = Redis(port=port)
        super().__init__(SessionStorageRedis(self.client, prefix=f"{next(self.stories)}:"), Model(Clock()))

    def teardown(self) -> None:
        self.portal.call(self.client.aclose)


@pytest.mark.parametrize("stories", [SimplifiedStory, MemoryStory, SmallMemoryStory, DirectoryStory, CacheStory])
def test_a_storage_is_a_dict(stories: Callable[[], Story], anyio_backend: str) -> None:
    tell(stories, anyio_backend)


def test_redis_is_a_dict(redis_port: int) -> None:
    tell(partial(RedisStory, port=redis_port), "asyncio")
