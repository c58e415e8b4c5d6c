"""Log in and out with Quart."""

import asyncio
from dataclasses import dataclass
from html import escape

from httpx2 import ASGITransport, AsyncClient
from quart import Quart, redirect, request
from quart.typing import ResponseReturnValue

from coatcheck import Sessions, cookie, current_session, directory_session_storage

# Needs: quart

LOG_IN = """<form action="/log-in" method="post">
<label>Name: <input name="name" required></label> <button>Log in</button></form>"""
LOG_OUT = '<form action="/log-out" method="post"><button>Log out</button></form>'


@dataclass
class User:
    name: str
    visits: int = 0


app = Quart(__name__)
provider = cookie("USER", User, storage=directory_session_storage(".sessions"))
app.asgi_app = Sessions(app.asgi_app, provider)  # type: ignore[method-assign]


@app.get("/")
async def home() -> str:
    user = await current_session(request).get(User)
    if user is None:
        return f"Please log in. {LOG_IN}"
    user.visits += 1  # saved when the response starts
    return f"Hello {escape(user.name)}, visit {user.visits}. {LOG_OUT}"


@app.post("/log-in")
async def log_in() -> ResponseReturnValue:
    form = await request.form
    sessions = current_session(request)
    sessions.set(User(form["name"]))  # in your app, check a password first
    sessions.renew_id(User)
    return redirect("/", 303)


@app.post("/log-out")
async def log_out() -> ResponseReturnValue:
    current_session(request).clear(User)
    return redirect("/", 303)


async def main() -> None:  # tries the app without a server; uvicorn doesn't call it
    transport = ASGITransport(app)  # type: ignore[arg-type]
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
