"""The contract kit: every storage passes it, a stranger's too, and each check catches the one mistake it is for."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from inspect import iscoroutinefunction
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

import anyio
import pytest
import trio
from anyio import to_thread
from anyio.abc import ByteReceiveStream, ByteSendStream
from anyio.lowlevel import checkpoint

from coatcheck import SessionNotFound, SessionStorageMemory, testing
from coatcheck.streams import BytesReceiveStream, BytesSendStream
from coatcheck.testing import (
    CHECKS,
    UPDATE_CHECKS,
    an_id_appears_in_no_log_line,
    concurrent_updates_lose_nothing,
    no_task_outlives_an_update,
    no_task_outlives_its_call,
)
from tests.support.storage import Shelf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from coatcheck import ByteReadChannel, ByteWriteChannel, SessionStorage
    from coatcheck.testing import Check

T = TypeVar("T")


@pytest.mark.parametrize("check", CHECKS)
async def test_a_storage_of_the_library_keeps_the_contract(check: Check, storage: SessionStorage) -> None:
    await check(storage)


@pytest.mark.parametrize("check", UPDATE_CHECKS)
async def test_a_storage_of_the_library_updates_as_it_must(check: Check, storage: SessionStorage) -> None:
    await check(storage)


# --- storages as a stranger would write them -----------------------------------------------------------------------


class Reader(ByteReceiveStream):
    def __init__(self, data: bytes) -> None:
        self.data: bytes | None = data

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if self.data is None:
            raise anyio.ClosedResourceError
        if not self.data:
            raise anyio.EndOfStream
        piece, self.data = self.data[:max_bytes], self.data[max_bytes:]
        return piece

    async def aclose(self) -> None:
        self.data = None


class Writer(ByteSendStream):
    def __init__(self) -> None:
        self.data = bytearray()
        self.closed = False

    async def send(self, item: bytes) -> None:
        if self.closed:
            raise anyio.ClosedResourceError
        self.data += item

    async def aclose(self) -> None:
        self.closed = True


class ThreeMethods:
    def __init__(self) -> None:
        self.sessions: dict[str, bytes] = {}

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        async with Writer() as channel:
            await provider(channel)
        self.sessions[id] = bytes(channel.data)

    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        if id not in self.sessions:
            raise SessionNotFound
        async with Reader(self.sessions[id]) as channel:
            return await consumer(channel)

    async def invalidate(self, id: str, /) -> None:
        self.sessions.pop(id, None)


class FourMethods(ThreeMethods):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        if id not in self.sessions:
            raise SessionNotFound
        new = self.sessions[id] = transform(self.sessions[id])
        return new


class Threaded(FourMethods):
    """Transforms in a worker thread. Whatever changes a session holds a lock."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = Lock()

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        async with Writer() as channel:
            await provider(channel)
        with self.lock:
            self.sessions[id] = bytes(channel.data)

    async def invalidate(self, id: str, /) -> None:
        with self.lock:
            self.sessions.pop(id, None)

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        def replace() -> bytes:
            with self.lock:
                if id not in self.sessions:
                    raise SessionNotFound
                new = self.sessions[id] = transform(self.sessions[id])
                return new

        return await to_thread.run_sync(replace)


class Optimistic(ThreeMethods):
    """Transforms aside, and again if the session was changed meanwhile, in whatever way it does not overlook."""

    overlooks = ""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[tuple[str, str]] = []

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        await super().write(id, provider)
        self.changes.append(("write", id))

    async def invalidate(self, id: str, /) -> None:
        await super().invalidate(id)
        self.changes.append(("invalidate", id))

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        while id in self.sessions:
            seen = len(self.changes)
            new = transform(self.sessions[id])
            await a_while()
            if all(how == self.overlooks for how, changed in self.changes[seen:] if changed == id):
                self.sessions[id] = new
                self.changes.append(("update", id))
                return new
        raise SessionNotFound


async def a_while() -> None:
    for _ in range(3):
        await checkpoint()


@pytest.mark.parametrize("stranger", [Shelf, ThreeMethods])
@pytest.mark.parametrize("check", CHECKS)
async def test_a_strangers_storage_keeps_the_contract(check: Check, stranger: Callable[[], SessionStorage]) -> None:
    await check(stranger())


