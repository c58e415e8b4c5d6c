"""The browser's Python, as it is built: what it holds, that it is locked, compiled, cached and the same every time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import zipfile
from io import BytesIO
from pathlib import Path, PurePosixPath
from textwrap import dedent
from typing import Any

import pytest

from livedoc import build, runtime
from livedoc.build import BuildError, wire_sizes
from livedoc.bundle import build_player
from livedoc.runtime import build_runtime, described
from tests.support.program import output_of
from tests.support.project import PROJECT

OWN = "coatcheck"
CACHED = ("wheels", "runtime-tools", "pyodide-sizes", "runtime-base", "library")

START = """
import { readFileSync } from "node:fs"
const [player, folder, packages, script] = process.argv.slice(1)
const runtime = JSON.parse(readFileSync(`${folder}/runtime.json`, "utf8"))
const { loadPyodide } = await import(`${player}/node_modules/pyodide/pyodide.mjs`)
const { Library } = await import(`${player}/python/library.ts`)
const options = { indexURL: `${folder}/${runtime.core}`, packageBaseUrl: folder, lockFileContents: runtime.lock }
const python = await loadPyodide(options)
new Library(runtime, { loadNow: (file) => readFileSync(`${folder}/${file}`) }).open(python)
await python.loadPackage(packages.split(" ").filter(Boolean), { messageCallback: () => undefined })
console.log(python.runPython(script))
"""
LOADED = """
import json, sys
import anyio, coatcheck, httpx2, msgspec, starlette.applications
json.dumps({name: getattr(module, "__file__", None) for name, module in sys.modules.items()})
"""
COMPILED = """
import importlib, json
def parts(code):
    consts = [parts(part) if hasattr(part, "co_code") else part for part in code.co_consts]
    return [code.co_name, code.co_code, code.co_names, consts]
def same(name, source):
    module = importlib.import_module(name)
    return parts(module.__loader__.get_code(name)) == parts(compile(source, module.__file__, "exec"))
json.dumps({name: None if same(name, source) else "another" for name, source in json.loads(SOURCES).items()})
"""
IMPORTED = """
import importlib, json, sys
results = {}
for name in json.loads(NAMES):
    try:
        importlib.import_module(name)
        results[name] = None
    except BaseException as error:
        results[name] = f"{type(error).__name__}: {error}"
json.dumps(results)
"""
# What an introduction to Python reaches for, and what help() and doctest need besides.
PROMISED = """
    abc argparse array ast asyncio base64 bisect builtins calendar cmath codecs collections.abc colorsys
    concurrent.futures configparser contextlib contextvars copy cProfile csv dataclasses datetime decimal difflib
    dis doctest email.message email.policy enum errno fcntl fileinput fnmatch fractions functools gc getpass glob
    graphlib gzip hashlib heapq hmac html html.parser http http.client http.cookies http.cookiejar http.server
    importlib.metadata importlib.resources inspect io ipaddress itertools json keyword linecache locale logging
    logging.config logging.handlers math mimetypes numbers operator os pathlib pdb pickle pkgutil platform pprint
    profile pstats pydoc queue random re reprlib sched secrets select selectors shelve shlex shutil signal site
    socket sqlite3 ssl stat statistics string string.templatelib struct subprocess sys sysconfig tarfile tempfile
    textwrap this threading time timeit tokenize tomllib traceback tracemalloc types typing unicodedata unittest
    unittest.mock urllib.error urllib.parse urllib.request urllib.robotparser uuid warnings weakref webbrowser
    xml.etree.ElementTree zipfile zlib zoneinfo
