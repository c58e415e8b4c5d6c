"""Run an app in several workers."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request
from httpx2 import ASGITransport, AsyncClient

from coatcheck import Sessions, cookie, current_session, directory_session_storage


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


@app.get("/")
async def home(request: Request) -> dict[str, int]:
    sessions = current_session(request)
    await sessions.get_or_set(Visit, Visit)
    await sessions.save()  # a new session has to be stored before update can change it
    visit = await sessions.update(Visit, one_more)
    return {"pages": visit.pages, "worker": os.getpid()}


async def main() -> None:  # tries the app without a server; uvicorn doesn't call it
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="https://localhost") as browser:
        await browser.get("/")
        await asyncio.gather(*(browser.get("/") for _ in range(8)))  # eight at once
        print("pages after 10 requests:", (await browser.get("/")).json()["pages"])


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# pages after 10 requests: 10
