"""Sessions in the frameworks people use: one little shop, built five times, in process and behind a real server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import anyio
import anyio.from_thread
import anyio.to_thread
import httpx2
import pytest
import quart
import uvicorn
from fastapi import BackgroundTasks, Depends, FastAPI, Request, WebSocket
from litestar import Litestar, get, websocket
from litestar import Request as LitestarRequest
from litestar import Response as LitestarResponse
from litestar import WebSocket as LitestarWebSocket
from litestar.background_tasks import BackgroundTask as LitestarBackgroundTask
from litestar.exceptions import PermissionDeniedException
from litestar.middleware import DefineMiddleware
from litestar.params import FromPath  # noqa: TC002 - Litestar reads annotations
from litestar.response import Stream
from quart import Quart
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from coatcheck import (
    CurrentSession,
    SessionAlreadySent,
    Sessions,
    SessionStorageMemory,
    cookie,
    current_session,
    directory_session_storage,
)
from tests.support.project import PROJECT
from tests.support.storage import DoesInBetween

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

    from coatcheck import SessionProvider
    from tests.support.client import ASGIApp, Message, Receive, Send


@dataclass
class Cart:
    items: int = 0


@dataclass
class Ticket:
    entries: int = 0


# --- the shop, and how each framework serves it -------------------------------------------------------------------


def one_more(cart: Cart) -> Cart:
    return Cart(cart.items + 1)


async def act(action: str, sessions: CurrentSession) -> str:
    """What the shop does for a client, whatever framework asks and whenever."""
    for part in action.split("-and-"):
        answer = await act_once(part, sessions)
    return answer


async def act_once(action: str, sessions: CurrentSession) -> str:
    answer = "nothing done"
    try:
        match action:
            case "add":
                cart = await sessions.get_or_set(Cart, Cart)
                cart.items += 1
                answer = str(cart.items)
            case "count":
                answer = str((await sessions.update(Cart, one_more)).items)
            case "show":
                found = await sessions.get(Cart)
                answer = "no cart" if found is None else str(found.items)
            case "replace":
                sessions.set(Cart(9))
                answer = "9"
            case "log-in":
                sessions.renew_id(Cart)
                answer = "welcome"
            case "log-out":
                sessions.clear(Cart)
                answer = "bye"
            case "save":
                await sessions.save()
                answer = "saved"
            case "fail":
                raise ZeroDivisionError
    except SessionAlreadySent:
        answer = "too late"
    return answer


async def act_late(action: str, sessions: CurrentSession) -> AsyncIterator[str]:
    yield "begun, "
    yield await act(action, sessions)


class Diary(list[str]):
    """What the shop did that no client sees."""

    async def act(self, action: str, sessions: CurrentSession) -> None:
        self.append(await act(action, sessions))

    @asynccontextmanager
    async def lifespan(self, _: object) -> AsyncIterator[None]:
        self.append("open")
        yield
        self.append("closed")


def raw_shop(diary: Diary) -> ASGIApp:
    async def app(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            async with diary.lifespan(app):
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        sessions = current_session(scope)
        how, action = scope["path"].split("/")[-2:]
        if scope["type"] == "websocket":
            await receive()
            answer = await act(action, sessions)
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": answer})
            while (message := await receive())["type"] != "websocket.disconnect" and message["text"] != "leave":
                await send({"type": "websocket.send", "text": await act(message["text"], sessions)})
            return
        body = await act(action, sessions) if how in ("now", "refused") else "soon"
        headers = [(b"content-type", b"text/plain")]
        status = {"refused": 403, "lost": 404}.get(how, 200)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if how == "streamed":
            async for chunk in act_late(action, sessions):
                await send({"type": "http.response.body", "body": chunk.encode(), "more_body": True})
            body = ""
        await send({"type": "http.response.body", "body": body.encode()})
        if how == "background":
            await diary.act(action, sessions)

    return app


def starlette_shop(diary: Diary, **options: Any) -> Starlette:
    async def now(request: Request) -> Response:
        return PlainTextResponse(await act(request.path_params["action"], current_session(request)))

    async def refused(request: Request) -> Response:
        await act(request.path_params["action"], current_session(request))
        raise HTTPException(403)

    async def streamed(request: Request) -> Response:
        return StreamingResponse(act_late(request.path_params["action"], current_session(request)))

    async def background(request: Request) -> Response:
        task = BackgroundTask(diary.act, request.path_params["action"], current_session(request))
        return PlainTextResponse("soon", background=task)

    async def talk(websocket: WebSocket) -> None:
        sessions = current_session(websocket)
        answer = await act(websocket.path_params["action"], sessions)
        await websocket.accept()
        await websocket.send_text(answer)
        while (action := await websocket.receive_text()) != "leave":
            await websocket.send_text(await act(action, sessions))

    routes = [
        Route("/now/{action}", now),
        Route("/refused/{action}", refused),
        Route("/streamed/{action}", streamed),
        Route("/background/{action}", background),
        WebSocketRoute("/websocket/{action}", talk),
    ]
    return Starlette(routes=routes, lifespan=diary.lifespan, **options)


def fastapi_shop(diary: Diary, **options: Any) -> FastAPI:
    app = FastAPI(lifespan=diary.lifespan, **options)

    @app.get("/now/{action}", response_class=PlainTextResponse)
    async def now(action: str, request: Request) -> str:
        return await act(action, current_session(request))

    @app.get("/refused/{action}")
    async def refused(action: str, request: Request) -> None:
        await act(action, current_session(request))
        raise HTTPException(403)

    @app.get("/streamed/{action}")
    async def streamed(action: str, request: Request) -> StreamingResponse:
        return StreamingResponse(act_late(action, current_session(request)))

    @app.get("/background/{action}", response_class=PlainTextResponse)
    async def background(action: str, request: Request, tasks: BackgroundTasks) -> str:
        tasks.add_task(diary.act, action, current_session(request))
        return "soon"

    @app.websocket("/websocket/{action}")
    async def talk(action: str, websocket: WebSocket) -> None:
        sessions = current_session(websocket)
        answer = await act(action, sessions)
        await websocket.accept()
        await websocket.send_text(answer)
        while (action := await websocket.receive_text()) != "leave":
            await websocket.send_text(await act(action, sessions))

    return app


def litestar_shop(diary: Diary, **options: Any) -> Litestar:
    @get("/now/{action:str}")
    async def now(action: FromPath[str], request: LitestarRequest[Any, Any, Any]) -> str:
        return await act(action, current_session(request))

    @get("/refused/{action:str}")
    async def refused(action: FromPath[str], request: LitestarRequest[Any, Any, Any]) -> None:
        await act(action, current_session(request))
        raise PermissionDeniedException

    @get("/streamed/{action:str}")
    async def streamed(action: FromPath[str], request: LitestarRequest[Any, Any, Any]) -> Stream:
        return Stream(act_late(action, current_session(request)))

    @get("/background/{action:str}")
    async def background(action: FromPath[str], request: LitestarRequest[Any, Any, Any]) -> LitestarResponse[str]:
        task = LitestarBackgroundTask(diary.act, action, current_session(request))
        return LitestarResponse("soon", background=task)

    @websocket("/websocket/{action:str}")
    async def talk(action: FromPath[str], socket: LitestarWebSocket[Any, Any, Any]) -> None:
        sessions = current_session(socket)
        answer = await act(action, sessions)
        await socket.accept()
        await socket.send_text(answer)
        while (action := await socket.receive_text()) != "leave":
            await socket.send_text(await act(action, sessions))

    routes = [now, refused, streamed, background, talk]
    return Litestar(routes, lifespan=[diary.lifespan], logging_config=None, **options)


def quart_shop(diary: Diary) -> Quart:
    app = Quart(__name__)

    @app.get("/now/<action>")
    async def now(action: str) -> str:
        return await act(action, current_session(quart.request))

    @app.get("/refused/<action>")
    async def refused(action: str) -> str:
        await act(action, current_session(quart.request))
        quart.abort(403)

    @app.get("/streamed/<action>")
    async def streamed(action: str) -> AsyncIterator[str]:
        return act_late(action, current_session(quart.request))

    @app.get("/background/<action>")
    async def background(action: str) -> str:
        app.add_background_task(diary.act, action, current_session(quart.request))
        return "soon"

    @app.websocket("/websocket/<action>")
    async def talk(action: str) -> None:
        sessions = current_session(quart.websocket)
        answer = await act(action, sessions)
        await quart.websocket.accept()
        await quart.websocket.send(answer)
        while (action := str(await quart.websocket.receive())) != "leave":
            await quart.websocket.send(await act(action, sessions))

    @app.while_serving
    async def lifespan() -> AsyncGenerator[None]:
        async with diary.lifespan(app):
            yield

    return app


def fastapi_with_sessions(diary: Diary, carts: SessionProvider[Cart]) -> ASGIApp:
    app = fastapi_shop(diary)
    app.add_middleware(Sessions, carts)
    return app


def quart_with_sessions(diary: Diary, carts: SessionProvider[Cart]) -> ASGIApp:
    app = quart_shop(diary)
    app.asgi_app = Sessions(app.asgi_app, carts)  # type: ignore[method-assign]  # as its own documentation has it
    return app


INSTALLED: dict[str, Callable[[Diary, SessionProvider[Cart]], ASGIApp]] = {
    "raw": lambda diary, carts: Sessions(raw_shop(diary), carts),
    "starlette": lambda diary, carts: starlette_shop(diary, middleware=[Middleware(Sessions, carts)]),
    "fastapi": fastapi_with_sessions,
    "litestar": lambda diary, carts: litestar_shop(diary, middleware=[lambda app: Sessions(app, carts)]),
    "quart": quart_with_sessions,
}


def starlette_with_sessions_added(diary: Diary, carts: SessionProvider[Cart]) -> ASGIApp:
    app = starlette_shop(diary)
    app.add_middleware(Sessions, carts)
    return app


def litestar_with_a_factory(diary: Diary, carts: SessionProvider[Cart]) -> ASGIApp:
    def sessions(app: ASGIApp) -> ASGIApp:
        return Sessions(app, carts)

    return litestar_shop(diary, middleware=[DefineMiddleware(sessions)])


INSTALLED_OTHERWISE: dict[str, Callable[[Diary, SessionProvider[Cart]], ASGIApp]] = {
    "around starlette": lambda diary, carts: Sessions(starlette_shop(diary), carts),
    "added to starlette": starlette_with_sessions_added,
    "around fastapi": lambda diary, carts: Sessions(fastapi_shop(diary), carts),
    "listed for fastapi": lambda diary, carts: fastapi_shop(diary, middleware=[Middleware(Sessions, carts)]),
    "around litestar": lambda diary, carts: Sessions(litestar_shop(diary), carts),
    "made by a factory for litestar": litestar_with_a_factory,
    "around quart": lambda diary, carts: Sessions(quart_shop(diary), carts),
}


# --- in process ---------------------------------------------------------------------------------------------------


def on_every_loop(*frameworks: str) -> pytest.MarkDecorator:
    """Run a test with each framework on each event loop that it runs on."""
    loops = {framework: ["asyncio"] if "quart" in framework else ["asyncio", "trio"] for framework in frameworks}
    return pytest.mark.parametrize(
        ("framework", "anyio_backend"), [(framework, loop) for framework in frameworks for loop in loops[framework]]
    )


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def app(framework: str, diary: Diary) -> ASGIApp:
    install = {**INSTALLED, **INSTALLED_OTHERWISE}[framework]
    return install(diary, cookie("CART", Cart, storage=SessionStorageMemory()))


class Browser(httpx2.AsyncClient):
    """A client with a cookie jar. `visit` returns when the app has returned, whatever goes on behind the response."""

    def __init__(self, app: ASGIApp, id: str | None = None, *, raise_app_exceptions: bool = True) -> None:
        super().__init__(
            transport=httpx2.ASGITransport(app, raise_app_exceptions),
            base_url="https://shop.example",
            cookies={} if id is None else {"CART": id},
        )

    async def visit(self, path: str, status: int = 200) -> str:
        response = await self.get(path)
        assert response.status_code == status, response.text
        return response.text


@pytest.fixture
async def browser(app: ASGIApp) -> AsyncIterator[Browser]:
    async with Browser(app) as browser:
        yield browser


@on_every_loop(*INSTALLED, *INSTALLED_OTHERWISE)
async def test_a_session_is_kept_from_request_to_request(browser: Browser) -> None:
    assert [await browser.visit("/now/add") for _ in range(3)] == ["1", "2", "3"]
    assert await browser.visit("/now/show") == "3"


@on_every_loop(*INSTALLED)
async def test_a_login_renews_the_id_and_keeps_the_session(browser: Browser, app: ASGIApp) -> None:
    await browser.visit("/now/add")
    old = browser.cookies["CART"]
    assert await browser.visit("/now/log-in") == "welcome"
    assert browser.cookies["CART"] != old
    assert await browser.visit("/now/show") == "1"
    async with Browser(app, old) as thief:
        assert await thief.visit("/now/show") == "no cart"


@on_every_loop(*INSTALLED)
async def test_a_logout_takes_the_id_away_and_kills_it(browser: Browser, app: ASGIApp) -> None:
    await browser.visit("/now/add")
    id = browser.cookies["CART"]
    assert await browser.visit("/now/log-out") == "bye"
    assert not browser.cookies
    async with Browser(app, id) as thief:
        assert await thief.visit("/now/show") == "no cart"


@on_every_loop(*INSTALLED)
async def test_a_page_that_is_not_there_costs_nothing(browser: Browser) -> None:
    await browser.visit("/now/add")
    response = await browser.get("/lost/add")
    assert response.status_code == 404
    assert not {"set-cookie", "vary", "cache-control"} & set(response.headers)


@on_every_loop(*INSTALLED)
async def test_a_change_after_the_first_chunk_is_saved(browser: Browser) -> None:
    await browser.visit("/now/add")
    assert await browser.visit("/streamed/add") == "begun, 2"
    assert await browser.visit("/now/show") == "2"


@on_every_loop(*INSTALLED)
async def test_a_session_that_would_begin_after_the_first_chunk_is_refused_aloud(browser: Browser) -> None:
    assert await browser.visit("/streamed/add") == "begun, too late"
    assert await browser.visit("/streamed/replace") == "begun, too late"
    assert not browser.cookies


@on_every_loop(*INSTALLED)
async def test_a_login_after_the_first_chunk_is_refused_aloud(browser: Browser) -> None:
    await browser.visit("/now/add")
    assert await browser.visit("/streamed/log-in") == "begun, too late"
    assert await browser.visit("/now/show") == "1"


@on_every_loop(*INSTALLED)
async def test_a_logout_after_the_first_chunk_holds(browser: Browser) -> None:
    await browser.visit("/now/add")
    assert await browser.visit("/streamed/log-out") == "begun, bye"
    assert browser.cookies
    assert await browser.visit("/now/show") == "no cart"
    assert not browser.cookies


WAIT_FOR_BACKGROUND_TASKS = ["raw", "starlette", "fastapi", "litestar"]


@on_every_loop(*WAIT_FOR_BACKGROUND_TASKS)
async def test_a_change_by_a_background_task_is_saved(browser: Browser, diary: Diary) -> None:
    await browser.visit("/now/add")
    assert await browser.visit("/background/add") == "soon"
    assert diary == ["2"]
    assert await browser.visit("/now/show") == "2"


@on_every_loop(*WAIT_FOR_BACKGROUND_TASKS)
async def test_a_session_that_a_background_task_would_begin_is_refused_aloud(browser: Browser, diary: Diary) -> None:
    assert await browser.visit("/background/add") == "soon"
    assert diary == ["too late"]
    assert not browser.cookies


@on_every_loop(*WAIT_FOR_BACKGROUND_TASKS)
async def test_a_logout_by_a_background_task_holds(browser: Browser, diary: Diary) -> None:
    await browser.visit("/now/add")
    assert await browser.visit("/background/log-out") == "soon"
    assert diary == ["bye"]
    assert await browser.visit("/now/show") == "no cart"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("action", "done", "shown"),
    [
        ("add", "too late", "1"),
        ("replace", "too late", "1"),
        ("log-in", "too late", "1"),
        ("log-out", "too late", "1"),
        ("count", "2", "2"),
    ],
)
async def test_what_outlives_its_request_is_stored_at_once_or_refused_aloud(
    action: str, done: str, shown: str, diary: Diary
) -> None:
    """Quart does not wait for its background tasks."""
    app = quart_shop(diary)
    over = asyncio.Event()

    @app.get("/afterwards")
    async def afterwards() -> str:
        async def act_afterwards(sessions: CurrentSession) -> None:
            await over.wait()
            await diary.act(action, sessions)

        app.add_background_task(act_afterwards, current_session(quart.request))
        return "soon"

    async with Browser(Sessions(app, cookie("CART", Cart, storage=SessionStorageMemory()))) as browser:
        await browser.visit("/now/add")
        assert await browser.visit("/afterwards") == "soon"
        over.set()
        await asyncio.gather(*app.background_tasks)
        assert diary == [done]
        assert await browser.visit("/now/show") == shown


def set_too_late(sessions: CurrentSession) -> None:
    with pytest.raises(SessionAlreadySent, match="the request has ended"):
        sessions.set(Cart(7))


@pytest.mark.parametrize("meanwhile", [set_too_late, lambda sessions: sessions.id(Ticket)])
async def test_what_another_task_does_while_the_last_change_is_stored_is_refused_aloud(
    meanwhile: Callable[[CurrentSession], object],
) -> None:
    storage = DoesInBetween(SessionStorageMemory(), "update")
    shop = raw_shop(Diary())

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        if scope["path"] == "/background/add":
            storage.action = lambda: meanwhile(current_session(scope))
        await shop(scope, receive, send)

    carts, tickets = cookie("CART", Cart, storage=storage), cookie("TICKET", Ticket, storage=storage)
    async with Browser(Sessions(app, carts, tickets)) as browser:
        await browser.visit("/now/add")
        assert await browser.visit("/background/add") == "soon"
        assert await browser.visit("/now/show") == "2"


@on_every_loop(*INSTALLED)
async def test_a_refusal_stores_as_any_other_response(browser: Browser) -> None:
    await browser.visit("/refused/add", status=403)
    assert await browser.visit("/now/show") == "1"


@on_every_loop(*INSTALLED, *INSTALLED_OTHERWISE)
async def test_a_handler_that_raises_has_changed_nothing_whoever_answers_for_it(app: ASGIApp) -> None:
    """Some answer an exception inside `Sessions`, with a page that it sees, and some outside."""
    async with Browser(app, raise_app_exceptions=False) as browser:
        await browser.visit("/now/add-and-fail", status=500)
        assert not browser.cookies
        await browser.visit("/now/add")
        id = browser.cookies["CART"]
        for action in ("add-and-fail", "log-in-and-fail", "replace-and-fail"):
            await browser.visit(f"/now/{action}", status=500)
        assert browser.cookies["CART"] == id
        assert await browser.visit("/now/show") == "1"


@on_every_loop(*INSTALLED, *INSTALLED_OTHERWISE)
async def test_a_logout_holds_although_the_handler_raises_whoever_answers_for_it(app: ASGIApp) -> None:
    async with Browser(app, raise_app_exceptions=False) as browser:
        for action in ("log-out-and-fail", "save-and-log-out-and-fail"):
            await browser.visit("/now/add")
            id = browser.cookies["CART"]
            await browser.visit(f"/now/{action}", status=500)
            async with Browser(app, id) as thief:
                assert await thief.visit("/now/show") == "no cart"
            assert await browser.visit("/now/show") == "no cart"


@on_every_loop(*INSTALLED, *INSTALLED_OTHERWISE)
async def test_what_was_saved_is_saved_although_the_handler_raises_whoever_answers_for_it(app: ASGIApp) -> None:
    async with Browser(app, raise_app_exceptions=False) as browser:
        await browser.visit("/now/add")
        for action in ("save-and-add-and-fail", "count-and-fail"):
            await browser.visit(f"/now/{action}", status=500)
        assert await browser.visit("/now/show") == "2"


@on_every_loop(*INSTALLED, *INSTALLED_OTHERWISE)
async def test_a_renewal_that_was_saved_loses_no_session_although_the_handler_raises_whoever_answers_for_it(
    app: ASGIApp,
) -> None:
    async with Browser(app, raise_app_exceptions=False) as browser:
        await browser.visit("/now/add")
        old = browser.cookies["CART"]
        await browser.visit("/now/add-and-log-in-and-save-and-fail", status=500)
        shown = await browser.visit("/now/show")
        assert shown == ("1" if browser.cookies["CART"] == old else "2")
        async with Browser(app, old) as thief:
            assert await thief.visit("/now/show") == ("1" if browser.cookies["CART"] == old else "no cart")


@on_every_loop(*INSTALLED)
async def test_an_app_opens_and_closes_as_if_it_were_alone(app: ASGIApp, diary: Diary) -> None:
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        diary.append(message["type"])

    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    assert diary == ["open", "lifespan.startup.complete", "closed", "lifespan.shutdown.complete"]


# --- between the app and its sessions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "done", "shown"), [("add", "2", "2"), ("log-in", "welcome", "1"), ("log-out", "bye", "no cart")]
)
async def test_a_middleware_of_the_framework_may_act_on_the_way_out(
    action: str, done: str, shown: str, diary: Diary
) -> None:
    async def act_on_the_way_out(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        if request.url.path == "/now/nothing":
            await diary.act(action, current_session(request))
        return response

    between = Middleware(BaseHTTPMiddleware, dispatch=act_on_the_way_out)
    carts = cookie("CART", Cart, storage=SessionStorageMemory())
    async with Browser(starlette_shop(diary, middleware=[Middleware(Sessions, carts), between])) as browser:
        await browser.visit("/now/add")
        old = browser.cookies["CART"]
        await browser.visit("/now/nothing")
        assert diary == [done]
        assert (browser.cookies.get("CART") == old) == (action == "add")
        assert await browser.visit("/now/show") == shown


async def test_a_function_in_a_worker_thread_has_the_sessions_too() -> None:
    app = FastAPI()

    @app.get("/now/add")
    def add(request: Request) -> int:
        sessions = current_session(request)
        cart = anyio.from_thread.run(sessions.get, Cart) or Cart()
        sessions.set(Cart(cart.items + 1))
        return cart.items + 1

    async with Browser(Sessions(app, cookie("CART", Cart, storage=SessionStorageMemory()))) as browser:
        assert [await browser.visit("/now/add") for _ in range(2)] == ["1", "2"]


async def get_cart(request: Request) -> AsyncIterator[Cart]:
    cart = await current_session(request).get_or_set(Cart, Cart)
    yield cart
    cart.items += 10


async def test_a_session_can_be_a_dependency_that_changes_once_more_when_it_is_closed() -> None:
    app = FastAPI()

    @app.get("/now/add")
    async def add(cart: Annotated[Cart, Depends(get_cart)]) -> int:
        cart.items += 1
        return cart.items

    async with Browser(Sessions(app, cookie("CART", Cart, storage=SessionStorageMemory()))) as browser:
        assert [await browser.visit("/now/add") for _ in range(3)] == ["1", "12", "23"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_apps_mounted_in_one_share_its_sessions(diary: Diary) -> None:
    mounted: dict[str, ASGIApp] = {
        "/raw": raw_shop(diary),
        "/starlette": starlette_shop(diary),
        "/fastapi": fastapi_shop(diary),
        "/litestar": litestar_shop(diary),
        "/quart": quart_shop(diary),
    }
    site = Starlette(routes=[Mount(path, app) for path, app in mounted.items()])
    async with Browser(Sessions(site, cookie("CART", Cart, storage=SessionStorageMemory()))) as browser:
        assert [await browser.visit(f"{path}/now/add") for path in mounted] == ["1", "2", "3", "4", "5"]


async def test_a_mounted_app_may_have_sessions_of_its_own_besides() -> None:
    async def count(request: Request) -> Response:
        sessions = current_session(request)
        cart, ticket = await sessions.get_or_set(Cart, Cart), await sessions.get_or_set(Ticket, Ticket)
        cart.items += 1
        ticket.entries += 10
        return PlainTextResponse(f"{cart.items}, {ticket.entries}")

    async def outside(request: Request) -> Response:
        with pytest.raises(LookupError, match=r"no provider for .*\.Ticket"):
            await current_session(request).get(Ticket)
        return PlainTextResponse(await act("show", current_session(request)))

    storage = SessionStorageMemory()
    museum = Sessions(Starlette(routes=[Route("/count", count)]), cookie("TICKET", Ticket, storage=storage))
    site = Starlette(routes=[Mount("/museum", museum), Route("/show", outside)])
    async with Browser(Sessions(site, cookie("CART", Cart, storage=storage))) as browser:
        assert [await browser.visit("/museum/count") for _ in range(2)] == ["1, 10", "2, 20"]
        assert await browser.visit("/show") == "2"


async def test_sessions_that_are_installed_twice_send_one_cookie(diary: Diary) -> None:
    carts = cookie("CART", Cart, storage=SessionStorageMemory())
    async with Browser(Sessions(fastapi_with_sessions(diary, carts), carts)) as browser:
        response = await browser.get("/now/add")
        assert len(response.headers.get_list("set-cookie")) == 1
        assert await browser.visit("/now/add") == "2"
        old = browser.cookies["CART"]
        response = await browser.get("/now/log-in")
        assert len(response.headers.get_list("set-cookie")) == 1
        assert browser.cookies["CART"] != old
        assert await browser.visit("/now/show") == "2"


# --- for real -----------------------------------------------------------------------------------------------------

SERVE = f"""
import sys
import anyio

