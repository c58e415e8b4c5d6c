"""The lab's server on CPython: it speaks ASGI by the book, and tells all that came of a request."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from livedoc.player.python.control import Control, Range
from livedoc.player.python.process import stop
from livedoc.player.python.server import Answer, Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from livedoc.player.python.control import Value
    from livedoc.player.python.ending import Failure

PATH = "labs/visit_counter.py"
# Answers with what `body` makes of the scope, the request's body and `calls`, which counts the requests.
ECHO = """
    calls = 0

    async def app(scope, receive, send):
        global calls
        assert scope["type"] == "http"
        request = await receive()
        calls += 1
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-calls", b"%d" % calls)]})
        await send({"type": "http.response.body", "body": repr(BODY).encode()})
"""


def echo(expression: str) -> str:
    return dedent(ECHO).replace("BODY", f"({expression})")


@pytest.fixture(autouse=True)
def module_of_the_server() -> Iterator[None]:
    """Take away the module that a server leaves behind. On a page its interpreter ends with it."""
    before = set(sys.modules)
    yield
    for name in {"visit_counter", "other_app"} - before:
        sys.modules.pop(name, None)


@asynccontextmanager
async def serving(script: str, path: str = PATH) -> AsyncIterator[Server]:
    server = Server(path, "starlette")
    failure = await server.start(dedent(script))
    try:
        assert failure is None, failure.traceback
        yield server
    finally:
        await server.process.end()


async def ask(
    server: Server,
    target: str = "/",
    method: str = "GET",
    headers: list[tuple[str, str]] | None = None,
    body: bytes = b"",
) -> Answer:
    return await server.answer(method, target, headers or [], body, "app.example")


def answers(script: str, *targets: str) -> list[Answer]:
    async def story() -> list[Answer]:
        async with serving(script) as server:
            return [await ask(server, target) for target in targets or ("/",)]

    return asyncio.run(story())


def answer(script: str, method: str = "GET") -> Answer:
    async def story() -> Answer:
        async with serving(script) as server:
            return await ask(server, method=method)

    return asyncio.run(story())


def failure_at_start(script: str) -> Failure:
    async def story() -> Failure | None:
        server = Server(PATH, "starlette")
        try:
            return await server.start(dedent(script))
        finally:
            await server.process.end()

    failure = asyncio.run(story())
    assert failure is not None
    return failure


def app(*messages: str, before: str = "") -> str:
    """A script whose app sends these messages."""
    lines = [before, "async def app(scope, receive, send):", "    assert scope['type'] == 'http'"]
    return "\n".join([*lines, *(f"    {message}" for message in messages)])


START = "await send({'type': 'http.response.start', 'status': 200})"
END = "await send({'type': 'http.response.body', 'body': b'done'})"


def test_the_script_is_imported_and_its_main_does_not_run() -> None:
    script = """
        import asyncio
        import sys
        from dataclasses import dataclass

        @dataclass
        class Visit:
            pages: "int" = 0

        async def main():
            raise SystemExit("main ran")

        if __name__ == "__main__":
            asyncio.run(main())
    """
    [first] = answers(dedent(script) + echo("__name__, Visit.__module__, sys.modules[Visit.__module__].Visit is Visit"))
    assert first.body == b"('visit_counter', 'visit_counter', True)"


def test_what_is_in_memory_stays_from_request_to_request() -> None:
    assert [answer.headers for answer in answers(echo("1"), "/", "/", "/")] == [
        [("x-calls", "1")],
        [("x-calls", "2")],
        [("x-calls", "3")],
    ]


def test_the_scope_is_that_of_the_specification() -> None:
    async def story() -> Answer:
        async with serving(echo("(sorted(scope.items()), request)")) as server:
            return await ask(server, "/caf%C3%A9/a%2Fb?x=%20&y", "POST", [("Cookie", "a=ä")], b"name=Ada")

    assert eval(asyncio.run(story()).body) == (  # noqa: S307
        [
            ("asgi", {"version": "3.0", "spec_version": "2.5"}),
            ("client", ("127.0.0.1", 0)),
            ("headers", [(b"cookie", b"a=\xe4")]),
            ("http_version", "1.1"),
            ("method", "POST"),
            ("path", "/café/a/b"),
            ("query_string", b"x=%20&y"),
            ("raw_path", b"/caf%C3%A9/a%2Fb"),
            ("root_path", ""),
            ("scheme", "https"),
            ("server", ("app.example", 443)),
            ("state", {}),
            ("type", "http"),
        ],
        {"type": "http.request", "body": b"name=Ada", "more_body": False},
    )


def test_an_app_hears_that_the_client_has_gone_once_the_response_is_complete() -> None:
    after = ["print(await receive())", START, END, "print(await receive())"]
    done = answer(app(*after, before="import logging\nprint = lambda message: logging.info(message['type'])"))
    assert [record.message for record in done.records if record.logger == "root"] == ["http.request", "http.disconnect"]


def test_a_response_in_pieces_is_put_together() -> None:
    piece = "await send({'type': 'http.response.body', 'body': b'%s', 'more_body': %s})"
    done = answer(app(START, piece % ("one ", True), piece % ("", True), piece % ("two", False)))
    assert (done.status, done.reason, done.body, done.size) == (200, "OK", b"one two", 7)
    assert done.failure is None


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_some_responses_have_no_body(method: str, status: int) -> None:
    done = answer(app(START.replace("200", str(status)), END), method)
    assert (done.status, done.body, done.size) == (status, b"", 0)


def test_a_status_that_http_does_not_name_has_no_reason() -> None:
    done = answer(app(START.replace("200", "299"), END))
    assert (done.status, done.reason) == (299, "")


def test_of_a_large_response_only_the_beginning_is_kept() -> None:
    done = answer(app(START, "await send({'type': 'http.response.body', 'body': bytes(3_000_000)})"))
    assert (len(done.body), done.size) == (1_000_000, 3_000_000)


def test_an_app_that_raises_is_answered_for_and_shows_its_traceback() -> None:
    done = answer(app("raise KeyError('coat')"))
    assert (done.status, done.reason, done.body) == (500, "Internal Server Error", b"Internal Server Error")
    assert done.failure is not None
    assert done.failure.traceback == dedent(f"""\
        Traceback (most recent call last):
          File "{PATH}", line 4, in app
            raise KeyError('coat')
        KeyError: 'coat'
        """)
    assert (done.failure.error, done.failure.line) == ("KeyError", 4)


def test_an_app_that_raises_after_its_response_is_answered_as_it_did() -> None:
    done = answer(app(START, END, "raise LookupError"))
    assert (done.status, done.body) == (200, b"done")
    assert done.failure is not None
    assert done.failure.error == "LookupError"


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ((), "RuntimeError: the app returned without a response"),
        ((START,), "RuntimeError: the app returned before its response was complete"),
        ((START, START), "the app sent 'http.response.start', which can't come when it has started"),
        ((END,), "the app sent 'http.response.body', which can't come when it has not started"),
        ((START, END, END), "the app sent 'http.response.body', which can't come when the response is complete"),
        (
            ("await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'a', b'b' * 70000)]})",),
            "RuntimeError: the headers of a response can have 65536 bytes, not 70001",
        ),
        (("await send({'type': 'websocket.accept'})",), "the app sent 'websocket.accept', which can't come when"),
        ((START.replace("200", "'OK'"),), "TypeError: the status of a response must be an int, not 'OK'"),
        ((START, END.replace("b'done'", "'done'")), "TypeError: the body of a response must be bytes, not str"),
        (
            ("await send({'type': 'http.response.start', 'status': 200, 'headers': [('a', 'b')]})",),
            "TypeError: the headers of a response must be pairs of bytes",
        ),
    ],
)
def test_what_is_against_the_rules_of_asgi_is_said(messages: tuple[str, ...], error: str) -> None:
    done = answer(app(*messages))
    assert done.failure is not None
    assert error in done.failure.traceback


def test_a_server_goes_on_after_an_app_that_exits() -> None:
    first, second = answers(app("import sys", "sys.exit()"), "/", "/")
    assert first.failure == second.failure
    assert first.failure is not None
    assert first.failure.traceback == "The app exited before its response was complete.\n"
    assert first.status == 500


def test_a_request_that_hangs_can_be_stopped_and_the_server_goes_on() -> None:
    script = app("if scope['path'] == '/': await asyncio.Event().wait()", START, END, before="import asyncio")

    async def story() -> tuple[Answer, Answer]:
        async with serving(script) as server:
            hanging = asyncio.create_task(ask(server))
            await asyncio.sleep(0)
            stop()
            return await hanging, await ask(server, "/other")

    stopped, other = asyncio.run(story())
    assert stopped.failure is not None
    assert stopped.failure.error == "CancelledError"
    assert other.body == b"done"


# What it logs


def test_each_request_has_its_log_records_of_every_logger_and_level() -> None:
    before = (
        "import logging\nlogging.getLogger('quiet').setLevel(logging.ERROR)\nlogging.getLogger('own').propagate = False"
    )
    log = "logging.getLogger({0!r}).{1}({2})"
    script = app(
        log.format("quiet", "debug", "'%s of %d', scope['path'], 7, extra={'id_hash': 'ab', 'ms': 0.5}"),
        log.format("own", "info", "'told'"),
        START,
        END,
        before=before,
    )
    first, second = answers(script, "/a", "/b")
    told = [(r.logger, r.level, r.message, r.extra) for r in first.records if r.logger != "asyncio"]
    assert told == [
        ("quiet", "DEBUG", "/a of 7", [("id_hash", "ab"), ("ms", "0.5")]),
        ("own", "INFO", "told", []),
    ]
    assert second.records[0].message == "/b of 7"


def test_the_apps_own_handlers_get_what_they_would_get_anyway(capsys: pytest.CaptureFixture[str]) -> None:
    before = "import logging\nlogging.basicConfig(force=True, level='INFO', format='%(message)s')"
    answer(app("logging.debug('no')", "logging.info('yes')", START, END, before=before))
    assert capsys.readouterr().err == "yes\n"


def test_a_record_that_cannot_be_formatted_does_no_harm() -> None:
    script = app("logging.info('%d', 'x')", START, END, before="import logging\nlogging.raiseExceptions = False")
    assert answer(script).records[0].message == "[TypeError while this was formatted]"


def test_an_exception_that_was_logged_comes_with_its_record() -> None:
    script = app("try: 1 / 0", "except ZeroDivisionError: logging.exception('oh')", START, END, before="import logging")
    [record] = answer(script).records
    assert record.traceback.endswith("ZeroDivisionError: division by zero")


# The files


def test_each_request_has_the_files_that_it_changed() -> None:
    before = "from pathlib import Path\nPath('kept').write_text('as it was')\nPath('old').touch()"
    write = (
        "Path('new', scope['path'][1:]).write_text('x' * 5000) if Path('new').mkdir(exist_ok=True) is None else None"
    )
    first, second = answers(app(write, "Path('old').unlink(missing_ok=True)", START, END, before=before), "/a", "/b")
    assert first.changed == ["new/a"]
    assert first.removed == ["old"]
    assert (second.changed, second.removed) == (["new/b"], [])


def test_no_file_that_a_request_changed_is_left_out() -> None:
    script = app("for n in range(100): Path(str(n)).touch()", START, END, before="from pathlib import Path")
    assert len(answer(script).changed) == 100


def test_a_file_that_is_replaced_by_one_of_the_same_size_has_changed() -> None:
    before = "import os\nfrom pathlib import Path\nPath('record').write_text('old')\nos.utime('record', (1, 1))"
    replace = ["Path('aside').write_text('new')", "os.utime('aside', (1, 1))", "os.replace('aside', 'record')"]
    assert answer(app(*replace, START, END, before=before)).changed == ["record"]


# Its start


LIFESPAN = """
    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            assert await receive() == {"type": "lifespan.startup"}
            scope["state"]["opened"] = ["storage"]
            await send({"type": "lifespan.startup.complete"})
            await receive()
            raise AssertionError("nothing comes after the startup")
        scope["state"]["opened"].append(scope["path"])
        scope["state"].setdefault("own", scope["path"])
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": repr(scope["state"]).encode()})
"""


def test_an_app_with_a_startup_goes_through_it_and_finds_its_state_in_each_request() -> None:
    first, second = answers(LIFESPAN, "/a", "/b")
    assert eval(first.body) == {"opened": ["storage", "/a"], "own": "/a"}  # noqa: S307
    assert eval(second.body) == {"opened": ["storage", "/a", "/b"], "own": "/b"}  # noqa: S307


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("", "TypeError: the script must have an ASGI app named 'app' at its top level, not None"),
        ("app = 7", "TypeError: the script must have an ASGI app named 'app' at its top level, not 7"),
        ("app = ", "SyntaxError: invalid syntax"),
        ("import not_there", "Here a program can import most of the standard library, and starlette."),
        (
            "async def app(_, __, send):\n    await send({'type': 'lifespan.startup.failed', 'message': 'no disk'})",
            "RuntimeError: the app could not start: no disk",
        ),
        (
            "async def app(scope, receive, send):\n    await send({'type': 'lifespan.startup.failed'})\n    {}['disk']",
            "KeyError: 'disk'",
        ),
    ],
)
def test_a_script_that_cannot_be_served_says_why(script: str, line: str) -> None:
    assert failure_at_start(script).traceback.splitlines()[-1] == line


def test_a_message_that_has_no_place_in_a_startup_is_refused() -> None:
    script = """
        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                await send({"type": "lifespan.startup.complete"})
                try:
                    await send({"type": "lifespan.startup.complete"})
                except RuntimeError as error:
                    scope["state"]["error"] = str(error)
                await receive()
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": scope["state"]["error"].encode()})
    """
    assert answer(script).body == b"the app sent 'lifespan.startup.complete', which can't come now"


def test_the_module_is_named_after_the_file() -> None:
    async def story() -> bool:
        async with serving(echo("1"), "labs/other_app.py"):
            return "other_app" in sys.modules

    assert asyncio.run(story())


# What a reader sets


def test_a_reader_sets_what_the_script_declares_and_nothing_else() -> None:
    script = """
        # Control: now 0..9 s
        now = 1
        # Control: order "12"
        order = "12"
        # Control: missing 0..9
        # Control: text 0..9
        text = "no number"
        other = 1
    """

    async def story() -> tuple[Server, list[bytes]]:
        async with serving(dedent(script) + echo("(now, order, text, other)")) as server:
            bodies = [(await ask(server)).body]
            sets: list[dict[str, Value]] = [
                {"now": 2.5},
                {"order": "21", "other": 7, "missing": 1, "text": 5},
                {"now": "late"},
            ]
            for values in sets:
                server.set(values)
                bodies.append((await ask(server)).body)
            return server, bodies

    server, bodies = asyncio.run(story())
    assert [eval(body) for body in bodies] == [  # noqa: S307
        (1, "12", "no number", 1),
        (2.5, "12", "no number", 1),
        (2.5, "21", "no number", 1),
        (2.5, "21", "no number", 1),
    ]
    assert server.controls == [Control("now", Range(0, 9, 1, "s"), 1), Control("order", None, "12")]


def test_what_a_reader_has_set_holds_from_the_start() -> None:
    script = "# Control: now 0..9\nnow = 1\n" + dedent(LIFESPAN).replace('["storage"]', "[now]")

    async def story() -> Answer:
        server = Server(PATH)
        assert await server.start(script, values={"now": 7}) is None
        try:
            return await ask(server)
        finally:
            await server.process.end()

    assert eval(asyncio.run(story()).body)["opened"] == [7, "/"]  # noqa: S307


def test_a_server_finds_the_files_in_the_folder_that_it_gets(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")

    async def story() -> Server:
        server = Server(PATH)
        assert await server.start(dedent(echo("1")), str(tmp_path)) is None
        await server.process.end()
        return server

    assert [(file.path, file.head) for file in asyncio.run(story()).store.files] == [("kept", b"kept")]
    assert (tmp_path / "kept").exists()


def test_of_an_endless_message_and_of_endless_extras_the_beginning_is_kept() -> None:
    logged = 'logging.info("m", extra={f"name{number}": "v" * 5000 for number in range(1000)})'
    done = answer(
        app(logged, "raise type('x' * 5000, (Exception,), {})('y' * 3_000_000 + 'end')", before="import logging")
    )
    [record] = [record for record in done.records if record.logger == "root"]
    assert [(name, len(value)) for name, value in record.extra] == [(f"name{number}", 2000) for number in range(50)]
    assert done.failure is not None
    assert done.failure.error == "x" * 200
    assert len(done.failure.traceback) < 201_000
    assert done.failure.traceback.endswith("end\n")
    assert "characters are left out]" in done.failure.traceback
