"""The contract of a session storage as checks that any test suite can run.

Each check is an `async` function that takes a storage and raises where it breaks the rule that the check is named
after, usually an `AssertionError` that says how. No test framework is needed, and any will do:

    for check in CHECKS:
        await check(MyStorage())

`UPDATE_CHECKS` are for a storage that has `update`. A check uses fresh ids, so all may use one storage. Run them one at
a time: some look at all tasks, or at all that is logged.

`report` runs all of them and prints what it finds:

    sys.exit(not asyncio.run(report(MyStorage)))
"""

from __future__ import annotations

import json
import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from anyio import CancelScope, ClosedResourceError, EndOfStream, create_task_group, get_running_tasks, move_on_after
from anyio.lowlevel import checkpoint

from .storage import SessionNotFound, SessionStorage, read_bytes, write_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .storage import ByteReadChannel, ByteWriteChannel, UpdatableSessionStorage

    Call: TypeAlias = Callable[[], Coroutine[Any, Any, object]]
    Callback: TypeAlias = Callable[[object], Coroutine[Any, Any, None]]
    Transform: TypeAlias = Callable[[bytes], bytes]

Check: TypeAlias = Callable[[SessionStorage], Awaitable[None]]
"""Returns if the storage keeps the rule, and raises if not."""

T = TypeVar("T")

_PATIENCE = 2.0  # seconds after which a storage that should not wait is taken to wait without end
_DELAYS = range(20)  # rounds of the event loop after which one call comes in another's way: early, halfway, late


async def bytes_come_back_as_they_were(storage: SessionStorage) -> None:
    """A session is bytes, not text: nothing is decoded, translated or stripped."""
    data = bytes(range(256)) + b"\r\n \x00"
    await _stores(storage, _new_id(), data)


async def a_large_session_comes_back_whole(storage: SessionStorage) -> None:
    """A megabyte sent in one piece comes back as a megabyte."""
    await _stores(storage, _new_id(), secrets.token_hex(512).encode() * 1024)


async def pieces_are_joined_in_order(storage: SessionStorage) -> None:
    """The pieces that the provider sends make one session."""
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
    """An invalidated session cannot be read."""
    id = _new_id()
    await write_bytes(storage, id, b"data")
    await storage.invalidate(id)
    await _holds_nothing(storage, id)


async def invalidating_twice_is_harmless(storage: SessionStorage) -> None:
    """Invalidating an unknown id, or one for the second time, is not an error."""
    id = _new_id()
    await write_bytes(storage, id, b"data")
    try:
        await storage.invalidate(id)
        await storage.invalidate(id)
        await storage.invalidate(_new_id())
    except Exception as error:
        raise AssertionError("invalidating what is not there raised an error") from error


async def an_invalidated_id_can_be_written_again(storage: SessionStorage) -> None:
    """After an invalidation the id can be written again."""
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

            async def send_and_give_up(channel: ByteWriteChannel, scope: CancelScope = scope) -> None:
                await channel.send(b"new")
                await _give_up(scope)

            await storage.write(id, send_and_give_up)
    await _holds(storage, known, b"old")
    await _holds_nothing(storage, unknown)


async def a_cancellation_is_not_swallowed(storage: SessionStorage) -> None:
    """A call that is cancelled in its provider or consumer does not return as if it had been done."""
    id = _new_id()
    await write_bytes(storage, id, b"data")
    _require(await _is_cancelled(storage.write, id), "a write whose provider was cancelled returned")
    _require(await _is_cancelled(storage.read, id), "a read whose consumer was cancelled returned")


async def a_providers_error_arrives_as_it_is(storage: SessionStorage) -> None:
    """An exception of the provider arrives as the same object, not wrapped, not in a group and not swallowed."""
    for mine in _errors():
        await _raises(mine, storage.write(_new_id(), _failing(mine)))


