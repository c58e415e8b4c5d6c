"""The shape of the code: imports go down only, and the public names are exactly the documented ones."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

import coatcheck
import coatcheck.testing
from livedoc.build import NODE
from tests.support.project import PLAYER, PROJECT

if TYPE_CHECKING:
    from pathlib import Path

FLOORS = {
    "coatcheck": [
        {"storage", "transport", "streams", "argument", "difference", "duration", "files", "locks", "loop"},
        {"serializer", "simplified", "cache", "log", "record", "steps"},
        {"provider", "memory", "directory", "redis", "testing"},
        {"cookies", "headers", "slot"},
        {"request"},
        {"sessions"},
        {"__init__"},
    ],
    "livedoc": [
        {
            "snippet",
            "service",
            "build",
            "completions",
            "plot",
            "plug",
            "steps",
            "table",
            "translation",
            "version",
            "__init__",
        },
        {"card", "excerpt", "exercise", "figures", "runtime", "bundle", "font", "offline", "caching"},
        {"weight"},
        {"markdown"},
        {"lesson", "site", "twins"},
        {"mkdocs_hook", "pytest_snippets", "__main__"},
    ],
    "livedoc.player.python": [  # what runs in the browser's Python
        {"awaiting", "control", "ending", "exchange", "library", "limits", "records", "threads", "__init__"},
        {"process", "store"},
        {"server"},
    ],
}


def imports(path: Path) -> set[str]:
    """The absolute dotted names of all that a module imports."""
    package = ".".join(path.relative_to(PROJECT / "src").parent.parts) if path.is_relative_to(PROJECT / "src") else ""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = f"{package}.{node.module or ''}".rstrip(".") if node.level else str(node.module)
            found |= {f"{module}.{alias.name}" for alias in node.names} | {module}
    return found


def folder_of(package: str) -> Path:
    return PROJECT / "src" / package.replace(".", "/")


def floor_of(package: str, module: str) -> int:
    return next(number for number, modules in enumerate(FLOORS[package]) if module in modules)


@pytest.mark.parametrize("package", FLOORS)
def test_every_module_has_a_floor(package: str) -> None:
    assert {path.stem for path in folder_of(package).glob("*.py")} == set().union(*FLOORS[package])


@pytest.mark.parametrize(
    ("package", "module"),
    [(package, module) for package in FLOORS for floor in FLOORS[package] for module in sorted(floor)],
)
def test_imports_go_down_only(package: str, module: str) -> None:
    names = imports(folder_of(package) / f"{module}.py")
    neighbours = {
        name.removeprefix(f"{package}.").partition(".")[0] for name in names if name.startswith(f"{package}.")
    }
    own = floor_of(package, module)
    for neighbour in neighbours & set().union(*FLOORS[package]):
        assert floor_of(package, neighbour) < own, f"{module} imports {neighbour}, which is not on a floor below"


# The player's folders, and what code each may take from another one: Node runs the browser's Python as a worker does,
# and a lab shows text, files and tracebacks as a block does.
FOLDERS: dict[str, set[str]] = {
    "build": {"python"},
    "editor": {"page"},
    "lab": {"page"},
    "node": {"python"},
    "offline": set(),
    "page": set(),
    "python": set(),
    "theme": set(),
}
SCRIPTS = sorted(
    path.relative_to(PLAYER).as_posix() for path in PLAYER.rglob("*.ts") if "node_modules" not in path.parts
)
# Prints what each script imports when it runs, as the bundler reads it: types are not among it.
READ_IMPORTS = """
import { build } from "esbuild"
const { metafile } = await build({
  entryPoints: process.argv.slice(1),
  outdir: "nowhere",
  write: false,
  bundle: true,
  metafile: true,
  platform: "node",
  format: "esm",
  packages: "external",
  loader: { ".css": "text" },
  logLevel: "error",
})
const scripts = Object.entries(metafile.inputs).map(([script, { imports }]) => [
  script,
  imports.filter(({ external }) => !external).map(({ path }) => path),
])
console.log(JSON.stringify(Object.fromEntries(scripts)))
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """The files that each of the player's scripts imports when it runs."""
    command = [str(NODE), "--input-type=module", "--eval", READ_IMPORTS]
    command += [script for script in SCRIPTS if not script.endswith(".d.ts")]
    done = subprocess.run(command, cwd=PLAYER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_every_script_of_the_player_lies_in_a_known_folder() -> None:
    at_the_top = {script for script in SCRIPTS if "/" not in script and not script.endswith(".d.ts")}
    assert at_the_top == {"messages.ts"}
    assert {script.partition("/")[0] for script in SCRIPTS if "/" in script} == set(FOLDERS)
    assert not [script for script in SCRIPTS if script.count("/") > 1]


@pytest.mark.parametrize("script", [script for script in SCRIPTS if not script.endswith(".d.ts")])
def test_only_types_and_messages_cross_from_folder_to_folder(script: str, imported: dict[str, list[str]]) -> None:
    folder = script.rpartition("/")[0]
    allowed = {folder, *FOLDERS.get(folder, set())}
    crossing = {path for path in imported[script] if path.rpartition("/")[0] not in allowed} - {"messages.ts"}
    assert not crossing, (
        f"{script} runs code of {crossing}: import a type, or move it to messages.ts or to its only user"
    )


def test_library_and_machinery_do_not_know_each_other() -> None:
    for path in (PROJECT / "src" / "coatcheck").glob("*.py"):
        assert not any(name.partition(".")[0] == "livedoc" for name in imports(path)), path
    for path in (PROJECT / "src" / "livedoc").rglob("*.py"):
        if "node_modules" not in path.parts:
            assert not any(name.partition(".")[0] == "coatcheck" for name in imports(path)), path


@pytest.mark.parametrize(("framework", "only"), [("mkdocs", "mkdocs_hook.py"), ("pytest", "pytest_snippets.py")])
def test_a_framework_is_imported_by_one_file_in_src(framework: str, only: str) -> None:
    importers = {
        path.name
        for path in (PROJECT / "src").rglob("*.py")
        if "node_modules" not in path.parts
        and any(name.partition(".")[0] in (framework, f"_{framework}") for name in imports(path))
    }
    assert importers == {only}


def test_docs_holds_only_what_people_read() -> None:
    files = {file.relative_to(PROJECT / "docs") for file in (PROJECT / "docs").rglob("*") if file.is_file()}
    others = [file for file in files if file.suffix not in {".css", ".md", ".png", ".svg"}]
    assert [file.as_posix() for file in others] == ["robots.txt"]


def test_snippets_import_public_names_only() -> None:
    public = {f"coatcheck.{name}" for name in coatcheck.__all__} | {"coatcheck", "coatcheck.testing"}
    public |= {f"coatcheck.testing.{name}" for name in ("CHECKS", "UPDATE_CHECKS", "Check", "report")}
    public |= {"coatcheck.redis", "coatcheck.redis.SessionStorageRedis"}
    for path in (PROJECT / "snippets").rglob("*.py"):
        names = {name for name in imports(path) if name.partition(".")[0] == "coatcheck"}
        assert names <= public, f"{path} imports {names - public}, which is not public"


def test_the_library_needs_nothing_but_its_two_dependencies() -> None:
    allowed = {"coatcheck", "anyio", "msgspec"}
    stdlib = sys.stdlib_module_names
    for path in (PROJECT / "src" / "coatcheck").glob("*.py"):
        others = {name.partition(".")[0] for name in imports(path)} - allowed - set(stdlib)
        others -= {"redis"} if path.name == "redis.py" else set()
        assert not others, f"{path} imports {others}"


@pytest.mark.parametrize(
    "path",
    [path for path in (PROJECT / "src" / "coatcheck").glob("*.py") if path.stem != "testing"],
    ids=lambda path: str(path.stem),
)
def test_the_library_starts_no_task_and_no_thread_and_stores_nothing_that_runs(path: Path) -> None:
    modules = {name.partition(".")[0] for name in imports(path)}
    assert not modules & {"_thread", "concurrent", "marshal", "multiprocessing", "pickle", "shelve", "subprocess"}
    nodes = list(ast.walk(ast.parse(path.read_text())))
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    used |= {node.id for node in nodes if isinstance(node, ast.Name)}
    used |= {name.rpartition(".")[2] for name in imports(path)}
    assert not used & {"TaskGroup", "Thread", "Timer", "create_task", "create_task_group", "ensure_future"}
    assert not used & {"call_soon_threadsafe", "run_in_executor", "start_new_thread", "start_soon"}


def test_without_redis_py_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    monkeypatch.delitem(sys.modules, "coatcheck.redis", raising=False)
    with pytest.raises(ModuleNotFoundError) as error:
        import_module("coatcheck.redis")
    assert error.value.__notes__ == ["redis-py is an extra: pip install 'coatcheck[redis]'"]


def test_the_public_names_are_sorted_and_exist() -> None:
    assert coatcheck.__all__ == sorted(coatcheck.__all__)
    for name in coatcheck.__all__:
        assert getattr(coatcheck, name).__doc__, f"{name} has no docstring"


def test_what_a_test_waits_for_in_a_browser_is_a_function() -> None:
    """An expression would be evaluated at each look, and after the first one the page's policy refuses that."""
    calls = [
        (file.name, node.lineno, node.args[0].value)
        for file in (PROJECT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "wait_for_function"
        and isinstance(node.args[0], ast.Constant)
    ]
    assert calls
    assert [call for call in calls if "=>" not in str(call[2])] == []
