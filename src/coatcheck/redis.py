"""Sessions in Redis or Valkey."""

from __future__ import annotations

import random
from datetime import timedelta
from functools import partial
from hashlib import sha256
from inspect import isclass
from math import ceil
from typing import TYPE_CHECKING, Any

from anyio import Lock, Semaphore, sleep

try:
    from redis.asyncio import Redis, RedisCluster
except ModuleNotFoundError as error:
    error.add_note("redis-py is an extra: pip install 'coatcheck[redis]'")
    raise

from .duration import TOUCHES, seconds
from .locks import Locks
from .simplified import SimplifiedSessionStorage
from .storage import Revision, SessionNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

# Sent whole each time: the server knows a script again by its text, so none can be missing after a restart or a
# failover. As scripts may write, a cluster runs them where the writes went, never on a replica that lags behind.
_READ = f"""
local session = redis.call('GET', KEYS[1])
local limit = tonumber(ARGV[2])
if session and limit then
    local left = redis.call('PTTL', KEYS[1])
    if left <= limit - limit / {TOUCHES} or left > limit then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
elseif session then
    redis.call('PERSIST', KEYS[1])
end
return session
"""
_REPLACE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], unpack(ARGV, 3))
return 1
"""
_ATTEMPTS = 100  # 16 processes that did nothing but update one session needed 17
_LONGEST_PAUSE = 0.1  # seconds
_CALLS_AT_ONCE = 50  # a client as redis-py makes it has 100 connections, and refuses what needs more


class SessionStorageRedis(SimplifiedSessionStorage):
    """Stores sessions in Redis or Valkey, on one server or a cluster, for any number of processes and machines.

    A session is a string of its own, and its key is a hash of its id, so Redis never sees an id. Sessions are as safe
    as Redis makes them. If it evicts keys when it is full, it evicts sessions, and if it neither saves nor replicates,
    they are gone when it stops. If Redis refuses (it is full, it is a replica, the key holds something else) or can't
    be reached, you get its `redis.exceptions.RedisError`, and no session is left half-written.

    It runs on asyncio only, as the client does. You close the client. If the client repeats a command after a lost
    connection (its `retry`), it does so here too, except for the one step of `update` that must not happen twice. The
    server's user needs SET, GET, DEL, PTTL, PEXPIRE, PERSIST and EVAL.

    Args:
        client: The client to use, from one event loop at a time unless the client can serve several. It must not decode
            responses: sessions are bytes.
        prefix: The beginning of every key. Give each app that shares the server a prefix of its own.
        retention: Delete a session after this long without a read or write, to the millisecond. A read is recorded at
            most once per tenth of this time. `None`: no limit. A new value applies to a session from its next use.

    Raises:
        TypeError: `client` is something else, such as a client that isn't for asyncio, or `prefix` isn't a `str`.
        ValueError: `client` decodes responses, or can't encode `prefix`, or `retention` is zero or negative.
    """

    def __init__(
        self, client: Redis | RedisCluster, *, prefix: str = "session:", retention: timedelta | None = timedelta(days=7)
    ) -> None:
        if not isinstance(client, Redis | RedisCluster):
            shown = "a class" if isclass(client) else f"a {type(client)}"  # not its value: a URL may have a password
            raise TypeError(
                f"client must be an object such as redis.asyncio.Redis() or RedisCluster(), not {shown}; for a URL, "
                "try redis.asyncio.Redis.from_url(url)"
            )
        encoder = client.get_encoder()
        if encoder.decode_responses:
            raise ValueError("this client decodes responses, but sessions are bytes: pass one without decode_responses")
        if not isinstance(prefix, str):
            raise TypeError(f'prefix must be a str, not {prefix!r}; try "session:"')
        try:
            encoder.encode(prefix)
        except UnicodeEncodeError as error:
            raise ValueError(f'prefix can\'t be {prefix!r}: {error}; try "session:"') from None
        self.retention = retention
        self._expiry: tuple[str | int, ...] = ()
        if retention is not None:
            self._expiry = ("PX", ceil(seconds(retention, "retention") * 1000))  # milliseconds
        self._client = client
        self._prefix = prefix
        self._locks = Locks(partial(Lock, fast_acquire=True))
        self._turns = Locks(partial(Semaphore, _CALLS_AT_ONCE, fast_acquire=True))

    async def load(self, id: str) -> bytes | None:
        """Return the bytes stored under `id`, in one round trip."""
        data: bytes | None = await self._send("EVAL", _READ, 1, self._key(id), *self._expiry)
        return data

    async def save(self, id: str, data: bytes | None) -> None:
        """Store `data` under `id`."""
        key = self._key(id)
        await (self._send("DEL", key) if data is None else self._send("SET", key, data, *self._expiry))

    async def update(self, id: str, transform: Callable[[bytes], bytes], /) -> bytes:
        """Replace the bytes stored under `id` with `transform` of them.

        Nothing is locked on the server: the new bytes take the place of those that `transform` was given, or it is
        given what is there by now. Tasks of one process take turns. An update takes two round trips. A request that
        changes the session it has read saves it in one, unless another has changed it since.

        Raises:
            SessionNotFound: Nothing is stored under `id`, or no longer.
            RuntimeError: Other processes changed the session 100 times before this one could. Nothing was replaced.
            redis.exceptions.RedisError: The server refused, and nothing was replaced. If it is a `ConnectionError` or a
                `TimeoutError`, the answer may have been lost: the bytes were replaced once, or not at all.
        """
        key = self._key(id)
        async with self._locks[key]:
            if isinstance(transform, Revision):
                tried = transform.of_what_was_read()
                if tried is not None and await self._replace(key, *tried):
                    return tried[1]
            for attempt in range(_ATTEMPTS):
                stored = await self.load(id)
                if stored is None:
                    raise SessionNotFound
                data = transform(stored)
                if await self._replace(key, stored, data):
                    return data
                await sleep(random.uniform(0, min(0.001 * 2**attempt, _LONGEST_PAUSE)))  # noqa: S311 - no secret
        raise RuntimeError(
            f"other processes changed this session {_ATTEMPTS} times before this update could: update it less often, "
            "or keep what changes so often outside of the session"
        )

    async def _replace(self, key: str, stored: bytes, data: bytes) -> bool:
        return bool(await self._send_once(key, "EVAL", _REPLACE, 1, key, stored, data, *self._expiry))

    def _key(self, id: str) -> str:
        return f"{self._prefix}{sha256(id.encode()).hexdigest()}"

    async def _send(self, *command: bytes | str | int) -> Any:
        async with self._turns[None]:
            return await self._client.execute_command(*command)

    async def _send_once(self, key: str, *command: bytes | str | int) -> Any:
        """Send a command that must not be sent again, as `execute_command` would if the answer was lost."""
        async with self._turns[None]:
            if isinstance(self._client, RedisCluster):
                # To a node that the caller names, a command is sent once, or once more where that node points to.
                return await self._client.execute_command(*command, target_nodes=self._client.get_node_from_key(key))
            pool: Any = self._client.connection_pool  # has no types
            connection = await pool.get_connection()
            try:
                await connection.send_command(*command)
                return await connection.read_response()
            finally:
                await pool.release(connection)