async def a_consumers_error_arrives_as_it_is(storage: SessionStorage) -> None:
    """An exception of the consumer arrives as the same object, even if it looks like one of the storage."""
    id = _new_id()
    await write_bytes(storage, id, b"data")
    for mine in _errors():
        await _raises(mine, storage.read(id, _failing(mine)))


async def the_consumers_result_is_returned(storage: SessionStorage) -> None:
    """`read` returns the object that the consumer returned, `None` and other empty ones included."""
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
    """A consumer may stop after three bytes of a session, and the next one reads all of it."""
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
    id, new = _new_id(), b"n" * 300_000
    await _reads_one_version(storage, id, partial(write_bytes, storage, id, new), "a write waited for a reader")
    await _holds(storage, id, new)


async def a_reader_keeps_its_version_while_it_is_invalidated(storage: SessionStorage) -> None:
    """A read that began is served to its end."""
    id = _new_id()
    await _reads_one_version(storage, id, partial(storage.invalidate, id), "an invalidation waited for a reader")


async def a_session_is_seen_only_when_it_is_whole(storage: SessionStorage) -> None:
    """While a write is under way, readers see what was there before."""
    known, unknown = _new_id(), _new_id()
    await write_bytes(storage, known, b"old")
    await _writes_beside(storage, known, partial(_holds, storage, known, b"old"), "a read waited for a writer")
    await _writes_beside(storage, unknown, partial(_holds_nothing, storage, unknown), "a read waited for a writer")


async def a_slow_write_delays_no_other(storage: SessionStorage) -> None:
    """While one provider takes its time, another session is written."""
    slow, quick = _new_id(), _new_id()
    write = partial(write_bytes, storage, quick, b"quick")
    await _writes_beside(storage, slow, write, "a write waited for the write of another session")
    await _holds(storage, quick, b"quick")


async def a_slow_write_delays_no_invalidation(storage: SessionStorage) -> None:
    """While one provider takes its time, another session is invalidated."""
    slow, quick = _new_id(), _new_id()
    await write_bytes(storage, quick, b"quick")
    invalidate = partial(storage.invalidate, quick)
    await _writes_beside(storage, slow, invalidate, "an invalidation waited for the write of another session")


async def the_write_that_returns_last_wins(storage: SessionStorage) -> None:
    """When a write has returned, a reader sees its session, even if another was written while it was under way."""
    id = _new_id()
    overtake = partial(write_bytes, storage, id, b"overtaking")
    await _writes_beside(storage, id, overtake, "a write waited for another of the same session")


async def a_write_outlasts_an_earlier_invalidation(storage: SessionStorage) -> None:
    """When a write has returned, a reader sees its session, even if the id was invalidated during the write."""
    id = _new_id()
    await write_bytes(storage, id, b"old")
    invalidate = partial(storage.invalidate, id)
    await _writes_beside(storage, id, invalidate, "an invalidation waited for a write of the same session")


async def a_read_channel_gives_no_more_than_asked_for(storage: SessionStorage) -> None:
    """`receive(n)` returns 1 to `n` bytes, and `EndOfStream` is raised at the end, as often as asked."""
    id = _new_id()
    await write_bytes(storage, id, b"12345")

    async def sip(channel: ByteReadChannel) -> list[bytes]:
        pieces = list[bytes]()
        with suppress(EndOfStream):
            while True:
                pieces.append(await channel.receive(2))
        try:
            await channel.receive(2)
        except EndOfStream:
            return pieces
        raise AssertionError("a channel that had ended gave more")

    pieces = await storage.read(id, sip)
    _require(all(1 <= len(piece) <= 2 for piece in pieces), "receive(2) gave nothing, or more than two bytes")  # noqa: PLR2004
    _require(b"".join(pieces) == b"12345", "the pieces are not the session")


