"""Run an app in several workers."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from httpx2 import ASGITransport, AsyncClient

from coatcheck import (
    SessionNotFound,
    Sessions,
    cookie,
    current_session,
    directory_session_storage,
)


@dataclass
class Visit:
    pages: int = 0


def one_more(visit: Visit) -> Visit:
    return Visit(visit.pages + 1)


folder = Path(os.environ.get("SESSIONS", ".sessions")).absolute()
storage = directory_session_storage(folder)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    await storage.sweep()  # deletes sessions that were not used for a week
    yield


app = FastAPI(lifespan=lifespan)
app.add_middleware(Sessions, cookie("VISIT", Visit, storage=storage))


@app.post("/start")
async def start(request: Request) -> None:
    current_session(request).set(Visit())


@app.post("/page")
async def page(request: Request) -> dict[str, int]:
    try:
        visit = await current_session(request).update(Visit, one_more)
    except SessionNotFound:
        raise HTTPException(401) from None
    return {"pages": visit.pages, "worker": os.getpid()}


async def main() -> None:  # tries the app without a server; uvicorn doesn't call it
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="https://localhost") as browser:
        await browser.post("/start")
        await asyncio.gather(*(browser.post("/page") for _ in range(9)))
        print("pages after 10 requests:", (await browser.post("/page")).json()["pages"])


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# pages after 10 requests: 10
