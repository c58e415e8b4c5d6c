"""The contract kit: every storage passes it, a stranger's too, and each check catches the one mistake it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import anyio
import pytest
from anyio.abc import ByteReceiveStream, ByteSendStream

from coatcheck import SessionNotFound, SessionStorageMemory, SimplifiedSessionStorage
from coatcheck.streams import BytesReceiveStream, BytesSendStream
from coatcheck.testing import CHECKS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from coatcheck import ByteReadChannel, ByteWriteChannel, SessionStorage
    from coatcheck.testing import Check

T = TypeVar("T")


@pytest.mark.parametrize("check", CHECKS)
async def test_a_storage_of_the_library_keeps_the_contract(check: Check, storage: SessionStorage) -> None:
    await check(storage)


# --- two storages as a stranger would write them ------------------------------------------------------------------


class Shelf(SimplifiedSessionStorage):
    def __init__(self) -> None:
        self.sessions: dict[str, bytes] = {}

    async def load(self, id: str) -> bytes | None:
        return self.sessions.get(id)

    async def save(self, id: str, data: bytes | None) -> None:
        self.sessions.pop(id, None) if data is None else self.sessions.update({id: data})


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


@pytest.mark.parametrize("stranger", [Shelf, ThreeMethods])
@pytest.mark.parametrize("check", CHECKS)
async def test_a_strangers_storage_keeps_the_contract(check: Check, stranger: Callable[[], SessionStorage]) -> None:
    await check(stranger())


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


class NeverForgets(Shelf):
    async def save(self, id: str, data: bytes | None) -> None:
        if data is not None:
            await super().save(id, data)


class RefusesToForgetTheUnknown(ThreeMethods):
    async def invalidate(self, id: str, /) -> None:
        del self.sessions[id]


class BansWhatItForgot(Shelf):
    def __init__(self) -> None:
        super().__init__()
        self.banned: set[str] = set()

    async def save(self, id: str, data: bytes | None) -> None:
        if data is None:
            self.banned.add(id)
        await super().save(id, None if id in self.banned else data)


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


class WrapsTheProvidersError(Shelf):
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        async def run(channel: ByteWriteChannel) -> None:
            try:
                await provider(channel)
            except Exception as error:
                raise ExceptionGroup("in a task group", [error]) from error

        await super().write(id, run)


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


class DropsWhatWasOvertaken(ThreeMethods):
    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        before = self.sessions.get(id)
        async with Writer() as channel:
            await provider(channel)
        if self.sessions.get(id) == before:
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


class NamesTheId(Shelf):
    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        if id not in self.sessions:
            raise SessionNotFound(f"no session {id}")
        return await super().read(id, consumer)


MISTAKES: dict[str, type[SessionStorage]] = {
    "bytes_come_back_as_they_were": TranslatesNewlines,
    "a_large_session_comes_back_whole": CutsLargeSessions,
    "pieces_are_joined_in_order": KeepsTheLastPiece,
    "an_empty_session_is_a_session": LosesEmptySessions,
    "a_write_replaces_what_was_there": WritesOverWithoutCutting,
    "an_unknown_id_calls_no_consumer": CallsTheConsumerOnAMiss,
    "an_invalidated_id_is_not_found": NeverForgets,
    "invalidating_twice_is_harmless": RefusesToForgetTheUnknown,
    "an_invalidated_id_can_be_written_again": BansWhatItForgot,
    "sessions_do_not_touch_each_other": ForgetsAllAtOnce,
    "a_write_that_raises_changes_nothing": KeepsWhatAFailureLeft,
    "a_cancelled_write_changes_nothing": KeepsWhatACancellationLeft,
    "a_providers_error_arrives_as_it_is": WrapsTheProvidersError,
    "a_consumers_error_arrives_as_it_is": TakesTheConsumersErrorForItsOwn,
    "the_consumers_result_is_returned": ReturnsNoNothing,
    "a_consumer_may_stop_early": WantsToBeReadToTheEnd,
    "a_reader_keeps_its_version_while_another_is_written": ReadsWhatIsWrittenMeanwhile,
    "a_reader_keeps_its_version_while_it_is_invalidated": LosesWhatIsInvalidatedMeanwhile,
    "a_session_is_seen_only_when_it_is_whole": ShowsHalfASession,
    "a_slow_write_delays_no_other": WritesOneAtATime,
    "the_write_that_returns_last_wins": DropsWhatWasOvertaken,
    "a_read_channel_gives_no_more_than_asked_for": GivesMoreThanAskedFor,
    "a_channel_is_closed_when_its_callback_returns": LeavesItsChannelsOpen,
    "any_string_is_an_id": IgnoresCase,
    "an_id_appears_in_no_message": NamesTheId,
}


def test_there_is_a_mistake_for_each_check() -> None:
    assert list(MISTAKES) == [check.__name__ for check in CHECKS]


@pytest.mark.parametrize("caught_by", MISTAKES)
async def test_a_mistake_is_caught_by_its_check_and_by_no_other(caught_by: str) -> None:
    failed = []
    for check in CHECKS:
        try:
            await check(MISTAKES[caught_by]())
        except Exception:  # noqa: BLE001 - a check fails by raising, whatever it raises
            failed.append(check.__name__)
    assert failed == [caught_by]


async def test_one_storage_may_serve_all_checks() -> None:
    storage = SessionStorageMemory()
    for check in (*CHECKS, *CHECKS):
        await check(storage)
