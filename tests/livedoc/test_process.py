"""The player's process on CPython: on a loop that is already running, a program has Python to itself."""

from __future__ import annotations

import ast
import asyncio
import atexit
import builtins
import contextlib
import contextvars
import gc
import io
import logging
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from anyio import move_on_after
from anyio._backends._asyncio import AsyncIOBackend
from anyio.to_thread import run_sync

from livedoc.player.python import limits, process, threads
from livedoc.player.python.process import Process, stop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from livedoc.player.python.ending import Ending, Failure

GUARD = 'if __name__ == "__main__":\n    asyncio.run(main())\n'


def run(script: str, filename: str = "story.py") -> str | None:
    failure = end_of(script, filename).failure
    return failure and failure.traceback


def end_of(script: str, filename: str = "story.py", packages: str = "") -> Ending:
    return asyncio.run(process.run(dedent(script), filename, packages))


def failure_of(script: str, filename: str = "story.py", packages: str = "") -> Failure:
    failure = end_of(script, filename, packages).failure
    assert failure is not None
    return failure


def traceback_of(script: str, filename: str = "story.py") -> str:
    return failure_of(script, filename).traceback


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    def printed_by(script: str) -> str:
        assert run(script) is None
        return capsys.readouterr().out

    return printed_by


def test_the_guard_runs_main_although_a_loop_is_running(printed: Callable[[str], str]) -> None:
    script = "import asyncio\nasync def main() -> None:\n    await asyncio.sleep(0)\n    print('ran')\n" + GUARD
    assert printed(script) == "ran\n"


@pytest.mark.parametrize(
    ("start", "call"),
    [
        ("import asyncio", "asyncio.run(main('a'))"),
        ("import asyncio as aio", "aio.run(main('a'), debug=True)"),
        ("from asyncio import run", "run(main('a'))"),
        ("from asyncio import run as go", "go(main('a'))"),
        ("import anyio", "anyio.run(main, 'a')"),
        ("from anyio import run", "run(main, 'a', backend='asyncio')"),
    ],
)
def test_every_spelling_of_run_gives_the_result_of_main(printed: Callable[[str], str], start: str, call: str) -> None:
    script = f"{start}\nasync def main(letter: str) -> str:\n    return letter * 2\nresult = {call}\nprint(result)\n"
    assert printed(script) == "aa\n"


@pytest.mark.parametrize(
    ("get", "task"),
    [
        ("new_event_loop", "main('a')"),
        ("get_event_loop", "main('a')"),
        ("get_event_loop", "loop.create_task(main('a'))"),
    ],
)
def test_a_loop_that_is_asked_to_run_until_complete_does(printed: Callable[[str], str], get: str, task: str) -> None:
    script = f"""
        import asyncio
        async def main(letter: str) -> str:
            return letter * 2
        loop = asyncio.{get}()
        print(loop.run_until_complete({task}))
        if not loop.is_running():
            loop.close()
    """
    assert printed(script) == "aa\n"


