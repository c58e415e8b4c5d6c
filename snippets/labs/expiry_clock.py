"""Let time pass, and see sessions end."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from coatcheck import Sessions, SessionStorageDirectory, cookie, current_session

# --8<-- [start:app]
# Control: now 0..18000 by 600 s
now = 0  # seconds since the lab began


@dataclass
class Visits:
    count: int = 0


async def home(request: Request) -> HTMLResponse:
    visits = await current_session(request).get_or_set(Visits, Visits)
    visits.count += 1
    return HTMLResponse(f'Visit {visits.count} <a href="/">Visit again</a>')


async def sweep(_: Request) -> HTMLResponse:
    return HTMLResponse(f"Deleted by sweep: {await storage.sweep()}")


storage = SessionStorageDirectory(
    "sessions", retention=timedelta(hours=3), clock=lambda: now
)
provider = cookie(
    "VISIT",
    Visits,
    storage=storage,
    idle_timeout=timedelta(hours=1),
    max_age=timedelta(hours=2),
    clock=lambda: now,
)
app = Sessions(Starlette(routes=[Route("/", home), Route("/sweep", sweep)]), provider)
# --8<-- [end:app]


# --8<-- [start:story]
async def main() -> None:
    global now  # noqa: PLW0603
    transport = ASGITransport(app)  # calls the app without a network
    async with AsyncClient(transport=transport, base_url="https://app.example") as browser:
        for now in (0, 3000, 6000, 7200):
            print(f"after {now} s:", (await browser.get("/")).text.split(" <")[0])
        now = 18000
        print(f"after {now} s:", (await browser.get("/sweep")).text)
    # --8<-- [end:story]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# after 0 s: Visit 1
# after 3000 s: Visit 2
# after 6000 s: Visit 3
# after 7200 s: Visit 1
# after 18000 s: Deleted by sweep: 1