@pytest.mark.parametrize("stranger", [FourMethods, Threaded, Optimistic])
@pytest.mark.parametrize("check", UPDATE_CHECKS)
async def test_a_strangers_storage_updates_as_it_must(check: Check, stranger: Callable[[], SessionStorage]) -> None:
    await check(stranger())


@pytest.mark.parametrize("check", UPDATE_CHECKS)
async def test_a_storage_without_update_is_told_so(check: Check) -> None:
    with pytest.raises(AssertionError, match="has no update"):
        await check(ThreeMethods())


# --- a storage for each mistake -----------------------------------------------------------------------------------


class TranslatesNewlines(Shelf):
    async def save(self, id: str, data: bytes | None) -> None:
        await super().save(id, data and data.replace(b"\r\n", b"\n"))


class CutsLargeSessions(Shelf):
    async def save(self, id: str, data: bytes | None) -> None:
        await super().save(id, data and data[:500_000])


class KeepsTheLastPiece(ThreeMethods):
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        class LastPiece(Writer):
            async def send(self, item: bytes) -> None:
                await super().send(b"")
                if len(item) < 1000:
                    self.data.clear()
                self.data += item

        async with LastPiece() as channel:
            await provider(channel)
        self.sessions[id] = bytes(channel.data)


class LosesEmptySessions(Shelf):
    async def load(self, id: str) -> bytes | None:
        return await super().load(id) or None


class WritesOverWithoutCutting(Shelf):
    async def save(self, id: str, data: bytes | None) -> None:
        if data is not None and data.isalpha():
            data += self.sessions.get(id, b"")[len(data) :]
        await super().save(id, data)


class CallsTheConsumerOnAMiss(Shelf):
    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        if id not in self.sessions:
            await consumer(BytesReceiveStream(b""))
        return await super().read(id, consumer)


class ReturnsNothingForWhatItNeverSaw(ThreeMethods):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        self.seen.add(id)
        await super().write(id, provider)

    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        if id not in self.seen:
            return None  # type: ignore[return-value]  # the mistake
        return await super().read(id, consumer)


class NeverForgets(Shelf):
    async def save(self, id: str, data: bytes | None) -> None:
        if data is not None:
            await super().save(id, data)


class RefusesToForgetTheUnknown(ThreeMethods):
    async def invalidate(self, id: str, /) -> None:
        if self.sessions.pop(id, None) is None:
            raise SessionNotFound


class BansWhatItForgot(Shelf):
    def __init__(self) -> None:
        super().__init__()
        self.banned: set[str] = set()

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        banned = id in self.banned
        await super().write(id, provider)
        if banned:
            await self.save(id, None)

    async def invalidate(self, id: str, /) -> None:
        self.banned.add(id)
        await super().invalidate(id)


class ForgetsAllAtOnce(ThreeMethods):
    async def invalidate(self, _: str, /) -> None:
        self.sessions.clear()


class KeepsWhatAFailureLeft(ThreeMethods):
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        channel = Writer()
        try:
            await provider(channel)
        except Exception:
            self.sessions[id] = bytes(channel.data)
            raise
        await channel.aclose()
        self.sessions[id] = bytes(channel.data)


class KeepsWhatACancellationLeft(ThreeMethods):
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        channel = Writer()
        try:
            await provider(channel)
        except anyio.get_cancelled_exc_class():
            self.sessions[id] = bytes(channel.data)
            raise
        await channel.aclose()
        self.sessions[id] = bytes(channel.data)


class SwallowsACancelledWrite(Shelf):
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        with suppress(anyio.get_cancelled_exc_class()):
            await super().write(id, provider)


class SwallowsACancelledRead(Shelf):
    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        with suppress(anyio.get_cancelled_exc_class()):
            return await super().read(id, consumer)
        return None  # type: ignore[return-value]  # the mistake


class WrapsTheProvidersError(Shelf):
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        async def run(channel: ByteWriteChannel) -> None:
            try:
                await provider(channel)
            except Exception as error:
                raise ExceptionGroup("in a task group", [error]) from error

        await super().write(id, run)