sys.path.insert(0, {str(PROJECT)!r})
from tests.library.test_frameworks import serve

anyio.run(serve, sys.argv[1])
"""


async def serve(root: str) -> None:
    """Serve each shop at a port of its own, print the ports, and stop when the input ends."""
    carts = cookie("CART", Cart, storage=directory_session_storage(root), secure=False)
    servers, sockets = {}, {}
    for framework, install in INSTALLED.items():
        config = uvicorn.Config(install(Diary(), carts), port=0, lifespan="on", log_level="error")
        servers[framework], sockets[framework] = uvicorn.Server(config), config.bind_socket()
        sockets[framework].listen()
    sys.stdout.write(json.dumps({framework: socket.getsockname()[1] for framework, socket in sockets.items()}) + "\n")
    sys.stdout.flush()
    async with anyio.create_task_group() as tasks:
        for framework, server in servers.items():
            tasks.start_soon(server.serve, [sockets[framework]])
        await anyio.to_thread.run_sync(sys.stdin.read)
        for server in servers.values():
            server.should_exit = True


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    command = [sys.executable, "-W", "error", "-c", SERVE, str(tmp_path_factory.mktemp("shops") / "sessions")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.fixture
def origin(framework: str, ports: dict[str, int]) -> str:
    return f"127.0.0.1:{ports[framework]}"


@pytest.fixture(scope="module")
def transport() -> Iterator[httpx2.HTTPTransport]:
    with httpx2.HTTPTransport() as transport:
        yield transport


@pytest.fixture
def client(origin: str, transport: httpx2.HTTPTransport) -> httpx2.Client:
    return httpx2.Client(base_url=f"http://{origin}", transport=transport)


def eventually(question: Callable[[], str], answer: str) -> None:
    """Ask until the server, which saves after it said goodbye, gives the answer."""
    deadline = time.monotonic() + 60
    while (found := question()) != answer and time.monotonic() < deadline:
        time.sleep(0.01)
    assert found == answer


with_a_real_server = pytest.mark.parametrize("framework", INSTALLED)


@with_a_real_server
def test_a_real_server_keeps_renews_and_ends_a_session(client: httpx2.Client) -> None:
    assert [client.get("/now/add").text for _ in range(2)] == ["1", "2"]
    old = client.cookies["CART"]
    assert client.get("/now/log-in").text == "welcome"
    assert client.get("/now/show").text == "2"
    assert client.get("/now/show", headers={"Cookie": f"CART={old}"}).text == "no cart"
    assert client.get("/now/log-out").text == "bye"
    assert not client.cookies


@with_a_real_server
def test_a_real_server_saves_what_changes_while_it_streams(client: httpx2.Client) -> None:
    assert client.get("/streamed/add").text == "begun, too late"
    client.get("/now/add")
    assert client.get("/streamed/add").text == "begun, 2"
    eventually(lambda: client.get("/now/show").text, "2")
    assert client.get("/streamed/log-out").text == "begun, bye"
    eventually(lambda: client.get("/now/show").text, "no cart")


@with_a_real_server
def test_a_real_server_saves_what_changes_in_the_background(client: httpx2.Client) -> None:
    client.get("/now/add")
    assert client.get("/background/count").text == "soon"
    eventually(lambda: client.get("/now/show").text, "2")


def say(websocket: ClientConnection, action: str) -> str:
    websocket.send(action)
    return str(websocket.recv())


def take_leave(websocket: ClientConnection) -> None:
    """Let the app return, then close."""
    websocket.send("leave")
    with pytest.raises(ConnectionClosed):
        websocket.recv()


def leave_in_a_hurry(websocket: ClientConnection) -> None:
    """Let the app return, and close while it does."""
    websocket.send("leave")


def leave_without_a_word(_: ClientConnection) -> None:
    """Close while the app waits for more: Starlette's `receive_text` raises then."""


