"""Compiles a script to code that awaits what the script hands to `asyncio.run` or `anyio.run`.

In a browser the event loop is already running when the script starts, and nothing may block it.
"""

from __future__ import annotations

import ast
import asyncio
import io
import linecache
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from types import CodeType

T = TypeVar("T")


def compiled(source: str, filename: str) -> CodeType:
    """Compile a script, for a `__main__` that has the `STAND_INS`. If the code awaits, `eval` returns a coroutine.

    Raises:
        SyntaxError: The script isn't Python.
    """
    source = source.removeprefix("\ufeff")  # as at the start of a file
    lines = io.StringIO(source, newline=None).readlines()  # as Python counts: a form feed ends no line
    linecache.cache[filename] = (len(source), None, lines, filename)  # tracebacks quote it
    try:
        tree = ast.parse(source, filename)
        awaiting = _AwaitRun(_imported_names(tree)).visit(tree)
        code: CodeType = compile(awaiting, filename, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        # The compiler looks for the line in a file on the disk, and a script isn't in one.
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
    """Turns `asyncio.run(main())` and its like outside functions into an `await` of their stand-ins."""

    def __init__(self, imported: dict[str, str]) -> None:
        self._imported = imported

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.GeneratorExp)):
            return node
        node = self.generic_visit(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == UNTIL_COMPLETE:
            node.args.insert(0, node.func.value)
            node.func = ast.copy_location(ast.Name(f"__{UNTIL_COMPLETE}__", ast.Load()), node.func)
            return ast.copy_location(ast.Await(node), node)
        if isinstance(node, ast.Call) and (name := f"__{self._called(node.func)}__".replace(".", "_")) in STAND_INS:
            node.func = ast.copy_location(ast.Name(name, ast.Load()), node.func)
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

    def close(generator: AsyncGenerator[Any, Any]) -> None:  # as the event loop closes an unreachable generator
        loop.call_soon(loop.create_task, generator.aclose())

    sys.set_asyncgen_hooks(generators.add, close)
    try:
        return await main
    finally:
        await asyncio.sleep(0)
        await cancel(asyncio.all_tasks() - others)
        await asyncio.gather(*(generator.aclose() for generator in generators), return_exceptions=True)
        sys.set_asyncgen_hooks(*hooks)


async def _anyio_run(
    function: Callable[..., Coroutine[Any, Any, T]], *args: object, backend: str = "asyncio", **_options: object
) -> T:
    if backend != "asyncio":
        raise LookupError(f"No such backend: {backend}")
    return await _asyncio_run(function(*args))


async def _run_until_complete(loop: Any, main: Any) -> Any:
    return await main if isinstance(loop, asyncio.AbstractEventLoop) else loop.run_until_complete(main)


def wait_on_the_running_loop() -> None:
    """Have event loops wait where the browser lets them, and say so where they would return as if they had waited."""
    if sys.platform == "emscripten":
        asyncio.new_event_loop = asyncio.events.new_event_loop = asyncio.get_running_loop  # two would take turns badly
        loop = type(asyncio.get_running_loop())
        loop.run_until_complete = _wait  # type: ignore[assignment]
        loop.run_forever = _refusing("run_forever")  # type: ignore[method-assign]
        # It would make another loop, and cancel its tasks.
        asyncio.Runner.__enter__ = _refusing("asyncio.Runner")  # type: ignore[method-assign]


def _wait(_: object, main: Any) -> Any:
    from pyodide.ffi import can_run_sync, run_sync  # noqa: PLC0415  # in a browser only

    if can_run_sync():
        return run_sync(main)
    if isinstance(main, Coroutine):
        main.close()
    raise RuntimeError("run_until_complete can't wait while an event loop is running")


def _refusing(name: str) -> Callable[[object], NoReturn]:
    def refuse(_: object) -> NoReturn:
        raise RuntimeError(f"{name} can't wait while an event loop is running")

    return refuse


UNTIL_COMPLETE = "run_until_complete"
STAND_INS = {
    "__asyncio_run__": _asyncio_run,
    "__anyio_run__": _anyio_run,
    f"__{UNTIL_COMPLETE}__": _run_until_complete,
}


async def cancel(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel the tasks that a program left running, and report their exceptions as `asyncio.run` does."""
    for task in tasks:
        task.cancel()
    for task, result in zip(tasks, await asyncio.gather(*tasks, return_exceptions=True), strict=True):
        if isinstance(result, Exception):
            message = "unhandled exception during asyncio.run() shutdown"
            asyncio.get_running_loop().call_exception_handler({"message": message, "exception": result, "task": task})