class SwallowsTheProvidersError(Shelf):
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        with suppress(Exception):
            await super().write(id, provider)


class TakesTheConsumersErrorForItsOwn(ThreeMethods):
    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        try:
            async with Reader(self.sessions[id]) as channel:
                return await consumer(channel)
        except KeyError:
            raise SessionNotFound from None


class ReturnsNoNothing(Shelf):
    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        result = await super().read(id, consumer)
        return b"" if result is None else result  # type: ignore[return-value]  # the mistake


class WantsToBeReadToTheEnd(ThreeMethods):
    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        channel = Reader(self.sessions[id]) if id in self.sessions else None
        if channel is None:
            raise SessionNotFound
        result = await consumer(channel)
        if channel.data:
            raise ValueError("not read to the end")
        await channel.aclose()
        return result


class LiveReader(Reader):
    """Looks its bytes up anew for each piece."""

    def __init__(self, lookup: Callable[[], bytes]) -> None:
        super().__init__(lookup())
        self.lookup = lookup
        self.position = 0

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if self.data is not None:
            self.data = self.lookup()[self.position :]
        piece = await super().receive(max_bytes)
        self.position += len(piece)
        return piece


class ReadsWhatIsWrittenMeanwhile(ThreeMethods):
    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        if id not in self.sessions:
            raise SessionNotFound
        first = self.sessions[id]
        async with LiveReader(lambda: self.sessions.get(id, first)) as channel:
            return await consumer(channel)


class LosesWhatIsInvalidatedMeanwhile(ThreeMethods):
    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        if id not in self.sessions:
            raise SessionNotFound
        first = self.sessions[id]
        async with LiveReader(lambda: first if id in self.sessions else b"") as channel:
            return await consumer(channel)


class FindsNothingHalfWay(ThreeMethods):
    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        def look_up() -> bytes:
            if id not in self.sessions:
                raise SessionNotFound
            return first

        first = self.sessions.get(id, b"")
        async with LiveReader(look_up) as channel:
            return await consumer(channel)


class ShowsHalfASession(ThreeMethods):
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        sessions = self.sessions
        old = sessions.get(id)

        class Through(Writer):
            async def send(self, item: bytes) -> None:
                await super().send(item)
                sessions[id] = bytes(self.data)

        try:
            async with Through() as channel:
                await provider(channel)
        except BaseException:
            sessions.pop(id, None) if old is None else sessions.update({id: old})
            raise
        sessions[id] = bytes(channel.data)


class WritesOneAtATime(Shelf):
    def __init__(self) -> None:
        super().__init__()
        self.lock = anyio.Lock()
        self.writing: str | None = None

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        if id == self.writing:
            return await super().write(id, provider)
        async with self.lock:
            self.writing = id
            try:
                await super().write(id, provider)
            finally:
                self.writing = None


class InvalidatesAfterTheWrite(Shelf):
    of_the_same: bool

    def __init__(self) -> None:
        super().__init__()
        self.lock = anyio.Lock()
        self.writing: str | None = None

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        if self.lock.locked():
            await super().write(id, provider)
        else:
            async with self.lock:
                self.writing = id
                await super().write(id, provider)

    async def invalidate(self, id: str, /) -> None:
        if (id == self.writing) is self.of_the_same:
            async with self.lock:
                pass
        await super().invalidate(id)


class InvalidatesAfterTheWriteOfAnother(InvalidatesAfterTheWrite):
    of_the_same = False


class InvalidatesAfterTheWriteOfTheSame(InvalidatesAfterTheWrite):
    of_the_same = True


class DropsWhatWasOvertaken(ThreeMethods):
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        before = self.sessions.get(id)
        async with Writer() as channel:
            await provider(channel)
        if self.sessions.get(id) in (before, None):
            self.sessions[id] = bytes(channel.data)


class DropsWhatWasInvalidated(ThreeMethods):
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        known = id in self.sessions
        async with Writer() as channel:
            await provider(channel)
        if id in self.sessions or not known:
            self.sessions[id] = bytes(channel.data)


