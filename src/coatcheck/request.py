"""The sessions of one request: what the client sent, what the app makes of it, and what is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from anyio import Lock

from .record import Record
from .storage import SessionAlreadySent, SessionNotFound
from .transport import is_well_formed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .provider import SessionProvider
    from .transport import Headers

S = TypeVar("S")


class RequestSessions:
    """All sessions of one request. Each gets its slot when the app first asks for it."""

    def __init__(
        self, providers: Mapping[type, SessionProvider[Any]], headers: Headers, outer: RequestSessions | None
    ) -> None:
        self.response_started = False
        self.request_ended = False
        self._response_starting = False
        self._providers = providers
        self._headers = headers
        self._outer = outer
        self._slots: dict[type, _Slot[Any]] = {}

    def of(self, type: type[S]) -> _Slot[S]:
        """Return the slot of this type's session, here or in an outer `Sessions`."""
        slot = self._slots.get(type)
        if slot is None:
            provider = self._providers.get(type)
            if provider is None and self._outer is not None:
                return self._outer.of(type)
            if provider is None:
                raise LookupError(f"no provider for {type.__qualname__}; pass Sessions a cookie(...) or header(...)")
            slot = self._slots[type] = _Slot(provider, provider.transport.receive(self._headers), self)
        return slot

    @property
    def headers_are_final(self) -> bool:
        """Whether it is too late for a header, which it is as soon as `start_response` begins to save."""
        return self._response_starting or self.response_started

    async def start_response(self) -> None:
        """Save what changed, once. What other tasks of the request change during it is saved when the request ends."""
        self._response_starting = True
        try:
            slots = [*self._slots.values()]
            for slot in slots:
                await slot.save()
            for slot in slots:  # only now: if one slot fails, no other has lost the id that its client still holds
                await slot.delete_ended()
            self.response_started = True
        finally:
            self._response_starting = False

    async def end(self) -> None:
        """Save what changed since the response started. A slot that fails does not stop the others."""
        self.request_ended = True
        errors = []
        for slot in [*self._slots.values()] if self.response_started else []:
            for settle in (slot.save, slot.delete_ended):
                try:
                    await settle()
                except Exception as error:  # noqa: BLE001 - raised below
                    errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("several sessions could not be saved", errors)

    async def cancel(self) -> None:
        """Delete what ended since the response started, and save nothing."""
        self.request_ended = True
        for slot in [*self._slots.values()] if self.response_started else []:
            await slot.delete_ended()

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the response headers that set or remove ids."""
        return [header for slot in self._slots.values() for header in slot.headers()]

    def vary(self) -> list[bytes]:
        """Return the names of the request headers that were read for an id, each once."""
        return [*dict.fromkeys(slot.provider.transport.vary for slot in self._slots.values())]


class _Slot(Generic[S]):
    """The place of one type's session in a request. It holds a life, and `clear` puts in a new one."""

    def __init__(self, provider: SessionProvider[S], sent_id: str | None, request: RequestSessions) -> None:
        self.provider = provider
        self._request = request
        self._client_sent_id = sent_id is not None
        self._unverified = sent_id if sent_id is not None and is_well_formed(sent_id) else None
        self._life: _Life[S] = _Life(self._unverified)
        self._ended: list[str] = []  # ids to delete from the storage
        self._lock = Lock()  # one task at a time talks to the storage

    @property
    def id(self) -> str | None:
        """The verified id: the storage held it, or this request stored it."""
        return self._life.id

    async def get(self) -> S | None:
        """See `CurrentSession`, as for `set`, `update`, `clear` and `renew_id`."""
        self._refuse_after_request()
        async with self._lock:
            if self._life.session is None:
                await self._look_up()
            return self._life.session

    def set(self, session: S) -> None:
        self._refuse_after_request()
        if self._request.headers_are_final and self._life.is_empty:
            raise SessionAlreadySent("cannot start a session after the response has started; call set() earlier")
        self._life.session = session

    async def update(self, change: Callable[[S], S]) -> S:
        async with self._lock:
            life = await self._look_up()
            if life.id is None or life.session is None:
                raise SessionNotFound(
                    f"this client has no stored {self.provider.type.__qualname__} to update; a session that was set is "
                    "stored when the response starts"
                )
            self.provider.serializer.serialize(life.session)  # if it can't be saved, say so before anything is stored
            base = life.record.data
            try:
                session, life.record = await self.provider.apply(life.id, change)
            except SessionNotFound:  # from the storage, or from `change` itself while the session is there
                if await self.provider.load(life.id) is None:
                    self._end(life)
                raise
            life.session = self._with_own_changes(life, base, session)
            return life.session

    def clear(self) -> None:
        self._refuse_after_request()
        id = self._life.id or self._unverified
        if id is not None and id not in self._ended:
            self._ended.append(id)
        self._end(self._life)

    def renew_id(self) -> None:
        self._refuse_after_request()
        if self._request.headers_are_final:
            raise SessionAlreadySent("cannot change the id after the response has started; call renew_id() earlier")
        self._life.needs_new_id = True

    async def save(self) -> None:
        """Store what changed. After an error it can be called again."""
        async with self._lock:
            if self._life.is_untouched:
                return
            life = await self._look_up()
            if life.session is None:
                return
            try:
                data = self.provider.serializer.serialize(life.session)
                touch = not self._request.response_started and self.provider.lifetime.is_touch_due(life.record)
                if life.id is None or life.needs_new_id:
                    await self._save_under_new_id(life, data)
                elif data != life.record.data or touch:
                    life.record = await self.provider.change(life.id, life.record.data, data, touch=touch)
                    life.needs_header = life.needs_header or touch
            except SessionNotFound:  # ended by another request
                self._end(life)

    async def delete_ended(self) -> None:
        """Delete the sessions that ended. After an error it can be called again."""
        async with self._lock:
            while self._ended:
                await self.provider.invalidate(self._ended[0])
                del self._ended[0]

    def headers(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the response header that sets or removes the id, if the client needs one."""
        life, provider = self._life, self.provider
        if life.id is not None:
            if life.needs_header or provider.lifetime.is_ahead(life.record):
                yield provider.transport.send(life.id, provider.lifetime.rest(life.record))
        elif self._client_sent_id and life.unverified is None:
            yield provider.transport.remove()

    def _refuse_after_request(self) -> None:
        if self._request.request_ended:
            raise SessionAlreadySent(
                "the request has ended and nothing more is saved for it; call update(), or change the session earlier"
            )

    async def _look_up(self) -> _Life[S]:
        """Look up the id that the client sent, unless that was done before. Return the life that the slot holds then.

        A `clear` during it puts in a new life, and the answer reaches the old one, which nobody reads.
        """
        life = self._life
        if life.unverified is not None:
            loaded = await self.provider.load(life.unverified)
            if loaded is not None:
                session, life.record = loaded
                life.id = life.unverified
                life.session = session if life.session is None else life.session
            life.unverified = None
        return self._life

    async def _save_under_new_id(self, life: _Life[S], data: bytes) -> None:
        if self._request.response_started:
            raise SessionAlreadySent("cannot start a session after the response has started; call set() earlier")
        new, old = self.provider.issue_id(), life.id
        record = self.provider.lifetime.start(data, created=None if old is None else life.record.created)
        await self.provider.save(new, record)
        self._ended.append(new)  # until it's certain that the client may have it
        # Another request may have ended the session since this one loaded it. Read the old id once more, or that logout
        # would be undone: the session would live on under an id that the logout didn't know.
        if old is not None and await self.provider.load(old) is None:
            raise SessionNotFound
        if life is not self._life:  # cleared while it was stored
            return
        self._ended.remove(new)
        if old is not None:
            self._ended.append(old)
        life.id, life.record, life.needs_header, life.needs_new_id = new, record, True, False

    def _with_own_changes(self, life: _Life[S], base: bytes, session: S) -> S:
        """Return `session` with what this request changed since `base` and hasn't saved yet."""
        serializer = self.provider.serializer
        if life.session is None or (mine := serializer.serialize(life.session)) == base:
            return session
        return serializer.deserialize(self.provider.merge(base, mine, life.record.data))

    def _end(self, life: _Life[S]) -> None:
        if life is self._life:
            self._life = _Life()


class _Life(Generic[S]):
    """What a request knows of a session, until the session is cleared or turns out to have ended.

    A slot then goes on with a new life. An answer that the storage still owes reaches the old one and harms nothing.
    """

    def __init__(self, unverified: str | None = None) -> None:
        self.unverified = unverified  # the id that the client sent, until the storage was asked for it
        self.id: str | None = None
        self.session: S | None = None
        self.record = Record(0, 0)  # what the storage holds under `id`, as far as this request knows
        self.needs_new_id = False
        self.needs_header = False  # the client has yet to learn the id, or how long it is valid

    @property
    def is_untouched(self) -> bool:
        """Whether the app has done nothing that needs an answer from the storage."""
        return self.session is None and not self.needs_new_id

    @property
    def is_empty(self) -> bool:
        """Whether no session is here, and none can be found under the id that the client sent."""
        return self.session is None and self.unverified is None
