"""Keep request.session with Coatcheck."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck import Sessions, SessionStorageMemory, cookie, current_session


# --8<-- [start:adapter]
@dataclass
class Values:
    items: dict[str, Any] = field(default_factory=dict)


class RequestSession:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sessions = current_session(scope) if scope["type"] != "lifespan" else None
        stored = await sessions.get(Values) if sessions else None
        values = stored or Values()
        scope["session"] = values.items

        async def save_and_send(message: Message) -> None:
            if sessions and message["type"] == "http.response.start":
                if values.items and stored is None:
                    sessions.set(values)
                if stored and not values.items:  # request.session.clear()
                    sessions.clear(Values)
            await send(message)

        await self.app(scope, receive, save_and_send)


# --8<-- [end:adapter]
both_have_read = asyncio.Barrier(2)


# --8<-- [start:use]
async def ask_provider(request: Request) -> RedirectResponse:
    state = request.path_params["state"]
    await both_have_read.wait()  # neither request has saved anything yet
    request.session[f"_state_{state}"] = {"next": "/account"}
    request.session["tries"] = request.session.get("tries", 0) + 1
    return RedirectResponse(f"https://login.example/?state={state}")


async def main() -> None:
    provider = cookie("VALUES", Values, storage=SessionStorageMemory())
    shop = Starlette(routes=[Route("/authorize/{state}", ask_provider)])
    app = Sessions(RequestSession(shop), provider)
    id = await provider.write(Values({"language": "en"}))
    headers, transport = {"cookie": f"VALUES={id}"}, ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="https://shop.example") as tab:
        first = tab.get("/authorize/one", headers=headers)
        await asyncio.gather(first, tab.get("/authorize/two", headers=headers))
    stored = await provider.read(id)
    for name, value in sorted(stored.items.items() if stored else ()):
        print(name, value)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# _state_one {'next': '/account'}
# _state_two {'next': '/account'}
# language en
# tries 1
