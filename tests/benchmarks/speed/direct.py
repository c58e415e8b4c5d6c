"""The least that a request takes with the promises kept: the same steps without classes, for one kind of session."""

from __future__ import annotations

import re
from collections import OrderedDict
from functools import partial
from operator import itemgetter
from secrets import token_urlsafe
from threading import Lock
from time import time
from typing import Any

import msgspec

from tests.benchmarks.speed.app import BARE, AsgiApp, Visit, act_with_coatcheck, responding

WEEK = 7 * 24 * 3600.0
ID = re.compile(r"[!#-+\--:<-\[\]-~]{1,512}")
COOKIE = b"session="
ATTRIBUTES = f"; Max-Age={WEEK:.0f}; Path=/; Secure; HttpOnly; SameSite=Lax"


class Times(msgspec.Struct):
    """The first line of a record."""

    created: float
    seen: float


encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(Visit).decode
decode_times = msgspec.json.Decoder(Times).decode


class Memory:
    """Sessions by id, which several threads may use, and which forgets what nobody uses without a search."""

    def __init__(self) -> None:
        self.sessions: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self.lock = Lock()
        self.oldest = time()

    async def read(self, id: str) -> bytes | None:
        with self.lock:
            self.forget(time())
            found = self.sessions.get(id)
            return None if found is None else found[0]

    async def write(self, id: str, stored: bytes) -> None:
        with self.lock:
            self.keep(id, stored)

    async def replace(self, id: str, read: bytes, stored: bytes) -> bool:
        with self.lock:
            found = self.sessions.get(id)
            if found is None or found[0] != read:
                return False
            self.keep(id, stored)
            return True

    async def delete(self, id: str) -> None:
        with self.lock:
            self.sessions.pop(id, None)

    def keep(self, id: str, stored: bytes) -> None:
        now = time()
        self.forget(now)
        self.sessions[id] = stored, now
        self.sessions.move_to_end(id)

    def forget(self, now: float) -> None:
        while now - self.oldest >= WEEK:
            _, self.oldest = next(iter(self.sessions.values()), (b"", now))
            if now - self.oldest >= WEEK:
                self.sessions.popitem(last=False)


class Direct:
    """The session of one request, and what is saved of it."""

    __slots__ = ("base", "created", "id", "memory", "renewed", "sent", "session", "stored")

    def __init__(self, memory: Memory, headers: Any) -> None:
        self.memory = memory
        self.sent = [
            each[len(COOKIE) :].decode("latin-1")
            for name, value in headers
            if name == b"cookie"
            for each in map(bytes.strip, value.split(b";"))
            if each.startswith(COOKIE)
        ]
        self.session: Any = None
        self.id: str | None = None
        self.renewed = False
        self.base = self.stored = b""

    async def get(self, _: type) -> Any:
        if self.session is None and self.sent:
            await self.look_up()
        return self.session

    async def look_up(self) -> None:
        for id in self.sent:
            stored = await self.memory.read(id) if ID.fullmatch(id) else None
            if stored is None:
                continue
            times, _, data = stored.partition(b"\n")
            found = decode_times(times)
            if time() - found.created < WEEK:
                session = decode(data)
                self.id, self.stored, self.base, self.created = id, stored, encode(session), found.created
                self.session = session if self.session is None else self.session
                break
        self.sent = []

    def set(self, session: Any) -> None:
        self.session = session

    def renew_id(self, _: type) -> None:
        self.renewed = True

    async def save(self, message: Any, *, starts: bool) -> Any:
        if self.session is None:
            return message
        if self.sent:
            await self.look_up()
        mine = encode(self.session)
        if mine != self.base and decode(mine) != self.session:
            raise ValueError("it doesn't read back equal")
        added = [(b"vary", b"cookie")]
        if starts and (self.id is None or self.renewed):
            old, self.id = self.id, token_urlsafe(32)
            now = time()
            created = now if old is None else self.created
            self.base, self.stored = mine, b'{"created":%.6f,"seen":%.6f}\n%b' % (created, now, mine)
            await self.memory.write(self.id, self.stored)
            if old is not None and await self.memory.read(old) is not None:
                await self.memory.delete(old)
            cookie = COOKIE + f"{self.id}{ATTRIBUTES}".encode()
            added += [(b"set-cookie", cookie), (b"cache-control", b"no-store")]
        elif mine != self.base:
            stored = self.stored.partition(b"\n")[0] + b"\n" + mine
            if self.id is None or not await self.memory.replace(self.id, self.stored, stored):
                raise ValueError("another request came between; a merge has its place here")
            self.base, self.stored = mine, stored
        return {**message, "headers": [*message["headers"], *added]} if starts else message


def direct() -> AsgiApp:
    """Return an app whose sessions are saved by one function."""
    memory = Memory()
    inner = responding(partial(act_with_coatcheck, itemgetter("session")))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        session = scope["session"] = Direct(memory, scope["headers"])

        async def send_saved(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] < 500:
                message = await session.save(message, starts=True)
            await send(message)

        await inner(scope, receive, send_saved)
        await session.save(None, starts=False)

    return AsgiApp("the same steps in one place", "floor", app, BARE)