async def a_channel_is_closed_when_its_callback_returns(storage: SessionStorage) -> None:
    """The storage closes each channel that it opens, so one that a callback kept can do nothing afterwards."""
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
    for kind, use in (("write", lambda: write_channels[0].send(b"more")), ("read", read_channels[0].receive)):
        try:
            with suppress(EndOfStream):
                await use()
        except ClosedResourceError:
            continue
        raise AssertionError(f"the {kind} channel is still open after {kind} returned")


async def any_string_is_an_id(storage: SessionStorage) -> None:
    """An id is looked up, never interpreted: no path, no pattern, no case, no normal form, no limit of length."""
    ids = _odd_ids()
    for number, id in enumerate(ids):
        await write_bytes(storage, id, b"%d" % number)
    await _tells_apart(storage, ids, b"%d")
    for id in ids:
        await storage.invalidate(id)


async def an_id_appears_in_no_message(storage: SessionStorage) -> None:
    """An id opens a session, so neither an error's text, nor a note on it, nor a `repr` holds it."""
    id, known = _new_id(), _new_id()
    await write_bytes(storage, known, b"data")
    _require(known not in repr(storage) + str(storage), "repr(storage) holds an id")
    _require(id not in await _errors_of(_calls(storage, id)), "the text of an error holds the id")


async def an_id_appears_in_no_log_line(storage: SessionStorage) -> None:
    """Nothing that is logged, at any level, holds the id."""
    id = _new_id()
    with _listening() as lines:
        await _errors_of(_calls(storage, id))
    _require(id not in "".join(lines), "a log line holds the id")


async def no_task_outlives_its_call(storage: SessionStorage) -> None:
    """A storage has no background task: when a call has ended, well or not, nothing of it goes on."""
    await _leave_no_task(_calls(storage, _new_id()))


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
    a_cancellation_is_not_swallowed,
    a_providers_error_arrives_as_it_is,
    a_consumers_error_arrives_as_it_is,
    the_consumers_result_is_returned,
    a_consumer_may_stop_early,
    a_reader_keeps_its_version_while_another_is_written,
    a_reader_keeps_its_version_while_it_is_invalidated,
    a_session_is_seen_only_when_it_is_whole,
    a_slow_write_delays_no_other,
    a_slow_write_delays_no_invalidation,
    the_write_that_returns_last_wins,
    a_write_outlasts_an_earlier_invalidation,
    a_read_channel_gives_no_more_than_asked_for,
    a_channel_is_closed_when_its_callback_returns,
    any_string_is_an_id,
    an_id_appears_in_no_message,
    an_id_appears_in_no_log_line,
    no_task_outlives_its_call,
)
"""What every storage must do, one rule each."""


async def an_update_replaces_the_session_and_returns_it(storage: SessionStorage) -> None:
    """The storage stores and returns the bytes that the transform returned, `b""` included."""
    update, id = _update_of(storage), _new_id()
    await write_bytes(storage, id, b"a long session")
    _require(await update(id, lambda data: data[2:6]) == b"long", "update did not return what it stored")
    await _holds(storage, id, b"long")
    _require(await update(id, lambda _: b"") == b"", "update did not return what it stored")
    await _holds(storage, id, b"")


async def a_transform_gets_the_stored_bytes(storage: SessionStorage) -> None:
    """The transform gets all stored bytes, `b""` included, and nothing else, however often it is called."""
    update, id, given = _update_of(storage), _new_id(), list[bytes]()
    for stored in (bytes(range(256)) + b"\r\n \x00", b""):
        given.clear()
        await write_bytes(storage, id, stored)
        await update(id, _noting(given))
        whole = [type(data) is bytes and data == stored for data in given]
        _require(bool(whole) and all(whole), "the transform was not called, or got something else")


async def an_update_never_creates(storage: SessionStorage) -> None:
    """Where nothing is stored, `SessionNotFound` is raised before the transform is called, and nothing is stored."""
    update, id, given = _update_of(storage), _new_id(), list[bytes]()
    try:
        await update(id, _noting(given))
    except SessionNotFound:
        _require(not given, "the transform was called although nothing is stored")
    else:
        raise AssertionError("updating an unknown id raised no SessionNotFound")
    await _holds_nothing(storage, id)