"""
ENCODINGS = "ascii cp1252 cp437 cp850 gb18030 idna latin_1 iso8859_15 koi8_r mac_roman punycode rot_13 shift_jis"
ENCODINGS += " unicode_escape utf_7 utf_8 utf_8_sig utf_16 utf_32"
RARE = "multiprocessing ftplib imaplib smtplib xmlrpc.client wsgiref.simple_server xml.dom.minidom optparse trace"


@pytest.fixture(scope="session")
def built() -> Path:
    return build_runtime(PROJECT)


@pytest.fixture(scope="session")
def downloaded() -> Path:
    return runtime.download(PROJECT, "requirements-browser.txt")


@pytest.fixture(scope="session")
def started(built: Path) -> dict[str, str | None]:
    """Where each imported module came from, in a Python started from what was built."""
    return played(built, LOADED, *packages_of(built))


def played(built: Path, script: str, *packages: str) -> dict[str, str | None]:
    """What the script ends with."""
    command = [str(build.NODE), "--input-type=module", "--eval", START, str(build.PLAYER)]
    command += [str(built), " ".join(packages), script]
    result: dict[str, str | None] = json.loads(output_of(*command).splitlines()[-1])
    return result


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
    packages: dict[str, dict[str, Any]] = described(folder)["lock"]["packages"]
    return packages


def library(built: Path, parts: int | None = None) -> BytesIO:
    """The archive of the standard library: what Python starts with, and so many parts more."""
    files = [built / part["file_name"] for part in described(built)["parts"][:parts]]
    first = built / described(built)["core"] / runtime.LIBRARY
    return BytesIO(b"".join(file.read_bytes() for file in (first, *files)))


def names_in(archive: Path | BytesIO) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return {name for name in opened.namelist() if not name.endswith("/")}


def modules_in(archive: Path | BytesIO, suffix: str) -> set[str]:
    return {name.removesuffix(suffix) for name in names_in(archive) if name.endswith(suffix)}


def test_the_lock_holds_our_packages_and_no_other(built: Path) -> None:
    required = re.findall(r"^([\w-]+)==", (PROJECT / "requirements-browser.txt").read_text(), re.MULTILINE)
    assert sorted(packages_of(built)) == sorted([*required, OWN])


def test_the_lock_has_the_hash_of_every_wheel(built: Path) -> None:
    locked = {package["file_name"]: package["sha256"] for package in packages_of(built).values()}
    wheels = {wheel.relative_to(built).as_posix(): wheel for wheel in built.glob("*/*.whl")}
    assert locked == {name: hashlib.sha256(wheel.read_bytes()).hexdigest() for name, wheel in wheels.items()}


def test_the_lock_says_what_each_package_imports_and_needs(built: Path) -> None:
    package = packages_of(built)[OWN]
    assert package["imports"] == [OWN]
    assert set(package["depends"]) == {"anyio", "msgspec"}


def test_every_module_of_every_wheel_is_compiled(built: Path, downloaded: Path) -> None:
    for original in downloaded.glob("*.whl"):
        (compiled,) = built.glob(f"*/{original.name.split('-')[0]}-*.whl")
        assert modules_in(compiled, ".pyc") == modules_in(original, ".py") - {"anyio/_backends/_trio"}


def test_the_standard_library_is_compiled(built: Path) -> None:
    assert modules_in(library(built), ".pyc")
    assert not modules_in(library(built), ".py")


def test_the_parts_are_all_of_the_library_and_each_continues_those_before_it(built: Path) -> None:
    whole = names_in(runtime.PYODIDE / runtime.LIBRARY) | {f"_livedoc/{module.name}" for module in runtime.MODULES}
    count = len(described(built)["parts"])
    assert count == 2
    archives = [library(built, parts) for parts in range(count + 1)]
    held = [names_in(archive) for archive in archives]
    assert held[0] < held[1] < held[2]
    assert {re.sub(r"\.pyc$", ".py", name) for name in held[2]} == whole | {runtime.PARTS}
    for archive in archives:
        with zipfile.ZipFile(archive) as opened:
            assert opened.testzip() is None
            assert len(opened.namelist()) == len(set(opened.namelist()))


def test_the_library_says_what_is_in_its_later_parts(built: Path) -> None:
    held = [modules_in(library(built, parts), ".pyc") for parts in range(3)]
    later = [{name.removesuffix("/__init__").replace("/", ".") for name in held[n + 1] - held[n]} for n in range(2)]
    with zipfile.ZipFile(library(built, 0)) as first:
        lines = first.read(runtime.PARTS).decode().splitlines()
    assert [set(line.split()) for line in lines] == later
    for part, modules in zip(described(built)["parts"], later, strict=True):
        assert set(part["imports"]) <= modules
    assert {"email", "http", "urllib", "zoneinfo"} <= set(described(built)["parts"][0]["imports"])
    assert {"csv", "sqlite3", "unittest"} <= set(described(built)["parts"][1]["imports"])


def test_what_needs_a_part_is_any_package_but_the_projects_and_its_own(built: Path) -> None:
    first, second = described(built)["parts"]
    assert set(first["packages"]) == packages_of(built).keys() - {OWN, "anyio", "msgspec", "typing-extensions"}
    assert second["packages"] == []


def test_the_players_own_package_lies_compiled_beside_the_standard_library(built: Path) -> None:
    sources = {f"_livedoc.{module.stem}": module.read_text() for module in runtime.MODULES if module.stem != "__init__"}
    there = {**sources, "_livedoc": "x = 1"}
    assert played(built, COMPILED.replace("SOURCES", repr(json.dumps(there)))) == {
        **dict.fromkeys(sources),
        "_livedoc": "another",
    }


def test_archives_are_stored_so_that_they_pack_well_on_their_way(built: Path) -> None:
    for archive in (*built.glob("*/*.whl"), *built.glob("*/*.zip")):
        with zipfile.ZipFile(archive) as opened:
            assert {entry.compress_type for entry in opened.infolist()} == {zipfile.ZIP_STORED}, archive


def imported(built: Path, names: list[str]) -> dict[str, str | None]:
    return played(built, IMPORTED.replace("NAMES", repr(json.dumps(names))))


def test_what_a_learner_reaches_for_can_be_imported(built: Path) -> None:
    names = [*PROMISED.split(), *RARE.split(), *(f"encodings.{name}" for name in ENCODINGS.split())]
    assert imported(built, names) == dict.fromkeys(names)


def test_what_looks_through_the_library_finds_all_of_it(built: Path) -> None:
    script = """
        import importlib.resources, importlib.util, json, pkgutil, encodings
        found = {
            "email": importlib.util.find_spec("email").origin,
            "top": {"csv", "json", "unittest"} <= {module.name for module in pkgutil.iter_modules()},
            "encodings": {"cp037", "utf_8"} <= {module.name for module in pkgutil.iter_modules(encodings.__path__)},
            "files": importlib.resources.files("encodings").joinpath("cp037.pyc").is_file(),
        }
        json.dumps(found)
    """
    found = played(built, dedent(script))
    assert found == {"email": "/lib/python314.zip/email/__init__.pyc", "top": True, "encodings": True, "files": True}


def test_the_lock_leaves_out_what_is_never_imported(built: Path) -> None:
    script = "import json, sys, anyio, anyio.abc, anyio.streams.tls, anyio._core._sockets, coatcheck\n"
    modules = played(built, script + "json.dumps(dict.fromkeys(sys.modules))", OWN)
    assert "idna" not in modules
    assert "typing_extensions" in modules


def test_what_a_first_run_of_a_storage_fetches_is_small(built: Path) -> None:
    needed, packages = {OWN}, packages_of(built)
    while more := {name for package in needed for name in packages[package]["depends"]} - needed:
        needed |= more
    sizes = described(built)["sizes"]
    files = [described(built)["core"] + name for name in (*runtime.PYODIDE_FILES, runtime.LIBRARY)]
    files += [packages[name]["file_name"] for name in needed]
    [worker] = build_player(PROJECT, built).glob("worker-*")
    assert sum(sizes[name]["wire"] for name in files) + sum(wire_sizes([worker])) <= 4_200_000


def test_only_a_package_that_reads_its_own_source_has_any(built: Path) -> None:
    with_source = {PurePosixPath(module) for wheel in built.glob("*/*.whl") for module in modules_in(wheel, ".py")}
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
    files = {path.relative_to(built).as_posix(): path for path in built.glob("*/*")}
    assert {name: size["raw"] for name, size in described(built)["sizes"].items()} == {
        name: path.stat().st_size for name, path in files.items()
    }
    for name, size in described(built)["sizes"].items():
        assert size["wire"] < 0.4 * size["raw"], name


def test_a_file_that_differs_has_another_name(built: Path) -> None:
    folders = {path.name for path in built.iterdir() if path.is_dir()}
    core = built / described(built)["core"]
    files = [*(core / name for name in runtime.PYODIDE_FILES), *sorted(core.glob("python_stdlib*"))]
    expected = {f"python-{build.content_hash(*(file.read_bytes() for file in files))}"}
    for name, package in packages_of(built).items():
        expected.add(f"{name}-{build.content_hash((built / package['file_name']).read_bytes())}")
    assert folders == expected


def test_the_projects_wheel_holds_its_package_and_metadata_only(tmp_path: Path) -> None:
    wheel = runtime.build_wheel(PROJECT, tmp_path)
    tops = {name.split("/")[0] for name in names_in(wheel)}
    assert tops == {OWN, f"{OWN}-{wheel.name.split('-')[1]}.dist-info"}
    assert f"{OWN}/py.typed" in names_in(wheel)


def test_building_again_finds_what_was_built(tmp_path: Path) -> None:
    project = project_in(tmp_path, *CACHED)
    first = build_runtime(project)
    written = (first / runtime.DESCRIPTION).stat().st_mtime_ns
    assert build_runtime(project) == first
    assert (first / runtime.DESCRIPTION).stat().st_mtime_ns == written


def test_a_changed_source_is_another_build_but_compiles_the_library_no_second_time(tmp_path: Path) -> None:
    project = project_in(tmp_path, *CACHED)
    before = build_runtime(project)
    with (project / "src" / OWN / "__init__.py").open("a") as module:
        module.write("CHANGED = True\n")
    base = runtime.build_base(project)
    compiled = (base / runtime.DESCRIPTION).stat().st_mtime_ns
    after = build_runtime(project)
    assert after != before
    assert packages_of(after)[OWN]["sha256"] != packages_of(before)[OWN]["sha256"]
    assert (base / runtime.DESCRIPTION).stat().st_mtime_ns == compiled


def test_a_build_from_scratch_is_the_same_to_the_byte(tmp_path: Path) -> None:
    ours, again = project_in(tmp_path, *CACHED), tmp_path / "again"
    again.mkdir()
    again = project_in(again, "wheels", "pyodide-sizes")
    expected, actual = build_runtime(ours), build_runtime(again)
    assert actual.name == expected.name
    assert contents_of(actual) == contents_of(expected)


def contents_of(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_failed_download_shows_the_command_what_pip_said_and_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "requirements-browser.txt").write_text("anyio\n")
    with pytest.raises(BuildError) as failed:
        runtime.build_base(tmp_path)
    message = str(failed.value)
    assert "-m pip" in message
    assert "requirements must have their versions pinned" in message
    assert "the network" in message


def test_a_failed_compilation_shows_what_the_tool_said(built: Path, tmp_path: Path) -> None:
    (tmp_path / runtime.LOCK).write_text(json.dumps(described(built)["lock"]))
    (tmp_path / "broken-1.0-py3-none-any.whl").write_text("no archive")
    with pytest.raises(BuildError, match=r"File is not a zip file|BadZipFile"):
        runtime.compile_archives(PROJECT, tmp_path)


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
        build.cached(tmp_path, "step", [b"input"], interrupted)
    assert [path for path in (tmp_path / ".cache").rglob("*") if path.is_file()] == []
    assert [path.name for path in build.cached(tmp_path, "step", [b"input"], whole).iterdir()] == ["whole"]


def whole(folder: Path) -> None:
    (folder / "whole").touch()


def test_two_builds_of_the_same_at_once_are_one(tmp_path: Path) -> None:
    def overtaken(folder: Path) -> None:
        build.cached(tmp_path, "step", [b"input"], whole)
        (folder / "slower").touch()

    assert [path.name for path in build.cached(tmp_path, "step", [b"input"], overtaken).iterdir()] == ["whole"]


def test_old_builds_go_and_the_latest_stay(tmp_path: Path) -> None:
    builds = []
    for age in range(build.KEPT_BUILDS + 2, 0, -1):
        builds.append(build.cached(tmp_path, "step", [bytes([age])], whole))
        os.utime(builds[-1], (-age, -age))
    assert [build.is_dir() for build in builds] == [False, False] + [True] * build.KEPT_BUILDS


def test_inputs_cut_differently_are_other_inputs(tmp_path: Path) -> None:
    assert build.cached(tmp_path, "step", [b"a", b"bc"], whole) != build.cached(tmp_path, "step", [b"ab", b"c"], whole)


def test_the_player_names_its_own_modules_and_the_runtime_it_was_made_for(built: Path) -> None:
    player = build_player(PROJECT, built)
    besides = ("worker", "editor", "lab", "lesson", "details", "exercise")
    modules = ("page", *besides, "service_worker", "menu", "search_on_use", "search_engine")
    made = {name: next(player.glob(f"{name}-*")) for name in (*modules, "block")}
    assert sorted(player.iterdir()) == sorted(made.values())
    worker = made["worker"]
    assert [name for name in besides if made[name].name not in made["page"].read_text()] == []
    assert made["search_engine"].name in made["search_on_use"].read_text()
    for name in described(built)["sizes"]:
        assert PurePosixPath(name).name in worker.read_text()
    assert worker.stat().st_size < 50_000
    for name in modules:
        assert not re.search(r"""(?:^|[;}])import[\s{*"']|}from["']""", made[name].read_text())
    assert build_player(PROJECT, built) == player


def test_a_player_for_another_runtime_has_other_names(built: Path, tmp_path: Path) -> None:
    other = described(built)
    other["core"] = "python-0/"
    (tmp_path / runtime.DESCRIPTION).write_text(json.dumps(other))
    names = {path.name for path in build_player(PROJECT, tmp_path).iterdir()}
    same = names & {path.name for path in build_player(PROJECT, built).iterdir()}
    assert sorted(name.partition("-")[0] for name in same) == [
        "block",
        "details",
        "editor",
        "exercise",
        "lab",
        "lesson",
        "menu",
        "search_engine",
        "search_on_use",
        "service_worker",
    ]
