"""Test with httpx and a session that is already there."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session

# Needs: pytest


@dataclass
class User:
    name: str


async def account(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)
    if user is None:
        return PlainTextResponse("please log in", status_code=401)
    return PlainTextResponse(user.name)


users = cookie("USER", User, storage=SessionStorageMemory())
app = Sessions(Starlette(routes=[Route("/account", account)]), users)


# --8<-- [start:tests]
@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def ada() -> AsyncIterator[AsyncClient]:
    id = await users.write(User("ada"))
    transport = ASGITransport(app)
    base_url = "https://testserver"
    cookies = {users.name: id}
    async with AsyncClient(
        transport=transport, base_url=base_url, cookies=cookies
    ) as client:
        yield client


@pytest.mark.anyio
async def test_a_user_sees_the_account(ada: AsyncClient) -> None:
    response = await ada.get("/account")
    assert response.text == "ada"
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
