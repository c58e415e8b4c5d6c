"""Storages for tests: the simplest there is, and storages around another that note, fail, pause or are interrupted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from anyio import CancelScope
from anyio.lowlevel import checkpoint

from coatcheck import SessionNotFound, SimplifiedSessionStorage, read_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from coatcheck import ByteReadChannel, ByteWriteChannel, SessionStorage, UpdatableSessionStorage

T = TypeVar("T")


class Shelf(SimplifiedSessionStorage):
    """A dict. It has no `update`."""

    def __init__(self) -> None:
        self.sessions: dict[str, bytes] = {}

    async def load(self, id: str) -> bytes | None:
        return self.sessions.get(id)

    async def save(self, id: str, data: bytes | None) -> None:
        self.sessions.pop(id, None) if data is None else self.sessions.update({id: data})


class Around:
    """A storage that passes each call on to another. It has `update` if that one has."""

    def __init__(self, storage: SessionStorage) -> None:
        self.storage = storage

    async def pass_on(self, name: str, id: str, call: Callable[[], Awaitable[T]]) -> T:  # noqa: ARG002 - for others
        """Do the call of this name for this id. What a storage does besides, it does here."""
        return await call()

    async def write(self, id: str, provider: Callable[[ByteWriteChannel], Awaitable[None]], /) -> None:
        await self.pass_on("write", id, partial(self.storage.write, id, provider))

    async def read(self, id: str, consumer: Callable[[ByteReadChannel], Awaitable[T]], /) -> T:
        return await self.pass_on("read", id, partial(self.storage.read, id, consumer))

    async def invalidate(self, id: str, /) -> None:
        await self.pass_on("invalidate", id, partial(self.storage.invalidate, id))

    @property
    def update(self) -> Callable[[str, Callable[[bytes], bytes]], Coroutine[Any, Any, bytes]]:
        inner = cast("UpdatableSessionStorage", self.storage).update

        async def update(id: str, transform: Callable[[bytes], bytes], /) -> bytes:
            return await self.pass_on("update", id, partial(inner, id, transform))

        return update


class Ledger(Around):
    """Notes each call."""

    def __init__(self, storage: SessionStorage) -> None:
        super().__init__(storage)
        self.calls: list[str] = []

    async def pass_on(self, name: str, id: str, call: Callable[[], Awaitable[T]]) -> T:
        self.calls.append(name)
        return await super().pass_on(name, id, call)


class LosesItsConnection(Around):
    """Fails at the named calls."""

    def __init__(self, storage: SessionStorage, *failing: str) -> None:
        super().__init__(storage)
        self.failing = set(failing)

    async def pass_on(self, name: str, id: str, call: Callable[[], Awaitable[T]]) -> T:
        if name in self.failing:
            raise ConnectionError("connection lost")
        return await super().pass_on(name, id, call)


class DoesInBetween(Ledger):
    """Lets something happen once, just before the next of the named calls returns or raises: of the changes, mostly."""

    def __init__(self, storage: SessionStorage, *names: str) -> None:
        super().__init__(storage)
        self.names = names or ("write", "update")
        self.action: Callable[[], object] | None = None

    async def pass_on(self, name: str, id: str, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await super().pass_on(name, id, call)
        finally:
            action = self.action
            if action is not None and name in self.names:
                self.action = None
                action()


class Pauses(Around):
    """Lets other tasks go on before a write and after a read."""

    async def pass_on(self, name: str, id: str, call: Callable[[], Awaitable[T]]) -> T:
        if name == "write":
            await checkpoint()
        result = await super().pass_on(name, id, call)
        if name == "read":
            await checkpoint()
        return result


async def is_found(storage: SessionStorage, id: str) -> bool:
    try:
        await read_bytes(storage, id)
    except SessionNotFound:
        return False
    return True


async def is_updated(storage: UpdatableSessionStorage, id: str) -> bool:
    try:
        await storage.update(id, bytes.upper)
    except SessionNotFound:
        return False
    return True


async def given_up(call: Callable[[str, Callable[[Any], Awaitable[None]]], Awaitable[None]]) -> None:
    """Cancel a write or a read of "id1" in its midst."""
    with CancelScope() as scope:

        async def give_up(channel: Any) -> None:
            await (channel.send(b"n" * 300_000) if hasattr(channel, "send") else channel.receive(1))
            scope.cancel()
            await checkpoint()

        await call("id1", give_up)
    assert scope.cancelled_caught
