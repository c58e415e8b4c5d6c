"""Builds the browser's Python: Pyodide, its standard library and the packages of snippets, compiled and locked.

All of it lies in folders that are named by a hash of what is in them, so a browser may keep it for ever. `runtime.json`
says where everything is and how big.
"""

from __future__ import annotations

import ast
import hashlib
import json
import logging
import shutil
import sys
import zipfile
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypedDict

from livedoc.build import NODE, PLAYER, QUALITY, BuildError, cached, content_hash, run, wire_sizes

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

PYODIDE = PLAYER / "node_modules" / "pyodide"
COMPILE = PLAYER / "build" / "compile_runtime.ts"
PYODIDE_FILES = ("pyodide.asm.mjs", "pyodide.asm.wasm")
LOADED_MODULES = PLAYER / "build" / "loaded_modules.ts"
LIBRARY = "python_stdlib.zip"
PART = "python_stdlib.{}.part"
MODULES = sorted((PLAYER / "python").glob("*.py"))
PACKAGE = "_livedoc"  # the name of their folder in the browser
LOCK = "pyodide-lock.json"
DESCRIPTION = "runtime.json"
SIZES = "sizes.json"
PARTS = f"{PACKAGE}/parts.txt"  # in the library: the modules of each of its further parts, a line for each

# At import these parse the source of their `__init__` files; compiled only, anyio imports what a browser does not have.
READ_THEIR_OWN_SOURCE = ("anyio",)
# Sockets need it to look up a host. A browser has none.
NEVER_IMPORTED = {"anyio": {"idna"}}

# What a module looks for in a package that its own doesn't ask for: time zones where the system has none, and forms.
READ_BY = {"tzdata": ["zoneinfo"], "python-multipart": ["starlette", "fastapi"]}

# Their docstrings are cut to the first paragraphs: these travel with the first run, and some are whole pages of a site.
BRIEF = ("pyodide/*.py", "_pyodide/*.py", "anyio/*.py", "typing_extensions.py")

# Neither a type checker nor Trio is in a page, and what a wheel records of its files isn't so once they are compiled.
LEFT_OUT_OF_WHEELS = ("*.pyi", "anyio/_backends/_trio.pyc", "*.dist-info/RECORD")

# Their modules decide how the standard library is divided: a program that only imports the project's package, and one
# that imports all packages, reads a date and is served. Each prints which modules are loaded at its end.
LOADED = "\nimport sys\nprint(*sys.modules)\n"
OWN_PROGRAM = (
    f"""
import asyncio, {PACKAGE}.library, {{}}
from contextlib import suppress
with suppress(ImportError):
    import anyio
    await anyio.to_thread.run_sync(len, "")
    anyio.Path()
"""
    + LOADED
)
OTHER_PROGRAM = (
    """
import importlib, pkgutil, _strptime, _livedoc.server
import {0}
from contextlib import suppress
for package in ({0},):
    for _, name, _ in pkgutil.iter_modules(getattr(package, "__path__", ())):
        if not name.startswith("_"):
            with suppress(BaseException):  # it may want what is not installed
                importlib.import_module(f"{{package.__name__}}.{{name}}")
"""
    + LOADED
)


class Size(TypedDict):
    """Bytes of a file, and how many of them travel."""

    raw: int
    wire: int


class Part(TypedDict):
    """What continues the archive of the standard library."""

    file_name: str
    imports: list[str]
    """What a program imports that needs this part, as far as a look at the program can tell."""
    packages: list[str]
    """The packages that need it."""


class Runtime(TypedDict):
    """What `runtime.json` says. Paths are relative to its folder."""

    core: str
    """The folder of Pyodide and the standard library, with its slash at the end."""
    parts: list[Part]
    """The library's parts after the one that Python starts with. Each needs those before it."""
    lock: dict[str, Any]
    sizes: dict[str, Size]


def build_runtime(project: Path) -> Path:
    """The folder with Pyodide and every wheel of the project's browser, compiled, and with their description.

    Raises:
        BuildError: A download, the project's wheel or the compilation failed.
    """
    with TemporaryDirectory() as scratch:
        wheel = build_wheel(project, Path(scratch))
        base = build_base(project)

        def add_wheel(folder: Path) -> None:
            shutil.copytree(base, folder, dirs_exist_ok=True)
            runtime = described(base)
            (Path(scratch) / LOCK).write_text(json.dumps(runtime["lock"]))
            compile_archives(project, Path(scratch))
            _place_wheels(Path(scratch), folder, runtime)
            _describe(folder, runtime)
            [own] = runtime["lock"]["packages"].keys() - described(base)["lock"]["packages"].keys()
            _divide(project, folder, runtime, own)
            _describe(folder, runtime)

        inputs = [base.name.encode(), LOADED_MODULES.read_bytes(), wheel.name.encode(), wheel.read_bytes()]
        return cached(project, "runtime", inputs, add_wheel)


