"""The contract of a session storage as checks that any test suite can run.

Each check is an `async` function that takes a storage and raises where it breaks the rule that the check is named
after, as a rule an `AssertionError` that says how. No test framework is needed, and any will do:

    for check in CHECKS:
        await check(MyStorage())

A check uses fresh ids, so one storage may serve them all.
"""

from __future__ import annotations

import secrets
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from anyio import CancelScope, ClosedResourceError, EndOfStream, move_on_after
from anyio.lowlevel import checkpoint

from .storage import SessionNotFound, read_bytes, write_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .storage import ByteReadChannel, ByteWriteChannel, SessionStorage

    Check: TypeAlias = Callable[[SessionStorage], Awaitable[None]]

T = TypeVar("T")

_PATIENCE = 2.0  # seconds after which a storage that should not wait is taken to wait for ever


async def bytes_come_back_as_they_were(storage: SessionStorage) -> None:
    """A session is bytes, not text: nothing is decoded, translated or stripped."""
    data = bytes(range(256)) + b"\r\n \x00"
    await _stores(storage, _new_id(), data)


async def a_large_session_comes_back_whole(storage: SessionStorage) -> None:
    """A megabyte sent in one piece is a megabyte."""
    await _stores(storage, _new_id(), secrets.token_hex(512).encode() * 1024)


async def pieces_are_joined_in_order(storage: SessionStorage) -> None:
    """What the provider sends piece by piece is one session."""
    id = _new_id()

    async def send_three(channel: ByteWriteChannel) -> None:
        for piece in (b"one ", b"two ", b"three"):
            await channel.send(piece)

    await storage.write(id, send_three)
    await _holds(storage, id, b"one two three")


async def an_empty_session_is_a_session(storage: SessionStorage) -> None:
    """A provider that sends nothing, or nothing but `b""`, has written a session of no bytes."""
    sends_nothing, sends_empty = _new_id(), _new_id()

    async def send_nothing(_: ByteWriteChannel) -> None:
        pass

    await storage.write(sends_nothing, send_nothing)
    await _holds(storage, sends_nothing, b"")
    await _stores(storage, sends_empty, b"")


async def a_write_replaces_what_was_there(storage: SessionStorage) -> None:
    """A shorter session leaves nothing of a longer one."""
    id = _new_id()
    await write_bytes(storage, id, b"a long session")
    await _stores(storage, id, b"short")


async def an_unknown_id_calls_no_consumer(storage: SessionStorage) -> None:
    """`SessionNotFound` is raised before the consumer is called."""
    called = False

    async def consume(_: ByteReadChannel) -> None:
        nonlocal called
        called = True

    try:
        await storage.read(_new_id(), consume)
    except SessionNotFound:
        _require(not called, "the consumer was called although nothing is stored")
    else:
        raise AssertionError("reading an unknown id raised no SessionNotFound")


async def an_invalidated_id_is_not_found(storage: SessionStorage) -> None:
    """What was invalidated cannot be read."""
    id = _new_id()
    await write_bytes(storage, id, b"data")
    await storage.invalidate(id)
    await _holds_nothing(storage, id)


async def invalidating_twice_is_harmless(storage: SessionStorage) -> None:
    """Forgetting what is not there is no error."""
    id = _new_id()
    await write_bytes(storage, id, b"data")
    try:
        await storage.invalidate(id)
        await storage.invalidate(id)
        await storage.invalidate(_new_id())
    except Exception as error:
        raise AssertionError("invalidating what is not there raised an error") from error


async def an_invalidated_id_can_be_written_again(storage: SessionStorage) -> None:
    """Invalidation is no ban."""
    id = _new_id()
    await write_bytes(storage, id, b"first")
    await storage.invalidate(id)
    await _stores(storage, id, b"second")


async def sessions_do_not_touch_each_other(storage: SessionStorage) -> None:
    """Writing or invalidating one session leaves another as it was."""
    mine, yours = _new_id(), _new_id()
    await write_bytes(storage, mine, b"mine")
    await write_bytes(storage, yours, b"yours")
    await _holds(storage, mine, b"mine")
    await storage.invalidate(yours)
    await _holds(storage, mine, b"mine")


