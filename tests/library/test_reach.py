"""Where the sessions of a request can be reached from, and what is said where they can't."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import make_dataclass
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import httpx2
import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi import Request as FastAPIRequest
from litestar import Litestar
from litestar import Request as LitestarRequest
from litestar import get as litestar_get
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.requests import Request  # noqa: TC002 - frameworks read annotations
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from coatcheck import CurrentSession, SessionAlreadySent, Sessions, SessionStorageMemory, cookie, current_session
from tests.support.cart import Cart, User, clear_cart, load_cart
from tests.support.client import send_request, visit, with_sessions

if TYPE_CHECKING:
    from collections.abc import Callable

    from coatcheck import SessionProvider
    from tests.support.client import ASGIApp, Message, Send


# --- a `def` endpoint ---------------------------------------------------------------------------------------------

CALLS: dict[str, Callable[[CurrentSession], object]] = {
    "get": lambda sessions: sessions.get(User),
    "get_or_set": lambda sessions: sessions.get_or_set(User, User),
    "update": lambda sessions: sessions.update(User, lambda user: user),
    "save": lambda sessions: sessions.save(),
}


def answer(call: str, request: Any) -> str:
    """Check a login as it must not be checked."""
    return "come in" if CALLS[call](current_session(request)) is not None else "who are you?"


def starlette_app(call: str) -> ASGIApp:
    def endpoint(request: Request) -> Response:
        return PlainTextResponse(answer(call, request))

    return Starlette(routes=[Route("/", endpoint)])


def fastapi_app(call: str) -> ASGIApp:
    app = FastAPI()

    @app.get("/")
    def endpoint(request: FastAPIRequest) -> str:
        return answer(call, request)

    return app


def fastapi_app_with_a_dependency(call: str) -> ASGIApp:
    app = FastAPI()

    def user(request: FastAPIRequest) -> None:
        if answer(call, request) != "come in":
            raise HTTPException(401)

    @app.get("/", dependencies=[Depends(user)])
    async def endpoint() -> str:
        return "come in"

    return app


def litestar_app(call: str) -> ASGIApp:
    @litestar_get("/", sync_to_thread=True)
    def endpoint(request: LitestarRequest[Any, Any, Any]) -> str:
        return answer(call, request)

    return Litestar([endpoint], logging_config=None)


@pytest.mark.parametrize("make_app", [starlette_app, fastapi_app, fastapi_app_with_a_dependency, litestar_app])
@pytest.mark.parametrize("call", CALLS)
async def test_a_login_check_that_awaits_nothing_lets_nobody_in(call: str, make_app: Callable[[str], ASGIApp]) -> None:
    app = Sessions(make_app(call), cookie("USER", User, storage=SessionStorageMemory()))
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        response = await browser.get("/")
    assert response.status_code == 500
    assert "come in" not in response.text


@pytest.mark.parametrize("call", CALLS)
async def test_what_has_to_be_awaited_is_refused_in_a_worker_thread_with_a_way_out(
    call: str, cart: SessionProvider[Cart], anyio_backend: str
) -> None:
    async def ask(sessions: CurrentSession) -> None:
        with pytest.raises(
            RuntimeError, match=rf"^{call}\(\) was called where no event loop runs; make .* `async def`"
        ):
            await anyio.to_thread.run_sync(CALLS[call], sessions)
        if anyio_backend == "asyncio":
            with pytest.raises(RuntimeError, match="where no event loop runs"):
                await asyncio.to_thread(CALLS[call], sessions)

    await visit(ask, cart)


async def test_what_awaits_nothing_works_in_a_worker_thread(cart: SessionProvider[Cart]) -> None:
    async def act(sessions: CurrentSession) -> None:
        await anyio.to_thread.run_sync(sessions.set, Cart(["coat"]))
        await anyio.to_thread.run_sync(sessions.renew_id, Cart)
        assert await anyio.to_thread.run_sync(sessions.id, Cart) is None

    assert len((await visit(act, cart)).ids) == 1


async def test_a_method_that_is_awaited_is_a_background_task_as_it_stands() -> None:
    """Starlette asks whether a function is `async`, and calls any other in a worker thread."""
    for name in CALLS:
        method = getattr(CurrentSession, name)
        assert inspect.iscoroutinefunction(method) or asyncio.iscoroutinefunction(method)  # the latter up to 3.13

    async def endpoint(request: Request) -> Response:
        sessions = current_session(request)
        user = await sessions.get_or_set(User, User)
        task = BackgroundTask(sessions.update, User, lambda stored: User(stored.name + "!"))
        return PlainTextResponse(user.name, background=task)

    app = Starlette(routes=[Route("/", endpoint)])
    transport = httpx2.ASGITransport(Sessions(app, cookie("USER", User, storage=SessionStorageMemory())))
    async with httpx2.AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        assert [(await browser.get("/")).text for _ in range(3)] == ["guest", "guest!", "guest!!"]


# --- the order of middleware --------------------------------------------------------------------------------------


async def test_a_middleware_outside_of_sessions_is_told_of_the_order(cart: SessionProvider[Cart]) -> None:
    async def app(sessions: CurrentSession, send: Send) -> None:
        await sessions.get(Cart)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    inside = Sessions(with_sessions(app), cart)

    async def outside(scope: Message, receive: Any, send: Send) -> None:
        with pytest.raises(RuntimeError, match=r"wrap your app in Sessions\(.* outside of Sessions; change the order"):
            current_session(scope)
        await inside(scope, receive, send)
        for act in (load_cart, clear_cart, CurrentSession.save):
            with pytest.raises(SessionAlreadySent, match="has to be inside of Sessions"):
                await act(current_session(scope))

    await send_request(outside)


async def test_an_error_handler_outside_of_sessions_is_told_of_the_order(cart: SessionProvider[Cart]) -> None:
    errors: list[str] = []

    async def endpoint(_: Request) -> Response:
        raise ZeroDivisionError

    async def handle(request: Request, _: Exception) -> Response:
        with pytest.raises(SessionAlreadySent) as error:
            current_session(request).set(Cart())
        errors.append(str(error.value))
        return PlainTextResponse("sorry", 500)

    app = Starlette(
        routes=[Route("/", endpoint)], middleware=[Middleware(Sessions, cart)], exception_handlers={500: handle}
    )
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="https://shop.example") as browser:
        assert (await browser.get("/")).text == "sorry"
    assert "has to be inside of Sessions" in errors[0]


# --- the scope ----------------------------------------------------------------------------------------------------


async def test_what_is_outside_sees_what_routing_adds_to_the_scope(cart: SessionProvider[Cart]) -> None:
    seen: list[Any] = []

    async def endpoint(request: Request) -> Response:
        request.state.user = "ada"
        return PlainTextResponse("")

    inside = Sessions(Starlette(routes=[Route("/{item}", endpoint)]), cart)

    async def outside(scope: Message, receive: Any, send: Send) -> None:
        await inside(scope, receive, send)
        seen.extend([scope["endpoint"], scope["path_params"], scope["state"]])

    await send_request(outside, path="/coat", method="GET", query_string=b"", root_path="")
    assert seen == [endpoint, {"item": "coat"}, {"user": "ada"}]


@pytest.mark.parametrize("raises", [False, True])
async def test_a_scope_that_is_handled_again_has_sessions_again(
    raises: bool,  # noqa: FBT001
    cart: SessionProvider[Cart],
) -> None:
    answers = [raises, False]

    async def app(sessions: CurrentSession, send: Send) -> None:
        sessions.set(Cart(["coat"]))
        await sessions.save()
        if answers.pop(0):
            raise ZeroDivisionError
        await send({"type": "http.response.start", "status": 200, "headers": []})

    inside = Sessions(with_sessions(app), cart)

    async def again(scope: Message, receive: Any, send: Send) -> None:
        try:
            await inside(scope, receive, send)
        except ZeroDivisionError:
            await inside(scope, receive, send)

    assert len((await send_request(again)).ids) == 1
    answers[:] = [raises, False]
    assert len((await send_request(Sessions(again, cookie("USER", User, storage=SessionStorageMemory())))).ids) == 1


async def test_when_inner_sessions_end_the_outer_ones_are_back(cart: SessionProvider[Cart]) -> None:
    inside = Sessions(with_sessions(lambda sessions, _: load_cart(sessions)), cart)

    async def outside(scope: Message, receive: Any, send: Send) -> None:
        await inside(scope, receive, send)
        current_session(scope).set(User("ada"))
        with pytest.raises(LookupError, match="no provider for"):
            await current_session(scope).get(Cart)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    assert len((await send_request(Sessions(outside, cookie("USER", User, storage=SessionStorageMemory())))).ids) == 1


# --- a class without a provider -----------------------------------------------------------------------------------


@pytest.mark.parametrize("nested", [False, True])
async def test_a_class_that_was_imported_twice_is_named_with_both_modules(
    nested: bool,  # noqa: FBT001
    cart: SessionProvider[Cart],
) -> None:
    again = make_dataclass("Cart", [])
    again.__module__ = "shop"

    async def ask(sessions: CurrentSession, _: Send) -> None:
        await sessions.get(again)

    app: ASGIApp = Sessions(with_sessions(ask), cart)
    if nested:
        app = Sessions(app, cookie("USER", User, storage=SessionStorageMemory()))
    message = r"no provider for shop\.Cart; there is one for tests\.support\.cart\.Cart, which is another class"
    with pytest.raises(LookupError, match=message):
        await send_request(app)


async def test_a_session_in_place_of_its_class_is_refused_and_is_not_in_the_message(
    cart: SessionProvider[Cart],
) -> None:
    secret = make_dataclass("Secret", ["word"], frozen=True)("swordfish")

    async def ask(sessions: CurrentSession) -> None:
        await sessions.get(secret)

    with pytest.raises(LookupError, match="pass the class of a session, not a ") as error:
        await visit(ask, cart)
    assert "swordfish" not in str(error.value)