async def an_update_that_raises_changes_nothing(storage: SessionStorage) -> None:
    """If the transform raises, the old session stays."""
    update, id = _update_of(storage), _new_id()
    await write_bytes(storage, id, b"old")
    with suppress(Exception):  # which error arrives is the business of the next check
        await update(id, _raising(_OnPurpose()))
    await _holds(storage, id, b"old")


async def a_transforms_error_arrives_as_it_is(storage: SessionStorage) -> None:
    """An exception of the transform arrives as the same object, even if it looks like one of the storage."""
    update, id = _update_of(storage), _new_id()
    await write_bytes(storage, id, b"data")
    for mine in _errors():
        await _raises(mine, update(id, _raising(mine)))


async def an_update_leaves_other_sessions_alone(storage: SessionStorage) -> None:
    """Updating one session leaves another as it was."""
    update, mine, yours = _update_of(storage), _new_id(), _new_id()
    await write_bytes(storage, mine, b"mine")
    await write_bytes(storage, yours, b"yours")
    await update(yours, _mark)
    await _holds(storage, mine, b"mine")


async def concurrent_updates_lose_nothing(storage: SessionStorage) -> None:
    """Fifty tasks that each add one have added fifty."""
    update, id = _update_of(storage), _new_id()
    await write_bytes(storage, id, b"0")
    await _together(*[partial(update, id, lambda count: b"%d" % (int(count) + 1))] * 50)
    await _holds(storage, id, b"50")


async def an_update_undoes_no_write(storage: SessionStorage) -> None:
    """A session that was written beside updates is the one that was written, updated or not."""
    for delay in _DELAYS:
        id = _new_id()
        await write_bytes(storage, id, b"old")
        await _amid_updates(storage, id, delay, partial(write_bytes, storage, id, b"new"))
        _require((await read_bytes(storage, id)).rstrip(b"+") == b"new", "an update undid a write")


async def an_update_undoes_no_invalidation(storage: SessionStorage) -> None:
    """A session that was invalidated, beside updates or before, stays deleted."""
    for delay in _DELAYS:
        id = _new_id()
        await write_bytes(storage, id, b"old")
        await _amid_updates(storage, id, delay, partial(storage.invalidate, id))
        await _holds_nothing(storage, id)
        with suppress(SessionNotFound):
            await _update_of(storage)(id, _mark)
        await _holds_nothing(storage, id)


async def a_cancelled_update_leaves_the_old_session_or_the_new(storage: SessionStorage) -> None:
    """A cancelled update leaves the old session or the new, whole. No other update is lost or waits without end."""
    update, old, new = _update_of(storage), b"o" * 100_000, b"n" * 100_000
    for delay in _DELAYS:
        id, scope = _new_id(), CancelScope()

        async def be_cancelled(id: str = id, scope: CancelScope = scope) -> None:
            with scope:
                await update(id, lambda _: new)

        async def cancel(delay: int = delay, scope: CancelScope = scope) -> None:
            await _pass(delay)
            scope.cancel()

        await write_bytes(storage, id, old)
        beside = _together(partial(update, id, _mark), be_cancelled, cancel)
        await _promptly(beside, "an update waited for one that was cancelled")
        await _promptly(update(id, _mark), "an update waited for one that had been cancelled")
        left = await read_bytes(storage, id)
        _require(left in (old + b"++", new + b"++", new + b"+"), "a cancelled update left something else")


async def a_reader_keeps_its_version_while_it_is_updated(storage: SessionStorage) -> None:
    """A read that began sees one version to its end."""
    id, new = _new_id(), b"n" * 300_000
    update = partial(_update_of(storage), id, lambda _: new)
    await _reads_one_version(storage, id, update, "an update waited for a reader")
    await _holds(storage, id, new)