def test_what_is_no_loop_runs_until_complete_as_it_likes(printed: Callable[[str], str]) -> None:
    script = """
        class Machine:
            def run_until_complete(self, coat):
                return coat + "!"
        print(Machine().run_until_complete("grey"))
    """
    assert printed(script) == "grey!\n"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("raise EOFError('EOF when reading a line')", "Put the value into the code"),
        ("import sys\nint(sys.stdin.readline())", "Put the value into the code"),
        ("import sys\nprint(sys.stdin.read().split()[0])", "Put the value into the code"),
        ("open(__file__)", "inspect.getsource(function)"),
        ('raise RuntimeError("can\'t start new thread")', "asyncio.to_thread(function)"),
        ("raise OSError(138, 'emscripten does not support processes.')", "can't start other programs"),
        ("raise NotImplementedError('no OS process APIs')", "can't start other programs"),
        ("raise OSError(52, 'Function not implemented')", "can't start other programs"),
        ("raise OSError(45, 'Exec format error')", "can't start other programs"),
        ("raise NotImplementedError('This Python build lacks multiprocessing.synchronize')", "other programs"),
        ("import _multiprocessing_of_wool", "can't start other programs"),
        ("import _interpreters_of_wool", "can't start other programs"),
        ("raise OSError(138, 'raw socket')", "open connections"),
        ("raise OSError(53, 'Socket not connected')", "open connections"),
        ("raise NotImplementedError('Not supported')", "open connections"),
        ("raise LookupError from OSError(23, 'Host is unreachable')", "open connections"),
        ("raise LookupError from OSError('Failed to fetch')", "open connections"),
        ("raise OSError('NetworkError when attempting to fetch resource.')", "open connections"),
        ("raise OSError('Load failed')", "open connections"),
        ("exec('raise SystemExit(1)', {'__name__': 'pdb'})", "Print what you want to look at"),
        ("exec('raise EOFError', {'__name__': 'getpass'})", "Put the value into the code"),
        ("raise ImportError(\"cannot import name 'window' from 'js'\")", "Print the address instead"),
        ("import winreg", "comes without this part of the standard library"),
        ('raise RuntimeError("A function can\'t wait while an event loop runs")', "outside of all functions"),
        (
            "try:\n    raise OSError(23, 'Host is unreachable')\nexcept OSError:\n    raise LookupError",
            "open connections",
        ),
        ("import asyncio\nasync def main(): ...\ndef run(): asyncio.run(main())\nrun()", "outside of all functions"),
        ("import anyio\nasync def main(): ...\ndef run(): anyio.run(main)\nrun()", "outside of all functions"),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine 'main' was never awaited")
def test_what_a_browser_cannot_do_is_told_with_a_way_out(script: str, told: str) -> None:
    assert told in traceback_of(script).splitlines()[-1]


def test_where_no_program_can_start_system_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(os, "system", started.append)
    assert traceback_of("import os\nos.system('date')\nraise KeyError").splitlines()[-1] == "KeyError"
    assert started == ["date"]
    monkeypatch.setattr(sys, "platform", "emscripten")
    limits.refuse_programs()
    with pytest.raises(OSError, match="not implemented") as refused:
        os.system("date")  # noqa: S605, S607  # it's refused
    assert limits.note_for(refused.value, "story.py", limits.Keyboard()) == limits.PROCESSES
    assert started == ["date"]


def test_an_error_of_another_kind_has_no_note() -> None:
    said = "raise ValueError('EOF when reading a line, Function not implemented')"
    assert traceback_of(said).splitlines()[-1].startswith("ValueError: EOF")
    assert traceback_of("import sys\nsys.stdin.read()\ncoat").splitlines()[-1].startswith("NameError: ")
    assert traceback_of("open('coats.txt')").splitlines()[-1].startswith("FileNotFoundError: ")


def test_other_errors_have_no_note_and_a_chain_in_a_circle_ends() -> None:
    script = "one, two = EOFError(), OSError('gone')\none.__cause__, two.__cause__ = two, one\nraise one from two"
    assert failure_of(script, packages="anyio").traceback.splitlines()[-1] == "EOFError"


def test_a_program_that_calls_itself_without_end_is_told_soon_and_briefly() -> None:
    script = "import sys\nsys.setrecursionlimit(100_000)\ndef climb(): climb()\nclimb()"
    failure = failure_of(script)
    assert (failure.error, failure.line) == ("RecursionError", 3)
    assert len(failure.traceback.splitlines()) < 20


def test_a_run_of_something_else_is_left_alone(printed: Callable[[str], str]) -> None:
    assert printed("def run(n: int) -> int:\n    return n + 1\nprint(run(1))\n") == "2\n"


def test_an_argument_that_isnt_a_coroutine_is_refused_as_asyncio_does() -> None:
    last_line = traceback_of("import asyncio\nasyncio.run(None)\n").splitlines()[-1]
    assert last_line == "ValueError: a coroutine was expected, got None"


def test_another_event_loop_is_refused_as_anyio_does() -> None:
    script = "import anyio\nasync def main() -> None: ...\nanyio.run(main, backend='tokio')\n"
    assert traceback_of(script).endswith("LookupError: No such backend: tokio\n")


def test_tasks_left_behind_are_cancelled_before_run_returns(printed: Callable[[str], str]) -> None:
    script = """
        import asyncio
        async def wait() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                print("cancelled")
        async def main() -> None:
            global task
            task = asyncio.create_task(wait())
            await asyncio.sleep(0)
        asyncio.run(main())
        print("after")
    """
    assert printed(script) == "cancelled\nafter\n"


