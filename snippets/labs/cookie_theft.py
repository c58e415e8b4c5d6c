"""Steal, forge and replay the cookies of a naive app and of Coatcheck."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

from coatcheck import Sessions, cookie, current_session, directory_session_storage


# --8<-- [start:app]
@dataclass
class User:
    name: str


# Watch: naive
naive: dict[str, str] = {}  # the ids A, B, C and so on, and whose sessions they are


async def show(request: Request) -> HTMLResponse:
    user = await current_session(request).get(User) or User("nobody")
    other = naive.get(request.cookies.get("NAIVE", ""), "nobody")
    what = f"The {request.path_params['what']} of"
    return HTMLResponse(f"{what} {other} (naive) and of {user.name} (Coatcheck).")


async def log_in(request: Request) -> RedirectResponse:
    name = str((await request.form())["name"])  # in your app, check a password too
    current_session(request).set(User(name))
    current_session(request).renew_id(User)
    id = chr(ord("A") + len(naive))
    naive[id] = name
    return RedirectResponse("/account", 303, {"Set-Cookie": f"NAIVE={id}; Secure"})


async def log_out(request: Request) -> HTMLResponse:
    current_session(request).clear(User)
    return HTMLResponse("Goodbye.", 200, {"Set-Cookie": "NAIVE=; Max-Age=0; Secure"})


routes = [
    Route("/log-in", log_in, methods=["POST"]),
    Route("/log-out", log_out, methods=["POST"]),
    Route("/{what}", show),
]
storage = directory_session_storage("sessions")
app = Sessions(Starlette(routes=routes), cookie("USER", User, storage=storage))
# --8<-- [end:app]


# --8<-- [start:story]
def browser() -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app), base_url="https://app.example")


async def main() -> None:
    async with browser() as alice, browser() as mallory:
        await alice.post("/log-in", data={"name": "Alice"})
        mallory.cookies.set("NAIVE", "A")
        print("Forged:", (await mallory.get("/account")).text)
        mallory.cookies.update(alice.cookies)
        print("Stolen:", (await mallory.get("/account")).text)
        await alice.post("/log-out")
        print("Replayed:", (await mallory.get("/orders")).text)
    # --8<-- [end:story]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# Forged: The account of Alice (naive) and of nobody (Coatcheck).
# Stolen: The account of Alice (naive) and of Alice (Coatcheck).
# Replayed: The orders of Alice (naive) and of nobody (Coatcheck).
