"""Log in and out with Starlette."""

import asyncio
from dataclasses import dataclass
from html import escape

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

from coatcheck import Sessions, cookie, current_session, directory_session_storage

LOG_IN = """<form action="/log-in" method="post">
<label>Name: <input name="name" required></label> <button>Log in</button></form>"""
LOG_OUT = '<form action="/log-out" method="post"><button>Log out</button></form>'


@dataclass
class User:
    name: str
    visits: int = 0


async def home(request: Request) -> HTMLResponse:
    user = await current_session(request).get(User)
    if user is None:
        return HTMLResponse(f"Please log in. {LOG_IN}")
    user.visits += 1  # saved when the response starts
    return HTMLResponse(f"Hello {escape(user.name)}, visit {user.visits}. {LOG_OUT}")


async def log_in(request: Request) -> RedirectResponse:
    form = await request.form()
    sessions = current_session(request)
    sessions.set(User(str(form["name"])))  # in your app, check a password first
    sessions.renew_id(User)
    return RedirectResponse("/", status_code=303)


async def log_out(request: Request) -> RedirectResponse:
    current_session(request).clear(User)
    return RedirectResponse("/", status_code=303)


provider = cookie("USER", User, storage=directory_session_storage(".sessions"))
routes = [
    Route("/", home),
    Route("/log-in", log_in, methods=["POST"]),
    Route("/log-out", log_out, methods=["POST"]),
]
app = Starlette(routes=routes, middleware=[Middleware(Sessions, provider)])


async def main() -> None:  # tries the app without a server; uvicorn doesn't call it
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="https://localhost") as browser:
        browser.follow_redirects = True
        pages = [await browser.post("/log-in", data={"name": "ada"})]
        pages += [await browser.get("/"), await browser.post("/log-out")]
    for page in pages:
        print(page.text.split(" <")[0])


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# Hello ada, visit 1.
# Hello ada, visit 2.
# Please log in.
