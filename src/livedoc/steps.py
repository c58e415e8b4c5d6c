"""What the steps of a lesson say: what the reader does, and what they then see."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from markdown.extensions.attr_list import get_attrs_and_remainder

if TYPE_CHECKING:
    from collections.abc import Sequence

ATTRIBUTES = re.compile(r"[> \t]*\{:?[ ]*(?P<attributes>[^{}\n ][^\n]*?)[ ]*\}[ ]*")
"""A line that attr_list gives to the item above it."""
KEYS = ("do", "see")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
COOKIE_ACTIONS = ("delete", "tamper")
BROWSER_PANELS = ("page", "wire", "jar")
LAB_PANELS = ("store", "log")

REQUEST = re.compile(r"(?P<method>\S+) (?P<target>/\S*)( (?P<body>\S.*))?")
COOKIE_ACTION = re.compile(r"(?P<action>\S+) (?P<cookie>\S+)")
DO_FORMS = "`Alice: GET /`, `Alice: POST /cart item=hat&count=2`, `Alice: delete VISIT` or `Alice: tamper VISIT`"
SEE_FORMS = (
    "`Alice page: Visit 1`, or another panel of a browser (wire, jar) or of the lab (`store: text`, `log: text`)"
)


class StepError(ValueError):
    """A step breaks a rule. The message names the rule and the fix; the page's build adds file and line."""

    def __init__(self, rule: str, fix: str) -> None:
        super().__init__(f"{rule}: {fix}")
        self.rule = rule
        self.fix = fix


@dataclass(frozen=True)
class Request:
    """A browser sends a request."""

    browser: str
    method: str
    target: str
    """The path and the query."""
    body: str
    """The fields of a form, as they are encoded. Empty: no body."""
    kind: str = "request"


@dataclass(frozen=True)
class CookieAction:
    """The reader does something to a cookie in a browser's jar."""

    browser: str
    action: str
    """One of `COOKIE_ACTIONS`."""
    cookie: str
    """Its name."""
    kind: str = "cookie"


@dataclass(frozen=True)
class Sight:
    """A text in a panel."""

    browser: str
    """Whose panel it is. Empty: the lab's."""
    panel: str
    text: str


@dataclass(frozen=True)
class Step:
    """One step of a lesson."""

    do: Request | CookieAction
    see: Sight

    @property
    def attributes(self) -> dict[str, str]:
        """What the page is told, as the attributes of the step's item."""
        data = {"data-do": asdict(self.do), "data-see": asdict(self.see)}
        return {name: json.dumps(value, ensure_ascii=False) for name, value in data.items()}


def step_attributes(line: str) -> dict[str, str]:
    """The attributes on a line of Markdown that say something of a step. None: the line is not about a step."""
    given = ATTRIBUTES.fullmatch(line)
    pairs = get_attrs_and_remainder(given["attributes"])[0] if given else []
    names = [name for name, _ in pairs]
    about = any(name in KEYS or (name.isalpha() and get_close_matches(name, KEYS, cutoff=0.75)) for name in names)
    return {name: value or "" for name, value in pairs} if about else {}


def parse_step(attributes: dict[str, str], browsers: Sequence[str]) -> Step:
    """The step that these attributes of a list's item describe, in a lab with these browsers.

    Raises:
        StepError: They break a rule.
    """
    for name in attributes:
        if name not in KEYS:
            raise StepError(f"a step has no `{name}`", _near(name, KEYS, 'write do="…" see="…"'))
    for name, missing in (("do", "does nothing"), ("see", "shows nothing")):
        if not attributes.get(name, "").strip():
            example = 'do="Alice: GET /"' if name == "do" else 'see="Alice page: Visit 1"'
            raise StepError(
                f"a step without `{name}` {missing}", f"add what the reader shall {name}, such as {example}"
            )
    return Step(parse_do(attributes["do"], browsers), parse_see(attributes["see"], browsers))


def parse_do(text: str, browsers: Sequence[str]) -> Request | CookieAction:
    """What the reader does, as `Alice: GET /` says it.

    Raises:
        StepError: It can't be read, or the lab has no such browser.
    """
    browser, colon, rest = text.partition(": ")
    if not colon:
        raise StepError(f"`{text}` doesn't say what is done", f"write {DO_FORMS}")
    _check_browser(browser, browsers)
    rest = rest.strip()
    request, action = REQUEST.fullmatch(rest), COOKIE_ACTION.fullmatch(rest)
    if request:
        method, body = request["method"], request["body"] or ""
        if method not in METHODS:
            raise StepError(f"`{method}` isn't a method", _near(method, METHODS, f"write {DO_FORMS}"))
        if body and method in ("GET", "HEAD"):
            raise StepError(
                f"a {method} has no body", "put the fields into the address, such as /?name=ada, or use POST"
            )
        return Request(browser, method, request["target"], body)
    if action and action["action"] in COOKIE_ACTIONS:
        return CookieAction(browser, action["action"], action["cookie"])
    verb = rest.split(" ", 1)[0]
    if verb in METHODS:
        raise StepError(f"`{rest}` has no path", f"write one that begins with a slash, such as `{verb} /cart`")
    if verb in COOKIE_ACTIONS:
        raise StepError(f"`{rest}` doesn't name one cookie", f"write its name, such as `{verb} VISIT`")
    raise StepError(f"`{rest}` can't be done", _near(verb, (*METHODS, *COOKIE_ACTIONS), f"write {DO_FORMS}"))


def parse_see(text: str, browsers: Sequence[str]) -> Sight:
    """What the reader sees, as `Alice page: Visit 1` says it.

    Raises:
        StepError: It can't be read, or the lab has no such browser or panel.
    """
    place, colon, shown = text.partition(": ")
    shown = " ".join(shown.split())
    if not colon or not shown:
        raise StepError(f"`{text}` doesn't say what is seen where", f"write {SEE_FORMS}")
    *owner, panel = place.split(" ")
    if not owner:
        if panel in BROWSER_PANELS:
            raise StepError(f"each browser has a {panel} of its own", f"write `{browsers[0]} {panel}: {shown}`")
        if panel not in LAB_PANELS:
            raise StepError(f"there is no panel `{panel}`", _near(panel, LAB_PANELS, f"write {SEE_FORMS}"))
        return Sight("", panel, shown)
    browser = " ".join(owner)
    _check_browser(browser, browsers)
    if panel not in BROWSER_PANELS:
        raise StepError(f"a browser has no panel `{panel}`", _near(panel, BROWSER_PANELS, f"write {SEE_FORMS}"))
    return Sight(browser, panel, shown)


def _check_browser(name: str, browsers: Sequence[str]) -> None:
    if name not in browsers:
        fix = _near(name, browsers, f"the lab's fence names {' and '.join(browsers)}")
        raise StepError(f"there is no browser `{name}`", fix)


def _near(wrong: str, known: Sequence[str], otherwise: str) -> str:
    lowered = {name.lower(): name for name in known}
    near = get_close_matches(wrong.lower(), lowered, n=1, cutoff=0.6)
    return f"did you mean {lowered[near[0]]}?" if near else otherwise