class GivesMoreThanAskedFor(Shelf):
    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        class Generous(BytesReceiveStream):
            async def receive(self, max_bytes: int = 65536) -> bytes:
                return await super().receive(max(max_bytes, 5))

        data = await self.load(id)
        if data is None:
            raise SessionNotFound
        async with Generous(data) as channel:
            return await consumer(channel)


class RewindsAtTheEnd(ThreeMethods):
    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        class Rewinding(Reader):
            async def receive(self, max_bytes: int = 65536) -> bytes:
                try:
                    return await super().receive(max_bytes)
                except anyio.EndOfStream:
                    self.data = whole
                    raise

        if id not in self.sessions:
            raise SessionNotFound
        whole = self.sessions[id]
        async with Rewinding(whole) as channel:
            return await consumer(channel)


class LeavesItsChannelsOpen(Shelf):
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        channel = BytesSendStream()
        await provider(channel)
        await self.save(id, channel.value())


class IgnoresCase(Shelf):
    async def load(self, id: str) -> bytes | None:
        return await super().load(id.lower())

    async def save(self, id: str, data: bytes | None) -> None:
        await super().save(id.lower(), data)


class LosesLongIds(Shelf):
    async def save(self, id: str, data: bytes | None) -> None:
        if len(id) < 256:
            await super().save(id, data)


class NamesTheId(Shelf):
    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        if id not in self.sessions:
            raise SessionNotFound(f"no session {id}")
        return await super().read(id, consumer)


class HasIdsInItsRepr(Shelf):
    def __repr__(self) -> str:
        return f"<a shelf of {list(self.sessions)}>"


class ChainsTheId(ThreeMethods):
    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        try:
            data = self.sessions[id]
        except KeyError as error:
            raise SessionNotFound from error
        async with Reader(data) as channel:
            return await consumer(channel)


class NotesTheId(Shelf):
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        try:
            await super().write(id, provider)
        except Exception as error:
            error.add_note(f"while {id} was written")
            raise


class LogsTheId(Shelf):
    async def save(self, id: str, data: bytes | None) -> None:
        logging.getLogger("shelf").debug("saving %s", id)
        await super().save(id, data)


class LogsTheIdAside(Shelf):
    async def load(self, id: str) -> bytes | None:
        logging.getLogger("shelf").info("loading", extra={"session": id})
        return await super().load(id)


class LeavesATaskBehind(Shelf):
    async def save(self, id: str, data: bytes | None) -> None:
        await super().save(id, data)
        self.task = start_a_task()


class LeavesATaskOnAMiss(Shelf):
    async def load(self, id: str) -> bytes | None:
        if id not in self.sessions:
            self.task = start_a_task()
        return await super().load(id)


def start_a_task() -> object:
    """Start a task that nobody waits for, and that does not end."""
    try:
        return asyncio.get_running_loop().create_task(anyio.sleep_forever())
    except RuntimeError:
        return trio.lowlevel.spawn_system_task(anyio.sleep_forever)