async def a_slow_write_delays_no_update(storage: SessionStorage) -> None:
    """While one provider takes its time, this session and another are updated. Then the write counts."""
    update, slow, quick = _update_of(storage), _new_id(), _new_id()
    for id in (slow, quick):
        await write_bytes(storage, id, b"old")
        await _writes_beside(storage, slow, partial(update, id, _mark), "an update waited for a write")


async def any_string_is_an_id_to_update(storage: SessionStorage) -> None:
    """An update looks an id up as a read and a write do, and never interprets it."""
    update, ids = _update_of(storage), _odd_ids()
    for number, id in enumerate(ids):
        await write_bytes(storage, id, b"%d" % number)
    for id in ids:
        await update(id, _mark)
    await _tells_apart(storage, ids, b"%d+")


async def an_update_tells_no_id(storage: SessionStorage) -> None:
    """Neither an error's text, nor a note on it, nor a log line holds the id."""
    id = _new_id()
    with _listening() as lines:
        _require(id not in await _errors_of(_updates(storage, id)), "the text of an error holds the id")
    _require(id not in "".join(lines), "a log line holds the id")


async def no_task_outlives_an_update(storage: SessionStorage) -> None:
    """When an update has ended, well or not, nothing of it goes on."""
    await _leave_no_task(_updates(storage, _new_id()))


UPDATE_CHECKS: tuple[Check, ...] = (
    an_update_replaces_the_session_and_returns_it,
    a_transform_gets_the_stored_bytes,
    an_update_never_creates,
    an_update_that_raises_changes_nothing,
    a_transforms_error_arrives_as_it_is,
    an_update_leaves_other_sessions_alone,
    concurrent_updates_lose_nothing,
    an_update_undoes_no_write,
    an_update_undoes_no_invalidation,
    a_cancelled_update_leaves_the_old_session_or_the_new,
    a_reader_keeps_its_version_while_it_is_updated,
    a_slow_write_delays_no_update,
    any_string_is_an_id_to_update,
    an_update_tells_no_id,
    no_task_outlives_an_update,
)
"""What a storage that also updates must do besides, one rule each."""


async def report(make_storage: Callable[[], SessionStorage]) -> bool:
    """Run every check on a storage of its own, print the results as TAP version 14, and return whether all passed.

    A check that failed is followed by its rule and what was seen. Then the next check runs, even if the storage raised
    `SystemExit`. Only a `KeyboardInterrupt` and a cancellation of the report itself end it early. If the storage has no
    `update`, the checks of `update` are skipped.

    Args:
        make_storage: Returns a fresh storage, as a class does.
    """
    print(f"TAP version 14\n1..{len(CHECKS) + len(UPDATE_CHECKS)}")  # noqa: T201 - TAP goes to standard output
    passed = True
    for number, check in enumerate((*CHECKS, *UPDATE_CHECKS), 1):
        result, details = await _try_out(check, make_storage)
        print(f"{result} {number} - {check.__name__}{details}")  # noqa: T201
        passed = passed and result == "ok"
    return passed


async def _try_out(check: Check, make_storage: Callable[[], SessionStorage]) -> tuple[str, str]:
    """Return the result of a test point, and what follows its name."""
    error: BaseException | None = None
    skipped = False

    async def run() -> None:
        nonlocal error, skipped
        try:
            storage = make_storage()
            skipped = check in UPDATE_CHECKS and not hasattr(storage, "update")
            if not skipped:
                await check(storage)
        except BaseException as raised:  # noqa: BLE001 - a storage may raise anything
            error = raised

    try:
        # In a task of its own. A cancellation that reaches this one isn't an error of the storage.
        async with create_task_group() as tasks:
            tasks.start_soon(run)
    except BaseExceptionGroup as group:
        error = group
    await checkpoint()  # on Trio, the group doesn't pass on a cancellation
    if error is None:
        return "ok", " # SKIP the storage has no update" if skipped else ""
    if BaseExceptionGroup("", [error]).subgroup(KeyboardInterrupt):
        raise KeyboardInterrupt
    return "not ok", _diagnostic(check, error)


