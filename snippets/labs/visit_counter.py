"""Count the visits of each browser."""

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from coatcheck import Sessions, cookie, current_session, directory_session_storage

# --8<-- [start:app]
# Watch: hash_of_id
hash_of_id: dict[str, str] = {}  # for each id that a browser has sent


@dataclass
class Visits:
    count: int = 0


async def home(request: Request) -> HTMLResponse:
    visits = await current_session(request).get_or_set(Visits, Visits)
    visits.count += 1  # saved when the response starts
    if id := request.cookies.get("VISIT"):
        hash_of_id[id] = sha256(f"VISIT:{id}".encode()).hexdigest()
    return HTMLResponse(f'Visit {visits.count} <a href="/">Visit again</a>')


provider = cookie("VISIT", Visits, storage=directory_session_storage("sessions"))
app = Sessions(Starlette(routes=[Route("/", home)]), provider)
# --8<-- [end:app]


# --8<-- [start:story]
async def main() -> None:
    transport = ASGITransport(app)  # calls the app without a network
    async with AsyncClient(transport=transport, base_url="https://app.example") as browser:
        for page in [await browser.get("/"), await browser.get("/")]:
            print(page.text.split(" <")[0])
        id = browser.cookies["VISIT"]
    print(len(id), "characters travel")
    [file] = Path("sessions").iterdir()
    print("its hash names the file:", file.name == f"{hash_of_id[id]}.session")
    print("the record ends with", file.read_text().splitlines()[-1])
    # --8<-- [end:story]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# Visit 1
# Visit 2
# 43 characters travel
# its hash names the file: True
# the record ends with {"count":2}