def test_a_task_started_by_the_file_itself_does_not_outlive_it(capsys: pytest.CaptureFixture[str]) -> None:
    script = """
        import asyncio
        async def wait() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                print("cancelled")
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
    """

    async def tasks_left() -> int:
        assert (await process.run(dedent(script), "story.py")).failure is None
        return len(asyncio.all_tasks()) - 1

    assert asyncio.run(tasks_left()) == 0
    assert capsys.readouterr().out == "cancelled\n"


def test_a_failure_in_a_cancelled_task_is_told(caplog: pytest.LogCaptureFixture) -> None:
    script = """
        import asyncio
        async def wait() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                raise KeyError("late")
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
    """
    assert run(script) is None
    assert "unhandled exception during asyncio.run() shutdown" in caplog.text
    assert "KeyError: 'late'" in caplog.text


def test_a_traceback_shows_the_lines_of_the_script_and_no_others() -> None:
    script = "import asyncio, json\nasync def main() -> None:\n    json.loads('{')\n" + GUARD
    traceback = traceback_of(script, "storages/story.py")
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert 'File "storages/story.py", line 5, in <module>\n    asyncio.run(main())\n' in traceback
    assert "File \"storages/story.py\", line 3, in main\n    json.loads('{')\n" in traceback
    assert traceback.count("File ") == 2
    assert traceback.splitlines()[-1].startswith("json.decoder.JSONDecodeError: Expecting property name")


@pytest.mark.parametrize(
    "separator", ["\f", "# a\vb", "# a\x1cb", "# a\u2028b", "# a\x85b", "x = '\u2029'", "\r", "\r\n\r"]
)
def test_a_traceback_quotes_the_line_whatever_else_looks_like_the_end_of_one(separator: str) -> None:
    script = f"{separator}\nx = 1\n\n{{}}['coat']\n"
    failure = failure_of(script)
    assert failure.line == ast.parse(script).body[-1].lineno
    assert f"line {failure.line}, in <module>\n    {{}}['coat']\n" in failure.traceback


def test_causes_and_contexts_keep_the_frames_of_the_script_too() -> None:
    script = """
        import json
        try:
            json.loads('{')
        except ValueError as error:
            raise LookupError("no such story") from error
    """
    traceback = traceback_of(script)
    assert "The above exception was the direct cause of the following exception" in traceback
    assert traceback.count('File "story.py"') == traceback.count("File ") == 2


def test_an_exception_group_shows_each_of_its_exceptions() -> None:
    script = """
        import asyncio
        async def fail(name: str) -> None:
            raise KeyError(name)
        async def main() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail("one"))
                group.create_task(fail("two"))
        asyncio.run(main())
    """
    traceback = traceback_of(script)
    assert "KeyError: 'one'" in traceback
    assert "KeyError: 'two'" in traceback
    assert traceback.count('File "story.py"') == traceback.count("File ")


@pytest.mark.parametrize(
    ("script", "line", "message"),
    [
        ("print('a'\n", 1, "SyntaxError: '(' was never closed"),
        ("async def main() -> None: ...\n\nreturn 1\n", 3, "SyntaxError: 'return' outside function"),
        ("import asyncio\ndef main():\n    await asyncio.sleep(0)\n", 3, "'await' outside async function"),
    ],
)
def test_a_syntax_error_shows_its_line(script: str, line: int, message: str) -> None:
    traceback = traceback_of(script)
    assert f'File "story.py", line {line}\n    {script.splitlines()[line - 1].strip()}\n' in traceback
    assert message in traceback
    assert "Traceback" not in traceback


def test_a_mark_of_the_byte_order_begins_a_script_as_it_may_a_file(printed: Callable[[str], str]) -> None:
    assert printed("\ufeffprint('coat')") == "coat\n"


@pytest.mark.parametrize("code", ["", "0", "None"])
def test_a_clean_exit_is_done(code: str) -> None:
    assert run(f"import sys\nsys.exit({code})\n") is None


def test_any_other_exit_has_failed() -> None:
    assert traceback_of("import sys\nsys.exit('no ticket')\n").endswith("SystemExit: no ticket\n")


def test_an_exit_inside_main_is_an_exit() -> None:
    assert run("import asyncio, sys\nasync def main() -> None:\n    sys.exit()\n" + GUARD) is None


