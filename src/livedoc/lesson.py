"""Plays the steps of a lesson against its app with httpx2, without a browser."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, chdir
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING

from httpx2 import ASGITransport, AsyncClient

from livedoc.player.python.records import recorded
from livedoc.player.python.store import Store, expressions_in, stored
from livedoc.snippet import APP
from livedoc.steps import CookieAction, Request

if TYPE_CHECKING:
    from livedoc.markdown import Lesson
    from livedoc.steps import Sight, Step

ORIGIN = "https://app.example"
ONLY_IN_A_PAGE = ("wire", "jar")
"""The panels of which there is nothing without a browser."""
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
    name = PurePosixPath(lesson.lab.path).stem
    module = ModuleType(name)
    with TemporaryDirectory() as folder, chdir(folder):
        sys.modules[name] = module  # a dataclass looks for its module there
        try:
            exec(compile(script, lesson.lab.path, "exec"), vars(module))  # noqa: S102  # running a snippet is its purpose
            return asyncio.run(_play(_Scene(script, module, Path(folder)), lesson, page))
        finally:
            del sys.modules[name]


@dataclass
class _Scene:
    """What there is to see, without a browser."""

    script: str
    module: ModuleType
    folder: Path
    pages: dict[str, str] = field(default_factory=dict)
    store: str = ""
    log: str = ""

    def shows(self, sight: Sight) -> bool:
        text = {"store": self.store, "log": self.log}.get(sight.panel, self.pages.get(sight.browser, ""))
        return sight.text in " ".join(text.split())


async def _play(scene: _Scene, lesson: Lesson, page: str) -> Played:
    left_out = 0
    async with AsyncExitStack() as opened:
        browsers = {}
        for name in lesson.lab.browsers:
            transport = ASGITransport(getattr(scene.module, APP))
            client = AsyncClient(transport=transport, base_url=ORIGIN, follow_redirects=True)
            browsers[name] = await opened.enter_async_context(client)
        for line, step in lesson.steps:
            is_left_out = step.see.panel in ONLY_IN_A_PAGE
            left_out += is_left_out
            if not is_left_out and scene.shows(step.see):
                rule = f"`{step.see.text}` is there before the step is done"
                raise LessonError(page, line, rule, "name something that only this step brings")
            if missing := await _do(step, browsers[step.do.browser], scene):
                raise LessonError(page, line, missing, "have an earlier step set it, or correct the name")
            if not is_left_out and not scene.shows(step.see):
                there = {"store": scene.store, "log": scene.log}.get(step.see.panel, scene.pages.get(step.see.browser))
                fix = f"correct the step or the app; what is there:\n{there}"
                raise LessonError(page, line, f"`{step.see.text}` is not there after the step", fix)
    return Played(len(lesson.steps), left_out)


async def _do(step: Step, browser: AsyncClient, scene: _Scene) -> str:
    """Do a step, and return what is missing for it. Empty: nothing."""
    match step.do:
        case Request(name, method, target, body):
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
            with recorded() as records:
                response = await browser.request(method, target, content=body.encode(), headers=headers)
            is_html = response.headers.get("content-type", "").startswith("text/html")
            scene.pages[name] = text_in(response.text) if is_html else response.text
            for record in records:
                extra = " ".join(f"{key}={value}" for key, value in record.extra)
                scene.log += f"{record.level} {record.logger} {record.message} {extra}\n"
            store = stored(scene.folder, expressions_in(scene.script), vars(scene.module))
            scene.store = described(store)
        case CookieAction(name, action, wanted):
            cookies = [cookie for cookie in browser.cookies.jar if cookie.name == wanted]
            for cookie in cookies:
                if action == "delete":
                    browser.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)
                else:
                    cookie.value = tampered(cookie.value or "")
            return "" if cookies else f"{name} has no cookie {wanted}"
    return ""


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
        parts += [watched.expression, *(text for row in watched.rows or [] for text in row), watched.text]
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