async def a_write_that_raises_changes_nothing(storage: SessionStorage) -> None:
    """If the provider raises half-way, the old session stays; where there was none, there is none."""
    known, unknown = _new_id(), _new_id()
    await write_bytes(storage, known, b"old")

    async def fail(channel: ByteWriteChannel) -> None:
        await channel.send(b"new")
        raise _OnPurpose

    for id in (known, unknown):
        with suppress(Exception):  # which error arrives is the business of another check
            await storage.write(id, fail)
    await _holds(storage, known, b"old")
    await _holds_nothing(storage, unknown)


async def a_cancelled_write_changes_nothing(storage: SessionStorage) -> None:
    """If the write is cancelled half-way, the old session stays; where there was none, there is none."""
    known, unknown = _new_id(), _new_id()
    await write_bytes(storage, known, b"old")
    for id in (known, unknown):
        with CancelScope() as scope:

            async def give_up(channel: ByteWriteChannel, scope: CancelScope = scope) -> None:
                await channel.send(b"new")
                scope.cancel()
                await checkpoint()

            await storage.write(id, give_up)
    await _holds(storage, known, b"old")
    await _holds_nothing(storage, unknown)


async def a_providers_error_arrives_as_it_is(storage: SessionStorage) -> None:
    """The very exception: not wrapped, not in a group, not swallowed."""
    mine = _OnPurpose()

    async def fail(_: ByteWriteChannel) -> None:
        raise mine

    await _raises(mine, storage.write(_new_id(), fail))


async def a_consumers_error_arrives_as_it_is(storage: SessionStorage) -> None:
    """The very exception, also one that looks like a storage's own."""
    id = _new_id()
    await write_bytes(storage, id, b"data")
    for mine in (_OnPurpose(), KeyError("on purpose"), FileNotFoundError("on purpose")):

        async def fail(_: ByteReadChannel, mine: Exception = mine) -> None:
            raise mine

        await _raises(mine, storage.read(id, fail))


async def the_consumers_result_is_returned(storage: SessionStorage) -> None:
    """As it is, `None` and other empty things included."""
    id = _new_id()
    await write_bytes(storage, id, b"data")
    for result in (object(), None, 0):

        async def consume(channel: ByteReadChannel, result: object = result) -> object:
            await _collect(channel)
            return result

        _require(
            await storage.read(id, consume) is result, f"read did not return the consumer's {type(result).__name__}"
        )


async def a_consumer_may_stop_early(storage: SessionStorage) -> None:
    """Reading three bytes of a session is no error and spoils nothing."""
    id = _new_id()
    await write_bytes(storage, id, b"a session")

    async def taste(channel: ByteReadChannel) -> bytes:
        return await channel.receive(3)

    try:
        await storage.read(id, taste)
    except Exception as error:
        raise AssertionError("a consumer that stopped early caused an error") from error
    await _holds(storage, id, b"a session")


async def a_reader_keeps_its_version_while_another_is_written(storage: SessionStorage) -> None:
    """A read that began sees one version to its end."""
    id = _new_id()
    old, new = b"o" * 300_000, b"n" * 300_000
    await write_bytes(storage, id, old)

    async def write_between(channel: ByteReadChannel) -> bytes:
        first = await channel.receive(1)
        await _promptly(write_bytes(storage, id, new), "a write waited for a reader")
        return first + await _collect(channel)

    _require(await storage.read(id, write_between) == old, "a reader saw parts of two versions")
    await _holds(storage, id, new)


async def a_reader_keeps_its_version_while_it_is_invalidated(storage: SessionStorage) -> None:
    """A read that began is served to its end."""
    id = _new_id()
    data = b"d" * 300_000
    await write_bytes(storage, id, data)

    async def invalidate_between(channel: ByteReadChannel) -> bytes:
        first = await channel.receive(1)
        await _promptly(storage.invalidate(id), "an invalidation waited for a reader")
        return first + await _collect(channel)

    try:
        _require(await storage.read(id, invalidate_between) == data, "a reader lost a part of its version")
    except SessionNotFound as error:
        raise AssertionError("a reader lost its session half-way") from error