def test_each_run_has_a_fresh_main_and_an_empty_folder(printed: Callable[[str], str]) -> None:
    script = """
        import os, sys, __main__
        from pathlib import Path
        assert __main__.__dict__ is globals() and "left" not in globals()
        left = True
        print(sys.argv, __name__, __file__, os.listdir())
        Path("left.txt").write_text("left")
        Path("folder").mkdir()
    """
    expected = "['story.py'] __main__ story.py []\n"
    assert printed(script) == expected
    assert printed(script) == expected


def test_the_folder_is_gone_afterwards(printed: Callable[[str], str]) -> None:
    folder = Path(printed("import os\nprint(os.getcwd())\n").strip())
    assert not folder.exists()


def test_settings_of_a_script_end_with_it() -> None:
    before = sys.modules["__main__"], sys.argv, sys.stdin, sys.stdout, Path.cwd(), dict(os.environ)
    assert (
        run("import io, os, sys\nos.environ['LEFT'] = '1'\nsys.stdin = sys.stdout = io.StringIO()\nos.chdir('/')\n")
        is None
    )
    assert (sys.modules["__main__"], sys.argv, sys.stdin, sys.stdout, Path.cwd(), dict(os.environ)) == before


@pytest.mark.parametrize(
    ("harm", "look", "seen"),
    [
        ("import builtins\nbuiltins.print = lambda *_: None", "print('heard')", "heard\n"),
        ("import builtins\ndel builtins.len", "print(len('ab'))", "2\n"),
        ("import builtins\nbuiltins.coat = 1", "print('coat' in dir(__builtins__))", "False\n"),
        ("import sys\nsys.modules.pop('json', None)\nsys.modules['os'] = None", "import os\nprint(os.sep)", "/\n"),
        ("import sys\nsys.path.clear()", "import fractions\nprint(fractions.Fraction(1, 2))", "1/2\n"),
        ("import sys\nsys.setrecursionlimit(99)", "import sys\nprint(sys.getrecursionlimit() > 99)", "True\n"),
        ("import warnings\nwarnings.simplefilter('ignore')", "import warnings\nwarnings.warn('old')", None),
        (
            "import logging\nlogging.basicConfig()",
            "import logging\nprint(logging.getLogger().hasHandlers())",
            "False\n",
        ),
        (
            "import logging\nlogging.getLogger().setLevel(1)",
            "import logging\nprint(logging.getLogger().level > 1)",
            "True\n",
        ),
    ],
)
def test_what_a_script_does_to_names_and_switches_ends_with_it(
    harm: str, look: str, seen: str | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own
    assert run(harm) is None
    if seen is None:
        assert "UserWarning: old" in traceback_of(look)  # as pytest has it
    else:
        assert run(look) is None
        assert capsys.readouterr().out == seen


def test_what_watches_a_script_sees_nothing_but_the_script(printed: Callable[[str], str]) -> None:
    before = sys.gettrace(), sys.getprofile()
    script = """
        import sys

        def see(frame, event, argument):
            print(event, frame.f_code.co_name)

        def called(): ...

        sys.set{}(see)
        called()
    """
    assert printed(script.format("trace")) == "call called\n"
    seen = printed(script.format("profile")).splitlines()
    assert seen[:3] == ["call called", "return called", "return <module>"]
    assert set(seen[3:]) <= {"c_call execute"}  # it's switched off
    assert (sys.gettrace(), sys.getprofile()) == before


GENERATORS = """
import asyncio

async def hooks(name):
    try:
        yield 1
        yield 2
    finally:
        await asyncio.sleep(0)
        print("closed", name)

async def main():
    async for hook in hooks("what was broken out of"):
        print(hook)
        break
    held = hooks("what is held")
    globals()["held"] = held
    print(await anext(held))
    await asyncio.sleep(0.01)
    print("main ends")

asyncio.run(main())
print("after")
"""


AT_EXIT = """
import atexit, sys

@atexit.register
def last():
    print('last', sys.argv, __name__)

never = atexit.register(print, 'nor this')
atexit.unregister(never)
atexit.register(print, 'b', end='!\\n')
atexit.register(sys.exit, 3)
def failing():
    raise KeyError('coat')
atexit.register(failing)
atexit.register(atexit.register, print, 'a')
print('main')
"""


def test_what_is_to_be_called_at_exit_is_called_in_its_own_run(capsys: pytest.CaptureFixture[str]) -> None:
    before = atexit.register, atexit.unregister
    assert run(AT_EXIT) is None
    assert (atexit.register, atexit.unregister) == before
    ended = capsys.readouterr()
    assert ended.out == "main\na\nb!\nlast ['story.py'] __main__\n"
    assert re.fullmatch(
        r"Exception ignored in atexit callback <function failing at 0x\w+>:\nTraceback .*:\n"
        r'  File "story.py", line 13, in failing\n    raise KeyError\(.coat.\)\nKeyError: .coat.\n'
        r"Exception ignored in atexit callback <built-in function exit>:\nSystemExit: 3\n",
        ended.err,
    )
    assert run("print('next')") is None
    assert capsys.readouterr().out == "next\n"


def test_a_folder_of_another_program_is_not_removed_at_exit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    others = tempfile.TemporaryDirectory(dir=tmp_path)
    script = "import tempfile, weakref\nweakref.finalize._registered_with_atexit = False\n"
    assert run(f"{script}weakref.finalize(lambda: 1, print)\nprint('on')") is None
    assert Path(others.name).is_dir()
    others.cleanup()
    assert capsys.readouterr().out.endswith("on\n")


def test_a_generator_that_is_left_open_is_closed_as_python_closes_it(printed: Callable[[str], str]) -> None:
    python = subprocess.run([sys.executable, "-c", GENERATORS], capture_output=True, text=True, check=True)
    assert "closed what is held" in python.stdout
    assert printed(GENERATORS) == python.stdout


def test_the_error_for_a_missing_module_names_those_that_can_be_imported() -> None:
    traceback = failure_of("import cloakroom", packages="anyio, coatcheck").traceback
    assert traceback.splitlines()[-2:] == [
        "ModuleNotFoundError: No module named 'cloakroom'",
        "Here a program can import most of the standard library, and anyio, coatcheck.",
    ]


@pytest.mark.parametrize(
    "script",
    [
        "import sys\nsys.stdout.close()",
        "import sys\nsys.stdout = None",
        "import sys\nclass Bad:\n    def flush(self): raise LookupError\nsys.stdout = Bad()",
        "import os, pathlib\nhere = pathlib.Path.cwd()\nhere.rmdir()\nhere.touch()",
        "import os\nos.symlink('nowhere', 'link')\nos.mkfifo('pipe')",
    ],
)
def test_what_a_script_leaves_behind_harms_nothing(script: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        assert run(script) is None
    assert run("print('as before')") is None


def test_a_file_that_may_not_be_read_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    ending = end_of("with open('coat.txt', 'w') as file: file.write('grey')")
    assert (ending.files, ending.unlisted) == ([], 1)


def test_what_a_script_imports_is_told_and_can_be_imported_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    script = """
        from pathlib import Path
        Path("own.py").write_text("")
        import sys
        sys.path.insert(0, "")
        import colorsys, own, this, wave
        del sys.modules["wave"]
    """
    for name in ("colorsys", "wave"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    imported = end_of(script).imported
    assert [name for name in imported if name in {"colorsys", "own", "this", "wave"}] == ["colorsys", "own", "this"]
    for name in ("colorsys", "own", "this"):
        monkeypatch.delitem(sys.modules, name)
    process.import_ahead(imported)
    assert {name for name in ("colorsys", "own", "this") if name in sys.modules} == {"colorsys"}


def test_no_two_processes_have_the_same_random_numbers_though_python_was_put_back(
    printed: Callable[[str], str],
) -> None:
    numbers = set()
    for _ in range(2):
        random.seed(1)
        numbers.add(printed("import random\nprint(random.random())\n"))
    assert len(numbers) == 2


def test_a_type_of_the_script_can_be_looked_up_by_its_module(printed: Callable[[str], str]) -> None:
    script = """
        from __future__ import annotations
        from dataclasses import dataclass
        from typing import get_type_hints
        @dataclass
        class Sample:
            other: Sample | None
        print(get_type_hints(Sample)["other"] == Sample | None)
    """
    assert printed(script) == "True\n"


def test_a_coroutine_never_awaited_is_reported_in_its_own_run() -> None:
    program = (
        "import asyncio, sys; from livedoc.player.python import process\n"
        "def run(script): print(asyncio.run(process.run(script, 'story.py')).failure, file=sys.stderr)\n"
        "run('async def main(): ...\\ncycle = [main()]\\ncycle.append(cycle)\\n')\n"
        "run('print(1)')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    warning, _, rest = ended.stderr.partition("None\n")
    assert "coroutine 'main' was never awaited" in warning
    assert rest == "None\n"


@pytest.mark.parametrize(
    ("script", "error", "line"),
    [
        ("def find():\n    {}['coat']\nfind()\n", "KeyError", 2),
        ("import json\njson.loads('{')\n", "JSONDecodeError", 2),
        ("print('a'\n", "SyntaxError", 1),
        ("\nraise SystemExit('no ticket')\n", "SystemExit", 2),
        (
            "import asyncio\nasync def fail():\n    raise KeyError\nasync def main():\n    await fail()\n" + GUARD,
            "KeyError",
            3,
        ),
    ],
)
def test_a_failure_is_told_with_its_name_and_its_line(script: str, error: str, line: int) -> None:
    failure = failure_of(script)
    assert (failure.error, failure.line) == (error, line)


def test_a_syntax_error_in_other_code_has_the_line_that_brought_it() -> None:
    assert failure_of("\n\nexec('1 +')\n").line == 3


def test_the_files_that_a_script_leaves_are_listed_with_their_first_bytes() -> None:
    script = """
        import os
        from pathlib import Path
        Path("rail/first").mkdir(parents=True)
        Path("rail/first/coat").write_bytes(bytes(range(256)) * 20)
        Path("empty").touch()
        Path("rail/.hidden").write_text("scarf")
        os.symlink("empty", "link")
    """
    assert end_of(script).files == [
        ("empty", 0, b""),
        ("rail/.hidden", 5, b"scarf"),
        ("rail/first/coat", 5120, bytes(range(256)) * 16),
    ]


def test_only_so_many_files_are_listed_and_the_rest_is_counted() -> None:
    ending = end_of("from pathlib import Path\nfor n in range(33):\n    Path(str(n)).touch()\n")
    assert (len(ending.files), ending.unlisted) == (20, 13)


def test_the_files_of_a_script_that_failed_elsewhere_are_listed_too() -> None:
    ending = end_of("import os\nopen('coat', 'w').close()\nos.mkdir('in')\nos.chdir('in')\n1 / 0\n")
    assert ending.failure is not None
    assert (ending.failure.error, [path for path, *_ in ending.files]) == ("ZeroDivisionError", ["coat"])


def test_a_script_that_waits_can_be_stopped_and_cleans_up(capsys: pytest.CaptureFixture[str]) -> None:
    script = """
        import asyncio
        async def main() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                print("cleaned up")
    """

    async def stopped() -> Ending:
        running = asyncio.ensure_future(process.run(dedent(script) + GUARD, "story.py"))
        for _ in range(5):
            await asyncio.sleep(0)
        stop()
        return await running

    failure = asyncio.run(stopped()).failure
    assert failure is not None
    assert failure.error == "CancelledError"
    assert capsys.readouterr().out == "cleaned up\n"


def test_there_is_nothing_to_stop_once_a_script_has_ended(printed: Callable[[str], str]) -> None:
    assert printed("print(1)\n") == "1\n"
    stop()
    assert printed("print(2)\n") == "2\n"


@pytest.fixture
def between_programs() -> Iterator[None]:
    """Ignore interrupts where no program runs, as Python in the browser does."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    assert signal.signal(signal.SIGINT, before) == signal.SIG_IGN


@pytest.mark.usefixtures("between_programs")
@pytest.mark.parametrize("handler", ["signal.default_int_handler", "print"])
def test_an_interrupt_reaches_a_script_and_nothing_after_it(handler: str, printed: Callable[[str], str]) -> None:
    assert printed("import signal\nprint(signal.getsignal(signal.SIGINT) == signal.default_int_handler)") == "True\n"
    script = f"import signal\nsignal.signal(signal.SIGINT, {handler})\nsignal.raise_signal(signal.SIGINT)\n"
    failure = end_of(script).failure
    assert (failure and failure.error) == ("KeyboardInterrupt" if handler != "print" else None)
    signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("between_programs")
def test_an_interrupt_while_an_error_is_described_is_too_late() -> None:
    script = """
        import signal
        class Late(Exception):
            def __str__(self) -> str:
                signal.raise_signal(signal.SIGINT)
                return "late"
        raise Late
    """
    assert traceback_of(script).endswith("Late: late\n")


@pytest.mark.usefixtures("between_programs")
def test_an_interrupt_that_comes_with_a_stop_leaves_the_script_its_clean_up() -> None:
    script = """
        import asyncio, signal
        async def main() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                signal.raise_signal(signal.SIGINT)
                open("cleaned up", "w").close()
    """

    async def stopped() -> Ending:
        running = asyncio.ensure_future(process.run(dedent(script) + GUARD, "story.py"))
        for _ in range(5):
            await asyncio.sleep(0)
        stop()
        signal.raise_signal(signal.SIGINT)
        return await running

    ending = asyncio.run(stopped())
    assert (ending.failure and ending.failure.error) == "CancelledError"
    assert [path for path, *_ in ending.files] == ["cleaned up"]


def shared() -> tuple[object, ...]:
    """What a process changes for all of Python."""
    names = sys.modules["__main__"], sys.argv, sys.stdout, sys.stderr, vars(builtins).copy(), sys.path.copy()
    return (*names, Path.cwd(), dict(os.environ), sys.getrecursionlimit(), gc.get_freeze_count())


def played(calls: Callable[[Process], Awaitable[None]], folder: Path | str | None = None) -> None:
    """Start a process, make the calls, and end it."""

    async def play() -> None:
        before = shared()
        process = Process("story.py")
        process.start(folder)
        await calls(process)
        await process.end()
        assert shared() == before

    asyncio.run(play())


async def execute(process: Process, script: str) -> None:
    assert await process.call(process.execute, dedent(script)) is None


async def error_of(call: Awaitable[Failure | None]) -> str:
    failure = await call
    assert failure is not None
    return failure.error


@pytest.mark.parametrize("folder", ["rail", "{tmp_path}/rail"])
def test_a_folder_that_is_given_outlives_a_process_and_the_next_finds_its_files(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rail").mkdir()
    script = """
        from pathlib import Path
        print(*Path().iterdir(), Path("coat").read_text())
        Path("scarf").touch()
    """

    async def write(process: Process) -> None:
        await execute(process, "from pathlib import Path\nPath('coat').write_text('grey')")

    async def read(process: Process) -> None:
        await execute(process, script)
        files, _ = await process.end()
        assert files == [("coat", 4, b"grey"), ("scarf", 0, b"")]

    for calls in (write, read):
        played(calls, folder.format(tmp_path=tmp_path))
    assert capsys.readouterr().out == "coat grey\n"


def test_calls_share_main_and_settings_which_end_with_the_process(capsys: pytest.CaptureFixture[str]) -> None:
    script = """
        import builtins, os, sys
        builtins.coat = "grey"
        os.environ["COAT"] = "grey"
        os.mkdir("rail")
        os.chdir("rail")
        sys.path.insert(0, "rail")
        sys.setrecursionlimit(999)
        def greet(name):
            print(name, coat, os.environ["COAT"], os.path.basename(os.getcwd()), sys.path[0], sys.argv)
            print(sys.getrecursionlimit(), sys.modules["__main__"].greet is greet)
    """

    async def calls(process: Process) -> None:
        await execute(process, script)
        assert await process.call(process.main.greet, "Ada") is None

    played(calls)
    assert capsys.readouterr().out == "Ada grey grey rail rail ['story.py']\n999 True\n"


def test_a_call_awaits_and_says_where_in_the_script_it_failed() -> None:
    script = """
        import asyncio
        async def fail(seconds):
            await asyncio.sleep(seconds)
            raise KeyError("coat")
    """

    async def calls(process: Process) -> None:
        await execute(process, script)
        failure = await process.call(process.main.fail, 0)
        assert failure is not None
        assert (failure.error, failure.line) == ("KeyError", 5)
        assert 'File "story.py", line 5, in fail\n    raise KeyError("coat")\n' in failure.traceback
        assert failure.traceback.count("File ") == 1

    played(calls)


def test_a_stopped_call_leaves_a_process_that_can_be_called_and_ended() -> None:
    script = """
        import asyncio
        async def wait():
            await asyncio.Event().wait()
        async def look():
            await asyncio.sleep(0)
            assert asyncio.current_task().cancelling() == 0
    """

    async def calls(process: Process) -> None:
        await execute(process, script)
        asyncio.get_running_loop().call_soon(stop)
        assert await error_of(process.call(process.main.wait)) == "CancelledError"
        assert await process.call(process.main.look) is None
        stop()
        await asyncio.sleep(0)

    played(calls)


WAITING = """
    import asyncio
    async def wait(name):
        try:
            await asyncio.Event().wait()
        finally:
            print("cancelled", name)
    def begin(name):
        tasks.append(asyncio.get_running_loop().create_task(wait(name)))
    tasks = []
"""


def test_tasks_go_on_between_calls_and_are_cancelled_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    async def calls(process: Process) -> None:
        await execute(process, WAITING)
        for name in ("one", "two"):
            caller = asyncio.create_task(process.call(process.main.begin, name))
            assert await caller is None
        await asyncio.sleep(0)
        assert not any(task.done() for task in process.main.tasks)
        assert capsys.readouterr().out == ""
        await process.end()

    played(calls)
    assert sorted(capsys.readouterr().out.splitlines()) == ["cancelled one", "cancelled two"]


def test_an_end_cancels_what_is_called_and_neither_the_task_that_ends_nor_one_that_has_called() -> None:
    async def calls(process: Process) -> None:
        called, goes_on = asyncio.Event(), asyncio.Event()

        async def call_and_go_on() -> None:
            await execute(process, WAITING)
            called.set()
            await goes_on.wait()

        bystander = asyncio.create_task(call_and_go_on())
        await called.wait()
        caller = asyncio.create_task(error_of(process.call(process.main.wait, "one")))
        await asyncio.sleep(0)
        await asyncio.create_task(process.end())
        assert await caller == "CancelledError"
        goes_on.set()
        await bystander

    played(calls)


@pytest.mark.parametrize("folder", [None, "missing"])
def test_a_process_that_cannot_start_changes_nothing(
    folder: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start() -> None:
        with pytest.raises(FileNotFoundError):
            Process("story.py").start(folder)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    before = shared()
    asyncio.run(start())
    assert shared() == before


UNDESCRIBABLE = """
    import builtins, os
    builtins.coat = os.environ["COAT"] = "grey"
    class Missing(ModuleNotFoundError):
        def add_note(self, note):
            raise LookupError(note)
    raise Missing
"""


def test_a_call_that_fails_itself_leaves_a_process_that_ends() -> None:
    before = shared()
    with pytest.raises(LookupError, match="anyio"):
        end_of(UNDESCRIBABLE, packages="anyio")
    assert shared() == before


def test_an_end_that_fails_undoes_what_the_process_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError

    before = shared()
    monkeypatch.setattr(process, "files_in", refuse)
    with pytest.raises(PermissionError):
        end_of(UNDESCRIBABLE)
    assert shared() == before


LETTER = contextvars.ContextVar("LETTER", default="a")


@pytest.fixture
def _no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AsyncIOBackend, "run_sync_in_worker_thread", classmethod(threads._run_at_once))


@pytest.mark.usefixtures("_no_threads")
def test_work_for_a_thread_is_done_at_once_in_a_copy_of_the_context() -> None:
    def work() -> tuple[str, bool]:
        LETTER.set("b")
        return LETTER.get(), threading.current_thread() is threading.main_thread()

    async def main() -> None:
        assert await run_sync(work) == ("b", True)
        assert LETTER.get() == "a"

    asyncio.run(main())


@pytest.mark.usefixtures("_no_threads")
def test_work_for_a_thread_is_a_point_of_cancellation() -> None:
    done: list[str] = []

    async def main() -> None:
        with move_on_after(0):
            await run_sync(done.append, "worked")

    asyncio.run(main())
    assert done == []


def test_threads_stay_threads_where_there_are_any(printed: Callable[[str], str]) -> None:
    script = """
        import anyio
        from threading import current_thread, main_thread
        async def main() -> None:
            print(await anyio.to_thread.run_sync(current_thread) is main_thread())
        anyio.run(main)
    """
    assert printed(script) == "False\n"
