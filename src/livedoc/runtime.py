"""Builds the browser's Python: Pyodide, its standard library and the packages of snippets, compiled and locked.

All of it lies in folders that are named by a hash of what is in them, so a browser may keep it for ever. `runtime.json`
says where everything is and how big.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import sys
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypedDict

from livedoc.build import NODE, PLAYER, QUALITY, BuildError, cached, content_hash, run, wire_sizes

logger = logging.getLogger(__name__)

PYODIDE = PLAYER / "node_modules" / "pyodide"
COMPILE = PLAYER / "build" / "compile_runtime.ts"
PYODIDE_FILES = ("pyodide.asm.mjs", "pyodide.asm.wasm")
LIBRARY = "python_stdlib.zip"
MODULES = sorted((PLAYER / "python").glob("*.py"))
PACKAGE = "_livedoc"  # the name of their folder in the browser
LOCK = "pyodide-lock.json"
DESCRIPTION = "runtime.json"

# At import these parse the source of their `__init__` files; compiled only, anyio imports what a browser does not have.
READ_THEIR_OWN_SOURCE = ("anyio",)
# Sockets need it to look up a host. A browser has none.
NEVER_IMPORTED = {"anyio": {"idna"}}

# What a module looks for in a package that its own doesn't ask for: time zones where the system has none, and forms.
READ_BY = {"tzdata": ["zoneinfo"], "python-multipart": ["starlette", "fastapi"]}

# What a browser cannot do and a beginner does not look for.
LEFT_OUT = (
    *("__hello__.py", "__phello__/*", "antigravity.py"),
    *("_pyrepl/_[mt]*", "_pyrepl/__main__.py", "_pyrepl/[a-oq-s]*.py", "_pyrepl/te*", "_pyrepl/un*", "_pyrepl/w*"),
    *("pty.py", "tty.py", "rlcompleter.py"),  # a terminal, but not the pager of help()
    *("asyncio/__main__.py", "asyncio/tools.py", "asyncio/windows_*.py", "asyncio/proactor_events.py"),
    *("multiprocessing/*", "concurrent/futures/process.py", "concurrent/interpreters/*"),
    *("ftplib.py", "imaplib.py", "mailbox.py", "netrc.py", "poplib.py", "smtplib.py"),  # connections
    *("wsgiref/*", "xmlrpc/*", "xml/sax/*", "xml/dom/*"),
    *("_pydatetime.py", "_pyio.py", "_py_abc.py"),  # what is there in C
    *("compileall.py", "modulefinder.py", "pickletools.py", "pyclbr.py", "symtable.py", "tabnanny.py", "trace.py"),
    *("nturl2path.py", "optparse.py", "plistlib.py", "wave.py", "zipapp.py"),
    *("encodings/cp0*", "encodings/cp1[01]*", "encodings/cp[2357]*", "encodings/cp42*"),
    *("encodings/cp85[2-8]*", "encodings/cp8[67]*", "encodings/iso8859_[368].py", "encodings/iso8859_1[01346].py"),
    *("encodings/hp_*", "encodings/koi8_t*", "encodings/kz*", "encodings/mac_[!r]*", "encodings/mac_romanian*"),
    *("encodings/palmos*", "encodings/ptcp*", "encodings/tis*", "encodings/mbcs*", "encodings/oem*"),
)


class Size(TypedDict):
    """Bytes of a file, and how many of them travel."""

    raw: int
    wire: int


class Runtime(TypedDict):
    """What `runtime.json` says. Paths are relative to its folder."""

    core: str
    """The folder of Pyodide and the standard library, with its slash at the end."""
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

        return cached(project, "runtime", [base.name.encode(), wheel.name.encode(), wheel.read_bytes()], add_wheel)


def described(folder: Path) -> Runtime:
    """The description of a built runtime."""
    runtime: Runtime = json.loads((folder / DESCRIPTION).read_text())
    return runtime


def build_wheel(project: Path, folder: Path) -> Path:
    """The project's own wheel, built into `folder`."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    run(command, "correct pyproject.toml, or run `make setup` if hatchling is missing", cwd=project)
    return next(folder.glob("*.whl"))


def build_base(project: Path) -> Path:
    """The runtime without the project's own wheel."""
    info = _pyodide_info()
    wheels = download(project, "requirements-browser.txt")

    def compile_base(folder: Path) -> None:
        logger.info("compiling the browser's Python: once, about half a minute")
        with TemporaryDirectory() as scratch:
            archives = Path(scratch)
            _trim(PYODIDE / LIBRARY, archives / LIBRARY)
            for wheel in wheels.iterdir():
                shutil.copy(wheel, archives)
            # PEP 783 names the platform after the ABI; the lock that npm ships still has the name before it.
            lock = {"info": {**info, "platform": f"pyemscripten_{info['abi_version']}"}, "packages": {}}
            (archives / LOCK).write_text(json.dumps(lock))
            compile_archives(project, archives)
            _restore_sources(archives, wheels)
            runtime: Runtime = {"core": "", "lock": {}, "sizes": {}}
            _place_core(project, archives / LIBRARY, folder, runtime)
            _place_wheels(archives, folder, runtime)

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


def _trim(library: Path, target: Path) -> None:
    """Copy the standard library without what is left out, and with the player's own package."""
    with zipfile.ZipFile(library) as whole, zipfile.ZipFile(target, "w") as trimmed:
        for entry in whole.infolist():
            if not any(fnmatchcase(entry.filename, pattern) for pattern in LEFT_OUT):
                trimmed.writestr(entry, whole.read(entry))
        for module in MODULES:
            trimmed.writestr(zipfile.ZipInfo(f"{PACKAGE}/{module.name}"), module.read_bytes())


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


def _place_core(project: Path, library: Path, folder: Path, runtime: Runtime) -> None:
    """Move Pyodide and its library to where the site serves them."""

    def measure(scratch: Path) -> None:
        (scratch / "sizes.json").write_text(json.dumps(wire_sizes(binaries)))

    binaries = [PYODIDE / name for name in PYODIDE_FILES]
    # The WebAssembly takes a minute to compress.
    inputs = (_pyodide_version(), str(QUALITY), *PYODIDE_FILES)
    measured = cached(project, "pyodide-sizes", [each.encode() for each in inputs], measure)
    files = [*binaries, library]
    runtime["core"] = f"python-{content_hash(*(file.read_bytes() for file in files))}/"
    (folder / runtime["core"]).mkdir()
    wire = [*json.loads((measured / "sizes.json").read_text()), *wire_sizes([library])]
    for file, size in zip(files, wire, strict=True):
        _place(file, runtime["core"] + file.name, size, folder, runtime)


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
    (folder / DESCRIPTION).write_text(json.dumps(runtime, indent=2) + "\n")


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
