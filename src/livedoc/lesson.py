"""Plays the steps of a lesson against its app with httpx2, without a browser."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack, chdir
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from traceback import format_exception_only, walk_tb
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

from httpx2 import ASGITransport, AsyncClient

from livedoc.player.python.records import recorded
from livedoc.player.python.store import Store, expressions_in, stored
from livedoc.plug import Cut, threads_seen
from livedoc.snippet import APP
from livedoc.steps import CookieAction, Copy, Pull, Request, Restart, Setting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from http.cookiejar import CookieJar

    from livedoc.markdown import Lesson
    from livedoc.player.python.control import Value
    from livedoc.steps import Action, Sight

ORIGIN = "https://app.example"
ONLY_IN_A_PAGE = ("wire", "jar")
"""The panels of which there is nothing without a browser."""
NOW = "now"
"""The control that is also the time of the jars, in seconds."""
NO_RESPONSE = "The server sent no response."
INLINE = {
    "a",
    "abbr",
    "b",
    "bdi",
    "bdo",
    "cite",
    "code",
    "del",
    "dfn",
    "em",
    "i",
    "ins",
    "kbd",
    "mark",
    "q",
    "s",
    "samp",
}
INLINE |= {"small", "span", "strong", "sub", "sup", "u", "var"}


class LessonError(AssertionError):
    """A lesson says what doesn't happen. The message names the page, the line, the rule and the fix."""

    def __init__(self, page: str, line: int, rule: str, fix: str) -> None:
        super().__init__(f"{page}:{line}: {rule}: {fix}")


@dataclass(frozen=True)
class Played:
    """How many steps were played, and of how many it could not be seen here whether they are right."""

    steps: int
    left_out: int

    def __str__(self) -> str:
        count = f"{self.steps} steps" if self.steps != 1 else "1 step"
        panels = " or ".join(ONLY_IN_A_PAGE)
        return f"{count} played, of which {self.left_out} look into a {panels}, which only a page has"


def play(script: str, lesson: Lesson, page: str) -> Played:
    """Do each step of a lesson, and check that what it says to see is there afterwards, and not before.

    Args:
        script: The snippet with the app.
        lesson: Its steps.
        page: The name of the page with the steps, for messages.

    Raises:
        LessonError: A step is wrong.
    """
    with (
        threads_seen(),
        TemporaryDirectory() as folder,
        chdir(folder),
        _Scene(script, lesson.lab.path, Path(folder).resolve()) as scene,
    ):
        return asyncio.run(_play(scene, lesson, page))


@dataclass
class _Scene:
    """A server, and what there is to see of it without a browser. It runs while it is entered as a context."""

    script: str
    path: str
    folder: Path
    pages: dict[str, str] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    """What the reader has set."""
    store: str = ""
    log: str = ""
    module: ModuleType = field(init=False)
    starts: int = 1
    plug: str = ""
    """The operation before which the next request ends. Empty: it doesn't."""
    is_dead: bool = False

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()  # Python calls it only for what was entered
            raise
        return self

    def __exit__(self, *_: object) -> None:
        sys.modules.pop(self.module.__name__, None)

    def start(self) -> None:
        """Give the app an empty memory. Its files are those that there are."""
        self.module = ModuleType(PurePosixPath(self.path).stem)
        sys.modules[self.module.__name__] = self.module  # a dataclass looks for its module there
        exec(compile(self.script, self.path, "exec"), vars(self.module))  # noqa: S102  # running a snippet is its purpose
        vars(self.module).update(self.values)
        self.look()

    def restart(self) -> None:
        """Do what the button of a page does."""
        self.start()
        self.is_dead = False
        self.starts += 1
        self.log += f"Start {self.starts}: the server has started again.\n"

    def set(self, name: str, value: Value) -> None:
        """Do what a control of a page does."""
        self.values[name] = value
        setattr(self.module, name, value)
        self.log += f"{name} = {json.dumps(value, ensure_ascii=False)}\n"

    def arm(self, operation: str) -> None:
        """Have the next request end before its first operation of this kind."""
        self.plug = operation
        self.log += f"The next request ends before its first {operation}.\n"

    def die(self, operation: str) -> None:
        """Be a server whose plug was pulled."""
        self.is_dead = True
        self.log += f"The plug was pulled before {operation}\n"
        self.store = described(stored(self.folder, [], {}))

    def look(self) -> None:
        """See what the app keeps now."""
        self.store = described(stored(self.folder, expressions_in(self.script), vars(self.module)))

    async def serve(self, scope: Any, receive: Any, send: Any) -> None:
        """Call the app of the server that runs now. Records of the client, which no page has, come after it."""
        with recorded() as records:
            await getattr(self.module, APP)(scope, receive, send)
        for record in records:
            extra = " ".join(f"{key}={value}" for key, value in record.extra)
            self.log += f"{record.level} {record.logger} {record.message} {extra}\n"

    def told(self, error: Exception) -> str:
        """What the app raised, and in which line of the script."""
        lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == self.path]
        where = f" in `{self.script.splitlines()[lines[-1] - 1].strip()}`" if lines else ""
        return "".join(format_exception_only(error)).strip() + where

    def shows(self, sight: Sight) -> bool:
        text = {"store": self.store, "log": self.log}.get(sight.panel, self.pages.get(sight.browser, ""))
        return sight.text in " ".join(text.split())


