"""The browser's Python, as it is built: what it holds, that it is locked, compiled, cached and the same every time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from livedoc import runtime
from livedoc.runtime import BuildError, build_player, build_runtime

PROJECT = Path(__file__).parents[1]
OWN = "coatcheck"

START = """
const [runtime, script] = process.argv.slice(1)
const { loadPyodide } = await import(`${runtime}/pyodide.mjs`)
const python = await loadPyodide({ indexURL: runtime, packages: Object.keys(JSON.parse(process.env.PACKAGES)) })
console.log(python.runPython(script))
"""
LOADED = """
import json, sys
import anyio, coatcheck, httpx2, msgspec, starlette.applications
json.dumps({name: getattr(module, "__file__", None) for name, module in sys.modules.items()})
"""


@pytest.fixture(scope="session")
def built() -> Path:
    return build_runtime(PROJECT)


@pytest.fixture(scope="session")
def downloaded() -> Path:
    return runtime.download(PROJECT, "requirements-browser.txt")


@pytest.fixture(scope="session")
def started(built: Path) -> dict[str, str | None]:
    """Where each imported module came from, in a Python started from what was built."""
    command = [str(runtime.NODE), "--input-type=module", "--eval", START, str(built), LOADED]
    environment = {"PACKAGES": json.dumps(packages_of(built))}
    printed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    modules: dict[str, str | None] = json.loads(printed.splitlines()[-1])
    return modules


def project_in(folder: Path, *kept: str) -> Path:
    """A project like this one, which shares the steps `kept` of this one's cache."""
    for name in (
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "requirements-browser.txt",
        "requirements-pyodide-build.txt",
    ):
        shutil.copy(PROJECT / name, folder)
    shutil.copytree(PROJECT / "src" / OWN, folder / "src" / OWN, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".cache").mkdir()
    for step in kept:
        (folder / ".cache" / step).symlink_to(PROJECT / ".cache" / step)
    return folder


def packages_of(folder: Path) -> dict[str, dict[str, Any]]:
    packages: dict[str, dict[str, Any]] = json.loads((folder / runtime.LOCK).read_text())["packages"]
    return packages


