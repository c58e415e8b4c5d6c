"""What the recipes say of several processes, machines and libraries, with real ones of each."""

from __future__ import annotations

import asyncio
import os
import runpy
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from flask import Flask, session
from flask_session import Session
from httpx2 import ASGITransport, AsyncClient
from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from starlette.responses import Response
from starlette.routing import Route

from coatcheck import SessionNotFound, SessionStorageDirectory, current_session, read_bytes, testing, write_bytes
from coatcheck.redis import SessionStorageRedis
from tests.support.project import SNIPPETS
from tests.support.served import served
from tests.support.server import PATIENCE, Server, free_port, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from starlette.requests import Request

    from coatcheck import SessionStorage
    from coatcheck.testing import Check

RECIPES = SNIPPETS / "recipes"
EVERY_CHECK = [*testing.CHECKS, *testing.UPDATE_CHECKS]
MANY = 1000  # requests after which each of a few workers has had its turn


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The client of Redis is for asyncio only."""
    return "asyncio"


def recipe(name: str) -> dict[str, Any]:
    return runpy.run_path(str(RECIPES / f"{name}.py"))


def increment(data: bytes) -> bytes:
    return b"%d" % (int(data) + 1)


# --- several workers ----------------------------------------------------------------------------------------------


def see_page(port: str, headers: dict[str, str] | None = None) -> httpx2.Response:
    return httpx2.get(f"http://127.0.0.1:{port}/", headers=headers)  # a connection of its own, for any worker


def start_visit(port: str) -> dict[str, str]:
    return {"cookie": see_page(port).headers["set-cookie"].partition(";")[0]}


def test_four_workers_with_a_directory_lose_no_session_and_no_change(tmp_path: Path) -> None:
    with served(RECIPES / "several_workers.py", tmp_path, workers=4) as port, ThreadPoolExecutor(8) as pool:
        headers = start_visit(port)
        seen: list[dict[str, int]] = []
        while len({each["worker"] for each in seen}) < 2 and len(seen) < MANY:
            seen += [response.json() for response in pool.map(lambda _: see_page(port, headers), range(50))]
    assert sorted(each["pages"] for each in seen) == [*range(2, len(seen) + 2)]
    assert len({each["worker"] for each in seen}) > 1


def test_four_workers_in_memory_lose_the_session(tmp_path: Path) -> None:
    code = (RECIPES / "several_workers.py").read_text().replace("directory_session_storage(folder)", "MEMORY")
    code = code.replace("directory_session_storage", "SessionStorageMemory").replace("MEMORY", "SessionStorageMemory()")
    app = tmp_path / "in_memory.py"
    app.write_text(code.replace("await storage.sweep()", "..."))
    with served(app, tmp_path, workers=4) as port:
        headers = start_visit(port)
        assert 1 in (see_page(port, headers).json()["pages"] for _ in range(MANY))


# --- several machines ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running("redis-server", tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(module_server: Server) -> Server:
    """One server, empty."""
    module_server.do("FLUSHALL")
    return module_server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Redis]:
    async with Redis(port=server.port) as client:
        yield client


def test_three_machines_with_one_redis_have_one_session_and_go_on_when_one_stops(
    server: Server, tmp_path: Path
) -> None:
    def answer(port: str, headers: dict[str, str]) -> str:
        return str(httpx2.get(f"http://127.0.0.1:{port}/", headers=headers).json())

    with ExitStack() as machines:
        app, url = RECIPES / "sessions_in_redis.py", f"redis://127.0.0.1:{server.port}"
        folders = [tmp_path / name for name in ("first", "second")]
        first, second = (machines.enter_context(machine(app, folder, url)) for folder in folders)
        with machine(app, tmp_path / "third", url) as third:
            response = httpx2.post(f"http://127.0.0.1:{first}/log-in")
            headers = {"cookie": response.headers["set-cookie"].partition(";")[0]}
            assert [answer(port, headers) for port in (first, second, third)] == [
                f"hello ada, visit {number}" for number in (1, 2, 3)
            ]
        assert answer(second, headers) == "hello ada, visit 4"
    assert [key.partition(b":")[0] for key in server.stored()] == [b"shop"]


def machine(app: Path, folder: Path, url: str) -> AbstractContextManager[str]:
    folder.mkdir()
    return served(app, folder, REDIS_URL=url)


def test_an_app_with_a_wrong_address_of_redis_does_not_start() -> None:
    command = [sys.executable, "-m", "uvicorn", "sessions_in_redis:app", "--port", "0"]
    environment = os.environ | {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"}
    ended = subprocess.run(
        command, cwd=RECIPES, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert ended.returncode != 0
    assert "Application startup failed" in ended.stderr


# --- from a directory to Redis ------------------------------------------------------------------------------------


@pytest.fixture
def old(tmp_path: Path) -> SessionStorageDirectory:
    return SessionStorageDirectory(tmp_path)


@pytest.fixture
def new(client: Redis) -> SessionStorageRedis:
    return SessionStorageRedis(client)


async def holds(storage: SessionStorage, id: str) -> bytes | None:
    try:
        return await read_bytes(storage, id)
    except SessionNotFound:
        return None


@pytest.mark.parametrize("check", EVERY_CHECK, ids=lambda check: check.__name__)
async def test_the_contract_holds_while_sessions_move(
    check: Check, old: SessionStorageDirectory, new: SessionStorageRedis
) -> None:
    await check(recipe("move_to_redis")["MovingStorage"](old, new))


async def test_changes_at_once_are_all_kept_while_a_session_moves(
    old: SessionStorageDirectory, new: SessionStorageRedis, tmp_path: Path
) -> None:
    moving = recipe("move_to_redis")["MovingStorage"]
    workers = [moving(SessionStorageDirectory(tmp_path), new) for _ in range(4)]
    for number in range(50):
        await write_bytes(old, f"id{number}", b"0")
        async with asyncio.TaskGroup() as tasks:
            for worker in workers:
                tasks.create_task(worker.update(f"id{number}", increment))
                tasks.create_task(worker.load(f"id{number}"))
    assert [await holds(new, f"id{number}") for number in range(50)] == [b"4"] * 50
    assert list(tmp_path.glob("*.session")) == []


async def test_a_session_that_ends_while_it_moves_has_ended(
    old: SessionStorageDirectory, new: SessionStorageRedis, tmp_path: Path
) -> None:
    moving = recipe("move_to_redis")["MovingStorage"]
    mine, other = (moving(SessionStorageDirectory(tmp_path), new) for _ in range(2))
    for number in range(100):
        await write_bytes(old, f"id{number}", b"0")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(mine.load(f"id{number}"))
            await asyncio.sleep(number / 100 * 0.005)  # at another moment of the move each time
            tasks.create_task(other.invalidate(f"id{number}"))
    assert [await holds(mine, f"id{number}") for number in range(100)] == [None] * 100


# --- SQLite -------------------------------------------------------------------------------------------------------

WORKER = """
import asyncio, runpy, sys

