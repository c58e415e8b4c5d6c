"""The sessions of one request: what the client claims, what the app makes of them, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from anyio import Lock

from .record import Record
from .storage import SessionAlreadySent, SessionNotFound
from .transport import is_well_formed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .provider import SessionProvider
    from .transport import Headers

    Message = Any

S = TypeVar("S")


class RequestSessions:
    """All sessions of one request, each made on first use."""

    def __init__(
        self, providers: Mapping[type, SessionProvider[Any]], headers: Headers, outer: RequestSessions | None
    ) -> None:
        self.sent = False
        self.over = False  # the app has returned: what changes now, nobody stores
        self._providers = providers
        self._headers = headers
        self._outer = outer
        self._slots: dict[type, Slot[Any]] = {}

    def of(self, type: type[S]) -> Slot[S]:
        """Return the session of this type, made now if it was not asked for before."""
        slot = self._slots.get(type)
        if slot is None:
            provider = self._providers.get(type)
            if provider is None and self._outer is not None:
                return self._outer.of(type)
            if provider is None:
                raise LookupError(
                    f"no provider for {type.__qualname__}: give Sessions a cookie(...) or header(...) for it"
                )
            slot = self._slots[type] = Slot(provider, provider.transport.receive(self._headers), self)
        return slot

    async def commit(self) -> None:
        """Store what changed. What other tasks of the request change meanwhile is stored when it is over."""
        slots = [*self._slots.values()]
        for slot in slots:
            await slot.store(with_header=True)
        for slot in slots:  # last: if one is not stored, the client gets no new id for another that was renewed
            await slot.forget()

    async def finish(self) -> None:
        """Store what changed since the response began, also where it fails for another session. Then no more can."""
        self.over = True
        errors = []
        for slot in [*self._slots.values()] if self.sent else []:
            for settle in (slot.store, slot.forget):
                try:
                    await settle()
                except Exception as error:  # noqa: BLE001 - raised below
                    errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("several sessions could not be stored", errors)

    async def forget(self) -> None:
        """Forget what ended since the response began."""
        self.over = True
        for slot in self._slots.values() if self.sent else ():
            await slot.forget()

    async def begin(self, message: Message) -> Message:
        """Store what changed, then return `message` with the headers that tell the client."""
        self.sent = True  # what needs a header has to be here by now
        try:
            await self.commit()
        except BaseException:
            self.sent = False  # an error page is a response as well
            raise
        if not self._slots:
            return message
        tickets = [ticket for slot in self._slots.values() for ticket in slot.tickets()]
        read = dict.fromkeys(slot.provider.transport.vary for slot in self._slots.values())
        return {**message, "headers": _with_tickets([*message.get("headers", ())], tickets, read)}


class Slot(Generic[S]):
    """One session of one request: what the client claims, and what the app makes of it."""

    def __init__(self, provider: SessionProvider[S], claim: str | None, request: RequestSessions) -> None:
        self.provider = provider
        self._request = request
        self._has_claim = claim is not None
        self._claim = claim if claim is not None and is_well_formed(claim) else None  # the storage may hold it
        self._life: Life[S] = Life(self._claim)
        self._ended: list[str] = []  # ids that the storage is to forget
        self._lock = Lock()

    @property
    def id(self) -> str | None:
        """Verified: the storage held it, or got it from us."""
        return self._life.id

    async def get(self) -> S | None:
        """See `CurrentSession`, as for `set`, `update`, `clear` and `renew`."""
        self._must_go_on()
        async with self._lock:
            if self._life.session is None:
                await self._look_up()
            return self._life.session

    def set(self, session: S) -> None:
        """Make `session` what is stored."""
        self._must_go_on()
        life = self._life
        if self._request.sent and life.claim is None and life.id is None:
            raise SessionAlreadySent("a new session needs a header, but the response has begun: set it earlier")
        life.session = session

    async def update(self, change: Callable[[S], S]) -> S:
        """Store what `change` makes of the stored session, and return it with what this request had changed."""
        async with self._lock:
            life = await self._look_up()
            if life.id is None or life.session is None:
                raise SessionNotFound("the client has no such session to update: set one, and let a response begin")
            self.provider.serializer.serialize(life.session)  # what it raises comes before anything is stored
            base = life.record.data
            is_changing = False

            def changed(session: S) -> S:
                nonlocal is_changing
                is_changing = True
                session = change(session)
                is_changing = False
                return session

            try:
                session, life.record = await self.provider.apply(life.id, changed)
            except SessionNotFound:
                if not is_changing:  # else it is an error of the caller's own, and the session is there
                    life.end()
                raise
            life.session = self._rebased(life, base, session)
            return life.session

    def clear(self) -> None:
        """End the session. Another may be set."""
        self._must_go_on()
        id = self._life.id or self._claim
        if id is not None and id not in self._ended:
            self._ended.append(id)
        self._life = Life()

    def renew(self) -> None:
        """Give the session a new id when it is stored."""
        self._must_go_on()
        if self._request.sent:
            raise SessionAlreadySent("a new id needs a header, but the response has begun: renew it earlier")
        self._life.is_renewed = True

    def _must_go_on(self) -> None:
        if self._request.over:
            raise SessionAlreadySent(
                "the request is over, and nothing more is stored for it: call update, or be earlier"
            )

    async def store(self, *, with_header: bool = False) -> None:
        """Store what changed. After a failure it can be called again."""
        async with self._lock:
            life = self._life if self._life.is_untouched else await self._look_up()
            if life.session is None:
                return
            try:
                data = self.provider.serializer.serialize(life.session)
                touch = with_header and self.provider.lifetime.is_touch_due(life.record)
                if life.id is None or life.is_renewed:
                    await self._grant(life, data, with_header=with_header)
                elif data != life.record.data or touch:
                    life.record = await self.provider.change(life.id, life.record.data, data, touch=touch)
                    life.is_granted = life.is_granted or touch
            except SessionNotFound:
                life.end()

    async def forget(self) -> None:
        """Forget what ended."""
        async with self._lock:
            while self._ended:
                await self.provider.forget(self._ended[0])
                del self._ended[0]

    def tickets(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the header that the client needs, if any."""
        life = self._life
        if life.id is not None and (life.is_granted or self.provider.lifetime.is_ahead(life.record)):
            yield self.provider.grant(life.id, life.record)
        elif self._has_claim and life.claim is None and life.id is None:
            yield self.provider.transport.expire()

    async def _look_up(self) -> Life[S]:
        """Ask the storage for what the client claims, once. Return what the request knows then."""
        life = self._life
        if life.claim is not None:
            loaded = await self.provider.load(life.claim)
            if loaded is not None:
                session, life.record = loaded
                life.id = life.claim
                life.session = session if life.session is None else life.session
            life.claim = None
        return self._life  # another, if it was cleared meanwhile

    def _rebased(self, life: Life[S], base: bytes, session: S) -> S:
        """Return `session` with what this request had changed since `base`."""
        serializer = self.provider.serializer
        if life.session is None or (mine := serializer.serialize(life.session)) == base:
            return session
        return serializer.deserialize(self.provider.merge(base, mine, life.record.data))

    async def _grant(self, life: Life[S], data: bytes, *, with_header: bool) -> None:
        """Store the session under a fresh id. The old one, if any, is to be forgotten."""
        if not with_header:
            raise SessionAlreadySent("a new session needs a header, but the response has begun: set it earlier")
        id, old = self.provider.issue_id(), life.id
        record = self.provider.lifetime.begin(data, since=None if old is None else life.record.created)
        await self.provider.save(id, record)
        self._ended.append(id)  # until it is sure that the client may have it
        if old is not None and await self.provider.load(old) is None:
            raise SessionNotFound  # another request has ended it since this one loaded it
        if life is not self._life:  # cleared meanwhile
            return
        self._ended.remove(id)
        if old is not None:
            self._ended.append(old)
        life.id, life.record, life.is_granted, life.is_renewed = id, record, True, False


