"""What the steps of a lesson say: what the reader does, and what they then see."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeAlias

from markdown.extensions.attr_list import get_attrs_and_remainder

from livedoc.player.python.control import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livedoc.player.python.control import Control, Value

ATTRIBUTES = re.compile(r"[> \t]*\{:?[ ]*(?P<attributes>[^{}\n ][^\n]*?)[ ]*\}[ ]*")
"""A line that attr_list gives to the item above it."""
KEYS = ("do", "see")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
CLOSE = 1e-6  # of a step of a slider
COOKIE_ACTIONS = ("delete", "tamper")
COPY = "copy"
RESTART = "restart"
PULL = "pull the plug at"
OPERATIONS = ("open", "write", "utime", "rename", "remove")
"""On a file. An open counts if it makes the file, or empties it."""
BROWSER_PANELS = ("page", "wire", "jar")
LAB_PANELS = ("store", "log")

REQUEST = re.compile(r"(?P<method>\S+) (?P<target>/\S*)( (?P<body>\S.*))?")
COOKIE_ACTION = re.compile(r"(?P<action>\S+) (?P<cookie>\S+)")
COPYING = re.compile(r"copy (?P<cookie>\S+) to (?P<receiver>\S+)")
DO_FORMS = (
    "`Alice: GET /`, `Alice: POST /cart item=hat&count=2`, `Alice: delete VISIT`, `Alice: tamper VISIT`,"
    " `Alice: copy VISIT to Mallory`, `restart`, `now = 600` or `pull the plug at write`"
)
SETTING = re.compile(r'(?P<name>[A-Za-z_]\w*) *= *((?P<number>-?\d+(\.\d+)?)|"(?P<text>[^"]*)")')
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
class Copy:
    """The reader puts a cookie of one browser into the jar of another, too."""

    browser: str
    cookie: str
    """Its name."""
    receiver: str
    """The other browser."""
    kind: str = "copy"


@dataclass(frozen=True)
class Restart:
    """The server ends, and another one starts with the same files."""

    kind: str = "restart"


@dataclass(frozen=True)
class Setting:
    """The reader sets a name of the script."""

    name: str
    value: Value
    kind: str = "control"


@dataclass(frozen=True)
class Pull:
    """The server dies during the next request."""

    operation: str
    """Before the first one of `OPERATIONS` of this name."""
    kind: str = "plug"


Action: TypeAlias = Request | CookieAction | Copy | Restart | Setting | Pull
"""What a step has the reader do."""


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

    do: Action
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


def parse_step(attributes: dict[str, str], browsers: Sequence[str], controls: Sequence[Control] | None = None) -> Step:
    """The step that these attributes of a list's item describe, in a lab with these browsers and controls.

    `controls` may be `None`, if it isn't known what the lab's script lets a reader set.

    Raises:
        StepError: They break a rule.
    """
    for name in attributes:
        if '"' in name:
            fix = "put a text that has some into single quotes, such as see='store: {\"count\":3}'"
            raise StepError("the step's text ends at its first double quote", fix)
        if name not in KEYS:
            raise StepError(f"a step has no `{name}`", _near(name, KEYS, 'write do="…" see="…"'))
    for name, missing in (("do", "does nothing"), ("see", "shows nothing")):
        if not attributes.get(name, "").strip():
            example = 'do="Alice: GET /"' if name == "do" else 'see="Alice page: Visit 1"'
            raise StepError(
                f"a step without `{name}` {missing}", f"add what the reader shall {name}, such as {example}"
            )
    do = parse_do(attributes["do"], browsers)
    if isinstance(do, Setting) and controls is not None:
        _check_setting(do, controls)
    return Step(do, parse_see(attributes["see"], browsers))


def parse_do(text: str, browsers: Sequence[str]) -> Action:
    """What the reader does, as `Alice: GET /` says it.

    Raises:
        StepError: It can't be read, or the lab has no such browser.
    """
    browser, colon, rest = text.partition(": ")
    if not colon:
        return _parse_for_lab(text.strip())
    _check_browser(browser, browsers)
    rest = rest.strip()
    request, action = REQUEST.fullmatch(rest), COOKIE_ACTION.fullmatch(rest)
    if request:
        method, body = request["method"], request["body"] or ""
        if method not in METHODS:
            raise StepError(f"`{method}` isn't a method", _near(method, METHODS, f"write one of {', '.join(METHODS)}"))
        if body and method in ("GET", "HEAD"):
            raise StepError(
                f"a {method} has no body", "put the fields into the address, such as /?name=ada, or use POST"
            )
        return Request(browser, method, request["target"], body)
    if action and action["action"] in COOKIE_ACTIONS:
        return CookieAction(browser, action["action"], action["cookie"])
    verb = rest.split(" ", 1)[0]
    if verb == COPY:
        return _parse_copy(browser, rest, browsers)
    if verb == RESTART:
        raise StepError(f"`{rest}` can't be done", f"write `{rest}` without a browser, as it is the server's")
    if verb in METHODS:
        raise StepError(f"`{rest}` has no path", f"write one that begins with a slash, such as `{verb} /cart`")
    if verb in COOKIE_ACTIONS:
        raise StepError(f"`{rest}` doesn't name one cookie", f"write its name, such as `{verb} VISIT`")
    raise StepError(f"`{rest}` can't be done", _near(verb, (*METHODS, *COOKIE_ACTIONS, COPY), f"write {DO_FORMS}"))


def _parse_copy(browser: str, text: str, browsers: Sequence[str]) -> Copy:
    others = [name for name in browsers if name != browser]
    if not others:
        rule = f"`{text}` can't be done, as the lab has one browser"
        raise StepError(rule, f'name another one in its fence, such as browsers="{browser} Mallory"')
    copying = COPYING.fullmatch(text)
    if not copying:
        fix = f"write its name and a browser, such as `copy VISIT to {others[0]}`"
        raise StepError(f"`{text}` doesn't say which cookie is copied to whom", fix)
    _check_browser(copying["receiver"], browsers)
    if copying["receiver"] not in others:
        raise StepError(f"{browser} has the cookie already", f"copy it to {' or '.join(others)}")
    return Copy(browser, copying["cookie"], copying["receiver"])


def _parse_for_lab(text: str) -> Restart | Setting | Pull:
    if text == RESTART:
        return Restart()
    if text.startswith(PULL):
        operation = text.removeprefix(PULL).strip()
        if operation not in OPERATIONS:
            fix = f"write {PULL} and one of {', '.join(OPERATIONS)}"
            raise StepError(f"`{operation}` isn't an operation on a file", _near(operation, OPERATIONS, fix))
        return Pull(operation)
    if setting := SETTING.fullmatch(text):
        value = setting["text"] if setting["number"] is None else number(setting["number"])
        return Setting(setting["name"], value)
    if name := re.match(r"\w+ *=", text):
        fix = f'write a number or a string in double quotes, such as `{name[0]} 600` or `{name[0]} "1122"`'
        raise StepError(f"`{text}` sets no value that can be read", fix)
    raise StepError(
        f"`{text}` doesn't say what is done",
        _near(text, (RESTART, *(f"{PULL} {each}" for each in OPERATIONS)), f"write {DO_FORMS}"),
    )


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


def _check_setting(setting: Setting, controls: Sequence[Control]) -> None:
    known = {control.name: control for control in controls}
    if setting.name not in known:
        forms = f'add a line `# Control: {setting.name} 0..3600 s` or `# Control: {setting.name} "text"` to its script'
        raise StepError(f"the lab has no control `{setting.name}`", _near(setting.name, list(known), forms))
    offered = known[setting.name].range
    if offered is None:
        if not isinstance(setting.value, str):
            raise StepError(f"`{setting.name}` is a string", f'write `{setting.name} = "{setting.value}"`')
        return
    if isinstance(setting.value, str):
        raise StepError(f"`{setting.name}` is a number", f"write it without quotes, from {offered.low}")
    steps = (setting.value - offered.low) / offered.step
    if not offered.low <= setting.value <= offered.high or abs(steps - round(steps)) > CLOSE:
        rule = f"the control `{setting.name}` can't be {setting.value}"
        raise StepError(rule, f"write a number from {offered.low} to {offered.high} by {offered.step}")


def _check_browser(name: str, browsers: Sequence[str]) -> None:
    if name not in browsers:
        fix = _near(name, browsers, f"the lab's fence names {' and '.join(browsers)}")
        raise StepError(f"there is no browser `{name}`", fix)


def _near(wrong: str, known: Sequence[str], otherwise: str) -> str:
    lowered = {name.lower(): name for name in known}
    near = get_close_matches(wrong.lower(), lowered, n=1, cutoff=0.65)
    return f"did you mean {lowered[near[0]]}?" if near else otherwise
