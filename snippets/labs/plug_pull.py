"""Write sessions with care and without, and die in the middle."""

import asyncio
import logging
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from coatcheck import (
    Sessions,
    SessionStorageDirectory,
    SimplifiedSessionStorage,
    cookie,
    current_session,
)

# --8<-- [start:app]
CAREFUL, NAIVE = Path("careful"), Path("naive")


@dataclass
class Visits:
    count: int = 0


class Careful(Visits): ...


class Naive(Visits): ...


class NaiveStorage(SimplifiedSessionStorage):  # don't do this
    async def load(self, id: str) -> bytes | None:
        path = NAIVE / sha256(id.encode()).hexdigest()
        return path.read_bytes() if path.exists() else None

    async def save(self, id: str, data: bytes | None) -> None:
        NAIVE.mkdir(exist_ok=True)
        (NAIVE / sha256(id.encode()).hexdigest()).write_bytes(data or b"")


async def visit(request: Request) -> HTMLResponse:
    kind: type[Visits] = Careful if request.url.path == "/careful" else Naive
    visits = await current_session(request).get_or_set(kind, kind)
    visits.count += 1
    return HTMLResponse(f"{kind.__name__}: visit {visits.count}")


app = Sessions(
    Starlette(routes=[Route("/careful", visit), Route("/naive", visit)]),
    cookie("CAREFUL", Careful, storage=SessionStorageDirectory(CAREFUL)),
    cookie("NAIVE", Naive, storage=NaiveStorage()),
)
# --8<-- [end:app]


# --8<-- [start:story]
async def main() -> None:
    transport = ASGITransport(app)  # calls the app without a network
    async with AsyncClient(transport=transport, base_url="https://app.example") as browser:
        for path in ("/careful", "/naive", "/careful", "/naive"):
            print((await browser.get(path)).text)
        logging.disable()  # or a warning says that the record can't be read
        [file] = NAIVE.iterdir()
        file.write_bytes(b"")  # as it is when the server dies before it writes
        print((await browser.get("/naive")).text)
    # --8<-- [end:story]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# Careful: visit 1
# Naive: visit 1
# Careful: visit 2
# Naive: visit 2
# Naive: visit 1
