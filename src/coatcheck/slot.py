"""The place of one session in a request: what the client sent, what the app makes of it, and what is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from .locks import Turn
from .record import Record
from .storage import SessionAlreadySent, SessionNotFound
from .transport import is_well_formed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .provider import SessionProvider

S = TypeVar("S")

ENDED_ELSEWHERE = "changes discarded, because another request has ended the session"
_NOTHING = Record.of(0, 0, b"")
MOST_SENT_IDS = 4  # a browser may have cookies of one name for other domains and paths


class Progress:
    """How far a request has come, on which it depends what is still possible."""

    def __init__(self) -> None:
        self.headers_are_final = False  # from when the response starts to be saved
        self.response_started = False
        self.ended = False

    def refuse_after_request(self) -> None:
        """Raise `SessionAlreadySent` if the request has ended."""
        if self.ended:
            raise SessionAlreadySent(
                "the request has ended and nothing more is saved for it; call update(), or change the session earlier. "
                "A middleware or an error handler has to be inside of Sessions to change it"
            )


class Slot(Generic[S]):
    """The place of one type's session in a request. It holds a life, and `clear` puts in a new one."""

    def __init__(self, provider: SessionProvider[S], sent_ids: list[str], progress: Progress) -> None:
        self.provider = provider
        self._progress = progress
        self._client_sent_id = bool(sent_ids)
        ids = [*filter(is_well_formed, sent_ids)]
        self._unverified = ids if len(ids) < 2 else [*dict.fromkeys(ids)][:MOST_SENT_IDS]  # noqa: PLR2004
        self._life: _Life[S] = _Life(self._unverified)
        self._ended: dict[str, None] = {}  # ids to delete from the storage, each once
        self._turn = Turn()  # one task at a time talks to the storage

    @property
    def id(self) -> str | None:
        """The verified id: the storage held it, or this request stored it."""
        return self._life.id

    async def get(self) -> S | None:
        """See `CurrentSession`."""
        self._progress.refuse_after_request()
        if self._life.session is None and self._life.unverified:
            if self._turn.is_taken:
                await self._turn.free()
            with self._turn:
                await self._look_up()
        return self._life.session

    def set(self, session: S) -> None:
        """See `CurrentSession`."""
        self._progress.refuse_after_request()
        if self._progress.headers_are_final and self._life.session is None and not self._life.unverified:
            raise SessionAlreadySent("cannot start a session after the response has started; call set() earlier")
        self._life.session = session

    async def update(self, change: Callable[[S], S]) -> S:
        """See `CurrentSession`."""
        if self._turn.is_taken:
            await self._turn.free()
        with self._turn:
            life = await self._look_up()
            if life.id is None or life.session is None:
                raise SessionNotFound(
                    f"this client has no stored {self.provider.type.__qualname__} to update; call set() and save() "
                    "first"
                )
            mine = self.provider.serializer.serialize(life.session)  # if that fails, nothing has been stored
            if life.needs_new_id:  # the old id must not open what `change` stores
                await self._save_under_new_id(life, life.base)
            try:
                stored = await self.provider.apply(life.id, change)
                life.record = stored.record
            except SessionNotFound as error:  # from the storage, or from `change` itself while the session is there
                if await self.provider.load(life.id) is not None:
                    raise
                self._end(life, life.replaced)
                raise SessionNotFound("the session has ended; answer as if the user had logged out") from error
            if mine != life.base:  # this request had changed it before, and hasn't saved that yet
                merged = self.provider.merge(life.base, mine, stored.base)
                stored.session = self.provider.serializer.deserialize(merged)
            life.session, life.base = stored.session, stored.base
            return stored.session

    def clear(self) -> None:
        """See `CurrentSession`."""
        self._progress.refuse_after_request()
        self._end(self._life, self._life.id, *self._unverified)  # among them is one that was replaced

    def renew_id(self) -> None:
        """See `CurrentSession`."""
        self._progress.refuse_after_request()
        if self._progress.headers_are_final:
            raise SessionAlreadySent("cannot change the id after the response has started; call renew_id() earlier")
        self._life.needs_new_id = True

    def is_at_rest(self) -> bool:
        """Return whether there is nothing to save, to discard or to delete."""
        life = self._life
        if life.session is None:
            return not life.needs_new_id and self.is_settled()
        if life.id is None or life.needs_new_id or life.unverified or not self.is_settled():
            return False
        try:
            is_changed = self.provider.serializer.serialize(life.session) != life.base
        except Exception:  # noqa: BLE001 - it is raised when it's saved
            return False
        return not is_changed and self.provider.lifetime.is_fresh(life.record)

    def is_settled(self) -> bool:
        """Return whether there is nothing to delete."""
        return not self._ended and self._life.replaced is None and not self._turn.is_taken

    async def save(self) -> None:
        """Store what changed. After an error it can be called again."""
        if self._turn.is_taken:
            await self._turn.free()
        with self._turn:
            if self._life.session is None and not self._life.needs_new_id:  # nothing to ask the storage for
                return
            life = await self._look_up() if self._life.unverified else self._life
            if life.session is None:
                return
            try:
                mine = self.provider.serializer.serialize(life.session)
                touch = not self._progress.response_started and self.provider.lifetime.is_touch_due(life.record)
                if mine != life.base:
                    self.provider.must_read_back(life.session, mine)
                if life.id is None or life.needs_new_id:
                    await self._save_under_new_id(life, mine)
                elif mine != life.base or touch:
                    life.record = await self.provider.change(life.id, life.record, life.base, mine, touch=touch)
                    life.base = mine
                if touch or self.provider.lifetime.is_ahead(life.record):
                    life.needs_header = True
            except SessionNotFound:
                self.provider.tell(ENDED_ELSEWHERE, life.id)
                self._end(life, life.replaced)

    async def discard(self) -> None:
        """Take back what changed and isn't saved. Changes from now on are saved when the request ends."""
        if self._turn.is_taken:
            await self._turn.free()
        with self._turn:
            life = self._life
            life.needs_new_id = False
            if life.session is None:
                return
            try:
                mine = self.provider.serializer.serialize(life.session)
            except Exception:  # noqa: BLE001 - perhaps the reason for the error response
                mine = None
            if life.id is not None and mine == life.base:
                return
            self.provider.tell("changes discarded, because the response is an error", life.id)
            if life.id is None:  # nothing of it is stored
                life.session = None
            elif mine is None:
                life.session = self.provider.serializer.deserialize(life.base)
            else:
                life.base = mine  # the app may hold the object, so a change is one that it makes from here on

    async def settle(self, *, taken: bool | None = None) -> None:
        """Delete what ended and, once it is known whether the new id of a renewed session was `taken`, its other id.

        A response takes it along, or none will. After an error it can be called again.
        """
        if self._turn.is_taken:
            await self._turn.free()
        with self._turn:
            life = self._life
            if taken is not None and life.replaced is not None:
                # Another request may have ended the session since this one loaded it. Read the old id once more, or
                # that logout would be undone: the session would live on under an id that the logout didn't know.
                if taken and await self.provider.load(life.replaced) is not None:
                    await self.provider.invalidate(life.replaced)
                    life.replaced = None
                else:
                    if taken:
                        self.provider.tell(ENDED_ELSEWHERE, life.replaced)
                    self._end(life, life.id)
            for id in [*self._ended]:
                await self.provider.invalidate(id)
                del self._ended[id]

    def header(self) -> tuple[bytes, bytes] | None:
        """Return the response header that sets or removes the id, or `None` if the client needs none."""
        life, provider = self._life, self.provider
        if life.id is not None:
            return provider.transport.send(life.id, provider.lifetime.rest(life.record)) if life.needs_header else None
        return provider.transport.remove() if self._client_sent_id and not life.unverified else None

    async def _look_up(self) -> _Life[S]:
        """Look up the ids that the client sent, unless that was done before. Return the life that the slot holds then.

        A `clear` during it puts in a new life, and the answer reaches the old one, which nobody reads.
        """
        life = self._life
        for id in life.unverified:
            stored = await self.provider.load(id)
            if stored is not None:
                life.id, life.base, life.record = id, stored.base, stored.record
                life.session = stored.session if life.session is None else life.session
                break
        life.unverified = ()
        return self._life

    async def _save_under_new_id(self, life: _Life[S], mine: bytes) -> None:
        if self._progress.response_started or self._progress.ended:
            raise SessionAlreadySent("cannot send a new id after the response has started; call set() earlier")
        new, old = self.provider.issue_id(), life.id
        data = self.provider.merge(life.base, mine, life.record.data)  # with fields that only a newer version knows
        record = self.provider.lifetime.start(data, created=None if old is None else life.record.created)
        await self.provider.save(new, record)
        if life is not self._life:  # cleared while it was stored
            self._ended[new] = None
            return
        if old is not None:
            self.provider.tell("renewed", old)
            if old in self._unverified:
                life.replaced = old
            else:  # no client has it
                self._ended[old] = None
        life.id, life.base, life.record, life.needs_header, life.needs_new_id = new, mine, record, True, False

    def _end(self, life: _Life[S], *ids: str | None) -> None:
        """Delete these ids of a session, and go on with a new life, unless `clear` has put one in."""
        if life is self._life:
            self._life = _Life()
            self._ended |= dict.fromkeys(filter(None, ids))


class _Life(Generic[S]):
    """All that a request knows of a session, until the session is cleared or turns out to have ended.

    A slot then goes on with a new life. An answer that the storage still owes reaches the old one and harms nothing.
    """

    def __init__(self, unverified: Sequence[str] = ()) -> None:
        self.unverified = unverified  # the ids that the client sent, until the storage was asked for them
        self.id: str | None = None
        self.replaced: str | None = None  # the id that the client has, until a response takes the new one along
        self.session: S | None = None
        self.base = b""  # the session as it is stored, in the words of this version of its class
        self.record = _NOTHING  # what the storage holds under `id`, as far as this request knows
        self.needs_new_id = False
        self.needs_header = False  # the client has yet to learn the id, or how long it is valid
