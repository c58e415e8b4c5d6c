"""A lesson is played without a browser: a step that says what doesn't happen is found, with its page and line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from livedoc.lesson import LessonError, Played, play, tampered, text_in
from livedoc.markdown import lessons

SCRIPT = """
import logging
from dataclasses import dataclass
from pathlib import Path

# Watch: seen
seen = {}


@dataclass
class Visit:
    count: int


async def app(scope, receive, send):
    cookies = [value.decode() for name, value in scope["headers"] if name == b"cookie"]
    body = (await receive())["body"].decode()
    seen["last"] = f"cookie {cookies} body {body}"
    Path("kept").write_text(scope["path"])
    logging.getLogger("shop").debug("asked", extra={"path": scope["path"]})
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]}
    if scope["path"] == "/set":
        start["headers"].append((b"set-cookie", b"A=xyz; Path=/; Secure"))
    await send(start)
    await send({"type": "http.response.body", "body": b"<h1>Sho<b>p</b></h1><p>" + scope["path"].encode() + b"</p>"})
"""
LAB = '``` { .python .lab browsers="Alice" }\n--8<-- "labs/shop.py"\n```\n\n'


def played(*steps: str) -> Played:
    text = LAB + "".join(f"1. Step.\n   {{ {step} }}\n" for step in steps)
    [lesson] = lessons(text)
    return play(SCRIPT, lesson, "docs/labs/shop.md")


def played_by_two(*steps: str) -> Played:
    text = LAB.replace("Alice", "Alice Mallory") + "".join(f"1. Step.\n   {{ {step} }}\n" for step in steps)
    [lesson] = lessons(text)
    return play(SCRIPT, lesson, "docs/labs/shop.md")


def refusal(*steps: str) -> str:
    with pytest.raises(LessonError) as caught:
        played(*steps)
    return str(caught.value)


def test_steps_that_are_true_are_played_and_those_of_a_page_alone_are_counted() -> None:
    before = Path.cwd()
    assert played(
        'do="Alice: GET /a" see="Alice page: Shop /a"',
        'do="Alice: POST /set x=1" see="store: body x=1"',
        """do="Alice: GET /b" see="store: cookie ['A=xyz']" """,
        'do="Alice: tamper A" see="Alice jar: You changed"',
        """do="Alice: GET /c" see="store: cookie ['A=Ayz']" """,
        'do="Alice: delete A" see="Alice jar: The jar is empty"',
        """do="Alice: POST /d y=2" see="store: cookie [] body y=2" """,
        'do="Alice: GET /e" see="log: DEBUG shop asked path=/e"',
        'do="Alice: GET /f" see="Alice wire: GET /f"',
    ) == Played(9, 3)
    assert Path.cwd() == before
    assert "shop" not in sys.modules


def test_each_browser_has_a_jar_of_its_own_and_a_copy_stays_as_it_was() -> None:
    assert played_by_two(
        'do="Alice: GET /set" see="Alice page: /set"',
        """do="Mallory: POST /a x=1" see="store: cookie [] body x=1" """,
        'do="Alice: copy A to Mallory" see="Mallory jar: Copied from Alice"',
        'do="Alice: tamper A" see="Alice jar: You changed"',
        """do="Mallory: POST /b x=2" see="store: cookie ['A=xyz'] body x=2" """,
        'do="Alice: delete A" see="Alice jar: The jar is empty"',
        """do="Mallory: POST /c x=3" see="store: cookie ['A=xyz'] body x=3" """,
        """do="Alice: POST /d x=4" see="store: cookie [] body x=4" """,
    ) == Played(8, 3)


def test_a_cookie_that_is_not_there_is_not_copied() -> None:
    with pytest.raises(LessonError) as caught:
        played_by_two('do="Mallory: copy A to Alice" see="Alice jar: Copied"')
    message = "docs/labs/shop.md:6: Mallory has no cookie A: correct this step, an earlier one, or the app"
    assert str(caught.value) == message


def test_a_restart_empties_the_memory_and_leaves_the_files() -> None:
    first = 'do="Alice: GET /here" see="store: kept /here seen last"'
    assert played(
        first,
        'do="restart" see="store: 1 file kept /here seen empty"',
        'do="Alice: GET /there" see="store: kept /there seen last"',
        'do="restart" see="Alice wire: GET"',
    ) == Played(4, 1)
    assert played(first, 'do="restart" see="log: Start 2: the server has started again."') == Played(2, 0)


CLOCK = """
# Control: now 0..7200 s
now = 0
# Control: order "12"
order = "12"