async def _play(scene: _Scene, lesson: Lesson, page: str) -> Played:
    left_out = 0
    async with AsyncExitStack() as opened:
        browsers = {}
        for name in lesson.lab.browsers:
            transport = ASGITransport(scene.serve)
            client = AsyncClient(transport=transport, base_url=ORIGIN, follow_redirects=True)
            browsers[name] = await opened.enter_async_context(client)
        for number, (line, step) in enumerate(lesson.steps):
            for later_line, later in lesson.steps[number:]:  # a page ticks each step as soon as it's seen
                if later.see.panel not in ONLY_IN_A_PAGE and scene.shows(later.see):
                    rule = f"`{later.see.text}` is there before the step is done"
                    raise LessonError(page, later_line, rule, "name something that only this step brings")
            if wrong := await _do(step.do, browsers, scene):
                raise LessonError(page, line, wrong, "correct this step, an earlier one, or the app")
            if step.see.panel in ONLY_IN_A_PAGE:
                left_out += 1
            elif not scene.shows(step.see):
                there = {"store": scene.store, "log": scene.log}.get(step.see.panel, scene.pages.get(step.see.browser))
                fix = f"correct the step or the app; what is there:\n{there}"
                raise LessonError(page, line, f"`{step.see.text}` is not there after the step", fix)
    return Played(len(lesson.steps), left_out)


async def _do(action: Action, browsers: Mapping[str, AsyncClient], scene: _Scene) -> str:
    """Do what a step says, and return why it can't be done. Empty: it was."""
    match action:
        case Request(browser=name):
            return await _send(action, browsers[name], scene)
        case CookieAction(browser=name):
            return _change(action, browsers[name].cookies.jar)
        case Copy(browser=name, receiver=receiver):
            return _copy(action, browsers[name].cookies.jar, browsers[receiver].cookies.jar)
        case Pull(operation):
            scene.arm(operation)
        case Restart():
            scene.restart()
        case Setting(name, value):
            passed = _seconds(value) - _seconds(getattr(scene.module, name)) if name == NOW else 0
            scene.set(name, value)
            for browser in browsers.values():
                _age(browser.cookies.jar, passed)
    return ""


async def _send(request: Request, browser: AsyncClient, scene: _Scene) -> str:
    if scene.is_dead:
        return "the server was cut off and doesn't run"
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if request.body else {}
    sent = partial(browser.request, request.method, request.target, content=request.body.encode(), headers=headers)
    if scene.plug:
        return await _cut(request, browser, scene, sent)
    try:
        response = await sent()
    except Exception as error:  # noqa: BLE001  # whatever an app may raise
        return f"{request.method} {request.target} failed, {scene.told(error)}"
    is_html = response.headers.get("content-type", "").startswith("text/html")
    scene.pages[request.browser] = text_in(response.text) if is_html else response.text
    scene.look()
    return ""


def _change(action: CookieAction, jar: CookieJar) -> str:
    cookies = [cookie for cookie in jar if cookie.name == action.cookie]
    for cookie in cookies:
        if action.action == "delete":
            jar.clear(cookie.domain, cookie.path, cookie.name)
        else:
            cookie.value = tampered(cookie.value or "")
    return "" if cookies else f"{action.browser} has no cookie {action.cookie}"


def _copy(action: Copy, jar: CookieJar, other: CookieJar) -> str:
    cookies = [cookie for cookie in jar if cookie.name == action.cookie]
    for cookie in cookies:
        other.set_cookie(copy(cookie))  # a later change of one is none of the other
    return "" if cookies else f"{action.browser} has no cookie {action.cookie}"


async def _cut(request: Request, browser: AsyncClient, scene: _Scene, sent: Callable[[], Awaitable[object]]) -> str:
    """Send a request that ends before an operation on a file, and return why it doesn't. Empty: it does."""
    operation, scene.plug = scene.plug, ""
    kept = list(browser.cookies.jar)
    with Cut(scene.folder, operation).watched() as cut:
        await sent()
    if not cut.is_made:
        return f"{request.method} {request.target} did no {operation}, before which the plug was to be pulled"
    browser.cookies.jar.clear()  # the response never came
    for cookie in kept:
        browser.cookies.jar.set_cookie(cookie)
    scene.pages[request.browser] = NO_RESPONSE
    scene.die(operation)
    return ""


def _seconds(value: Value) -> float:
    return value if isinstance(value, int | float) else 0


def _age(jar: CookieJar, seconds: float) -> None:
    """Let this time pass in a jar."""
    for cookie in jar:
        if cookie.expires is not None:
            cookie.expires -= round(seconds)
    jar.clear_expired_cookies()


def tampered(value: str) -> str:
    """Another value that differs in the first character, as in the jar of a page."""
    return ("B" if value.startswith("A") else "A") + value[1:]


def described(store: Store) -> str:
    """What the panel of a page says of an app's files and watched values."""
    count = len(store.files) + store.unlisted
    parts = [f"{count} file{'' if count == 1 else 's'}" if count else "The app keeps no files."]
    for file in store.files:
        parts += [file.path, file.head.decode(errors="replace")]
    for watched in store.watched:
        rest = watched.text or ("empty" if watched.rows == [] else "")
        parts += [watched.expression, *(text for row in watched.rows or [] for text in row), rest]
    return "\n".join(parts)


def text_in(html: str) -> str:
    """The text of a page, with a space between what stands apart."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    return "".join(parser.parts)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._part(tag)

    def handle_endtag(self, tag: str) -> None:
        self._part(tag)

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def _part(self, tag: str) -> None:
        if tag not in INLINE:
            self.parts.append(" ")