def described(folder: Path) -> Runtime:
    """The description of a built runtime."""
    runtime: Runtime = json.loads((folder / DESCRIPTION).read_text())
    return runtime


def _describe(folder: Path, runtime: Runtime) -> None:
    (folder / DESCRIPTION).write_text(json.dumps(runtime, indent=2) + "\n")


def build_wheel(project: Path, folder: Path) -> Path:
    """The project's own wheel, built into `folder`."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    run(command, "correct pyproject.toml, or run `make setup` if hatchling is missing", cwd=project)
    return next(folder.glob("*.whl"))


def build_base(project: Path) -> Path:
    """The runtime without the project's own wheel, and with its standard library in one piece."""
    info = _pyodide_info()
    wheels = download(project, "requirements-browser.txt")

    def compile_base(folder: Path) -> None:
        logger.info("compiling the browser's Python: once, about half a minute")
        with TemporaryDirectory() as scratch:
            archives = Path(scratch)
            for archive in (PYODIDE / LIBRARY, *wheels.iterdir()):
                _copy_briefly(archive, archives / archive.name)
            with zipfile.ZipFile(archives / LIBRARY, "a") as library:
                for module in MODULES:
                    library.writestr(zipfile.ZipInfo(f"{PACKAGE}/{module.name}"), module.read_bytes())
            # PEP 783 names the platform after the ABI; the lock that npm ships still has the name before it.
            lock = {"info": {**info, "platform": f"pyemscripten_{info['abi_version']}"}, "packages": {}}
            (archives / LOCK).write_text(json.dumps(lock))
            compile_archives(project, archives)
            _restore_sources(archives, wheels)
            runtime: Runtime = {"core": "core/", "parts": [], "lock": {}, "sizes": {}}
            (folder / runtime["core"]).mkdir()
            for file in (*(PYODIDE / name for name in PYODIDE_FILES), archives / LIBRARY):
                shutil.copyfile(file, folder / runtime["core"] / file.name)
            _place_wheels(archives, folder, runtime)
            _describe(folder, runtime)

    names = [_pyodide_version(), wheels.name, _tools(project).name, *(module.name for module in MODULES)]
    sources = (COMPILE, *MODULES, Path(__file__))
    inputs = [*(name.encode() for name in names), *(source.read_bytes() for source in sources)]
    return cached(project, "runtime-base", inputs, compile_base)


def download(project: Path, requirements: str) -> Path:
    """The folder with the wheels of a requirement file that fit Pyodide's Python, their hashes verified."""
    info = _pyodide_info()
    major, minor, _ = info["python"].split(".")
    target = ["--implementation", "cp", "--python-version", f"{major}.{minor}", "--abi", f"cp{major}{minor}"]
    target += ["--platform", f"pyemscripten_{info['abi_version']}_{info['arch']}"]

    def fetch(folder: Path) -> None:
        logger.info("downloading the wheels of %s", requirements)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"]
        only = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", requirements]
        way_out = "if the network is missing, run the same command again with it: it is needed once"
        run([*pip, *only, *target, "--dest", str(folder)], way_out, cwd=project)

    return cached(project, "wheels", [" ".join(target).encode(), (project / requirements).read_bytes()], fetch)


def _tools(project: Path) -> Path:
    """The folder where pyodide-build is installed, for Pyodide's Python to import."""
    wheels = download(project, "requirements-pyodide-build.txt")

    def unpack(folder: Path) -> None:
        for wheel in wheels.iterdir():
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)

    return cached(project, "runtime-tools", [wheels.name.encode()], unpack)


def compile_archives(project: Path, archives: Path) -> None:
    """Compile the archives of a folder, and add the wheels among them to the lock there."""
    command = [str(NODE), str(COMPILE), str(_tools(project)), str(archives)]
    run(command, "if it names a missing package, run `make lock`; if node is missing, `make setup`", cwd=project)
    lock = json.loads((archives / LOCK).read_text())
    for package in lock["packages"].values():
        if (wheel := archives / package["file_name"]).is_file():
            _trim(wheel)
            package["sha256"] = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (archives / LOCK).write_text(json.dumps(lock))


