"""Show public pages while the storage is down."""

import asyncio
from dataclasses import dataclass

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


@dataclass
class User:
    name: str


class ShakyStorage(SessionStorageMemory):
    is_down = False

    async def load(self, id: str) -> bytes | None:
        if self.is_down:
            raise ConnectionError("the storage is down")
        return await super().load(id)


# --8<-- [start:use]
async def news(request: Request) -> PlainTextResponse:
    try:
        user = await current_session(request).get(User)
    except ConnectionError:  # for Redis, redis.RedisError
        return PlainTextResponse("news, for everyone")
    return PlainTextResponse("news" if user is None else f"news for {user.name}")


async def main() -> None:
    storage = ShakyStorage()
    users = cookie("USER", User, storage=storage)
    app = Sessions(Starlette(routes=[Route("/", news)]), users)
    cookies = {"USER": await users.write(User("ada"))}
    transport, base_url = ASGITransport(app), "https://shop.example"
    async with AsyncClient(
        transport=transport, base_url=base_url, cookies=cookies
    ) as browser:
        for storage.is_down in (False, True, False):
            response = await browser.get("/")
            print("down:" if storage.is_down else "up:", response.text)
            print("  removes the cookie:", "set-cookie" in response.headers)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# up: news for ada
#   removes the cookie: False
# down: news, for everyone
#   removes the cookie: False
# up: news for ada
#   removes the cookie: False
