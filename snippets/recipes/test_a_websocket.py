"""Test a session in a WebSocket."""

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
    messages: int = 0


async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    sessions.set(User("ada"))  # in your app, check a password first
    sessions.renew_id(User)
    return PlainTextResponse("welcome")


# --8<-- [start:use]
async def chat(websocket: WebSocket) -> None:
    user = await current_session(websocket).get(User)
    await websocket.accept()
    if user is None:
        await websocket.send_text("who are you?")
    else:
        user.messages += 1
        await websocket.send_text(f"hello {user.name}")
    await websocket.close()


async def main() -> None:
    users = cookie("USER", User, storage=SessionStorageMemory())
    routes = [Route("/log-in", log_in, methods=["POST"]), WebSocketRoute("/chat", chat)]
    app = Sessions(Starlette(routes=routes), users)
    with TestClient(app, base_url="https://testserver") as client:
        client.post("/log-in")
        for url in ("/chat", "wss://testserver/chat"):
            with client.websocket_connect(url) as websocket:
                print(f"{url} says:", websocket.receive_text())
        print("stored:", await users.read(client.cookies["USER"]))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# /chat says: who are you?
# wss://testserver/chat says: hello ada
# stored: User(name='ada', messages=1)