def _diagnostic(check: Check, error: BaseException) -> str:
    """Return the YAML block of TAP 14 that says which rule was broken, and what was seen."""
    rule = (check.__doc__ or "").partition("\n")[0]
    block = ["---", f"rule: {json.dumps(rule)}", "seen: |2", *(f"  {_shown(line)}" for line in _told(error)), "..."]
    return "".join("\n" + f"  {line}".rstrip() for line in block)


def _told(error: BaseException, *effects: BaseException) -> Iterator[str]:
    """Yield the lines that tell of an error, of where in your code it came from, and of the errors that caused it."""
    yield from "".join(traceback.format_exception_only(error)).splitlines()
    places = traceback.walk_tb(error.__traceback__)
    yours = [place for place in places if place[0].f_globals.get("__package__") != __package__]
    for frame in traceback.StackSummary.extract(iter(yours[-1:])):
        yield f"  in {Path(frame.filename).name}, line {frame.lineno}: {frame.line}"
    for cause in error.exceptions if isinstance(error, BaseExceptionGroup) else [error.__cause__]:
        if cause is not None and cause not in effects:
            yield from (f"  {line}" for line in _told(cause, error, *effects))


def _shown(line: str) -> str:
    """Return `line` as any terminal and any reader of YAML takes it."""
    return "".join(char if " " <= char <= "~" else ascii(char)[1:-1] for char in line)


class _OnPurpose(Exception):  # noqa: N818 - it is thrown, not reported
    pass


def _errors() -> tuple[Exception, ...]:
    """Return errors of a caller, two of which look like a storage's own."""
    return _OnPurpose(), KeyError("on purpose"), FileNotFoundError("on purpose")


def _new_id() -> str:
    return secrets.token_hex(16)


def _odd_ids() -> list[str]:
    own = _new_id()
    endings = (
        *("", "/", "/..", "/../..", "\\..\\", ".", "..", " ", "\n", "\x00", "\x00x", ":", "%2e", "*", "?", "[a]"),
        *("{a}", "~", "'", '"', ";", "a", "A", "\xe9", "e\u0301", "\u202e", "\U0001f9e5"),
        *("x" * 10_000, "x" * 10_001),
    )
    beginnings = ("../", "/", "C:\\", "-", "\x00")
    return [f"{own}{ending}" for ending in endings] + [f"{beginning}{own}" for beginning in beginnings]


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


async def _tells_apart(storage: SessionStorage, ids: list[str], pattern: bytes) -> None:
    for number, id in enumerate(ids):
        try:
            found = await read_bytes(storage, id) == pattern % number
        except SessionNotFound:
            found = False
        _require(found, f"an id ending in {id[-10:]!a} is mixed up with another, or lost")


async def _reads_one_version(storage: SessionStorage, id: str, between: Call, waited: str) -> None:
    old = b"o" * 300_000
    await write_bytes(storage, id, old)

    async def consume(channel: ByteReadChannel) -> bytes:
        first = await channel.receive(1)
        await _promptly(between(), waited)
        return first + await _collect(channel)

    try:
        _require(await storage.read(id, consume) == old, "a reader saw something else than its version")
    except SessionNotFound as error:
        raise AssertionError("a reader lost its session half-way") from error


async def _writes_beside(storage: SessionStorage, id: str, between: Call, waited: str) -> None:
    half = b"n" * 100_000

    async def send(channel: ByteWriteChannel) -> None:
        await channel.send(half)
        await _promptly(between(), waited)
        await channel.send(half)

    await storage.write(id, send)
    await _holds(storage, id, half + half)