def _trim(wheel: Path) -> None:
    """Take out of a compiled wheel what a page has no use for."""
    with zipfile.ZipFile(wheel) as whole:
        content = {entry: whole.read(entry) for entry in whole.infolist()}
    with zipfile.ZipFile(wheel, "w") as trimmed:
        for entry, data in content.items():
            if not any(fnmatchcase(entry.filename, pattern) for pattern in LEFT_OUT_OF_WHEELS):
                trimmed.writestr(entry, data)


def _copy_briefly(archive: Path, target: Path) -> None:
    with zipfile.ZipFile(archive) as whole, zipfile.ZipFile(target, "w") as copied:
        for entry in whole.infolist():
            content = whole.read(entry)
            is_brief = any(fnmatchcase(entry.filename, pattern) for pattern in BRIEF)
            copied.writestr(entry, _briefly(content) if is_brief else content)


def _briefly(source: bytes) -> str:
    """Cut docstrings to their first paragraphs."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                node.body[0] = ast.Expr(ast.Constant(docstring.partition("\n\n")[0]))
    return ast.unparse(ast.fix_missing_locations(tree))


def _restore_sources(archives: Path, wheels: Path) -> None:
    """Put the source of `__init__` files back beside their bytecode, where a package reads it."""
    lock = json.loads((archives / LOCK).read_text())
    for name in lock["packages"].keys() & READ_THEIR_OWN_SOURCE:
        package = lock["packages"][name]
        compiled = archives / package["file_name"]
        original = next(wheels.glob(f"{name}-*.whl"))
        with zipfile.ZipFile(original) as source, zipfile.ZipFile(compiled, "a") as archive:
            for entry in source.infolist():
                if entry.filename.endswith("/__init__.py"):
                    archive.writestr(zipfile.ZipInfo(entry.filename, entry.date_time), source.read(entry))
        package["sha256"] = hashlib.sha256(compiled.read_bytes()).hexdigest()
    (archives / LOCK).write_text(json.dumps(lock))


def _divide(project: Path, folder: Path, runtime: Runtime, own: str) -> None:
    """Place Python where the site serves it, its library divided into what it starts with and what comes later."""
    whole = folder / runtime["core"]
    packages = runtime["lock"]["packages"]
    others = sorted(packages.keys() - _with_dependencies(own, packages))
    imported = sorted({name for other in others for name in packages[other]["imports"]})
    programs = [OWN_PROGRAM.format(", ".join(packages[own]["imports"])), OTHER_PROGRAM.format(", ".join(imported))]
    shares = _shares(whole / LIBRARY, _loaded(project, folder, programs))

    def divide(scratch: Path) -> None:
        for number, content in enumerate(_parts(whole / LIBRARY, shares)):
            (scratch / (PART.format(number) if number else LIBRARY)).write_bytes(content)
        files = sorted(scratch.iterdir())
        (scratch / SIZES).write_text(json.dumps(wire_sizes(files)))

    inputs = [Path(__file__).read_bytes(), (whole / LIBRARY).read_bytes(), json.dumps(shares).encode()]
    divided = cached(project, "library", inputs, divide)
    library = sorted(divided.glob(f"{Path(LIBRARY).stem}*"))
    files = [*(whole / name for name in PYODIDE_FILES), *library]
    runtime["core"] = f"python-{content_hash(*(file.read_bytes() for file in files))}/"
    (folder / runtime["core"]).mkdir()
    wire = [*_pyodide_sizes(project), *json.loads((divided / SIZES).read_text())]
    for file, size in zip(files, wire, strict=True):
        _place(file, runtime["core"] + file.name, size, folder, runtime)
    shutil.rmtree(whole)
    for number, share in enumerate(shares[1:], 1):
        tops = [name for name in map(_module, share) if name and not name.startswith("_") and "." not in name]
        needed_by = others if number == 1 else []
        file_name = runtime["core"] + PART.format(number)
        runtime["parts"].append({"file_name": file_name, "imports": sorted(tops), "packages": needed_by})


def _with_dependencies(name: str, packages: dict[str, Any]) -> set[str]:
    return {name}.union(*(_with_dependencies(needed, packages) for needed in packages[name]["depends"]))


def _loaded(project: Path, folder: Path, programs: list[str]) -> list[set[str]]:
    """The modules that each program prints at its end."""
    command = [str(NODE), str(LOADED_MODULES), str(folder), *programs]
    printed: list[str] = json.loads(run(command, "run `make setup` if a package is missing", cwd=project))
    return [set(output.splitlines()[-1].split()) for output in printed]


def _shares(library: Path, loaded: list[set[str]]) -> list[list[str]]:
    """The files of each part: of those modules, and of all others."""
    shares: list[list[str]] = [[] for _ in (*loaded, None)]
    with zipfile.ZipFile(library) as whole:
        for name in whole.namelist():
            first = (number for number, modules in enumerate(loaded) if _module(name) in modules)
            shares[next(first, len(loaded))].append(name)
    return shares


def _module(file: str) -> str:
    """The module that is in a file; empty for other files."""
    return file.removesuffix(".pyc").removesuffix("/__init__").replace("/", ".") if file.endswith(".pyc") else ""


def _parts(library: Path, shares: list[list[str]]) -> Iterator[bytes]:
    """Archives with these files that are one archive, one after the other.

    Each ends with a directory of all files until there.
    """
    archive, length = BytesIO(), 0
    with zipfile.ZipFile(library) as whole:
        for share in shares:
            with zipfile.ZipFile(archive, "a") as growing:
                growing.start_dir = length  # else it would begin in the place of the directory
                for name in share:
                    growing.writestr(whole.getinfo(name), whole.read(name))
                if not length:
                    lines = (" ".join(filter(None, map(_module, later))) for later in shares[1:])
                    growing.writestr(zipfile.ZipInfo(PARTS), "\n".join(lines))
            yield archive.getvalue()[length:]
            length = len(archive.getvalue())


def _pyodide_sizes(project: Path) -> list[int]:
    """The sizes on the wire of Pyodide's own files. The WebAssembly takes a minute to compress."""

    def measure(scratch: Path) -> None:
        (scratch / SIZES).write_text(json.dumps(wire_sizes([PYODIDE / name for name in PYODIDE_FILES])))

    inputs = (_pyodide_version(), str(QUALITY), *PYODIDE_FILES)
    measured = cached(project, "pyodide-sizes", [each.encode() for each in inputs], measure)
    sizes: list[int] = json.loads((measured / SIZES).read_text())
    return sizes


