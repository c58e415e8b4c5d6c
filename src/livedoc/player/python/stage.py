"""Runs a script as `python script.py` would, on an event loop that is already running.

In a browser the loop runs before the script does and nothing may block it, and there are no threads. So the script's
own `asyncio.run(main())` becomes an `await`, and what AnyIO would do in a worker thread is done at once.
"""
# ruff: noqa: INP001  # in the browser it lies beside the standard library, as `_stage`; no package holds it

from __future__ import annotations

import ast
import asyncio
import builtins
import gc
import importlib.util
import inspect
import linecache
import logging
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Coroutine
from contextlib import contextmanager, suppress
from contextvars import copy_context
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator
    from types import CodeType

T = TypeVar("T")

MOST_FILES = 20
MOST_BYTES = 4096  # of each


class Ending:
    """How a script ended: what went wrong, if anything did, and the files it left."""

    def __init__(self, traceback: str | None = None, error: str = "", line: int | None = None) -> None:
        self.traceback = traceback
        """Shows the script's own lines only. `None`: it ended well."""
        self.error = error
        """The name of the exception."""
        self.line = line
        """Where in the script, counted from 1."""
        self.files: list[tuple[str, int, bytes]] = []
        """Path in the script's folder, size and first bytes of each."""
        self.unlisted = 0
        """How many more files there are."""


async def run(source: str, filename: str, packages: str = "") -> Ending:
    """Return how the script ended. `packages` are what it can import besides the standard library.

    It gets a fresh `__main__`, an empty working directory, and leaves neither files nor tasks nor settings behind. What
    it changes inside a library stays changed.
    """
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    gc.freeze()  # what is there already need not be looked through at the end
    with _fresh_process(filename) as (main, folder):
        others = asyncio.all_tasks()
        with _settings():
            ending = await _execute(source, filename, main, packages)
        await _cancel(asyncio.all_tasks() - others)
        _list_files(folder, ending)
        main.__dict__.clear()
        gc.collect()  # what a coroutine or task says when it is thrown away belongs to this run, not to the next
        gc.unfreeze()
        with suppress(ValueError):  # it has closed them
            sys.stdout.flush()
            sys.stderr.flush()
    return ending


def stop() -> None:
    """Cancel the script that is running, as Ctrl+C does where there are signals."""
    for script in _scripts:
        script.cancel()


_scripts: set[asyncio.Task[Any]] = set()  # none, or the one that is running


async def _execute(source: str, filename: str, main: ModuleType, packages: str) -> Ending:
    if task := asyncio.current_task():
        _scripts.add(task)
    try:
        _do_without_threads()  # here, as a stop may come already
        code = _compiled(source, filename)
        result = eval(code, main.__dict__)  # noqa: S307  # running the reader's script is the job
        if code.co_flags & inspect.CO_COROUTINE:
            await result
    except SystemExit as exit_:
        return Ending() if exit_.code in (None, 0) else _failed(exit_, filename)
    except BaseException as failure:  # noqa: BLE001  # whatever ends the script is shown to the reader
        if isinstance(failure, ModuleNotFoundError) and packages:
            failure.add_note(f"Here a program can import most of the standard library, and {packages}.")
        return _failed(failure, filename)
    finally:
        _scripts.clear()
    return Ending()


@contextmanager
def _fresh_process(filename: str) -> Iterator[tuple[ModuleType, Path]]:
    """Give a script what a process of its own would: `__main__`, arguments, an empty folder; then undo its settings."""
    main = ModuleType("__main__")
    main.__file__ = filename
    main.__dict__.update(_RUNS)
    before = sys.modules["__main__"], sys.argv, sys.stdout, sys.stderr
    folder_before, environment = os.getcwd(), dict(os.environ)  # noqa: PTH109  # chdir takes it back as it is
    sys.modules["__main__"], sys.argv = main, [filename]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        try:
            yield main, Path(folder)
        finally:
            os.chdir(folder_before)
            os.environ.clear()
            os.environ.update(environment)
            sys.modules["__main__"], sys.argv, sys.stdout, sys.stderr = before


@contextmanager
def _settings() -> Iterator[None]:
    """Undo what a script did to names and switches that all of Python shares."""
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
        modules.update(modules_before)  # what was imported meanwhile may stay
        for entries, before in lists:
            entries[:] = before
        root.setLevel(level)
        sys.setrecursionlimit(limit)


