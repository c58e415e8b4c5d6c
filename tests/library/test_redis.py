"""Sessions in Redis or Valkey: real servers, a real cluster, and what goes wrong between them and us."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc
import pytest
import redis
from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

import coatcheck.redis
from coatcheck import SessionNotFound, cookie, read_bytes, testing, write_bytes
from coatcheck.redis import SessionStorageRedis
from tests.support.client import found, visit
from tests.support.clock import Clock
from tests.support.server import PATIENCE, Server, free_port, running, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from pathlib import Path

    from coatcheck import CurrentSession
    from coatcheck.testing import Check
    from tests.support.client import Message

    Client = Redis | RedisCluster

PROGRAMS = ["redis-server", *(name for name in ("valkey-server",) if shutil.which(name))]
CHECKS = [*testing.CHECKS, *testing.UPDATE_CHECKS]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The clients are for asyncio only. One loop for all tests, so that a client can serve them all."""
    return "asyncio"


# --- servers ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> str:
    assert shutil.which(request.param), f"{request.param} is not on the PATH: apt-get install {request.param}"
    return str(request.param)


@pytest.fixture(scope="module")
def module_server(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(program, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def server(module_server: Server) -> Server:
    """One server, empty."""
    module_server.do("FLUSHALL")
    return module_server


@pytest.fixture
def mortal(program: str, tmp_path: Path) -> Iterator[Server]:
    """A server for one test, which may do to it what it likes."""
    with running(program, tmp_path, "--appendonly", "yes", "--appendfsync", "always") as server:
        yield server


@pytest.fixture(scope="module")
def module_cluster(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    nodes = []
    for _ in range(3):
        options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "5000")
        nodes.append(Server(program, tmp_path_factory.mktemp("node"), *options))
    try:
        for number, node in enumerate(nodes):
            node.start()
            node.do("CLUSTER", "ADDSLOTSRANGE", *((0, 5460), (5461, 10922), (10923, 16383))[number])
        for node in nodes[1:]:
            bus = node.do("CONFIG", "GET", "cluster-port")
            bus_port = next(iter(bus.values())) if isinstance(bus, dict) else bus[1]
            nodes[0].do("CLUSTER", "MEET", "127.0.0.1", node.port, int(bus_port))
        for node in nodes:
            wait_until(lambda node=node: is_complete(node), "the cluster comes together")  # type: ignore[misc]
        yield nodes
    finally:
        for node in nodes:
            node.close()


def is_complete(node: Server) -> bool:
    info = node.do("CLUSTER INFO")
    return bool(info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "3")


@pytest.fixture
def cluster(module_cluster: list[Server]) -> list[Server]:
    """Three nodes that share the keys between them, empty."""
    for node in module_cluster:
        node.do("FLUSHALL")
    return module_cluster


@pytest.fixture(params=["one server", "cluster"])
def servers(request: pytest.FixtureRequest, module_server: Server, module_cluster: list[Server]) -> list[Server]:
    """One server, then the three of a cluster: who asks for these is tested on both."""
    servers = [module_server] if request.param == "one server" else module_cluster
    for server in servers:
        server.do("FLUSHALL")
    return servers


def client_for(servers: list[Server], **options: Any) -> Client:
    client = Redis if len(servers) == 1 else RedisCluster
    return client(host="127.0.0.1", port=servers[0].port, **options)


def promptly() -> dict[str, Any]:
    """Options for a client that does not try again and waits for nothing long."""
    return {"retry": Retry(NoBackoff(), 0), "socket_timeout": 2}


@pytest.fixture(scope="module")
async def module_clients(module_server: Server, module_cluster: list[Server]) -> AsyncIterator[tuple[Redis, Client]]:
    async with Redis(port=module_server.port) as single, client_for(module_cluster) as spread:
        yield single, spread


@pytest.fixture
def storage(servers: list[Server], module_clients: tuple[Redis, Client]) -> SessionStorageRedis:
    """A storage on one server, then on a cluster."""
    return SessionStorageRedis(module_clients[len(servers) > 1])


@pytest.fixture
def single(server: Server, module_clients: tuple[Redis, Client]) -> Redis:  # noqa: ARG001 - the server is to be empty
    """A client of one server, where a cluster would show nothing else."""
    return module_clients[0]


def key_of(id: str) -> str:
    return f"session:{sha256(id.encode()).hexdigest()}"


def increment(data: bytes) -> bytes:
    return b"%d" % (int(data) + 1)


# --- the contract -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_contract_holds(check: Check, storage: SessionStorageRedis) -> None:
    await check(storage)


async def test_a_session_is_one_string_with_its_bytes_and_nothing_else(single: Redis, server: Server) -> None:
    await write_bytes(SessionStorageRedis(single), "id1", b"a grey\x00 coat")
    assert server.stored() == [key_of("id1").encode()]
    assert server.do("GET", key_of("id1")) == b"a grey\x00 coat"


async def test_storages_with_two_prefixes_share_a_server_and_nothing_else(single: Redis, server: Server) -> None:
    mine, yours = (SessionStorageRedis(single, prefix=prefix) for prefix in ("mine:", "yours:"))
    await write_bytes(mine, "id1", b"a grey coat")
    with pytest.raises(SessionNotFound):
        await read_bytes(yours, "id1")
    await yours.invalidate("id1")
    assert await read_bytes(mine, "id1") == b"a grey coat"
    assert [key.partition(b":")[0] for key in server.stored()] == [b"mine"]


async def test_a_miss_leaves_nothing_behind(storage: SessionStorageRedis, servers: list[Server]) -> None:
    with pytest.raises(SessionNotFound):
        await read_bytes(storage, "unknown")
    with pytest.raises(SessionNotFound):
        await storage.update("unknown", increment)
    await storage.invalidate("unknown")
    assert [server.stored() for server in servers] == [[] for _ in servers]


@contextmanager
def a_tap(server: Server) -> Iterator[Callable[[], list[bytes]]]:
    """Yield a function that returns all commands that the server got since, as the server itself notes them."""
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.settimeout(PATIENCE)
        stream = line.makefile("rb")
        line.sendall(b"MONITOR\r\n")
        assert stream.readline() == b"+OK\r\n"

        def drain() -> list[bytes]:
            server.do("PING", "that was all")
            commands = []
            while b'"that was all"' not in (command := stream.readline()):
                commands.append(command)
            return commands

        yield drain


def commands_sent(commands: Iterable[bytes]) -> list[bytes]:
    """The commands that came from a client, without those of its scripts."""
    return [command.split()[3] for command in commands if b"lua]" not in command]


async def test_an_id_never_reaches_the_server(storage: SessionStorageRedis, servers: list[Server]) -> None:
    id = "a-very-secret-session-id"
    with a_tap(servers[0]) as first, a_tap(servers[-1]) as last, a_tap(servers[len(servers) // 2]) as middle:
        await write_bytes(storage, id, b"1")
        await read_bytes(storage, id)
        await storage.update(id, increment)
        stored = b"".join(b"".join([key, server.do("GET", key)]) for server in servers for key in server.stored())
        await storage.invalidate(id)
        with pytest.raises(SessionNotFound):
            await read_bytes(storage, id)
        with pytest.raises(SessionNotFound):
            await storage.update(id, increment)
        seen = b"".join([*first(), *middle(), *last()])
    assert key_of(id).encode() in stored
    assert seen.count(key_of(id).encode()) > 6
    assert id.encode() not in stored + seen


async def test_reads_and_writes_are_one_round_trip_and_an_update_is_two(single: Redis, server: Server) -> None:
    storage = SessionStorageRedis(single)
    await write_bytes(storage, "id1", b"1")  # connects
    with a_tap(server) as commands:
        await write_bytes(storage, "id1", b"1")
        await read_bytes(storage, "id1")
        await storage.update("id1", increment)
        await storage.invalidate("id1")
        assert commands_sent(commands()) == [b'"SET"', b'"EVAL"', b'"EVAL"', b'"EVAL"', b'"DEL"']


async def test_a_server_that_forgot_its_scripts_makes_no_difference(
    storage: SessionStorageRedis, servers: list[Server]
) -> None:
    await write_bytes(storage, "id1", b"1")
    for _ in range(2):
        await storage.update("id1", increment)
        for server in servers:
            server.do("SCRIPT FLUSH")
    assert await read_bytes(storage, "id1") == b"3"


async def test_more_calls_at_once_than_a_client_has_connections_wait_for_one(storage: SessionStorageRedis) -> None:
    await write_bytes(storage, "id1", b"a grey coat")
    assert await asyncio.gather(*(read_bytes(storage, "id1") for _ in range(1000))) == [b"a grey coat"] * 1000


async def test_a_client_with_one_connection_will_do(server: Server) -> None:
    async with Redis(port=server.port, single_connection_client=True) as client:
        storage = SessionStorageRedis(client)
        await write_bytes(storage, "id1", b"1")
        await asyncio.gather(*(storage.update("id1", increment) for _ in range(5)))
        assert await read_bytes(storage, "id1") == b"6"


@pytest.mark.parametrize("kind", [Redis, RedisCluster])
def test_a_client_that_decodes_responses_is_refused(kind: type[Client]) -> None:
    client: Client = kind(host="127.0.0.1", decode_responses=True)
    with pytest.raises(ValueError, match="pass one without decode_responses"):
        SessionStorageRedis(client)


@pytest.mark.parametrize("client", [redis.Redis(), "redis://:secret@localhost", None, Redis])
def test_what_is_no_client_for_asyncio_is_refused_without_its_password(client: Any) -> None:
    with pytest.raises(TypeError) as error:
        SessionStorageRedis(client)
    shown = "a class" if client is Redis else f"a {type(client)}"
    assert str(error.value) == (
        f"client must be an object such as redis.asyncio.Redis() or RedisCluster(), not {shown}; for a URL, try "
        "redis.asyncio.Redis.from_url(url)"
    )


@pytest.mark.parametrize("prefix", [None, b"app:", 5])
def test_a_prefix_that_is_no_text_is_refused_with_a_way_out(prefix: Any) -> None:
    with pytest.raises(TypeError) as error:
        SessionStorageRedis(Redis(), prefix=prefix)
    assert str(error.value) == f'prefix must be a str, not {prefix!r}; try "session:"'


@pytest.mark.parametrize("kind", [Redis, RedisCluster])
@pytest.mark.parametrize(("prefix", "encoding"), [("\ud800", "utf-8"), ("\u0161atna:", "latin-1")])
def test_a_prefix_that_the_client_cannot_encode_is_refused_with_a_way_out(
    prefix: str, encoding: str, kind: type[Client]
) -> None:
    client: Client = kind(host="127.0.0.1", encoding=encoding)
    with pytest.raises(ValueError, match=r"^prefix can't be '.*: .* can't encode .*; try \"session:\"$"):
        SessionStorageRedis(client, prefix=prefix)


# --- several event loops ------------------------------------------------------------------------------------------


class EachLoopsOwn(Redis):
    """A client with connections of its own for each event loop."""

    def __init__(self, port: int) -> None:
        self.pools: dict[object, ConnectionPool] = {}
        self.port = port
        super().__init__(port=port)

    @property
    def connection_pool(self) -> ConnectionPool:
        try:
            loop: object = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        return self.pools.setdefault(loop, ConnectionPool(port=self.port))

    @connection_pool.setter
    def connection_pool(self, _: ConnectionPool) -> None:
        pass


async def use_and_close(storage: SessionStorageRedis, client: Redis) -> None:
    """Make more calls at once than one client takes, so that some of them wait for others."""
    with anyio.fail_after(PATIENCE):
        await asyncio.gather(*(storage.update("id1", increment) for _ in range(20)))
        found = await asyncio.gather(*(read_bytes(storage, "id1") for _ in range(200)))
        assert all(int(data) >= 20 for data in found)
    await client.connection_pool.disconnect()


def test_one_storage_serves_one_event_loop_after_the_other(server: Server) -> None:
    client = Redis(port=server.port)
    storage = SessionStorageRedis(client)
    server.do("SET", key_of("id1"), "0")
    for rounds in (1, 2, 3):
        asyncio.run(use_and_close(storage, client))
        assert server.do("GET", key_of("id1")) == b"%d" % (20 * rounds)


def test_one_storage_serves_several_event_loops_at_once_if_its_client_does(server: Server) -> None:
    client = EachLoopsOwn(server.port)
    storage = SessionStorageRedis(client)
    server.do("SET", key_of("id1"), "0")
    with ThreadPoolExecutor(3) as threads:
        for ended in [threads.submit(asyncio.run, use_and_close(storage, client)) for _ in range(3)]:
            ended.result()
    assert server.do("GET", key_of("id1")) == b"60"


# --- retention ----------------------------------------------------------------------------------------------------

LIMIT = timedelta(seconds=10_000)


async def test_a_session_is_kept_for_the_retention_by_the_servers_clock(single: Redis, server: Server) -> None:
    for retention in (timedelta(days=7), timedelta(seconds=90), timedelta.max):
        await write_bytes(SessionStorageRedis(single, retention=retention), "id1", b"a grey coat")
        left = server.do("PTTL", key_of("id1"))
        assert 0 <= retention / timedelta(milliseconds=1) - left < PATIENCE * 1000
    assert SessionStorageRedis(single).retention == timedelta(days=7)


async def test_what_outlived_its_retention_is_gone(single: Redis, server: Server) -> None:
    storage = SessionStorageRedis(single, retention=timedelta(milliseconds=50))
    await write_bytes(storage, "id1", b"a grey coat")
    wait_until(lambda: server.stored() == [], "the server forgets a session")
    with pytest.raises(SessionNotFound):
        await read_bytes(storage, "id1")


async def test_the_shortest_retention_is_no_error_of_the_server(single: Redis, server: Server) -> None:
    storage = SessionStorageRedis(single, retention=timedelta(microseconds=1))
    await write_bytes(storage, "id1", b"a grey coat")
    wait_until(lambda: server.stored() == [], "the server forgets a session")


@pytest.mark.parametrize("retention", [timedelta(0), timedelta(days=-1)])
def test_no_retention_at_all_is_refused(retention: timedelta) -> None:
    with pytest.raises(ValueError, match="retention must be longer than zero"):
        SessionStorageRedis(Redis(), retention=retention)


async def test_without_a_retention_the_server_keeps_a_session(single: Redis, server: Server) -> None:
    storage = SessionStorageRedis(single, retention=None)
    assert storage.retention is None
    await write_bytes(storage, "id1", b"1")
    assert server.do("PTTL", key_of("id1")) == -1
    await read_bytes(storage, "id1")
    await storage.update("id1", increment)
    assert server.do("PTTL", key_of("id1")) == -1


@pytest.mark.parametrize("left", [9_990_000, 9_100_000])
async def test_a_read_within_a_tenth_of_the_retention_writes_nothing(left: int, single: Redis, server: Server) -> None:
    storage = SessionStorageRedis(single, retention=LIMIT)
    await write_bytes(storage, "id1", b"a grey coat")
    server.do("PEXPIRE", key_of("id1"), left)
    assert await read_bytes(storage, "id1") == b"a grey coat"
    assert server.do("PTTL", key_of("id1")) <= left


@pytest.mark.parametrize("left", [8_990_000, 100_000])
async def test_a_read_after_a_tenth_of_the_retention_counts(left: int, single: Redis, server: Server) -> None:
    storage = SessionStorageRedis(single, retention=LIMIT)
    await write_bytes(storage, "id1", b"a grey coat")
    server.do("PEXPIRE", key_of("id1"), left)
    assert await read_bytes(storage, "id1") == b"a grey coat"
    assert 9_900_000 < server.do("PTTL", key_of("id1")) <= 10_000_000


async def test_writes_and_updates_count_at_once(single: Redis, server: Server) -> None:
    storage = SessionStorageRedis(single, retention=LIMIT)

    async def write() -> None:
        await write_bytes(storage, "id1", b"1")

    async def update() -> None:
        await storage.update("id1", increment)

    await write()
    for use in (write, update):
        server.do("PEXPIRE", key_of("id1"), 9_900_000)
        await use()
        assert server.do("PTTL", key_of("id1")) > 9_900_000


@pytest.mark.parametrize("before", [None, timedelta(days=7), timedelta(seconds=100)])
@pytest.mark.parametrize("now", [None, LIMIT])
async def test_a_changed_retention_reaches_a_session_with_its_next_read(
    before: timedelta | None, now: timedelta | None, single: Redis, server: Server
) -> None:
    await write_bytes(SessionStorageRedis(single, retention=before), "id1", b"a grey coat")
    await read_bytes(SessionStorageRedis(single, retention=now), "id1")
    left = server.do("PTTL", key_of("id1"))
    assert left == -1 if now is None else 9_900_000 < left <= 10_000_000


# --- updates ------------------------------------------------------------------------------------------------------


async def test_an_update_replaces_what_another_stored_meanwhile(
    storage: SessionStorageRedis, servers: list[Server]
) -> None:
    await write_bytes(storage, "id1", b"1")
    given = []

    def be_overtaken_once(data: bytes) -> bytes:
        given.append(data)
        if len(given) == 1:
            holder(servers, "id1").do("SET", key_of("id1"), "41")
        return increment(data)

    assert await storage.update("id1", be_overtaken_once) == b"42"
    assert given == [b"1", b"41"]
    assert await read_bytes(storage, "id1") == b"42"


async def test_an_update_does_not_bring_back_what_was_invalidated_meanwhile(
    storage: SessionStorageRedis, servers: list[Server]
) -> None:
    await write_bytes(storage, "id1", b"1")

    def be_overtaken(data: bytes) -> bytes:
        holder(servers, "id1").do("DEL", key_of("id1"))
        return increment(data)

    with pytest.raises(SessionNotFound):
        await storage.update("id1", be_overtaken)
    assert [server.stored() for server in servers] == [[] for _ in servers]


async def test_an_update_that_always_comes_too_late_says_so(
    single: Redis, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coatcheck.redis, "_LONGEST_PAUSE", 0)
    storage = SessionStorageRedis(single)
    await write_bytes(storage, "id1", b"0")

    def be_overtaken(data: bytes) -> bytes:
        server.do("INCR", key_of("id1"))
        return b"mine" + data

    with pytest.raises(RuntimeError, match=r"changed this session 100 times .* update it less often"):
        await storage.update("id1", be_overtaken)
    assert await read_bytes(storage, "id1") == b"100"


async def test_a_thousand_increments_at_once_are_a_thousand_and_take_turns(
    storage: SessionStorageRedis, servers: list[Server]
) -> None:
    await write_bytes(storage, "id1", b"0")
    for server in servers:
        server.do("CONFIG RESETSTAT")
    await asyncio.gather(*(storage.update("id1", increment) for _ in range(1000)))
    assert await read_bytes(storage, "id1") == b"1000"
    calls = sum(server.do("INFO", "commandstats").get("cmdstat_eval", {}).get("calls", 0) for server in servers)
    assert calls == 2001, "an update took more than two round trips"


def holder(servers: list[Server], id: str) -> Server:
    """The server that holds this session."""
    return next(server for server in servers if key_of(id).encode() in server.stored())


# Waits for a line, then counts one session up and writes, reads and invalidates others.
WORKER = """
import asyncio, sys
from redis.asyncio import Redis, RedisCluster
from coatcheck import SessionNotFound, read_bytes, write_bytes
from coatcheck.redis import SessionStorageRedis

async def main(kind, port, worker):
    async with {"Redis": Redis, "RedisCluster": RedisCluster}[kind](host="127.0.0.1", port=int(port)) as client:
        storage = SessionStorageRedis(client)

        async def count():
            for _ in range(100):
                await storage.update("counter", lambda data: b"%d" % (int(data) + 1))

        async def come_and_go(task):
            for turn in range(40):
                id, data = f"{worker} {task} {turn}", (f"{worker} {task} {turn} " * 2000).encode()
                await write_bytes(storage, id, data)
                assert await read_bytes(storage, id) == data
                if turn % 2:
                    await storage.invalidate(id)
                    try:
                        await read_bytes(storage, id)
                    except SessionNotFound:
                        pass
                    else:
                        raise AssertionError("an invalidated session was found")

        print("ready", flush=True)
        sys.stdin.readline()
        await asyncio.gather(count(), count(), come_and_go(1), come_and_go(2))

asyncio.run(main(*sys.argv[1:]))
"""


async def test_two_processes_lose_nothing(storage: SessionStorageRedis, servers: list[Server]) -> None:
    await write_bytes(storage, "counter", b"0")
    kind = "Redis" if len(servers) == 1 else "RedisCluster"
    workers = [
        subprocess.Popen(  # noqa: ASYNC220 - nothing else is to happen meanwhile
            [sys.executable, "-c", WORKER, kind, str(servers[0].port), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(2)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write(b"go\n")
            worker.stdin.flush()
        assert [worker.wait(PATIENCE) for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert await read_bytes(storage, "counter") == b"400"
    for number in range(2):
        for task in (1, 2):
            for turn in range(0, 40, 2):
                text = f"{number} {task} {turn}"
                assert await read_bytes(storage, text) == f"{text} ".encode() * 2000
    assert sum(len(server.stored()) for server in servers) == 2 * 2 * 20 + 1


async def test_sessions_are_found_and_updated_while_their_part_of_the_cluster_moves(cluster: list[Server]) -> None:
    async with client_for(cluster) as client:
        storage = SessionStorageRedis(client)
        await write_bytes(storage, "id1", b"1")
        here = holder(cluster, "id1")
        there = next(node for node in cluster if node is not here)
        names = {node: node.do("CLUSTER", "MYID").decode() for node in (here, there)}
        slot = here.do("CLUSTER", "KEYSLOT", key_of("id1"))
        there.do("CLUSTER", "SETSLOT", slot, "IMPORTING", names[here])
        here.do("CLUSTER", "SETSLOT", slot, "MIGRATING", names[there])
        here.do("MIGRATE", "127.0.0.1", there.port, key_of("id1"), 0, 5000)
        assert await storage.update("id1", increment) == b"2"  # the old node asks to try the new one
        for node in (there, here):
            node.do("CLUSTER", "SETSLOT", slot, "NODE", names[there])
        assert await storage.update("id1", increment) == b"3"  # the old node says that it has moved
        assert await read_bytes(storage, "id1") == b"3"
        assert holder(cluster, "id1") is there


# --- answers that get lost ----------------------------------------------------------------------------------------


class Line:
    """What lies between a client and the servers. It loses an answer when it is told to."""

    def __init__(self) -> None:
        self.ports: dict[int, int] = {}  # of each server: where it can be reached through this line
        self.lost = anyio.Event()
        self._lose: Callable[[bytes], bool] = lambda _: False
        self._losing = False
        self._hang_up = False

    def lose_the_answer(self, command: str, *, hang_up: bool, earlier: int = 0) -> None:
        """Deliver the next `command` after `earlier` ones, but not its answer: hang up instead, or say nothing."""
        left = earlier

        def lose(data: bytes) -> bool:
            nonlocal left
            left -= command.encode() in data
            return left < 0

        self.lost, self._lose, self._hang_up = anyio.Event(), lose, hang_up

    @asynccontextmanager
    async def to(self, servers: list[Server]) -> AsyncIterator[Line]:
        async with AsyncExitStack() as listeners, anyio.create_task_group() as calls:
            for server in servers:
                listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
                await listeners.enter_async_context(listener)
                self.ports[server.port] = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - no Django
                calls.start_soon(listener.serve, partial(self._connect, server.port))
            yield self
            calls.cancel_scope.cancel()

    async def _connect(self, port: int, client: anyio.abc.ByteStream) -> None:
        async with client, await anyio.connect_tcp("127.0.0.1", port) as server, anyio.create_task_group() as both:
            both.start_soon(self._pass_commands, client, server, both.cancel_scope)
            both.start_soon(self._pass_answers, server, client, both.cancel_scope)

    async def _pass_commands(
        self, client: anyio.abc.ByteStream, server: anyio.abc.ByteStream, end: anyio.CancelScope
    ) -> None:
        with suppress(anyio.BrokenResourceError):
            async for data in client:
                if self._lose(data):
                    self._lose, self._losing = lambda _: False, True
                await server.send(data)
        end.cancel()

    async def _pass_answers(
        self, server: anyio.abc.ByteStream, client: anyio.abc.ByteStream, end: anyio.CancelScope
    ) -> None:
        with suppress(anyio.BrokenResourceError):
            async for data in server:
                if not self._losing:
                    await client.send(data)
                    continue
                self._losing = False
                self.lost.set()
                if self._hang_up:
                    break
        end.cancel()


@pytest.fixture
async def line(servers: list[Server]) -> AsyncIterator[Line]:
    async with Line().to(servers) as line:
        yield line


@pytest.fixture
async def distant(servers: list[Server], line: Line) -> AsyncIterator[Client]:
    """A client at the other end of the line. It sends again what was not answered, as clients do."""
    options: dict[str, Any] = {"host": "127.0.0.1", "port": line.ports[servers[0].port], "socket_timeout": 1}
    client: Client
    if len(servers) == 1:
        client = Redis(**options)
    else:
        client = RedisCluster(**options, address_remap=lambda address: (address[0], line.ports[address[1]]))
    async with client:
        yield client


@pytest.mark.parametrize("error", [RedisConnectionError, RedisTimeoutError])
async def test_an_update_whose_answer_is_lost_was_done_once_and_raises(
    error: type[RedisError], distant: Client, line: Line
) -> None:
    storage = SessionStorageRedis(distant)
    await write_bytes(storage, "id1", b"1")
    given = []

    def note_and_increment(data: bytes) -> bytes:
        given.append(data)
        return increment(data)

    line.lose_the_answer("EVAL", hang_up=error is RedisConnectionError, earlier=1)
    with pytest.raises(error):
        await storage.update("id1", note_and_increment)
    assert line.lost.is_set()
    assert given == [b"1"]
    assert await read_bytes(storage, "id1") == b"2"
    assert await storage.update("id1", increment) == b"3"


async def test_other_calls_whose_answer_is_lost_are_sent_again(distant: Client, line: Line) -> None:
    storage = SessionStorageRedis(distant)
    line.lose_the_answer("SET", hang_up=True)
    await write_bytes(storage, "id1", b"a grey coat")
    line.lose_the_answer("EVAL", hang_up=True)
    assert await read_bytes(storage, "id1") == b"a grey coat"
    line.lose_the_answer("DEL", hang_up=True)
    await storage.invalidate("id1")
    assert line.lost.is_set()
    with pytest.raises(SessionNotFound):
        await read_bytes(storage, "id1")


@pytest.mark.parametrize("how", ["by AnyIO", "by asyncio"])
@pytest.mark.parametrize(
    ("call", "command", "earlier"),
    [("read", "EVAL", 0), ("write", "SET", 0), ("invalidate", "DEL", 0), ("update", "EVAL", 0), ("update", "EVAL", 1)],
)
async def test_calls_that_were_cancelled_take_no_connection_with_them(
    call: str, command: str, earlier: int, how: str, server: Server
) -> None:
    async with Line().to([server]) as line:
        pool = BlockingConnectionPool(port=line.ports[server.port], max_connections=1, timeout=PATIENCE)
        async with Redis.from_pool(pool) as client:
            storage = SessionStorageRedis(client)
            calls: dict[str, Callable[[], Any]] = {
                "read": lambda: read_bytes(storage, "id1"),
                "write": lambda: write_bytes(storage, "id1", b"1"),
                "invalidate": lambda: storage.invalidate("id1"),
                "update": lambda: storage.update("id1", increment),
            }
            for _ in range(3):
                await write_bytes(storage, "id1", b"1")
                line.lose_the_answer(command, hang_up=False, earlier=earlier)
                with anyio.fail_after(PATIENCE):
                    if how == "by AnyIO":
                        async with anyio.create_task_group() as group:
                            group.start_soon(calls[call])
                            await line.lost.wait()
                            group.cancel_scope.cancel()
                    else:
                        task = asyncio.ensure_future(calls[call]())
                        await line.lost.wait()
                        task.cancel()
                        with pytest.raises(asyncio.CancelledError):
                            await task
            await write_bytes(storage, "id1", b"1")
            assert await storage.update("id1", increment) == b"2"


# --- servers that fail --------------------------------------------------------------------------------------------

ID, PAYLOAD = "a-very-secret-session-id", b"a-very-private-payload"


async def raises(error: type[RedisError], call: Any) -> None:
    """The call raises this, and the text says nothing that is nobody's business."""
    with pytest.raises(error) as raised:
        await call
    told = f"{raised.value!s} {raised.value!r} {getattr(raised.value, '__notes__', '')}"
    assert ID not in told
    assert PAYLOAD.decode() not in told


def say_more(data: bytes) -> bytes:
    return data + PAYLOAD


async def test_a_server_that_is_down_is_an_error_until_it_is_back(mortal: Server) -> None:
    async with Redis(port=mortal.port, **promptly()) as client:
        storage = SessionStorageRedis(client)
        await write_bytes(storage, ID, PAYLOAD)
        mortal.kill()
        await raises(RedisConnectionError, read_bytes(storage, ID))
        await raises(RedisConnectionError, write_bytes(storage, ID, PAYLOAD))
        await raises(RedisConnectionError, storage.update(ID, say_more))
        await raises(RedisConnectionError, storage.invalidate(ID))
        mortal.start()
        assert await read_bytes(storage, ID) == PAYLOAD
        assert await storage.update(ID, say_more) == PAYLOAD * 2


async def test_a_server_that_hangs_is_a_time_out_until_it_goes_on(mortal: Server) -> None:
    async with Redis(port=mortal.port, **promptly()) as client:
        storage = SessionStorageRedis(client)
        await write_bytes(storage, ID, PAYLOAD)
        mortal.send_signal(signal.SIGSTOP)
        await raises(RedisTimeoutError, read_bytes(storage, ID))
        await raises(RedisTimeoutError, write_bytes(storage, ID, PAYLOAD * 2))
        await raises(RedisTimeoutError, storage.update(ID, say_more))
        mortal.send_signal(signal.SIGCONT)
        assert await read_bytes(storage, ID) in (PAYLOAD, PAYLOAD * 2)
        await write_bytes(storage, ID, PAYLOAD)
        assert await storage.update(ID, say_more) == PAYLOAD * 2


async def test_a_server_that_became_a_replica_takes_no_change(single: Redis, server: Server) -> None:
    storage = SessionStorageRedis(single)
    await write_bytes(storage, ID, PAYLOAD)
    server.do("REPLICAOF", "127.0.0.1", free_port())
    try:
        await raises(ReadOnlyError, write_bytes(storage, ID, PAYLOAD * 2))
        await raises(ReadOnlyError, storage.update(ID, say_more))
        await raises(ReadOnlyError, storage.invalidate(ID))
        assert await read_bytes(storage, ID) == PAYLOAD
    finally:
        server.do("REPLICAOF", "NO", "ONE")
    assert await read_bytes(storage, ID) == PAYLOAD
    assert await storage.update(ID, say_more) == PAYLOAD * 2


async def test_a_server_that_is_full_takes_nothing_new_and_keeps_what_it_has(single: Redis, server: Server) -> None:
    storage = SessionStorageRedis(single)
    await write_bytes(storage, ID, PAYLOAD)
    server.do("CONFIG", "SET", "maxmemory", 1)
    try:
        await raises(OutOfMemoryError, write_bytes(storage, ID, PAYLOAD * 2))
        await raises(OutOfMemoryError, write_bytes(storage, f"another {ID}", PAYLOAD))
        await raises(OutOfMemoryError, storage.update(ID, say_more))
        server.do("PEXPIRE", key_of(ID), 1_000_000)
        assert await read_bytes(storage, ID) == PAYLOAD
        assert server.do("PTTL", key_of(ID)) > 1_000_000
        assert server.stored() == [key_of(ID).encode()]
        await storage.invalidate(ID)
    finally:
        server.do("CONFIG", "SET", "maxmemory", 0)
    await write_bytes(storage, ID, PAYLOAD)
    assert await storage.update(ID, say_more) == PAYLOAD * 2


async def test_what_is_no_session_is_an_error_and_harms_no_other(single: Redis, server: Server) -> None:
    storage = SessionStorageRedis(single)
    await write_bytes(storage, "id2", b"a red scarf")
    server.do("RPUSH", key_of(ID), "foreign")
    server.do("SET", "session:foreign", "foreign")
    await raises(ResponseError, read_bytes(storage, ID))
    await raises(ResponseError, storage.update(ID, say_more))
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await read_bytes(storage, ID)
    assert server.do("LRANGE", key_of(ID), 0, -1) == [b"foreign"]
    assert await read_bytes(storage, "id2") == b"a red scarf"
    await storage.invalidate(ID)
    server.do("RPUSH", key_of(ID), "foreign")
    await write_bytes(storage, ID, PAYLOAD)
    assert await read_bytes(storage, ID) == PAYLOAD


SIZES = (10, 70_000, 1_000_000)


async def test_a_server_killed_while_it_is_written_to_comes_back_with_whole_sessions(mortal: Server) -> None:
    async with Redis(port=mortal.port, **promptly() | {"socket_timeout": 60}) as client:
        storage = SessionStorageRedis(client)
        returned: dict[str, int] = {}

        async def write_on(id: str, last: int) -> None:
            with suppress(RedisConnectionError, RedisTimeoutError):
                for turn in range(1_000_000):
                    await write_bytes(storage, id, b"%d " % turn * (SIZES[turn % 3] // 10))
                    returned[id] = turn
                    if sum(returned.values()) > last:
                        mortal.kill()

        for last in (20, 33, 50):
            returned.clear()
            await asyncio.gather(*(write_on(f"id{number}", last) for number in range(6)))
            assert sum(returned.values()) > last
            mortal.start()
            for id, turn in returned.items():
                data = await read_bytes(storage, id)
                found = int(data.partition(b" ")[0])
                assert data == b"%d " % found * (SIZES[found % 3] // 10)
                assert found >= turn, "a write that had returned is lost"


# --- the middleware -----------------------------------------------------------------------------------------------


@dataclass
class User:
    name: str = "guest"
    age: int = 0


async def add_to_the_name(sessions: CurrentSession) -> None:
    (await sessions.get_or_set(User, User)).name += "!"


@pytest.mark.parametrize("idle_timeout", [None, timedelta(minutes=30)])
async def test_a_request_reads_in_one_round_trip_and_changes_in_two(
    idle_timeout: timedelta | None, single: Redis, server: Server
) -> None:
    provider = cookie("user", User, storage=SessionStorageRedis(single), idle_timeout=idle_timeout)
    id = await provider.write(User())
    with a_tap(server) as commands:
        await visit(lambda sessions: sessions.get(User), provider, id=id)
        assert commands_sent(commands()) == [b'"EVAL"']
        await visit(add_to_the_name, provider, id=id)
        assert commands_sent(commands()) == [b'"EVAL"', b'"EVAL"']
    assert await found(provider, id) == User("guest!")


@pytest.mark.parametrize("others", [1, 3])
async def test_what_another_request_saves_between_the_two_round_trips_of_a_change_is_kept(
    others: int, single: Redis
) -> None:
    provider = cookie("user", User, storage=SessionStorageRedis(single))
    id = await provider.write(User())

    async def age(sessions: CurrentSession) -> None:
        user = await sessions.get(User)
        assert user is not None
        user.age += 1

    async def be_overtaken(sessions: CurrentSession) -> None:
        await add_to_the_name(sessions)
        for _ in range(others):
            await visit(age, provider, id=id)

    await visit(be_overtaken, provider, id=id)
    assert await found(provider, id) == User("guest!", others)


async def test_a_change_after_a_logout_between_its_two_round_trips_brings_nothing_back(
    single: Redis, server: Server
) -> None:
    provider = cookie("user", User, storage=SessionStorageRedis(single))
    id = await provider.write(User())

    async def be_logged_out(sessions: CurrentSession) -> None:
        await add_to_the_name(sessions)
        await provider.invalidate(id)

    await visit(be_logged_out, provider, id=id)
    assert server.stored() == []


async def test_a_session_that_another_request_used_is_not_taken_to_be_what_it_was_before(single: Redis) -> None:
    clock = Clock()
    limit = timedelta(minutes=30)
    provider = cookie("user", User, storage=SessionStorageRedis(single), idle_timeout=limit, clock=clock)
    id = await provider.write(User())

    async def take_long(sessions: CurrentSession) -> None:
        clock.now += 20 * 60
        await add_to_the_name(sessions)
        for _ in range(2):
            clock.now += 9 * 60
            await visit(lambda sessions: sessions.get(User), provider, id=id)

    await visit(take_long, provider, id=id)
    assert await found(provider, id) == User("guest!")


async def test_a_client_gets_no_cookie_for_a_session_that_the_server_did_not_take(mortal: Server) -> None:
    async with Redis(port=mortal.port, **promptly()) as client:
        provider = cookie("user", User, storage=SessionStorageRedis(client))
        id = (await visit(add_to_the_name, provider)).id
        mortal.kill()
        for known in (None, id):
            sent: list[Message] = []
            with pytest.raises(RedisConnectionError):
                await visit(add_to_the_name, provider, id=known, sent=sent)
            assert sent == [], "a response began before its session was stored"
        mortal.start()
        await visit(add_to_the_name, provider, id=id)
        assert await found(provider, id) == User("guest!!")
        assert len((await visit(add_to_the_name, provider)).ids) == 1
