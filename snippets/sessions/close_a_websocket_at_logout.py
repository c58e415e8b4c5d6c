"""Close a WebSocket at logout."""

import asyncio
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session

# Needs: threads


@dataclass
class User:
    name: str


async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    sessions.set(User("ada"))  # in your app, check a password first
    sessions.renew_id(User)
    return PlainTextResponse("welcome")


async def log_out(request: Request) -> PlainTextResponse:
    current_session(request).clear(User)
    return PlainTextResponse("goodbye")


# --8<-- [start:use]
users = cookie("USER", User, storage=SessionStorageMemory())


async def chat(websocket: WebSocket) -> None:
    sessions = current_session(websocket)
    user = await sessions.get(User)
    if user is None:
        await websocket.close()  # the browser gets a 403
        return
    await websocket.accept()
    id = sessions.id(User) or ""
    async for text in websocket.iter_text():
        if await users.read(id) is None:
            await websocket.close(1008, "logged out")
            return
        await websocket.send_text(f"{user.name} says {text}")


async def main() -> None:
    posts = [Route("/log-in", log_in, methods=["POST"])]
    posts += [Route("/log-out", log_out, methods=["POST"])]
    app = Sessions(Starlette(routes=[*posts, WebSocketRoute("/chat", chat)]), users)
    with TestClient(app, base_url="https://testserver") as browser:
        browser.post("/log-in")
        with browser.websocket_connect("wss://testserver/chat") as websocket:
            websocket.send_text("hello")
            print(websocket.receive_text())
            browser.post("/log-out")
            websocket.send_text("still there?")
            print(websocket.receive())
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# ada says hello
# {'type': 'websocket.close', 'code': 1008, 'reason': 'logged out'}
