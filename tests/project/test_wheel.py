"""What `pip install` puts onto a machine: the built wheel, used in an empty folder outside of the project."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

PROJECT = Path(__file__).parents[2]
SNIPPET = PROJECT / "snippets" / "sessions" / "get_set_clear.py"


def done(*command: str | Path, folder: Path, **environment: str) -> str:
    ended = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    done(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, folder=PROJECT)
    [wheel] = folder.glob("*.whl")
    return wheel


def test_the_wheel_has_the_library_with_its_types_and_no_more(wheel: Path) -> None:
    with ZipFile(wheel) as content:
        packages = {name.partition("/")[0] for name in content.namelist()}
        assert "coatcheck/py.typed" in content.namelist()
        [metadata] = (content.read(name).decode() for name in content.namelist() if name.endswith("/METADATA"))
    [version] = re.findall(r"^Version: (.+)$", metadata, re.MULTILINE)
    assert packages == {"coatcheck", f"coatcheck-{version}.dist-info"}
    assert sorted(re.findall(r"^Requires-Dist: (\w+)[^;\n]*$", metadata, re.MULTILINE)) == ["anyio", "msgspec"]


def test_a_snippet_runs_with_the_installed_wheel_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    done(*pip, "--target", installed, wheel, folder=elsewhere)
    script = elsewhere / "try.py"
    script.write_text("import coatcheck\nprint(coatcheck.__file__)\n" + SNIPPET.read_text())
    where, _, printed = done(sys.executable, script, folder=elsewhere, PYTHONPATH=str(installed)).partition("\n")
    assert Path(where).parent == installed / "coatcheck"
    expected = SNIPPET.read_text().partition("# Output:\n")[2]
    assert printed == re.sub(r"^# ?", "", expected, flags=re.MULTILINE)
