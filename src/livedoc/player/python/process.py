"""Runs a program as if Python had been started for it, on an event loop that is already running.

What a program sees as its process is Python's global state. So only one process can run at a time.
"""

from __future__ import annotations

import asyncio
import atexit
import builtins
import gc
import importlib
import inspect
import io
import logging
import os
import random
import signal
import sys
import tempfile
import warnings
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakSet, finalize

from .awaiting import STAND_INS, cancel, compiled, wait_on_the_running_loop
from .ending import Ending, Failure, failure_of, files_in
from .limits import Keyboard, note_for, refuse_programs
from .threads import do_without_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .ending import File


async def run(source: str, filename: str, packages: str = "") -> Ending:
    """Run a script from start to end in a process of its own, as `python script.py` would."""
    before = set(sys.modules)
    process = Process(filename, packages)
    process.start()
    try:
        failure = await process.call(process.execute, source)
    finally:
        imported = [name for name in sys.modules if name not in before]
        files, unlisted = await process.end()
    return Ending(failure, files, unlisted, imported)


def import_ahead(modules: Iterable[str]) -> None:
    """Import what a program has imported, while nobody waits for it."""
    for name in modules:
        if name not in SHOW_SOMETHING:
            with suppress(Exception):  # it was the program's own, or the program has to be told
                importlib.import_module(name)


def stop() -> None:
    """Cancel what a process is being called for, as Ctrl+C does where there are signals. It then needs no interrupt."""
    for task in _calling:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        task.cancel()


SHOW_SOMETHING = {"this", "antigravity", "__hello__", "__phello__"}  # when they are imported
_calling: set[asyncio.Task[Any]] = set()
if sys.platform == "emscripten":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for a program, and may come when it has ended


class Process:
    """A program's `__main__`, arguments, working directory, streams, settings and tasks.

    When the process ends, its settings are undone and its tasks are cancelled. What a program changes inside a library
    stays changed.

    Args:
        filename: The name of the script, for `__file__`, `sys.argv` and tracebacks.
        packages: What a program can import besides the standard library, for a message.
    """

    _folder: Path

    def __init__(self, filename: str, packages: str = "") -> None:
        self.main = ModuleType("__main__")
        self.main.__file__ = filename
        self.main.__dict__.update(STAND_INS)
        self._filename = filename
        self._packages = packages
        self._keyboard = Keyboard()
        self._others: WeakSet[asyncio.Task[Any]] = WeakSet()  # tasks that aren't the program's
        self._surroundings = ExitStack()
        self._settings = ExitStack()
        self._at_exit: list[tuple[Callable[..., object], Callable[[], object]]] = []

    def start(self, folder: Path | str | None = None) -> None:
        """Set up what the program will see. If that fails, nothing stays changed.

        Args:
            folder: The working directory. Its files are there when the process starts, and stay when the process ends.
                Without a `folder` the working directory is a new one, and is deleted when the process ends.
        """
        self._others.update(asyncio.all_tasks())
        random.seed()  # where Python's memory was put back to what it was before, so was this
        with ExitStack() as started:
            gc.freeze()  # at the end, only what the process made has to be searched
            started.callback(gc.unfreeze)
            self._folder = started.enter_context(_surroundings(self.main, self._filename, self._keyboard, folder))
            self._settings.enter_context(_settings())
            self._settings.enter_context(self._own_exit())
            self._surroundings = started.pop_all()

    async def call(self, function: Callable[..., object], *args: object) -> Failure | None:
        """Call a function, await what it returns if that can be awaited, and return what went wrong."""
        try:
            with self._stoppable():
                result = function(*args)
                if inspect.isawaitable(result):
                    await result
        except BaseException as error:  # noqa: BLE001  # the reader is shown any exception
            if isinstance(error, SystemExit) and error.code in (None, 0):
                return None
            if note := note_for(error, self._filename, self._keyboard):
                error.add_note(note)
            elif isinstance(error, ModuleNotFoundError) and self._packages:
                error.add_note(f"Here a program can import most of the standard library, and {self._packages}.")
            return failure_of(error, self._filename)
        return None

    async def execute(self, source: str) -> None:
        """Execute a script in `__main__`: to be called by `call`, which lets it be stopped."""
        wait_on_the_running_loop()
        refuse_programs()
        do_without_threads()  # takes a while at first
        code = compiled(source, self._filename)
        profile, trace = sys.getprofile(), sys.gettrace()
        try:
            if coroutine := eval(code, self.main.__dict__):  # noqa: S307  # the script is the reader's own
                await coroutine
        finally:
            sys.setprofile(profile)  # the program's own would see what comes after it
            sys.settrace(trace)

    async def end(self) -> tuple[list[File], int]:
        """Call what the program registered with `atexit`, undo the settings and cancel the tasks.

        Returns:
            The files in the folder, and how many more there are.
        """
        with self._surroundings:
            while self._at_exit:
                function, called = self._at_exit.pop()
                if failure := await self.call(called):
                    with suppress(Exception):  # the program has closed the stream, or it has no name for itself
                        sys.stderr.write(f"Exception ignored in atexit callback {function!r}:\n{failure.traceback}")
            self._settings.close()
            self._others.add(_current_task())
            await cancel(asyncio.all_tasks().difference(self._others))
            left = files_in(self._folder)
            self.main.__dict__.clear()
            gc.collect()  # a coroutine that was never awaited is reported now, not in the output of the next process
            for stream in (sys.stdout, sys.stderr):
                with suppress(Exception):  # the program has closed it, or put something else in its place
                    stream.flush()
        return left

    @contextmanager
    def _own_exit(self) -> Iterator[None]:
        """Have `atexit` keep the program's functions apart from those of all of Python, which doesn't end."""
        before = atexit.register, atexit.unregister

        def register(function: Callable[..., object], /, *args: Any, **options: Any) -> Callable[..., object]:
            if function == finalize._exitfunc:  # type: ignore[attr-defined]  # noqa: SLF001  # it would end what others have
                return before[0](function)
            self._at_exit.append((function, partial(function, *args, **options)))
            return function

        def unregister(function: Callable[..., object], /) -> None:
            self._at_exit[:] = [entry for entry in self._at_exit if entry[0] != function]

        atexit.register, atexit.unregister = register, unregister  # type: ignore[assignment]
        try:
            yield
        finally:
            atexit.register, atexit.unregister = before

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """Let `stop`, `end` and interrupts reach the task that calls, and let that task go on after the call."""
        task = _current_task()
        cancelled = task.cancelling()
        self._others.discard(task)
        _calling.add(task)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
            _calling.discard(task)
            self._others.add(task)
            while task.cancelling() > cancelled:
                task.uncancel()


