"""Log in and out with Django."""

import asyncio
from dataclasses import dataclass
from html import escape

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import path
from django.views.decorators.http import require_GET, require_POST
from httpx2 import ASGITransport, AsyncClient

from coatcheck import Sessions, cookie, current_session, directory_session_storage

# Needs: django

LOG_IN = """<form action="/log-in" method="post">
<label>Name: <input name="name" required></label> <button>Log in</button></form>"""
LOG_OUT = '<form action="/log-out" method="post"><button>Log out</button></form>'


@dataclass
class User:
    name: str
    visits: int = 0


@require_GET
async def home(request: ASGIRequest) -> HttpResponse:
    user = await current_session(request).get(User)
    if user is None:
        return HttpResponse(f"Please log in. {LOG_IN}")
    user.visits += 1  # saved when the response starts
    return HttpResponse(f"Hello {escape(user.name)}, visit {user.visits}. {LOG_OUT}")


@require_POST
async def log_in(request: ASGIRequest) -> HttpResponse:
    sessions = current_session(request)
    sessions.set(User(request.POST["name"]))  # in your app, check a password first
    sessions.renew_id(User)
    return HttpResponseRedirect("/")


@require_POST
async def log_out(request: ASGIRequest) -> HttpResponse:
    current_session(request).clear(User)
    return HttpResponseRedirect("/")


urlpatterns = [path("", home), path("log-in", log_in), path("log-out", log_out)]
settings.configure(DEBUG=True, ROOT_URLCONF=__name__)  # your project has settings.py
provider = cookie("USER", User, storage=directory_session_storage(".sessions"))
app = Sessions(get_asgi_application(), provider)


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