async def app(scope, receive, send):
    cookies = [value.decode() for name, value in scope["headers"] if name == b"cookie"]
    start = {"type": "http.response.start", "status": 200, "headers": []}
    if not cookies:
        start["headers"].append((b"set-cookie", b"A=x; Path=/; Max-Age=3600; Secure"))
    await send(start)
    await send({"type": "http.response.body", "body": f"{now} {order} {cookies}".encode()})
"""


def test_a_control_sets_the_name_that_the_app_reads_and_the_time_of_the_jar() -> None:
    steps = [
        """do="Alice: GET /" see="Alice page: 0 12 []" """,
        """do="now = 3599" see="log: now = 3599" """,
        """do="Alice: GET /" see="Alice page: 3599 12 ['A=x']" """,
        """do='order = "21"' see='log: order = "21"' """,
        """do="restart" see="log: Start 2: the server has started again." """,
        """do="Alice: GET /" see="Alice page: 3599 21 ['A=x']" """,
        """do="now = 3600" see="log: now = 3600" """,
        """do="Alice: GET /" see="Alice page: 3600 21 []" """,
    ]
    [lesson] = lessons(LAB + "".join(f"1. Step.\n   {{ {step} }}\n" for step in steps))
    assert play(CLOCK, lesson, "docs/labs/clock.md") == Played(8, 0)


FILES = """
import os
from pathlib import Path

import anyio


def careful(text):
    file = os.open("new.tmp", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, text)
        os.utime(file, (7, 7))
        os.close(file)
        os.replace("new.tmp", "record")
    except BaseException:
        os.unlink("new.tmp")


def naive(text):
    Path("record").write_bytes(text)


async def app(scope, receive, send):
    if scope["path"] == "/gone":
        Path("record").unlink()
    elif scope["path"] != "/":
        path, text = scope["path"].removeprefix("/").split("/")
        await anyio.to_thread.run_sync(globals()[path], text.encode())
    start = {"type": "http.response.start", "status": 200, "headers": [(b"set-cookie", b"A=x; Path=/")]}
    await send(start)
    body = {str(path): path.read_text() for path in sorted(Path().iterdir())}
    await send({"type": "http.response.body", "body": f"{scope['path']} {body}".encode()})