def _compiled(source: str, filename: str) -> CodeType:
    try:
        tree = ast.parse(source, filename)
        awaiting = _AwaitRun(_imported_names(tree)).visit(tree)
        code: CodeType = compile(awaiting, filename, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        # The compiler looks for the line in a file on disk; the script is not in one.
        error.text = error.text or linecache.getline(filename, error.lineno or 0)
        raise
    return code


def _imported_names(tree: ast.Module) -> dict[str, str]:
    """Map each imported name to what it stands for: `import asyncio as aio` gives {"aio": "asyncio"}."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({alias.asname or alias.name: alias.name for alias in node.names})
        elif isinstance(node, ast.ImportFrom):
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


class _AwaitRun(ast.NodeTransformer):
    """Turns `asyncio.run(main())` and `anyio.run(main)` outside functions into an `await` of their stand-ins."""

    def __init__(self, imported: dict[str, str]) -> None:
        self._imported = imported

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.GeneratorExp)):
            return node
        node = self.generic_visit(node)
        if isinstance(node, ast.Call) and (stand_in := f"__{self._called(node.func)}__".replace(".", "_")) in _RUNS:
            node.func = ast.copy_location(ast.Name(stand_in, ast.Load()), node.func)
            return ast.copy_location(ast.Await(node), node)
        return node

    def _called(self, function: ast.expr) -> str | None:
        if isinstance(function, ast.Name):
            return self._imported.get(function.id)
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            return f"{self._imported.get(function.value.id)}.{function.attr}"
        return None


async def _asyncio_run(main: Coroutine[Any, Any, T], **_options: object) -> T:
    if not isinstance(main, Coroutine):
        raise ValueError(f"a coroutine was expected, got {main!r}")  # noqa: TRY004  # what asyncio.run raises
    others, loop, hooks = asyncio.all_tasks(), asyncio.get_running_loop(), sys.get_asyncgen_hooks()
    generators: WeakSet[AsyncGenerator[Any, Any]] = WeakSet()

    def close(generator: AsyncGenerator[Any, Any]) -> None:  # as the event loop does with one that nobody holds
        loop.call_soon(loop.create_task, generator.aclose())

    sys.set_asyncgen_hooks(generators.add, close)
    try:
        return await main
    finally:
        await asyncio.sleep(0)
        await _cancel(asyncio.all_tasks() - others)
        await asyncio.gather(*(generator.aclose() for generator in generators), return_exceptions=True)
        sys.set_asyncgen_hooks(*hooks)


async def _anyio_run(
    function: Callable[..., Coroutine[Any, Any, T]], *args: object, backend: str = "asyncio", **_options: object
) -> T:
    if backend != "asyncio":
        raise LookupError(f"No such backend: {backend}")
    return await _asyncio_run(function(*args))


_RUNS = {"__asyncio_run__": _asyncio_run, "__anyio_run__": _anyio_run}


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel what a script left running, and say what went wrong in it, as `asyncio.run` does."""
    for task in tasks:
        task.cancel()
    for task, result in zip(tasks, await asyncio.gather(*tasks, return_exceptions=True), strict=True):
        if isinstance(result, Exception):
            message = "unhandled exception during asyncio.run() shutdown"
            asyncio.get_running_loop().call_exception_handler({"message": message, "exception": result, "task": task})


def _failed(failure: BaseException, filename: str) -> Ending:
    shown = traceback.TracebackException.from_exception(failure)
    _keep_frames_of(filename, shown)
    lines = [frame.lineno for frame in shown.stack]
    if isinstance(failure, SyntaxError) and failure.filename == filename:
        lines.append(failure.lineno)
    return Ending("".join(shown.format()), type(failure).__name__, lines[-1] if lines else None)


def _keep_frames_of(filename: str, shown: traceback.TracebackException) -> None:
    shown.stack = traceback.StackSummary.from_list([frame for frame in shown.stack if frame.filename == filename])
    for related in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        if related is not None:
            _keep_frames_of(filename, related)


def _list_files(folder: Path, ending: Ending) -> None:
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    for path in found[:MOST_FILES]:
        with suppress(OSError), path.open("rb") as file:  # one that not even its owner may read
            ending.files.append((path.relative_to(folder).as_posix(), path.stat().st_size, file.read(MOST_BYTES)))
    ending.unlisted = len(found) - len(ending.files)


def _do_without_threads() -> None:
    """Let AnyIO's files and `to_thread` work where no thread can start."""
    if sys.platform == "emscripten" and importlib.util.find_spec("anyio"):
        from anyio.abc._eventloop import AsyncBackend  # noqa: PLC0415  # present once a script needs it

        # AnyIO's own part for asyncio is large. It comes when a script uses it, and is a subclass then.
        AsyncBackend.__init_subclass__ = classmethod(_run_all_at_once)  # type: ignore[assignment]
        for backend in AsyncBackend.__subclasses__():
            _run_all_at_once(backend)


def _run_all_at_once(backend: Any) -> None:
    backend.run_sync_in_worker_thread = classmethod(_run_at_once)


async def _run_at_once(backend: Any, function: Callable[..., T], args: tuple[Any, ...], *_: Any, **options: Any) -> T:
    """Stand in for AnyIO's `run_sync_in_worker_thread`. The limiter is the point of cancellation, as it is there."""
    async with options.get("limiter") or backend.current_default_thread_limiter():
        return copy_context().run(function, *args)
