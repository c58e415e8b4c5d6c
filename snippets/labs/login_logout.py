"""Log in with and without a new id, where somebody has planted one."""

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
class Careless:
    user: str = "a guest"


class Careful(Careless): ...


async def home(request: Request) -> HTMLResponse:
    careless = await current_session(request).get_or_set(Careless, Careless)
    careful = await current_session(request).get_or_set(Careful, Careful)
    return HTMLResponse(f"Careless: {careless.user}. Careful: {careful.user}.")


async def log_in(request: Request) -> RedirectResponse:
    user = str((await request.form())["user"])  # in your app, check a password too
    sessions = current_session(request)
    sessions.set(Careless(user))  # keeps the id that the browser sent
    sessions.set(Careful(user))
    sessions.renew_id(Careful)
    return RedirectResponse("/", 303)


async def log_out(request: Request) -> HTMLResponse:
    for kind in (Careless, Careful):
        current_session(request).clear(kind)
    return HTMLResponse("Goodbye.")


routes = [
    Route("/", home),
    Route("/log-in", log_in, methods=["POST"]),
    Route("/log-out", log_out, methods=["POST"]),
]
storage = directory_session_storage("sessions")
careless = cookie("CARELESS", Careless, storage=storage)
careful = cookie("CAREFUL", Careful, storage=storage)
app = Sessions(Starlette(routes=routes), careless, careful)
# --8<-- [end:app]


# --8<-- [start:story]
def browser() -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app), base_url="https://app.example")


async def main() -> None:
    async with browser() as alice, browser() as mallory:
        await mallory.get("/")
        alice.cookies.update(mallory.cookies)  # Mallory plants both ids
        await alice.post("/log-in", data={"user": "Alice"})
        print("Mallory, Alice logged in:", (await mallory.get("/")).text)
        await alice.post("/log-out")
        print("Mallory, Alice logged out:", (await mallory.get("/")).text)
    # --8<-- [end:story]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# Mallory, Alice logged in: Careless: Alice. Careful: a guest.
# Mallory, Alice logged out: Careless: a guest. Careful: a guest.