@with_a_real_server
def test_a_websocket_can_begin_a_session_with_its_accept(client: httpx2.Client, origin: str) -> None:
    with connect(f"ws://{origin}/websocket/add") as websocket:
        assert websocket.response is not None
        ticket = websocket.response.headers["Set-Cookie"].partition(";")[0]
        assert websocket.recv() == "1"
        assert say(websocket, "add") == "2"
        take_leave(websocket)
    eventually(lambda: client.get("/now/show", headers={"Cookie": ticket}).text, "2")


@with_a_real_server
def test_what_would_need_a_header_after_a_websockets_accept_is_refused_aloud(origin: str) -> None:
    with connect(f"ws://{origin}/websocket/nothing") as websocket:
        assert websocket.recv() == "nothing done"
        assert say(websocket, "add") == "too late"
        assert say(websocket, "log-in") == "too late"


@with_a_real_server
@pytest.mark.parametrize("farewell", [take_leave, leave_in_a_hurry, leave_without_a_word])
@pytest.mark.parametrize("conversation", [("add", "2", "2"), ("log-out", "bye", "no cart")])
def test_a_change_in_a_websocket_is_saved_however_it_ends(
    farewell: Callable[[ClientConnection], None], conversation: tuple[str, str, str], client: httpx2.Client, origin: str
) -> None:
    action, answer, shown = conversation
    client.get("/now/add")
    ticket = {"Cookie": f"CART={client.cookies['CART']}"}
    with connect(f"ws://{origin}/websocket/show", additional_headers=ticket) as websocket:
        assert websocket.recv() == "1"
        assert say(websocket, action) == answer
        farewell(websocket)
    eventually(lambda: client.get("/now/show", headers=ticket).text, shown)
