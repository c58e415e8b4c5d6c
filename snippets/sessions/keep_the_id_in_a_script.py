"""Keep the id in a script."""

import asyncio
from collections.abc import Generator
from dataclasses import dataclass

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, current_session, header


@dataclass
class User:
    name: str


async def api(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    if request.url.path == "/log-in":
        sessions.set(User("ada"))
        sessions.renew_id(User)
    if request.url.path == "/log-out":
        sessions.clear(User)
    user = await sessions.get(User)
    return PlainTextResponse("please log in" if user is None else user.name)


# --8<-- [start:use]
class SessionHeader(httpx2.Auth):
    id = ""

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response]:
        if self.id:
            request.headers["X-User"] = self.id
        response = yield request
        self.id = response.headers.get("X-User", self.id)


async def main() -> None:
    users = header("X-User", User, storage=SessionStorageMemory())
    app = Sessions(Starlette(routes=[Route("/{path}", api, methods=["POST"])]), users)
    transport = httpx2.ASGITransport(app)
    auth = SessionHeader()
    async with httpx2.AsyncClient(
        transport=transport, base_url="https://api.example", auth=auth
    ) as client:
        ids = set()
        for path in ("/log-in", "/account", "/log-in", "/log-out", "/account"):
            response = await client.post(path)
            ids.add(auth.id)
            print(f"{path}: {response.text}, X-User in the response:", end=" ")
            print({None: "none", "": "empty"}.get(response.headers.get("X-User"), "an id"))
        print("different ids:", len(ids - {""}))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# /log-in: ada, X-User in the response: an id
# /account: ada, X-User in the response: none
# /log-in: ada, X-User in the response: an id
# /log-out: please log in, X-User in the response: empty
# /account: please log in, X-User in the response: none
# different ids: 2