def _place_wheels(archives: Path, folder: Path, runtime: Runtime) -> None:
    """Move wheels to where the site serves them, with the lock that has them."""
    runtime["lock"] = json.loads((archives / LOCK).read_text())
    by_file = {package["file_name"]: package for package in runtime["lock"]["packages"].values()}
    wheels = sorted(archives.glob("*.whl"))
    for wheel, size in zip(wheels, wire_sizes(wheels), strict=True):
        package = by_file[wheel.name]
        package["depends"] = sorted(set(package["depends"]) - NEVER_IMPORTED.get(package["name"], set()))
        package["imports"] = sorted({*package["imports"], *READ_BY.get(package["name"], ())})
        package["file_name"] = f"{package['name']}-{content_hash(wheel.read_bytes())}/{wheel.name}"
        (folder / package["file_name"]).parent.mkdir()
        _place(wheel, package["file_name"], size, folder, runtime)


def _place(file: Path, name: str, wire: int, folder: Path, runtime: Runtime) -> None:
    shutil.copyfile(file, folder / name)  # without its mode, which is not always that of a file to be read by all
    runtime["sizes"][name] = {"raw": file.stat().st_size, "wire": wire}


def _pyodide_info() -> dict[str, str]:
    """Which Python npm's Pyodide is: `python`, `abi_version`, `arch`."""
    wanted = _pyodide_version()
    package = PYODIDE / "package.json"
    if not package.is_file() or json.loads(package.read_text())["version"] != wanted:
        message = f"{PYODIDE} is not Pyodide {wanted}, which {PLAYER / 'package-lock.json'} asks for: run `make setup`"
        raise BuildError(message)
    info: dict[str, str] = json.loads((PYODIDE / LOCK).read_text())["info"]
    return info


def _pyodide_version() -> str:
    lock: dict[str, Any] = json.loads((PLAYER / "package-lock.json").read_text())
    version: str = lock["packages"]["node_modules/pyodide"]["version"]
    return version
