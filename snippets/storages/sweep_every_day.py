"""Sweep every day while your app runs."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from anyio import create_task_group, sleep
from anyio.lowlevel import checkpoint
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from coatcheck import Sessions, cookie, directory_session_storage, write_bytes


@dataclass
class Visit:
    pages: int = 0


# --8<-- [start:use]
DAY = 24 * 3600  # seconds
log = logging.getLogger(__name__)
storage = directory_session_storage(".sessions")  # deletes what was not used for 7 days


async def sweep_every_day(app: FastAPI) -> None:
    while True:
        try:
            app.state.deleted = await storage.sweep()
        except OSError:  # log it, and try again tomorrow
            log.exception("sessions were not swept")
        await sleep(DAY)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with create_task_group() as tasks:
        tasks.start_soon(sweep_every_day, app)
        yield
        tasks.cancel_scope.cancel()


app = FastAPI(lifespan=lifespan)
app.state.deleted = None  # no sweep yet
app.add_middleware(Sessions, cookie("VISIT", Visit, storage=storage))


@app.get("/")
async def health() -> dict[str, int | None]:
    return {"deleted": app.state.deleted}
    # --8<-- [end:use]


async def main() -> None:
    # --8<-- [start:see]
    await write_bytes(storage, "id1", b"two apples")
    for file in Path(".sessions").iterdir():
        os.utime(file, (0, 0))  # last used in 1970
    client = AsyncClient(transport=ASGITransport(app), base_url="https://localhost")
    async with lifespan(app), client:
        while (answer := await client.get("/")).json() == {"deleted": None}:
            await checkpoint()
        print("the last sweep:", answer.text)
    print("files left:", len(list(Path(".sessions").iterdir())))
    # --8<-- [end:see]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# the last sweep: {"deleted":1}
# files left: 0
