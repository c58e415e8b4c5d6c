"""Log in and out with FastAPI."""

import asyncio
from dataclasses import dataclass
from html import escape
from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from httpx2 import ASGITransport, AsyncClient

from coatcheck import Sessions, cookie, current_session, directory_session_storage

LOG_IN = """<form action="/log-in" method="post">
<label>Name: <input name="name" required></label> <button>Log in</button></form>"""
LOG_OUT = '<form action="/log-out" method="post"><button>Log out</button></form>'


@dataclass
class User:
    name: str
    visits: int = 0


app = FastAPI()
provider = cookie("USER", User, storage=directory_session_storage(".sessions"))
app.add_middleware(Sessions, provider)


@app.get("/", response_class=HTMLResponse)
async def home(request: Request) -> str:
    user = await current_session(request).get(User)
    if user is None:
        return f"Please log in. {LOG_IN}"
    user.visits += 1  # saved when the response starts
    return f"Hello {escape(user.name)}, visit {user.visits}. {LOG_OUT}"


@app.post("/log-in")
async def log_in(request: Request, name: Annotated[str, Form()]) -> RedirectResponse:
    sessions = current_session(request)
    sessions.set(User(name))  # in your app, check a password first
    sessions.renew_id(User)
    return RedirectResponse("/", status_code=303)


@app.post("/log-out")
async def log_out(request: Request) -> RedirectResponse:
    current_session(request).clear(User)
    return RedirectResponse("/", status_code=303)


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
