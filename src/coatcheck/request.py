"""The sessions of one request: what its response has to wait for, and what is saved when it ends."""

from __future__ import annotations

from inspect import isclass
from typing import TYPE_CHECKING, Any, TypeVar

from .serializer import class_name
from .slot import Progress, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .provider import SessionProvider
    from .transport import Headers

S = TypeVar("S")


class RequestSessions:
    """All sessions of one request. Each gets its slot when the app first asks for it."""

    def __init__(
        self, providers: Mapping[type, SessionProvider[Any]], headers: Headers, outer: RequestSessions | None
    ) -> None:
        self.progress = Progress()
        self._providers = providers
        self._headers = headers
        self._outer = outer
        self._slots: dict[type, Slot[Any]] = {}
        self.vary: dict[bytes, None] = {}
        """The names of the request headers that were read for an id, each once."""

    def of(self, type: type[S], inner: tuple[type, ...] = ()) -> Slot[S]:
        """Return the slot of this type's session, here or in an outer `Sessions`; those `inner` ones don't have it."""
        slot = self._slots.get(type)
        if slot is not None:
            return slot
        provider = self._providers.get(type)
        if provider is not None:
            slot = Slot(provider, provider.transport.receive(self._headers), self.progress)
            self.vary[provider.transport.vary] = None
            self._slots[type] = slot
            return slot
        known = (*inner, *self._providers)
        if self._outer is not None:
            return self._outer.of(type, known)
        raise LookupError(_no_provider(type, known))

    async def start_response(self, *, is_error: bool, takes_ids: bool = True) -> None:
        """Save what changed, or discard it if the response is an error. Changes during it are saved at the end.

        The refusal of a websocket takes no ids along, so it can't start or renew a session.
        """
        self.progress.headers_are_final = True
        try:
            slots = [slot for slot in self._slots.values() if not slot.is_at_rest()]
            for slot in slots:
                if is_error:
                    await slot.discard()
                elif takes_ids:
                    await slot.save()
            for slot in slots:  # only now: if one slot fails, each client's id is still alive
                if slot.is_settled():
                    continue
                try:
                    await slot.settle(taken=takes_ids)
                except Exception:
                    if takes_ids and not is_error:  # an error page needs no storage; `end` tries again
                        raise
            self.progress.response_started = True
        finally:
            self.progress.headers_are_final = self.progress.response_started

    async def save(self) -> None:
        """Save what changed, now, in an outer `Sessions` too."""
        self.progress.refuse_after_request()
        for slot in [*self._slots.values()]:
            await slot.save()
            await slot.settle()
        if self._outer is not None:
            await self._outer.save()

    async def end(self, *, cancelled: bool = False) -> None:
        """Delete what ended, and save what changed since the response started. A slot that fails doesn't stop others.

        Nothing is saved for a request that was `cancelled`, or whose response never started.
        """
        self.progress.ended = True
        errors = []
        started = self.progress.response_started
        for slot in [slot for slot in self._slots.values() if not slot.is_at_rest()]:
            try:
                if started and not cancelled:
                    await slot.save()
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)
            try:
                await slot.settle(taken=started)
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("several sessions could not be saved", errors)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the response headers that set or remove ids."""
        return [header for slot in self._slots.values() if (header := slot.header()) is not None]


def _no_provider(type: Any, known: tuple[type, ...]) -> str:
    if not isclass(type):  # perhaps a session, which is not for a message
        return f"pass the class of a session, not a {class_name(type.__class__)}"
    namesakes = [class_name(each) for each in known if each.__qualname__ == type.__qualname__]
    if namesakes:
        way_out = f"there is one for {namesakes[0]}, which is another class: import it from one module everywhere"
    else:
        way_out = "pass Sessions a cookie(...) or header(...)"
    return f"no provider for {class_name(type)}; {way_out}"