MISTAKES: dict[type[SessionStorage], str] = {
    TranslatesNewlines: "bytes_come_back_as_they_were",
    CutsLargeSessions: "a_large_session_comes_back_whole",
    KeepsTheLastPiece: "pieces_are_joined_in_order",
    LosesEmptySessions: "an_empty_session_is_a_session",
    WritesOverWithoutCutting: "a_write_replaces_what_was_there",
    CallsTheConsumerOnAMiss: "an_unknown_id_calls_no_consumer",
    ReturnsNothingForWhatItNeverSaw: "an_unknown_id_calls_no_consumer",
    NeverForgets: "an_invalidated_id_is_not_found",
    RefusesToForgetTheUnknown: "invalidating_twice_is_harmless",
    BansWhatItForgot: "an_invalidated_id_can_be_written_again",
    ForgetsAllAtOnce: "sessions_do_not_touch_each_other",
    KeepsWhatAFailureLeft: "a_write_that_raises_changes_nothing",
    KeepsWhatACancellationLeft: "a_cancelled_write_changes_nothing",
    SwallowsACancelledWrite: "a_cancellation_is_not_swallowed",
    SwallowsACancelledRead: "a_cancellation_is_not_swallowed",
    WrapsTheProvidersError: "a_providers_error_arrives_as_it_is",
    SwallowsTheProvidersError: "a_providers_error_arrives_as_it_is",
    TakesTheConsumersErrorForItsOwn: "a_consumers_error_arrives_as_it_is",
    ReturnsNoNothing: "the_consumers_result_is_returned",
    WantsToBeReadToTheEnd: "a_consumer_may_stop_early",
    ReadsWhatIsWrittenMeanwhile: "a_reader_keeps_its_version_while_another_is_written",
    LosesWhatIsInvalidatedMeanwhile: "a_reader_keeps_its_version_while_it_is_invalidated",
    FindsNothingHalfWay: "a_reader_keeps_its_version_while_it_is_invalidated",
    ShowsHalfASession: "a_session_is_seen_only_when_it_is_whole",
    WritesOneAtATime: "a_slow_write_delays_no_other",
    InvalidatesAfterTheWriteOfAnother: "a_slow_write_delays_no_invalidation",
    DropsWhatWasOvertaken: "the_write_that_returns_last_wins",
    InvalidatesAfterTheWriteOfTheSame: "a_write_outlasts_an_earlier_invalidation",
    DropsWhatWasInvalidated: "a_write_outlasts_an_earlier_invalidation",
    GivesMoreThanAskedFor: "a_read_channel_gives_no_more_than_asked_for",
    RewindsAtTheEnd: "a_read_channel_gives_no_more_than_asked_for",
    LeavesItsChannelsOpen: "a_channel_is_closed_when_its_callback_returns",
    IgnoresCase: "any_string_is_an_id",
    LosesLongIds: "any_string_is_an_id",
    NamesTheId: "an_id_appears_in_no_message",
    HasIdsInItsRepr: "an_id_appears_in_no_message",
    ChainsTheId: "an_id_appears_in_no_message",
    NotesTheId: "an_id_appears_in_no_message",
    LogsTheId: "an_id_appears_in_no_log_line",
    LogsTheIdAside: "an_id_appears_in_no_log_line",
    LeavesATaskBehind: "no_task_outlives_its_call",
    LeavesATaskOnAMiss: "no_task_outlives_its_call",
}


# --- and for each mistake in an update ----------------------------------------------------------------------------


class ReturnsWhatWasThere(FourMethods):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        old = self.sessions.get(id, b"")
        await super().update(id, transform)
        return old


class TranslatesForTheTransform(FourMethods):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        return await super().update(id, lambda data: transform(data.replace(b"\r\n", b"\n")))


class UpdatesNoEmptySession(FourMethods):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        if not self.sessions.get(id):
            raise SessionNotFound
        return await super().update(id, transform)


class TransformsOnAMiss(FourMethods):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        if id not in self.sessions:
            transform(b"")
        return await super().update(id, transform)


class RemembersWhatItForgot(FourMethods):
    def __init__(self) -> None:
        super().__init__()
        self.forgotten: dict[str, bytes] = {}

    async def invalidate(self, id: str, /) -> None:
        self.forgotten[id] = self.sessions.pop(id, b"")


class CreatesWhatWasNeverThere(RemembersWhatItForgot):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        if id not in self.forgotten:
            self.sessions.setdefault(id, b"")
        return await super().update(id, transform)


class UpdatesWhatItForgot(RemembersWhatItForgot):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        if id in self.forgotten:
            self.sessions[id] = self.forgotten.pop(id)
        return await super().update(id, transform)


class EmptiesASessionThatItCannotTransform(FourMethods):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        try:
            return await super().update(id, transform)
        except Exception:
            if id in self.sessions:
                self.sessions[id] = b""
            raise


class TakesTheTransformsErrorForItsOwn(ThreeMethods):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        try:
            new = self.sessions[id] = transform(self.sessions[id])
        except KeyError:
            raise SessionNotFound from None
        return new


class UpdatesAllThatAreWords(FourMethods):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        new = await super().update(id, transform)
        self.sessions.update({other: new for other, data in self.sessions.items() if data.isalpha()})
        return new