def names_in(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return {name for name in opened.namelist() if not name.endswith("/")}


def modules_in(archive: Path, suffix: str) -> set[str]:
    return {name.removesuffix(suffix) for name in names_in(archive) if name.endswith(suffix)}


def test_the_lock_holds_our_packages_and_no_other(built: Path) -> None:
    required = re.findall(r"^([\w-]+)==", (PROJECT / "requirements-browser.txt").read_text(), re.MULTILINE)
    assert sorted(packages_of(built)) == sorted([*required, OWN])


def test_the_lock_has_the_hash_of_every_wheel(built: Path) -> None:
    locked = {package["file_name"]: package["sha256"] for package in packages_of(built).values()}
    assert locked == {wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in built.glob("*.whl")}


def test_the_lock_says_what_each_package_imports_and_needs(built: Path) -> None:
    package = packages_of(built)[OWN]
    assert package["imports"] == [OWN]
    assert set(package["depends"]) == {"anyio", "msgspec"}


def test_every_module_of_every_wheel_is_compiled(built: Path, downloaded: Path) -> None:
    for original in downloaded.glob("*.whl"):
        (compiled,) = built.glob(f"{original.name.split('-')[0]}-*.whl")
        assert modules_in(compiled, ".pyc") == modules_in(original, ".py")


def test_the_standard_library_is_compiled(built: Path) -> None:
    library = built / "python_stdlib.zip"
    assert modules_in(library, ".pyc") == modules_in(runtime.PYODIDE / library.name, ".py")
    assert not modules_in(library, ".py")


def test_only_a_package_that_reads_its_own_source_has_any(built: Path) -> None:
    with_source = {PurePosixPath(module) for wheel in built.glob("*.whl") for module in modules_in(wheel, ".py")}
    assert PurePosixPath("anyio/__init__") in with_source
    assert {(module.parts[0], module.name) for module in with_source} == {("anyio", "__init__")}


def test_python_starts_from_it_and_compiles_nothing_of_ours(started: dict[str, str | None]) -> None:
    own = {name: file for name, file in started.items() if file and name.split(".")[0] in {OWN, "starlette", "httpx2"}}
    assert OWN in own
    assert "starlette.applications" in own
    assert [file for file in own.values() if not file.endswith(".pyc")] == []


def test_anyio_is_as_lazy_as_on_any_python(started: dict[str, str | None]) -> None:
    assert "anyio" in started
    assert "anyio.to_interpreter" not in started


def test_sizes_are_those_of_the_files(built: Path) -> None:
    sizes = json.loads((built / "sizes.json").read_text())
    assert sizes == {path.name: path.stat().st_size for path in built.iterdir() if path.name != "sizes.json"}
    assert "pyodide.asm.wasm" in sizes


def test_the_projects_wheel_holds_its_package_and_metadata_only(tmp_path: Path) -> None:
    wheel = runtime.build_wheel(PROJECT, tmp_path)
    tops = {name.split("/")[0] for name in names_in(wheel)}
    assert tops == {OWN, f"{OWN}-{wheel.name.split('-')[1]}.dist-info"}
    assert f"{OWN}/py.typed" in names_in(wheel)


def test_building_again_finds_what_was_built(tmp_path: Path) -> None:
    project = project_in(tmp_path, "wheels", "runtime-tools", "runtime-base")
    first = build_runtime(project)
    written = (first / "sizes.json").stat().st_mtime_ns
    assert build_runtime(project) == first
    assert (first / "sizes.json").stat().st_mtime_ns == written


def test_a_changed_source_is_another_build_but_compiles_the_library_no_second_time(tmp_path: Path) -> None:
    project = project_in(tmp_path, "wheels", "runtime-tools", "runtime-base")
    before = build_runtime(project)
    with (project / "src" / OWN / "__init__.py").open("a") as module:
        module.write("CHANGED = True\n")
    base = runtime.build_base(project)
    compiled = (base / "python_stdlib.zip").stat().st_mtime_ns
    after = build_runtime(project)
    assert after != before
    assert packages_of(after)[OWN]["sha256"] != packages_of(before)[OWN]["sha256"]
    assert (base / "python_stdlib.zip").stat().st_mtime_ns == compiled


def test_a_build_from_scratch_is_the_same_to_the_byte(tmp_path: Path) -> None:
    ours, again = project_in(tmp_path, "wheels", "runtime-tools", "runtime-base"), tmp_path / "again"
    again.mkdir()
    again = project_in(again, "wheels")
    expected, actual = build_runtime(ours), build_runtime(again)
    assert actual.name == expected.name
    assert contents_of(actual) == contents_of(expected)


def contents_of(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_a_failed_download_shows_the_command_what_pip_said_and_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "requirements-browser.txt").write_text("anyio\n")
    with pytest.raises(BuildError) as failed:
        runtime.build_base(tmp_path)
    message = str(failed.value)
    assert "-m pip" in message
    assert "requirements must have their versions pinned" in message
    assert "the network" in message


def test_a_failed_compilation_shows_what_the_tool_said(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    with pytest.raises(BuildError, match=r"'missing\.whl' does not exist"):
        runtime.compile_archives(PROJECT, tmp_path, ["missing.whl"])


def test_packages_of_the_player_that_are_not_installed_are_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "PYODIDE", tmp_path)
    with pytest.raises(BuildError, match="make setup"):
        build_runtime(PROJECT)


def test_an_interrupted_build_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runtime.cached(tmp_path, "step", [b"input"], interrupted)
    assert [path for path in (tmp_path / ".cache").rglob("*") if path.is_file()] == []
    assert [path.name for path in runtime.cached(tmp_path, "step", [b"input"], whole).iterdir()] == ["whole"]


def whole(folder: Path) -> None:
    (folder / "whole").touch()


def test_two_builds_of_the_same_at_once_are_one(tmp_path: Path) -> None:
    def overtaken(folder: Path) -> None:
        runtime.cached(tmp_path, "step", [b"input"], whole)
        (folder / "slower").touch()

    assert [path.name for path in runtime.cached(tmp_path, "step", [b"input"], overtaken).iterdir()] == ["whole"]


def test_old_builds_go_and_the_latest_stay(tmp_path: Path) -> None:
    builds = []
    for age in range(runtime.KEPT_BUILDS + 2, 0, -1):
        builds.append(runtime.cached(tmp_path, "step", [bytes([age])], whole))
        os.utime(builds[-1], (-age, -age))
    assert [build.is_dir() for build in builds] == [False, False] + [True] * runtime.KEPT_BUILDS


def test_inputs_cut_differently_are_other_inputs(tmp_path: Path) -> None:
    assert runtime.cached(tmp_path, "step", [b"a", b"bc"], whole) != runtime.cached(
        tmp_path, "step", [b"ab", b"c"], whole
    )


def test_the_player_is_two_modules_and_a_style_sheet_without_pyodide() -> None:
    player = build_player(PROJECT)
    assert sorted(path.name for path in player.iterdir()) == ["block.css", "page.js", "worker.js"]
    assert "pyodide.mjs" in (player / "worker.js").read_text()
    assert not re.search(r"""(?:import|from)\s*["'][^"']""", (player / "worker.js").read_text())
    assert (player / "worker.js").stat().st_size < (runtime.PYODIDE / "pyodide.mjs").stat().st_size
    assert build_player(PROJECT) == player
