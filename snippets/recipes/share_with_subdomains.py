"""Share a session with all subdomains."""

import asyncio
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class User:
    name: str


async def log_in(request: Request) -> PlainTextResponse:
    sessions = current_session(request)
    sessions.set(User("ada"))  # in your app, check a password first
    sessions.renew_id(User)
    return PlainTextResponse("welcome")


async def home(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)
    return PlainTextResponse("please log in" if user is None else f"hello {user.name}")


# --8<-- [start:use]
def make_app(domain: str | None) -> Sessions:
    routes = [Route("/", home), Route("/log-in", log_in, methods=["POST"])]
    users = cookie("USER", User, storage=SessionStorageMemory(), domain=domain)
    return Sessions(Starlette(routes=routes), users)


async def main() -> None:
    host_only = DefaultCookiePolicy.DomainStrictNonDomain  # as browsers have it
    for domain in None, "shop.example":
        transport = ASGITransport(make_app(domain))
        jar = CookieJar(DefaultCookiePolicy(strict_ns_domain=host_only))
        async with AsyncClient(transport=transport, cookies=jar) as browser:
            await browser.post("https://shop.example/log-in")
            response = await browser.get("https://api.shop.example/")
        print(f"domain={domain!r}:", response.text)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# domain=None: please log in
# domain='shop.example': hello ada
