"""The steps of a lesson are read, and whatever is wrong with one is said with the rule and the fix."""

from __future__ import annotations

import json

import pytest

from livedoc.player.python.control import Control, Range
from livedoc.steps import (
    Action,
    CookieAction,
    Copy,
    Pull,
    Request,
    Restart,
    Setting,
    Sight,
    Step,
    StepError,
    parse_do,
    parse_see,
    parse_step,
    step_attributes,
)

BROWSERS = ("Alice", "Mallory")
QUOTES = (
    "the step's text ends at its first double quote: "
    """put a text that has some into single quotes, such as see='store: {"count":3}'"""
)


def refused(attributes: dict[str, str]) -> str:
    with pytest.raises(StepError) as caught:
        parse_step(attributes, BROWSERS)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("Alice: GET /", Request("Alice", "GET", "/", "")),
        ("Mallory: GET /cart?item=hat&x=1", Request("Mallory", "GET", "/cart?item=hat&x=1", "")),
        ("Alice: POST /log-in name=ada&note=a+b", Request("Alice", "POST", "/log-in", "name=ada&note=a+b")),
        ("Alice: POST /log-out", Request("Alice", "POST", "/log-out", "")),
        ("Alice: delete VISIT", CookieAction("Alice", "delete", "VISIT")),
        ("Alice: tamper __Host-VISIT", CookieAction("Alice", "tamper", "__Host-VISIT")),
        ("Alice: copy VISIT to Mallory", Copy("Alice", "VISIT", "Mallory")),
        ("Mallory: copy __Host-ID to Alice", Copy("Mallory", "__Host-ID", "Alice")),
        ("restart", Restart()),
        ("pull the plug at rename", Pull("rename")),
        ("now = 600", Setting("now", 600)),
        ("share=-0.5", Setting("share", -0.5)),
        ('order = "1122"', Setting("order", "1122")),
    ],
)
def test_what_a_reader_does_is_read(text: str, action: Action) -> None:
    assert parse_do(text, BROWSERS) == action


@pytest.mark.parametrize(
    ("text", "sight"),
    [
        ("Alice page: Visit 1", Sight("Alice", "page", "Visit 1")),
        ("Mallory wire: Cookie: VISIT=", Sight("Mallory", "wire", "Cookie: VISIT=")),
        ("Alice jar:  43   characters ", Sight("Alice", "jar", "43 characters")),
        ('store: {"count":1}', Sight("", "store", '{"count":1}')),
        ("log: storage read done", Sight("", "log", "storage read done")),
    ],
)
def test_what_a_reader_sees_is_read(text: str, sight: Sight) -> None:
    assert parse_see(text, BROWSERS) == sight


@pytest.mark.parametrize(
    ("do", "message"),
    [
        ("GET /", "`GET /` doesn't say what is done: write `Alice: GET /`"),
        ("restrat", "`restrat` doesn't say what is done: did you mean restart?"),
        ("pull the plug at wirte", "`wirte` isn't an operation on a file: did you mean write?"),
        ("pull the plug at", "`` isn't an operation on a file: write pull the plug at and one of open, write, utime"),
        (
            "pul the plug at write",
            "`pul the plug at write` doesn't say what is done: did you mean pull the plug at write?",
        ),
        ("now = soon", "`now = soon` sets no value that can be read: write a number or a string in double quotes"),
        ("now =", "`now =` sets no value that can be read: write a number"),
        ("now 600", "`now 600` doesn't say what is done: write `Alice: GET /`"),
        ("Alice: restart", "`restart` can't be done: write `restart` without a browser, as it is the server's"),
        ("alice: GET /", "there is no browser `alice`: did you mean Alice?"),
        ("Bob: GET /", "there is no browser `Bob`: the lab's fence names Alice and Mallory"),
        ("Alice: GETT /", "`GETT` isn't a method: did you mean GET?"),
        ("Alice: get /", "`get` isn't a method: did you mean GET?"),
        (
            "Alice: FETCH /",
            "`FETCH` isn't a method: write one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
        ),
        ("Alice: GET cart", "`GET cart` has no path: write one that begins with a slash, such as `GET /cart`"),
        ("Alice: GET /cart a=b", "a GET has no body: put the fields into the address"),
        ("Alice: delet VISIT", "`delet VISIT` can't be done: did you mean delete?"),
        ("Alice: eat VISIT", "`eat VISIT` can't be done: "),
        ("Alice: tamper", "`tamper` doesn't name one cookie: write its name, such as `tamper VISIT`"),
        ("Alice: coppy A to Mallory", "`coppy A to Mallory` can't be done: did you mean copy?"),
        ("copy A to Mallory", "`copy A to Mallory` doesn't say what is done: write `Alice: GET /`"),
        ("Alice: copy", "`copy` doesn't say which cookie is copied to whom: write its name and a browser, such as"),
        ("Alice: copy A", "`copy A` doesn't say which cookie is copied to whom: write its name and a browser, such as"),
        ("Alice: copy A into Mallory", "`copy A into Mallory` doesn't say which cookie is copied to whom: "),
        ("Alice: copy A to Malory", "there is no browser `Malory`: did you mean Mallory?"),
        ("Alice: copy A to Bob", "there is no browser `Bob`: the lab's fence names Alice and Mallory"),
        ("Alice: copy A to Alice", "Alice has the cookie already: copy it to Mallory"),
        ("Alice: ", "`` can't be done: write `Alice: GET /`"),
    ],
)
def test_a_misspelt_do_is_refused_with_a_way_out(do: str, message: str) -> None:
    assert refused({"do": do, "see": "Alice page: x"}).startswith(message)


