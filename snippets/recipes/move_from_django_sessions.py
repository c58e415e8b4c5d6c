"""Move from Django's sessions without logging anyone out."""

import asyncio
from dataclasses import dataclass

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST
from httpx2 import ASGITransport, AsyncClient

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session

# Needs: django


@require_POST
async def log_in_before_the_move(request: ASGIRequest) -> HttpResponse:
    await request.session.aset("user", "ada")
    return HttpResponse("welcome")


# --8<-- [start:use]
@dataclass
class User:
    name: str


async def user_of(request: ASGIRequest) -> User | None:
    sessions = current_session(request)
    user = await sessions.get(User)
    if user is None and (name := await request.session.aget("user")):
        user = User(name)  # logged in before the move
        sessions.set(user)
        await sessions.save()
        await request.session.aflush()  # deletes Django's session and its cookie
    return user


async def account(request: ASGIRequest) -> HttpResponse:
    user = await user_of(request)
    return HttpResponse("please log in" if user is None else user.name)


urlpatterns = [path("log-in", log_in_before_the_move), path("account", account)]
settings.configure(  # your project has settings.py
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["shop.example"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
)
provider = cookie("USER", User, storage=SessionStorageMemory())
app = Sessions(get_asgi_application(), provider)


async def main() -> None:
    transport, base_url = ASGITransport(app), "https://shop.example"
    async with AsyncClient(transport=transport, base_url=base_url) as browser:
        await browser.post("/log-in")
        print("cookies before the move:", list(browser.cookies))
        for _ in range(2):
            print("the account of", (await browser.get("/account")).text)
        print("cookies after it:", list(browser.cookies))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# cookies before the move: ['sessionid']
# the account of ada
# the account of ada
# cookies after it: ['USER']
