"""Test a login with TestClient."""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session

# Needs: pytest


@dataclass
class User:
    name: str


# --8<-- [start:app]
users = cookie("USER", User, storage=SessionStorageMemory())
app = FastAPI()
app.add_middleware(Sessions, users)


@app.post("/log-in")
async def log_in(request: Request) -> None:
    sessions = current_session(request)
    sessions.set(User("ada"))  # in your app, check a password first
    sessions.renew_id(User)


@app.get("/account")
async def account(request: Request) -> str:
    user = await current_session(request).get(User)
    if user is None:
        raise HTTPException(401)
    return user.name
    # --8<-- [end:app]


# --8<-- [start:tests]
@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(app, base_url="https://testserver") as client:
        yield client


def test_a_guest_is_refused(client: TestClient) -> None:
    assert client.get("/account").status_code == 401


def test_a_user_who_has_logged_in_sees_the_account(client: TestClient) -> None:
    client.post("/log-in")
    assert client.get("/account").json() == "ada"


def test_a_session_that_the_test_has_written_is_found(client: TestClient) -> None:
    assert client.portal is not None  # it calls into the event loop of the client
    id = client.portal.call(users.write, User("bob"))
    client.cookies.set(users.name, id, domain="testserver.local")
    assert client.get("/account").json() == "bob"
    # --8<-- [end:tests]


async def main() -> None:
    # --8<-- [start:run]
    pytest_here = [sys.executable, "-m", "pytest", "--noconftest", "-p", "no:terminal"]
    process = await asyncio.create_subprocess_exec(*pytest_here, __file__)
    print("every test passes:", await process.wait() == 0)
    # --8<-- [end:run]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# every test passes: True