def test_a_cookie_is_copied_to_nobody_where_there_is_one_browser() -> None:
    with pytest.raises(StepError) as caught:
        parse_do("Alice: copy A to Mallory", ["Alice"])
    assert str(caught.value) == (
        "`copy A to Mallory` can't be done, as the lab has one browser: name another one in its fence,"
        ' such as browsers="Alice Mallory"'
    )


@pytest.mark.parametrize(
    ("see", "message"),
    [
        ("Visit 1", "`Visit 1` doesn't say what is seen where: write `Alice page: Visit 1`"),
        ("Alice page: ", "`Alice page: ` doesn't say what is seen where"),
        ("Alice pages: x", "a browser has no panel `pages`: did you mean page?"),
        ("Alice store: x", "a browser has no panel `store`: write `Alice page: Visit 1`"),
        ("Bob page: x", "there is no browser `Bob`: the lab's fence names Alice and Mallory"),
        ("page: x", "each browser has a page of its own: write `Alice page: x`"),
        ("stroe: x", "there is no panel `stroe`: did you mean store?"),
    ],
)
def test_a_wrong_see_is_refused_with_a_way_out(see: str, message: str) -> None:
    assert refused({"do": "Alice: GET /", "see": see}).startswith(message)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (
            {"see": "log: x"},
            'a step without `do` does nothing: add what the reader shall do, such as do="Alice: GET /"',
        ),
        ({"do": "Alice: GET /"}, "a step without `see` shows nothing: add what the reader shall see, such as see="),
        ({"do": " ", "see": "log: x"}, "a step without `do` does nothing"),
        ({"do": "Alice: GET /", "sea": "log: x"}, "a step has no `sea`: did you mean see?"),
        ({"do": "Alice: GET /", "see": "store: {", 'code":"fr"': ""}, QUOTES),
        ({"do": "Alice: GET /", "see": "log: x", "title": "y"}, 'a step has no `title`: write do="…" see="…"'),
    ],
)
def test_a_step_does_something_and_shows_something(attributes: dict[str, str], message: str) -> None:
    assert refused(attributes).startswith(message)


@pytest.mark.parametrize(
    ("line", "attributes"),
    [
        ('   { do="Alice: GET /" see="log: x" }', {"do": "Alice: GET /", "see": "log: x"}),
        ("> {: do='a' see='store: {\"count\":1}'}", {"do": "a", "see": 'store: {"count":1}'}),
        ('{ doo="a" }', {"doo": "a"}),
        ("{ do }", {"do": ""}),
        ('{ .wide data-id="1" }', {}),
        ('Visit { do="a" }', {}),
        ("{{ do }}", {}),
    ],
)
def test_a_line_is_about_a_step_if_it_does_or_shows_something(line: str, attributes: dict[str, str]) -> None:
    assert step_attributes(line) == attributes


@pytest.mark.parametrize(
    ("do", "message"),
    [
        ("nwo = 60", "the lab has no control `nwo`: did you mean now?"),
        ("clock = 60", "the lab has no control `clock`: add a line `# Control: clock 0..3600 s` or "),
        ("now = 3660", "the control `now` can't be 3660: write a number from 60 to 3600 by 60"),
        ("now = 0", "the control `now` can't be 0: write a number from 60 to 3600 by 60"),
        ("now = 90", "the control `now` can't be 90: write a number from 60 to 3600 by 60"),
        ('now = "60"', "`now` is a number: write it without quotes, from 60"),
        ("order = 1122", '`order` is a string: write `order = "1122"`'),
    ],
)
def test_a_step_sets_what_the_lab_has_a_control_for(do: str, message: str) -> None:
    controls = [Control("now", Range(60, 3600, 60, "s"), 60), Control("order", None, "1122")]
    with pytest.raises(StepError) as caught:
        parse_step({"do": do, "see": "log: x"}, BROWSERS, controls)
    assert str(caught.value).startswith(message)
    for right in ("now = 60", "now = 3600", 'order = "2211"', "restart"):
        parse_step({"do": right, "see": "log: x"}, BROWSERS, controls)


def test_the_page_gets_a_step_as_data() -> None:
    step = Step(Request("Alice", "GET", "/", ""), Sight("", "store", "ä"))
    assert {name: json.loads(value) for name, value in step.attributes.items()} == {
        "data-do": {"kind": "request", "browser": "Alice", "method": "GET", "target": "/", "body": ""},
        "data-see": {"browser": "", "panel": "store", "text": "ä"},
    }
