"""The steps of a lesson are read, and whatever is wrong with one is said with the rule and the fix."""

from __future__ import annotations

import json

import pytest

from livedoc.steps import (
    CookieAction,
    Request,
    Sight,
    Step,
    StepError,
    parse_do,
    parse_see,
    parse_step,
    step_attributes,
)

BROWSERS = ("Alice", "Mallory")


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
    ],
)
def test_what_a_reader_does_is_read(text: str, action: Request | CookieAction) -> None:
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
        ("alice: GET /", "there is no browser `alice`: did you mean Alice?"),
        ("Bob: GET /", "there is no browser `Bob`: the lab's fence names Alice and Mallory"),
        ("Alice: GETT /", "`GETT` isn't a method: did you mean GET?"),
        ("Alice: get /", "`get` isn't a method: did you mean GET?"),
        ("Alice: GET cart", "`GET cart` has no path: write one that begins with a slash, such as `GET /cart`"),
        ("Alice: GET /cart a=b", "a GET has no body: put the fields into the address"),
        ("Alice: delet VISIT", "`delet VISIT` can't be done: did you mean delete?"),
        ("Alice: eat VISIT", "`eat VISIT` can't be done: "),
        ("Alice: tamper", "`tamper` doesn't name one cookie: write its name, such as `tamper VISIT`"),
        ("Alice: ", "`` can't be done: write `Alice: GET /`"),
    ],
)
def test_a_misspelt_do_is_refused_with_a_way_out(do: str, message: str) -> None:
    assert refused({"do": do, "see": "Alice page: x"}).startswith(message)


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


def test_the_page_gets_a_step_as_data() -> None:
    step = Step(Request("Alice", "GET", "/", ""), Sight("", "store", "ä"))
    assert {name: json.loads(value) for name, value in step.attributes.items()} == {
        "data-do": {"kind": "request", "browser": "Alice", "method": "GET", "target": "/", "body": ""},
        "data-see": {"browser": "", "panel": "store", "text": "ä"},
    }