async def a_session_is_seen_only_when_it_is_whole(storage: SessionStorage) -> None:
    """While a write is under way, readers see what was there before."""
    known, unknown = _new_id(), _new_id()
    await write_bytes(storage, known, b"old")

    async def read_known(channel: ByteWriteChannel) -> None:
        await channel.send(b"n" * 100_000)
        await _promptly(_holds(storage, known, b"old"), "a read waited for a writer")
        await channel.send(b"n")

    async def read_unknown(channel: ByteWriteChannel) -> None:
        await channel.send(b"n" * 100_000)
        await _promptly(_holds_nothing(storage, unknown), "a read waited for a writer")
        await channel.send(b"n")

    await storage.write(known, read_known)
    await storage.write(unknown, read_unknown)


async def a_slow_write_delays_no_other(storage: SessionStorage) -> None:
    """While one provider takes its time, another session is written."""
    slow, quick = _new_id(), _new_id()

    async def write_another(channel: ByteWriteChannel) -> None:
        await _promptly(write_bytes(storage, quick, b"quick"), "a write waited for the write of another session")
        await channel.send(b"slow")

    await storage.write(slow, write_another)
    await _holds(storage, quick, b"quick")
    await _holds(storage, slow, b"slow")


async def the_write_that_returns_last_wins(storage: SessionStorage) -> None:
    """When a write has returned, a reader sees its session, whatever was written while it was under way."""
    id = _new_id()

    async def be_overtaken(channel: ByteWriteChannel) -> None:
        await channel.send(b"first to begin, last to return")
        await _promptly(write_bytes(storage, id, b"overtaking"), "a write waited for another of the same session")

    await storage.write(id, be_overtaken)
    await _holds(storage, id, b"first to begin, last to return")


async def a_read_channel_gives_no_more_than_asked_for(storage: SessionStorage) -> None:
    """`receive(n)` returns 1 to `n` bytes, and `EndOfStream` is raised at the end, as often as asked."""
    id = _new_id()
    await write_bytes(storage, id, b"12345")

    async def sip(channel: ByteReadChannel) -> list[bytes]:
        pieces = []
        try:
            while True:
                pieces.append(await channel.receive(2))
        except EndOfStream:
            pass
        try:
            await channel.receive(2)
        except EndOfStream:
            return pieces
        raise AssertionError("a channel that had ended gave more")

    pieces = await storage.read(id, sip)
    _require(all(1 <= len(piece) <= 2 for piece in pieces), "receive(2) gave nothing, or more than two bytes")  # noqa: PLR2004
    _require(b"".join(pieces) == b"12345", "the pieces are not the session")


async def a_channel_is_closed_when_its_callback_returns(storage: SessionStorage) -> None:
    """Whoever opens a channel closes it: one that a callback kept can do nothing any more."""
    id = _new_id()
    write_channels: list[ByteWriteChannel] = []
    read_channels: list[ByteReadChannel] = []

    async def keep_write_channel(channel: ByteWriteChannel) -> None:
        await channel.send(b"data")
        write_channels.append(channel)

    async def keep_read_channel(channel: ByteReadChannel) -> None:
        await _collect(channel)
        read_channels.append(channel)

    await storage.write(id, keep_write_channel)
    await storage.read(id, keep_read_channel)
    try:
        await write_channels[0].send(b"more")
    except ClosedResourceError:
        pass
    else:
        raise AssertionError("the write channel is still open after write returned")
    try:
        await read_channels[0].receive()
    except ClosedResourceError:
        return
    except EndOfStream:
        pass
    raise AssertionError("the read channel is still open after read returned")


