"""A logout wins over a slow request."""

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
    reports: int = 0


# --8<-- [start:use]
has_read, may_go_on = asyncio.Event(), asyncio.Event()


async def slow_report(request: Request) -> PlainTextResponse:
    user = await current_session(request).get(User)
    has_read.set()
    await may_go_on.wait()
    if user is not None:
        user.reports += 1
    return PlainTextResponse("the report")


async def log_out(request: Request) -> PlainTextResponse:
    current_session(request).clear(User)
    return PlainTextResponse("goodbye")


async def main() -> None:
    routes = [Route("/report", slow_report), Route("/log-out", log_out, methods=["POST"])]
    users = cookie("USER", User, storage=SessionStorageMemory())
    id = await users.write(User("ada"))
    async with AsyncClient(
        transport=ASGITransport(Sessions(Starlette(routes=routes), users)),
        base_url="https://shop.example",
        cookies={"USER": id},
    ) as browser:
        report = asyncio.create_task(browser.get("/report"))
        await has_read.wait()
        await browser.post("/log-out")
        may_go_on.set()
        response = await report
        print("the slow request:", response.status_code, response.text)
        print("its cookie:", response.headers["set-cookie"].split("; ")[:2])
    print("stored:", await users.read(id))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# the slow request: 200 the report
# its cookie: ['USER=', 'Max-Age=0']
# stored: None
