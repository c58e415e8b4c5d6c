"""A day's work with sessions, as the pages say it: their files in an empty folder, a real server and real requests."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx2
import msgspec
import pytest
from httpx2 import ASGITransport, AsyncClient

from coatcheck.testing import CHECKS, UPDATE_CHECKS
from livedoc.snippet import load
from tests.support.browser import Browser
from tests.support.project import SNIPPETS
from tests.support.served import served
from tests.support.server import PATIENCE, running

if TYPE_CHECKING:
    from pathlib import Path


def snippet(name: str) -> Path:
    (file,) = SNIPPETS.rglob(f"{name}.py")
    return file


def passed(folder: Path) -> int:
    """Run pytest in a folder, where all tests have to pass, and return how many there are."""
    command = [sys.executable, "-m", "pytest", "--noconftest", "-q", "--color=no", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout.rstrip().rpartition("\n")[2].partition(" passed")[0])


# --- 30 minutes idle and 8 hours at most --------------------------------------------------------------------------

AT_A_TIME = """
import eight_hours_at_most as page
from coatcheck import Sessions
from starlette.applications import Starlette
from starlette.routing import Route

routes = [Route("/log-in", page.log_in, methods=["POST"]), Route("/", page.account)]
site = Sessions(Starlette(routes=routes), page.users)

async def app(scope, receive, send):
    page.now = float(dict(scope.get("headers", {})).get(b"x-now", 0))
    await site(scope, receive, send)
"""


@pytest.mark.parametrize(
    ("minutes", "at_the_end"),
    [
        ([20, 40, 60], "ada"),
        ([20, 51], "please log in"),
        ([31], "please log in"),
        ([*range(20, 480, 20), 479], "ada"),
        ([*range(20, 480, 20), 479, 480], "please log in"),
    ],
    ids=["in use", "30 minutes after use", "never used", "almost 8 hours", "8 hours"],
)
def test_a_session_ends_after_30_minutes_without_a_request_and_after_8_hours(
    minutes: list[int], at_the_end: str, tmp_path: Path
) -> None:
    shutil.copy(snippet("eight_hours_at_most"), tmp_path)
    app = tmp_path / "at_a_time.py"
    app.write_text(AT_A_TIME)
    with served(app, tmp_path) as port, Browser(port) as browser:
        browser.post("/log-in")
        thief = dict(browser.kept)  # keeps the cookie, which a browser deletes in time
        for minute in minutes:
            with Browser(port, **thief) as copy:
                answer = copy.get("/", headers={"x-now": str(minute * 60)}).text
    assert answer == at_the_end


# --- an API for a mobile app --------------------------------------------------------------------------------------


def test_a_mobile_app_logs_in_and_sends_its_id_in_a_header(tmp_path: Path) -> None:
    with served(snippet("web_and_mobile"), tmp_path, name="server") as port, Browser(port) as phone:
        answer = phone.post("/mobile/log-in", json={"name": "grace"})
        header = {"X-User": answer.headers["X-User"]}
        assert phone.get("/mobile/account", headers=header).text == "grace"
        assert phone.get("/mobile/account").text == "please log in"
        assert phone.kept == {}
        assert phone.post("/web/log-in", json={"name": "ada"}).headers.get("X-User") is None
        assert phone.get("/web/account").text == "ada"


def test_one_fastapi_app_serves_a_browser_by_cookie_and_a_mobile_app_by_header(tmp_path: Path) -> None:
    with served(snippet("fastapi_cookie_and_header"), tmp_path) as port, Browser(port) as browser:
        assert "X-User" not in browser.post("/log-in").headers
        assert browser.get("/account").json() == "ada"
        with Browser(port) as phone:
            header = {"X-User": phone.post("/mobile/log-in").headers["X-User"]}
            assert phone.kept == {}
            assert phone.get("/account", headers=header).json() == "ada"
            assert phone.get("/account").json() == "please log in"
            # The id of one opens nothing as the other.
            assert phone.get("/account", headers={"X-User": browser.kept["USER"]}).json() == "please log in"
        with Browser(port, USER=header["X-User"]) as thief:
            assert thief.get("/account").json() == "please log in"


MOUNTED = """
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount
from coatcheck import Sessions, SessionStorageMemory, cookie

