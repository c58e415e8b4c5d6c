"""What a program's logins do to its sessions: it calls `watch` before anything else."""

from __future__ import annotations

import json
import logging
import re
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from coatcheck import CurrentSession, Sessions

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from tests.support.client import Message, Receive, Send

    Scope = MutableMapping[str, Any]

LOGIN = re.compile(r"(?<![a-z])(log|sign)[-_]?in(?![a-z])", re.IGNORECASE)


@dataclass
class Login:
    """A request for a path that says login: the classes of the sessions that it has started and renewed."""

    method: str
    path: str
    started: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)


def logins(file: Path) -> list[Login]:
    """The logins that a program has noted in this file."""
    return [Login(**json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []


def watch(file: str) -> None:
    """Have this program note each login in a file, and try each login with a GET as well."""
    asked: ContextVar[Login] = ContextVar("asked")
    elsewhere = Login("", "")
    set_session, renew_id, clear, call = (
        CurrentSession.set,
        CurrentSession.renew_id,
        CurrentSession.clear,
        Sessions.__call__,
    )

    def noted_set(self: CurrentSession, session: object) -> None:
        set_session(self, session)
        asked.get(elsewhere).started.append(type(session).__name__)

    def noted_renewal(self: CurrentSession, type: type[object]) -> None:
        renew_id(self, type)
        asked.get(elsewhere).renewed.append(type.__name__)

    def noted_clear(self: CurrentSession, type: type[object]) -> None:
        clear(self, type)
        asked.get(elsewhere).renewed.append(type.__name__)  # what is set after this has a new id

    async def ask(self: Sessions, scope: Scope, receive: Receive, send: Send) -> None:
        login = Login(scope["method"], scope["path"])
        asked.set(login)
        try:
            await call(self, scope, receive, send)
        finally:
            _note(login, Path(file))

    async def noted_call(self: Sessions, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not LOGIN.search(scope["path"]):
            await call(self, scope, receive, send)
            return
        by_get = {**scope, "method": "GET"}
        await ask(self, scope, receive, send)
        logging.disable()
        with suppress(Exception):  # whichever way the app refuses it
            await ask(self, by_get, _nothing(), _ignore)
        logging.disable(logging.NOTSET)

    CurrentSession.set, CurrentSession.renew_id, CurrentSession.clear = noted_set, noted_renewal, noted_clear  # type: ignore[method-assign]
    Sessions.__call__ = noted_call  # type: ignore[method-assign]


def _note(login: Login, file: Path) -> None:
    with file.open("a") as notes:
        notes.write(json.dumps(asdict(login)) + "\n")


def _nothing() -> Receive:
    messages = iter([{"type": "http.request"}])

    async def receive() -> Message:
        for message in messages:
            return message
        await anyio.sleep_forever()
        raise AssertionError

    return receive


async def _ignore(message: Message) -> None:
    """Send it nowhere."""