async def any_string_is_an_id(storage: SessionStorage) -> None:
    """An id is looked up, never interpreted: no path, no pattern, no case, no normal form, no limit of length."""
    own = _new_id()
    ids = [
        f"{own}{ending}"
        for ending in (
            *("", "/", "/..", "/../..", "\\..\\", ".", "..", " ", "\n", "\x00", "\x00x", ":", "%2e", "*", "?", "[a]"),
            *("{a}", "~", "'", '"', ";", "a", "A", "\xe9", "e\u0301", "\u202e", "\U0001f9e5", "\ud800", "\udcff"),
            *("x" * 10_000, "x" * 10_001),
        )
    ]
    ids += [f"../{own}", f"/{own}", f"C:\\{own}", f"-{own}", f"\x00{own}"]
    for number, id in enumerate(ids):
        await write_bytes(storage, id, b"%d" % number)
    for number, id in enumerate(ids):
        try:
            found = await read_bytes(storage, id) == b"%d" % number
        except SessionNotFound:
            found = False
        _require(found, f"an id ending in {id[-10:]!a} is mixed up with another, or lost")
    for id in ids:
        await storage.invalidate(id)


async def an_id_appears_in_no_message(storage: SessionStorage) -> None:
    """An id opens a session, so neither an error's text nor a `repr` holds it."""
    known, unknown = _new_id(), _new_id()
    await write_bytes(storage, known, b"data")
    _require(known not in repr(storage) + str(storage), "repr(storage) holds an id")
    try:
        await read_bytes(storage, unknown)
    except SessionNotFound as error:
        text = "".join(traceback.format_exception(error)) + repr(error)
        _require(unknown not in text, "the text of SessionNotFound holds the id")


CHECKS: tuple[Check, ...] = (
    bytes_come_back_as_they_were,
    a_large_session_comes_back_whole,
    pieces_are_joined_in_order,
    an_empty_session_is_a_session,
    a_write_replaces_what_was_there,
    an_unknown_id_calls_no_consumer,
    an_invalidated_id_is_not_found,
    invalidating_twice_is_harmless,
    an_invalidated_id_can_be_written_again,
    sessions_do_not_touch_each_other,
    a_write_that_raises_changes_nothing,
    a_cancelled_write_changes_nothing,
    a_providers_error_arrives_as_it_is,
    a_consumers_error_arrives_as_it_is,
    the_consumers_result_is_returned,
    a_consumer_may_stop_early,
    a_reader_keeps_its_version_while_another_is_written,
    a_reader_keeps_its_version_while_it_is_invalidated,
    a_session_is_seen_only_when_it_is_whole,
    a_slow_write_delays_no_other,
    the_write_that_returns_last_wins,
    a_read_channel_gives_no_more_than_asked_for,
    a_channel_is_closed_when_its_callback_returns,
    any_string_is_an_id,
    an_id_appears_in_no_message,
)
"""What every storage must do, one rule each."""


class _OnPurpose(Exception):  # noqa: N818 - it is thrown, not reported
    pass


def _new_id() -> str:
    return secrets.token_hex(16)


def _require(condition: bool, broken: str) -> None:  # noqa: FBT001 - reads as an assert
    if not condition:
        raise AssertionError(broken)


async def _collect(channel: ByteReadChannel) -> bytes:
    return b"".join([piece async for piece in channel])


async def _stores(storage: SessionStorage, id: str, data: bytes) -> None:
    await write_bytes(storage, id, data)
    await _holds(storage, id, data)


async def _holds(storage: SessionStorage, id: str, data: bytes) -> None:
    try:
        stored = await read_bytes(storage, id)
    except SessionNotFound as error:
        raise AssertionError("a session that should be there is not found") from error
    _require(stored == data, f"read {len(stored)} bytes ({stored[:20]!r}...) instead of {len(data)} ({data[:20]!r}...)")


async def _holds_nothing(storage: SessionStorage, id: str) -> None:
    try:
        await read_bytes(storage, id)
    except SessionNotFound:
        return
    raise AssertionError("a session that should not be there is found")


async def _raises(expected: Exception, call: Awaitable[object]) -> None:
    try:
        await call
    except Exception as error:
        if error is expected:
            return
        raise AssertionError(f"{type(error).__name__} arrived in place of the caller's own error") from error
    raise AssertionError("the caller's own error was swallowed")


async def _promptly(call: Awaitable[T], waited: str) -> None:
    with move_on_after(_PATIENCE) as scope:
        await call
    _require(not scope.cancelled_caught, waited)
