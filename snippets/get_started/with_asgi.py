"""Log in and out in plain ASGI."""

import asyncio
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import parse_qs

from httpx2 import ASGITransport, AsyncClient

from coatcheck import Sessions, cookie, current_session, directory_session_storage

LOG_IN = """<form action="/log-in" method="post">
<label>Name: <input name="name" required></label> <button>Log in</button></form>"""
LOG_OUT = '<form action="/log-out" method="post"><button>Log out</button></form>'


@dataclass
class User:
    name: str
    visits: int = 0


async def site(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    sessions, page = current_session(scope), ""
    request = scope["method"], scope["path"]
    if request == ("GET", "/"):
        user = await sessions.get(User)
        page = f"Please log in. {LOG_IN}"
        if user is not None:
            user.visits += 1  # saved when the response starts
            page = f"Hello {escape(user.name)}, visit {user.visits}. {LOG_OUT}"
    elif request == ("POST", "/log-in"):
        form = parse_qs((await receive())["body"].decode())
        sessions.set(User(form["name"][0]))  # in your app, check a password first
        sessions.renew_id(User)
    elif request == ("POST", "/log-out"):
        sessions.clear(User)
    status = 200 if page else 303
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"location", b"/")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": page.encode()})


app = Sessions(site, cookie("USER", User, storage=directory_session_storage(".sessions")))


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