class Life(Generic[S]):
    """A session as one request knows it, until it is cleared.

    Then another takes its place, and what the storage still answers comes back to the old one, where it does no harm.
    """

    def __init__(self, claim: str | None = None) -> None:
        self.claim = claim  # an id that the storage is still to be asked for
        self.id: str | None = None
        self.session: S | None = None
        self.record = Record(0, 0)  # what is stored under `id`, as far as this request knows
        self.is_renewed = False  # it is to get a new id
        self.is_granted = False  # the client is to be told its id, or its new age

    @property
    def is_untouched(self) -> bool:
        """Whether the app has asked nothing of it that needs an answer of the storage."""
        return self.session is None and not self.is_renewed

    def end(self) -> None:
        """Have no session any more: it is not in the storage."""
        self.claim = self.id = self.session = None
        self.is_renewed = self.is_granted = False


def _with_tickets(
    headers: list[tuple[bytes, bytes]], tickets: list[tuple[bytes, bytes]], read: Iterable[bytes]
) -> list[tuple[bytes, bytes]]:
    """Return an app's headers with the tickets, which no cache may keep, and with what was `read` in `Vary`."""
    private = tickets and not any(name.lower() == b"cache-control" for name, _ in headers)
    own = b",".join(value.lower() for name, value in headers if name.lower() == b"vary")
    said = {name.strip() for name in own.split(b",")}
    vary = [(b"vary", name) for name in read if not said & {name, b"*"}]
    return [*headers, *tickets, *([(b"cache-control", b"no-store")] if private else []), *vary]