async def main() -> None:
    storage = runpy.run_path(sys.argv[1])["SQLiteStorage"](sys.argv[2])
    for _ in range(50):
        await storage.update("id1", lambda data: b"%d" % (int(data) + 1))

asyncio.run(main())
"""


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Any]:
    storage = recipe("keep_in_sqlite")["SQLiteStorage"](str(tmp_path / "sessions.db"))
    yield storage
    storage.database.close()


@pytest.mark.parametrize("check", EVERY_CHECK, ids=lambda check: check.__name__)
async def test_the_contract_holds_in_sqlite(check: Check, sqlite: Any) -> None:
    await check(sqlite)


def test_four_processes_lose_no_change_in_sqlite(sqlite: Any, tmp_path: Path) -> None:
    script, file = RECIPES / "keep_in_sqlite.py", tmp_path / "sessions.db"
    asyncio.run(write_bytes(sqlite, "id1", b"0"))
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, str(script), str(file)]) for _ in range(4)]
    assert [worker.wait() for worker in workers] == [0] * 4
    assert asyncio.run(read_bytes(sqlite, "id1")) == b"200"


async def test_a_session_in_sqlite_that_is_read_is_kept_and_one_that_is_not_is_deleted(
    sqlite: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, day = time.time(), 24 * 3600
    for id in ("read", "changed", "left"):
        await write_bytes(sqlite, id, b"0")
    for days in (5, 10):
        monkeypatch.setattr(time, "time", lambda days=days: start + days * day)
        assert await holds(sqlite, "read") == b"0"
        await sqlite.update("changed", increment)
    assert await holds(sqlite, "left") is None
    await sqlite.sweep()
    assert sqlite.database.execute("SELECT count(*) FROM sessions").fetchone() == (2,)
    assert [await holds(sqlite, id) for id in ("read", "changed")] == [b"0", b"2"]


# --- Flask-Session ------------------------------------------------------------------------------------------------


def flask_shop(server: Server) -> Flask:
    shop = Flask(__name__)
    shop.config.update(SESSION_TYPE="redis", SESSION_REDIS=BlockingRedis(port=server.port))
    Session(shop)

    @shop.post("/log-in")
    def log_in() -> str:
        session["user"] = "ada"
        return "welcome"

    return shop


async def test_who_logged_in_with_flask_session_stays_logged_in_and_its_cookie_opens_nothing_more(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = flask_shop(server).test_client()
    browser.post("/log-in")
    cookie = browser.get_cookie("session")
    assert cookie is not None
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{server.port}")
    moved = recipe("move_from_flask_session")
    transport, base_url, cookies = ASGITransport(moved["app"]), "https://shop.example", {"session": cookie.value}
    async with (
        AsyncClient(transport=transport, base_url=base_url, cookies=cookies) as ada,
        AsyncClient(transport=transport, base_url=base_url, cookies=cookies) as thief,
    ):
        assert [(await ada.get("/account")).text for _ in range(2)] == ["ada", "ada"]
        assert (await thief.get("/account")).text == "please log in"
    await moved["client"].aclose()


async def test_a_login_and_a_logout_that_move_the_session_first_leave_none_of_flask_session(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{server.port}")
    moved = recipe("move_from_flask_session")

    async def log_in(request: Request) -> Response:
        await moved["user_of"](request)
        current_session(request).set(moved["User"]("bob"))
        current_session(request).renew_id(moved["User"])
        return Response()

    async def log_out(request: Request) -> Response:
        await moved["user_of"](request)
        current_session(request).clear(moved["User"])
        return Response()

    paths = {"/log-in": log_in, "/log-out": log_out}
    moved["shop"].router.routes.extend(Route(path, handler, methods=["POST"]) for path, handler in paths.items())
    transport, base_url = ASGITransport(moved["app"]), "https://shop.example"
    for steps in (["/log-out"], ["/log-in", "/log-out"]):
        flask = flask_shop(server).test_client()
        flask.post("/log-in")
        cookie = flask.get_cookie("session")
        assert cookie is not None
        async with AsyncClient(transport=transport, base_url=base_url, cookies={"session": cookie.value}) as browser:
            for step in steps:
                await browser.post(step)
            assert (await browser.get("/account")).text == "please log in"
    await moved["client"].aclose()


# --- Ktor ---------------------------------------------------------------------------------------------------------


async def test_no_cookie_leads_out_of_the_directory_of_ktor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".ktor-sessions").mkdir()
    (tmp_path / "et").mkdir()
    (tmp_path / "et" / "cd.dat").write_text('{"name":"eve"}')
    moved = recipe("move_from_ktor")
    transport, base_url = ASGITransport(moved["app"]), "https://shop.example"
    for id in ("..etcd", "..", "//etcd", "0" * 31, "0" * 64 + "/", "\N{FULLWIDTH DIGIT ONE}" * 32):
        cookie = {b"Cookie": f"USER_SESSION={id}".encode()}
        async with AsyncClient(transport=transport, base_url=base_url) as thief:
            assert (await thief.get("/account", headers=cookie)).text == "please log in"
        assert not moved["KTOR_ID"].fullmatch(id)


async def test_who_logged_in_with_ktor_stays_logged_in_and_its_cookie_opens_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    moved = recipe("move_from_ktor")
    transport, base_url, id = ASGITransport(moved["app"]), "https://shop.example", "0123456789abcdef" * 2
    file = tmp_path.joinpath(".ktor-sessions", *(id[at : at + 2] for at in range(0, 32, 2))).with_suffix(".dat")
    file.parent.mkdir(parents=True)
    file.write_text('{"name":"ada","visits":2}')
    cookies = {"USER_SESSION": id}
    async with (
        AsyncClient(transport=transport, base_url=base_url, cookies=cookies) as ada,
        AsyncClient(transport=transport, base_url=base_url, cookies=cookies) as thief,
    ):
        assert [(await ada.get("/account")).text for _ in range(2)] == ["ada", "ada"]
        assert (await thief.get("/account")).text == "please log in"
    assert not file.exists()