@dataclass
class User:
    name: str

@asynccontextmanager
async def lifespan(app):
    opened.append("the database")
    yield

opened = []
api = {framework}(lifespan=lifespan)

async def ask(request):
    return JSONResponse(opened)

api.add_route("/", ask)
mounted = Sessions(api, cookie("USER", User, storage=SessionStorageMemory()))
app = {outer}
"""


@pytest.mark.parametrize("framework", ["Starlette", "FastAPI"])
@pytest.mark.parametrize(
    ("outer", "opened"),
    [
        ('Starlette(routes=[Mount("/api", mounted)])', []),
        ('Starlette(routes=[Mount("/api", mounted)], lifespan=lifespan)', ["the database"]),
        ("mounted", ["the database"]),
    ],
    ids=["mounted", "mounted, with its lifespan outside", "wrapped"],
)
def test_a_mounted_app_needs_its_lifespan_on_the_outermost_one(
    outer: str, opened: list[str], framework: str, tmp_path: Path
) -> None:
    app = tmp_path / "mounted.py"
    app.write_text(MOUNTED.format(framework=framework, outer=outer))
    with served(app, tmp_path) as port, Browser(port) as browser:
        assert browser.get("/" if outer == "mounted" else "/api/").json() == opened


# --- pytest for an app with sessions ------------------------------------------------------------------------------


def test_a_reader_tests_an_app_in_a_file_beside_it(tmp_path: Path) -> None:
    page = load(SNIPPETS, "recipes/test_with_the_test_client.py")
    imports = page.script.partition("# Needs")[0]
    user = "@dataclass\nclass User:\n    name: str\n\n\n"
    (tmp_path / "shop.py").write_text(imports + user + page.section("app").code)
    test = "from shop import User, app, users\n\n\n" + page.section("tests").code
    (tmp_path / "test_shop.py").write_text(imports + test)
    assert passed(tmp_path) == 3


# --- sessions in SQLite, proven with the kit -----------------------------------------------------------------------


def test_a_reader_proves_the_storage_in_sqlite_with_the_kit(tmp_path: Path) -> None:
    shutil.copy(snippet("keep_in_sqlite"), tmp_path)
    page = load(SNIPPETS, "recipes/test_sqlite_storage.py")
    imports = ["import anyio", "import pytest", "from coatcheck.testing import CHECKS, UPDATE_CHECKS"]
    imports += ["from keep_in_sqlite import SQLiteStorage", "", ""]
    tests = page.section("tests").code.replace("check: Check, tmp_path: Path", "check, tmp_path")
    (tmp_path / "test_storage.py").write_text("\n".join(imports) + tests)
    assert passed(tmp_path) == len(CHECKS) + len(UPDATE_CHECKS)


KEEPS_USERS_IN_SQLITE = {
    "directory_session_storage(folder)": "SQLiteStorage(str(folder))",
    ", directory_session_storage": "\nfrom keep_in_sqlite import SQLiteStorage",
}


def test_two_workers_share_sessions_in_sqlite(tmp_path: Path) -> None:
    shutil.copy(snippet("keep_in_sqlite"), tmp_path)
    code = snippet("several_workers").read_text()
    for old, new in KEEPS_USERS_IN_SQLITE.items():
        assert old in code
        code = code.replace(old, new)
    app = tmp_path / "in_sqlite.py"
    app.write_text(code)
    with served(app, tmp_path, workers=2) as port, Browser(port) as browser:
        assert [browser.get("/").json()["pages"] for _ in range(20)] == [*range(1, 21)]


# --- "my session is gone on http://localhost" ---------------------------------------------------------------------


def test_over_http_a_client_that_keeps_to_secure_stays_logged_in_with_secure_false(tmp_path: Path) -> None:
    app = tmp_path / "with_fastapi.py"
    code = snippet("with_fastapi").read_text()
    storage = 'storage=directory_session_storage(".sessions")'
    assert storage in code

    def account(code: str) -> str:
        app.write_text(code)
        with served(app, tmp_path) as port, httpx2.Client(base_url=f"http://localhost:{port}") as client:
            client.post("/log-in", data={"name": "ada"})
            return client.get("/").text.partition(" <")[0]

    assert account(code) == "Please log in."
    assert account(code.replace(storage, f"{storage}, secure=False")) == "Hello ada, visit 1."


# --- log a user out everywhere ------------------------------------------------------------------------------------


def test_a_user_logs_out_everywhere_with_a_counter(tmp_path: Path) -> None:
    with served(snippet("log_out_by_counter"), tmp_path) as port, Browser(port) as phone, Browser(port) as laptop:
        for device in phone, laptop:
            device.post("/log-in")
        copied = dict(phone.kept)
        assert phone.get("/").json() == "ada"
        laptop.post("/log-out-everywhere")
        with Browser(port, **copied) as thief:
            assert [device.get("/").status_code for device in (phone, laptop, thief)] == [401] * 3
        laptop.post("/log-in")
        assert laptop.get("/").json() == "ada"


def test_a_user_sees_the_devices_and_logs_one_of_them_out(tmp_path: Path) -> None:
    def log_in(device: Browser, name: str) -> None:
        device.post("/log-in", headers={"user-agent": name})

    with served(snippet("log_out_one_device"), tmp_path) as port, Browser(port) as phone, Browser(port) as laptop:
        log_in(phone, "phone")
        log_in(laptop, "laptop")
        shown = laptop.get("/")
        assert shown.json() == {"1": "phone", "2": "laptop"}
        assert not [id for id in (*phone.kept.values(), *laptop.kept.values()) if id in shown.text]
        copied = dict(phone.kept)
        for _ in range(2):  # the second time there is nothing to end
            assert laptop.post("/log-out/1").status_code == 200
        with Browser(port, **copied) as thief:
            assert [device.get("/").status_code for device in (phone, laptop, thief)] == [401, 200, 401]
            assert thief.post("/log-out/2").status_code == 401
        log_in(laptop, "laptop again")  # its new session takes the place of the old one
        assert laptop.get("/").json() == {"3": "laptop again"}
        laptop.post("/log-out/3")
        assert laptop.get("/").status_code == 401


async def test_the_number_of_another_user_ends_nothing() -> None:
    page: dict[str, Any] = runpy.run_path(str(snippet("log_out_one_device")))
    ids, users, user = page["ids"], page["users"], page["User"]
    ids["ada"][1], bob = await users.write(user("ada", "phone")), await users.write(user("bob", "desk"))
    ids["bob"] = {2: bob}
    cookies = {"USER": bob}
    async with AsyncClient(transport=ASGITransport(page["app"]), base_url="https://shop.example", cookies=cookies) as b:
        assert (await b.get("/")).json() == {"2": "desk"}
        await b.post("/log-out/1")
    assert await users.read(ids["ada"][1]) == user("ada", "phone")


# --- move from another library ------------------------------------------------------------------------------------


def test_a_user_of_session_middleware_stays_logged_in_after_the_move(tmp_path: Path) -> None:
    file, key = snippet("move_from_session_middleware"), "the key of the test"
    with served(file, tmp_path, name="before", SECRET_KEY=key) as port, Browser(port) as browser:
        browser.post("/log-in")
        assert set(browser.kept) == {"session"}
    with served(file, tmp_path, SECRET_KEY=key) as port, Browser(port, **browser.kept) as browser:
        assert [browser.get("/account").text for _ in range(2)] == ["ada", "ada"]
        assert set(browser.kept) == {"USER"}
    with served(file, tmp_path, SECRET_KEY=key[1:]) as port, Browser(port, session="forged") as forger:
        assert forger.get("/account").text == "please log in"


def test_a_user_of_flask_session_stays_logged_in_after_the_move(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "app").mkdir()
    stored = msgspec.msgpack.encode({"_permanent": True, "user": "ada"})
    with running("redis-server", tmp_path / "redis") as server:
        server.do("SET", "session:id1", stored)
        url = f"redis://127.0.0.1:{server.port}"
        app = served(snippet("move_from_flask_session"), tmp_path / "app", REDIS_URL=url)
        with app as port, Browser(port, session="id1") as browser, Browser(port, session="id1") as thief:
            assert [browser.get("/account").text for _ in range(2)] == ["ada", "ada"]
            assert thief.get("/account").text == "please log in"