class OverlooksUpdates(Optimistic):
    overlooks = "update"


class OverlooksWrites(Optimistic):
    overlooks = "write"


class OverlooksInvalidations(Optimistic):
    overlooks = "invalidate"


class KeepsHalfOfACancelledUpdate(FourMethods):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        try:
            await a_while()
        except anyio.get_cancelled_exc_class():
            self.sessions[id] = transform(self.sessions[id])[:1000]
            raise
        return await super().update(id, transform)


class StaysLockedWhenCancelled(FourMethods):
    def __init__(self) -> None:
        super().__init__()
        self.lock = anyio.Lock()

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        await self.lock.acquire()
        await a_while()
        self.lock.release()
        return await super().update(id, transform)


class ReadsWhatIsUpdatedMeanwhile(FourMethods):
    def __init__(self) -> None:
        super().__init__()
        self.updated: dict[str, bytes] = {}

    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        if id not in self.sessions:
            raise SessionNotFound
        self.updated.pop(id, None)
        first = self.sessions[id]
        async with LiveReader(lambda: self.updated.get(id, first)) as channel:
            return await consumer(channel)

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        new = self.updated[id] = await super().update(id, transform)
        return new


class UpdatesAfterTheRead(FourMethods):
    def __init__(self) -> None:
        super().__init__()
        self.lock = anyio.Lock()

    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        async with self.lock:
            return await super().read(id, consumer)

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        async with self.lock:
            return await super().update(id, transform)


class UpdatesAfterTheWrite(FourMethods):
    def __init__(self) -> None:
        super().__init__()
        self.lock = anyio.Lock()

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        if self.lock.locked():
            await super().write(id, provider)
        else:
            async with self.lock:
                await super().write(id, provider)

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        async with self.lock:
            return await super().update(id, transform)


class IgnoresCaseInUpdates(FourMethods):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        return await super().update(id.lower(), transform)


class NamesTheIdOfAnUpdate(FourMethods):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        if id not in self.sessions:
            raise SessionNotFound(f"no session {id}")
        return await super().update(id, transform)


class LogsTheIdOfAnUpdate(FourMethods):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        logging.getLogger("four").debug("updating %s", id)
        return await super().update(id, transform)


class LeavesATaskAfterAnUpdate(FourMethods):
    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        self.task = start_a_task()
        return await super().update(id, transform)


UPDATE_MISTAKES: dict[type[SessionStorage], str] = {
    ReturnsWhatWasThere: "an_update_replaces_the_session_and_returns_it",
    TranslatesForTheTransform: "a_transform_gets_the_stored_bytes",
    UpdatesNoEmptySession: "a_transform_gets_the_stored_bytes",
    TransformsOnAMiss: "an_update_never_creates",
    CreatesWhatWasNeverThere: "an_update_never_creates",
    EmptiesASessionThatItCannotTransform: "an_update_that_raises_changes_nothing",
    TakesTheTransformsErrorForItsOwn: "a_transforms_error_arrives_as_it_is",
    UpdatesAllThatAreWords: "an_update_leaves_other_sessions_alone",
    OverlooksUpdates: "concurrent_updates_lose_nothing",
    OverlooksWrites: "an_update_undoes_no_write",
    OverlooksInvalidations: "an_update_undoes_no_invalidation",
    UpdatesWhatItForgot: "an_update_undoes_no_invalidation",
    KeepsHalfOfACancelledUpdate: "a_cancelled_update_leaves_the_old_session_or_the_new",
    StaysLockedWhenCancelled: "a_cancelled_update_leaves_the_old_session_or_the_new",
    ReadsWhatIsUpdatedMeanwhile: "a_reader_keeps_its_version_while_it_is_updated",
    UpdatesAfterTheRead: "a_reader_keeps_its_version_while_it_is_updated",
    UpdatesAfterTheWrite: "a_slow_write_delays_no_update",
    IgnoresCaseInUpdates: "any_string_is_an_id_to_update",
    NamesTheIdOfAnUpdate: "an_update_tells_no_id",
    LogsTheIdOfAnUpdate: "an_update_tells_no_id",
    LeavesATaskAfterAnUpdate: "no_task_outlives_an_update",
}