"""


@pytest.mark.parametrize(
    ("operation", "target", "left"),
    [
        ("open", "/careful/new", "{'record': 'old'}"),
        ("write", "/careful/new", "{'new.tmp': '', 'record': 'old'}"),
        ("utime", "/careful/new", "{'new.tmp': 'new', 'record': 'old'}"),
        ("rename", "/careful/new", "{'new.tmp': 'new', 'record': 'old'}"),
        ("open", "/naive/new", "{'record': 'old'}"),
        ("write", "/naive/new", "{'record': ''}"),
        ("remove", "/gone", "{'record': 'old'}"),
    ],
)
def test_a_plug_that_is_pulled_leaves_what_was_on_the_disk(operation: str, target: str, left: str) -> None:
    steps = [
        """do="Alice: GET /naive/old" see="Alice page: /naive/old {'record': 'old'}" """,
        f"""do="pull the plug at {operation}" see="log: before its first {operation}" """,
        f"""do="Alice: GET {target}" see="Alice page: The server sent no response." """,
        """do="restart" see="log: Start 2" """,
        f"""do="Alice: GET /" see="Alice page: / {left}" """,
    ]
    assert cut_off(*steps) == Played(5, 0)


def test_a_browser_gets_nothing_of_a_response_that_was_cut_off() -> None:
    pull, dead = 'do="pull the plug at write" see="log: first write"', 'see="Alice page: The server sent no response."'
    with pytest.raises(LessonError, match="Alice has no cookie A"):
        cut_off(pull, f'do="Alice: GET /naive/new" {dead}', 'do="Alice: delete A" see="Alice jar: empty"')
    with pytest.raises(LessonError, match="the server was cut off and doesn't run"):
        cut_off(pull, f'do="Alice: GET /naive/new" {dead}', 'do="Alice: GET /" see="Alice page: {"')
    with pytest.raises(LessonError, match="GET / did no write, before which the plug was to be pulled"):
        cut_off(pull, f'do="Alice: GET /" {dead}')


def cut_off(*steps: str) -> Played:
    [lesson] = lessons(LAB + "".join(f"1. Step.\n   {{ {step} }}\n" for step in steps))
    return play(FILES, lesson, "docs/labs/files.md")


def test_an_app_that_does_not_start_leaves_no_module_behind() -> None:
    [lesson] = lessons(LAB + '1. Step.\n   { do="Alice: GET /a" see="log: asked" }\n')
    with pytest.raises(ZeroDivisionError):
        play("1 / 0", lesson, "docs/labs/shop.md")
    assert "shop" not in sys.modules


def test_the_files_are_there_as_the_app_left_them() -> None:
    assert played('do="Alice: GET /here" see="store: 1 file kept /here"') == Played(1, 0)


def test_a_text_that_does_not_come_is_refused_and_what_is_there_is_shown() -> None:
    message = refusal('do="Alice: GET /a" see="Alice page: Visit 7"')
    assert message.startswith(
        "docs/labs/shop.md:6: `Visit 7` is not there after the step: correct the step or the app;"
    )
    assert "/a" in message


def test_a_text_that_was_there_before_is_refused() -> None:
    first = 'do="Alice: GET /a" see="Alice page: /a"'
    second = 'do="Alice: GET /abc" see="Alice page: Shop"'
    assert refusal(first, second).startswith(
        "docs/labs/shop.md:8: `Shop` is there before the step is done: name something that only this step brings"
    )


def test_a_text_that_an_earlier_step_brings_is_refused_as_a_page_would_tick_it_then() -> None:
    same = 'do="Alice: GET /a" see="Alice page: Shop /a"'
    assert refusal(same, 'do="Alice: GET /b" see="Alice page: Shop /b"', same).startswith(
        "docs/labs/shop.md:10: `Shop /a` is there before the step is done: "
    )


def test_a_cookie_that_is_not_there_is_refused() -> None:
    message = "docs/labs/shop.md:6: Alice has no cookie A: correct this step, an earlier one, or the app"
    assert refusal('do="Alice: delete A" see="Alice jar: The jar is empty"') == message


def test_an_app_that_fails_is_told_with_the_step_the_exception_and_the_line_of_code() -> None:
    [lesson] = lessons(LAB + '1. Step.\n   { do="Alice: POST /set lang=de" see="log: asked" }\n')
    with pytest.raises(LessonError) as caught:
        play(SCRIPT.replace("if scope", 'if {}["code"] or scope'), lesson, "docs/labs/shop.md")
    told = """POST /set failed, KeyError: 'code' in `if {}["code"] or scope["path"] == "/set":`"""
    assert str(caught.value) == f"docs/labs/shop.md:6: {told}: correct this step, an earlier one, or the app"


def test_the_log_has_what_the_app_says_and_nothing_of_the_client() -> None:
    assert refusal('do="Alice: GET /a" see="log: HTTP Request"').endswith("what is there:\nDEBUG shop asked path=/a\n")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Visit <b>1</b>.</p><p>Bye</p>", "Visit 1. Bye"),
        ("<td>a</td><td>b</td>", "a b"),
        ("1 &lt; 2<br>x", "1 < 2 x"),
    ],
)
def test_the_text_of_a_page_is_what_a_reader_sees(html: str, text: str) -> None:
    assert " ".join(text_in(html).split()) == text


@pytest.mark.parametrize(("value", "other"), [("abc", "Abc"), ("Abc", "Bbc"), ("", "A")])
def test_tampering_exchanges_the_first_character_as_in_a_page(value: str, other: str) -> None:
    assert tampered(value) == other


def test_one_step_is_told_as_one() -> None:
    assert str(Played(1, 0)) == "1 step played, of which 0 look into a wire or jar, which only a page has"