async def _amid_updates(storage: SessionStorage, id: str, delay: int, call: Call) -> None:
    """Make `call` while two tasks go on marking the session, a little after one has begun."""
    update, begun, over = _update_of(storage), False, False

    def mark(data: bytes) -> bytes:
        nonlocal begun
        if not begun:
            begun = True
            sha256(bytes(200_000))  # takes a while, also for other threads to come between where nothing keeps them out
        return _mark(data)

    async def go_on() -> None:
        nonlocal begun
        while not over:
            with suppress(SessionNotFound):
                await update(id, mark)
            begun = True
            await checkpoint()

    async def come_between() -> None:
        nonlocal over
        while not begun:
            await checkpoint()
        await _pass(delay)
        await call()
        over = True

    await _together(go_on, go_on, come_between)


async def _together(*calls: Call) -> None:
    """Make all calls at once, in tasks. The first error arrives as it is."""
    try:
        async with create_task_group() as tasks:
            for call in calls:
                tasks.start_soon(call)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


async def _pass(rounds: int) -> None:
    for _ in range(rounds):
        await checkpoint()


async def _give_up(scope: CancelScope) -> None:
    scope.cancel()
    await checkpoint()


async def _is_cancelled(call: Callable[[str, Callback], Coroutine[Any, Any, None]], id: str) -> bool:
    """Cancel a write or a read in its callback, and return whether that got through."""
    with CancelScope() as scope:
        await call(id, lambda _: _give_up(scope))
    return scope.cancelled_caught


def _update_of(storage: SessionStorage) -> Callable[[str, Transform], Coroutine[Any, Any, bytes]]:
    _require(hasattr(storage, "update"), "the storage has no update, so only CHECKS are for it")
    return cast("UpdatableSessionStorage", storage).update


def _mark(data: bytes) -> bytes:
    return data + b"+"


def _noting(given: list[bytes]) -> Transform:
    def note(data: bytes) -> bytes:
        given.append(data)
        return data

    return note


def _failing(error: Exception) -> Callback:
    async def fail(_: object) -> None:
        raise error

    return fail


def _raising(error: Exception) -> Transform:
    def fail(_: bytes) -> bytes:
        raise error

    return fail


def _calls(storage: SessionStorage, id: str) -> tuple[Call, ...]:
    """Return all that can be done with an id, mishaps included."""
    fail = _failing(_OnPurpose())
    return (
        partial(read_bytes, storage, id),
        partial(storage.write, id, fail),
        partial(_is_cancelled, storage.write, id),
        partial(write_bytes, storage, id, b"data"),
        partial(read_bytes, storage, id),
        partial(storage.read, id, fail),
        partial(_is_cancelled, storage.read, id),
        partial(storage.invalidate, id),
        partial(storage.invalidate, id),
    )


def _updates(storage: SessionStorage, id: str) -> tuple[Call, ...]:
    """Return what an update can come to: a miss, a success, a failure."""
    update, fail = _update_of(storage), _raising(_OnPurpose())
    write = partial(write_bytes, storage, id, b"data")
    return partial(update, id, _mark), write, partial(update, id, _mark), partial(update, id, fail)


async def _errors_of(calls: Iterable[Call]) -> str:
    """Make one call after the other, and return the text of their errors."""
    text = ""
    for call in calls:
        try:
            await call()
        except Exception as error:  # noqa: BLE001 - which error arrives is the business of other checks
            text += "".join(traceback.format_exception(error)) + repr(error)
    return text


async def _leave_no_task(calls: Iterable[Call]) -> None:
    for call in calls:
        before = {task.coro for task in get_running_tasks()}
        await _errors_of([call])
        left = {task.coro for task in get_running_tasks()} - before
        _require(not left, "a task is still running after the call that started it")


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Collect everything that is logged, at any level."""
    lines: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{self.format(record)}{vars(record)}")

    root, listener = logging.getLogger(), Listener()
    level = root.level
    root.setLevel(logging.NOTSET)
    root.addHandler(listener)
    try:
        yield lines
    finally:
        root.removeHandler(listener)
        root.setLevel(level)