def test_every_check_is_in_its_kit() -> None:
    own = [value for value in vars(testing).values() if getattr(value, "__module__", None) == testing.__name__]
    checks = [value for value in own if iscoroutinefunction(value) and not value.__name__.startswith("_")]
    assert checks == [*CHECKS, *UPDATE_CHECKS, testing.report]


@pytest.mark.parametrize(("mistakes", "checks"), [(MISTAKES, CHECKS), (UPDATE_MISTAKES, UPDATE_CHECKS)])
def test_there_is_a_mistake_for_each_check(
    mistakes: dict[type[SessionStorage], str], checks: tuple[Check, ...]
) -> None:
    assert list(dict.fromkeys(mistakes.values())) == [check.__name__ for check in checks]


async def failures(checks: tuple[Check, ...], mistake: type[SessionStorage]) -> list[str]:
    failed = []
    for check in checks:
        try:
            await check(mistake())
        except Exception:  # noqa: BLE001 - a check fails by raising, whatever it raises
            failed.append(check.__name__)
    return failed


@pytest.mark.parametrize(("mistake", "caught_by"), MISTAKES.items())
async def test_a_mistake_is_caught_by_its_check_and_by_no_other(mistake: type[SessionStorage], caught_by: str) -> None:
    assert await failures(CHECKS, mistake) == [caught_by]


@pytest.mark.parametrize(("mistake", "caught_by"), UPDATE_MISTAKES.items())
async def test_a_mistake_in_an_update_is_caught_likewise(mistake: type[SessionStorage], caught_by: str) -> None:
    assert await failures(CHECKS + UPDATE_CHECKS, mistake) == [caught_by]


WORDS: dict[type[SessionStorage], str] = {
    ReturnsNothingForWhatItNeverSaw: "reading an unknown id raised no SessionNotFound",
    SwallowsTheProvidersError: "the caller's own error was swallowed",
    FindsNothingHalfWay: "a reader lost its session half-way",
    RewindsAtTheEnd: "a channel that had ended gave more",
    LosesLongIds: "an id ending in 'xxxxxxxxxx' is mixed up with another, or lost",
}


@pytest.mark.parametrize(("mistake", "words"), WORDS.items())
async def test_a_check_says_what_is_wrong(mistake: type[SessionStorage], words: str) -> None:
    check: Check = getattr(testing, MISTAKES[mistake])
    with pytest.raises(AssertionError, match=f"^{words}$"):
        await check(mistake())


# --- the kit as a guest -------------------------------------------------------------------------------------------


async def test_one_storage_may_serve_all_checks() -> None:
    storage = SessionStorageMemory()
    for check in (CHECKS + UPDATE_CHECKS) * 2:
        await check(storage)


async def test_tasks_of_others_are_not_held_against_a_storage() -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(a_while)
        tasks.start_soon(anyio.sleep_forever)
        await no_task_outlives_its_call(Threaded())
        await no_task_outlives_an_update(Threaded())
        tasks.cancel_scope.cancel()


class Impatient(FourMethods):
    """Refuses an update while another is under way."""

    updating = False

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        if self.updating:
            raise BlockingIOError("busy")
        self.updating = True
        try:
            await a_while()
            return await super().update(id, transform)
        finally:
            self.updating = False


async def test_an_error_of_a_storage_arrives_as_it_is_from_one_of_many_tasks() -> None:
    with pytest.raises(BlockingIOError, match="busy"):
        await concurrent_updates_lose_nothing(Impatient())


@pytest.mark.parametrize("shelf", [Shelf, LogsTheId])
async def test_a_check_leaves_the_loggers_as_they_were(shelf: type[Shelf]) -> None:
    root = logging.getLogger()
    before = root.level, root.handlers.copy()
    with suppress(AssertionError):
        await an_id_appears_in_no_log_line(shelf())
    assert (root.level, root.handlers) == before


def test_what_is_not_found_is_told_without_its_id() -> None:
    assert str(SessionNotFound()) == "no session is stored under this id"