def _current_task() -> asyncio.Task[Any]:
    return cast("asyncio.Task[Any]", asyncio.current_task())  # a coroutine always runs in one


@contextmanager
def _surroundings(main: ModuleType, filename: str, keyboard: Keyboard, given: Path | str | None) -> Iterator[Path]:
    """Give a process its `__main__`, arguments, folder and streams, and a copy of the environment."""
    before = sys.modules["__main__"], sys.argv, sys.stdin, sys.stdout, sys.stderr
    folder_before, environment = os.getcwd(), dict(os.environ)  # noqa: PTH109  # chdir takes a string back unchanged
    with nullcontext(given) if given else tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            os.chdir(folder)
            sys.modules["__main__"], sys.argv = main, [filename]
            sys.stdin = io.TextIOWrapper(io.BufferedReader(keyboard), "utf-8")
            yield Path.cwd()
        finally:
            os.chdir(folder_before)
            os.environ.clear()
            os.environ.update(environment)
            sys.modules["__main__"], sys.argv, sys.stdin, sys.stdout, sys.stderr = before


@contextmanager
def _settings() -> Iterator[None]:
    """Undo what a program did to names and switches that all of Python shares."""
    root = logging.getLogger()
    names, modules, level, limit = vars(builtins), sys.modules, root.level, sys.getrecursionlimit()
    names_before, modules_before = names.copy(), modules.copy()
    lists: list[tuple[list[Any], list[Any]]] = [(it, it.copy()) for it in (sys.path, sys.meta_path, root.handlers)]
    try:
        with warnings.catch_warnings():
            yield
    finally:
        names.clear()
        names.update(names_before)
        modules.update(modules_before)  # modules that the program imported may stay
        for entries, before in lists:
            entries[:] = before
        root.setLevel(level)
        sys.setrecursionlimit(limit)
