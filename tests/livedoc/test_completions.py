"""What the editor completes: the public names of a project, read without importing them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from pygments.lexers import PythonLexer
from pygments.token import Name

import coatcheck
from livedoc.completions import Completions, Member, Module, completions
from tests.support.project import PROJECT, write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


PYPROJECT = """\
[tool.hatch.build.targets.wheel]
packages = ["src/wardrobe"]
"""
PACKAGE = {
    "__init__.py": '''
"""Keeps coats."""
from ._rail import Rail
from .coats import Coat, hang
__all__ = ["Coat", "Rail", "hang"]
''',
    "_rail.py": "class Rail:\n    length = 3\n",
    "coats.py": '''
raise RuntimeError("nobody may import this")

class Garment:
    """Anything to wear."""
    def brush(self, times: int = 1) -> None:
        """Brush it.

        Gently.
        """

class Coat(Garment):
    def __init__(self, size: int, *, colour: str = "green") -> None:
        self.size = size
    @property
    def rail(self) -> "Rail | None": ...
    lining: Garment
    def twin(self) -> Coat: ...
    def _tear(self) -> None: ...

async def hang(coat: Coat, /, *hooks: int) -> Coat | None:
    """Hang a coat."""

def unused() -> None: ...
''',
    "testing.py": '''
"""Tries coats on."""
from __future__ import annotations
from typing import TYPE_CHECKING, TypeVar
from .coats import Coat
if TYPE_CHECKING:
    Quiet = Coat
T = TypeVar("T")
LIMIT: int = 3
def a_coat_fits() -> None: ...
def a_coat_is_warm() -> None: ...
CHECKS = (a_coat_fits, a_coat_is_warm)
def try_on(coat: Coat) -> None: ...
def _tailor() -> None: ...
''',
    "_private.py": "SECRET = 1\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, "pyproject.toml", PYPROJECT)
    for name, text in PACKAGE.items():
        write(tmp_path, f"src/wardrobe/{name}", text)
    return tmp_path


def names(members: Sequence[Member]) -> list[str]:
    return [member["name"] for member in members]


def module(found: Completions, name: str) -> Module:
    return next(module for module in found["modules"] if module["name"] == name)


def member(found: Completions, path: str) -> Member:
    """A public name of the package, or of a class in it."""
    members = found["modules"][0]["members"]
    *owners, last = path.split(".")
    for owner in owners:
        members = next(member for member in members if member["name"] == owner)["members"]
    return next(member for member in members if member["name"] == last)


def test_nothing_is_imported(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(project / "src")
    completions(project)
    assert not [name for name in sys.modules if name.partition(".")[0] == "wardrobe"]


def test_a_package_offers_what_it_exports_and_says_what_it_is(project: Path) -> None:
    package = completions(project)["modules"][0]
    assert (package["name"], package["summary"]) == ("wardrobe", "Keeps coats.")
    assert names(package["members"]) == ["Coat", "Rail", "hang"]


def test_a_module_is_public_if_no_other_imports_it_or_it_says_what_it_exports(project: Path) -> None:
    assert [module["name"] for module in completions(project)["modules"]] == ["wardrobe", "wardrobe.testing"]
    with (project / "src" / "wardrobe" / "coats.py").open("a") as file:
        file.write('\n__all__ = ["Garment"]\n')
    found = completions(project)
    assert [module["name"] for module in found["modules"]] == ["wardrobe", "wardrobe.coats", "wardrobe.testing"]
    assert names(module(found, "wardrobe.coats")["members"]) == ["Garment"]


def test_a_module_without_a_list_offers_what_it_defines_to_be_used(project: Path) -> None:
    # Not: what it imports, what only a type checker sees, a type variable, what its CHECKS gather, what is private.
    assert names(module(completions(project), "wardrobe.testing")["members"]) == ["LIMIT", "CHECKS", "try_on"]


@pytest.mark.parametrize(
    ("path", "kind", "signature", "summary"),
    [
        ("Coat", "class", "Coat(size: int, *, colour: str = 'green')", ""),
        ("Rail", "class", "Rail", ""),
        ("hang", "function", "async hang(coat: Coat, /, *hooks: int) -> Coat | None", "Hang a coat."),
        ("Coat.brush", "function", "brush(times: int = 1) -> None", "Brush it."),
        ("Coat.lining", "property", "lining: Garment", ""),
        ("Rail.length", "property", "length", ""),
    ],
)
def test_a_name_says_what_it_is_and_takes_and_does(
    project: Path, path: str, kind: str, signature: str, summary: str
) -> None:
    found = member(completions(project), path)
    assert (found["kind"], found["signature"], found["summary"]) == (kind, signature, summary)


def test_a_class_offers_its_own_public_members_and_the_inherited_ones(project: Path) -> None:
    assert sorted(names(member(completions(project), "Coat")["members"])) == ["brush", "lining", "rail", "size", "twin"]


@pytest.mark.parametrize(
    ("path", "given"), [("hang", "Coat"), ("Coat.rail", "Rail"), ("Coat.brush", None), ("Coat.lining", None)]
)
def test_a_function_names_the_class_that_it_gives(project: Path, path: str, given: str | None) -> None:
    assert member(completions(project), path).get("gives") == given


def test_a_package_that_is_not_there_is_refused_by_its_name(project: Path) -> None:
    (project / "pyproject.toml").write_text(PYPROJECT.replace("wardrobe", "missing"))
    with pytest.raises(ImportError, match="missing"):
        completions(project)


def test_what_needs_no_import_is_what_the_highlighter_knows() -> None:
    python = completions(PROJECT)["python"]
    for kind, token in (("builtins", Name.Builtin), ("exceptions", Name.Exception), ("magic", Name.Function.Magic)):
        for name in python[kind]:  # type: ignore[literal-required]
            assert next(iter(PythonLexer().get_tokens(name))) == (token, name)
    assert {"len", "print"} <= set(python["builtins"])
    assert "KeyError" in python["exceptions"]
    assert "__init__" in python["magic"]
    assert {"async", "match"} <= set(python["keywords"])


def test_this_projects_public_names_are_all_there() -> None:
    found = completions(PROJECT)
    assert [module["name"] for module in found["modules"]] == ["coatcheck", "coatcheck.redis", "coatcheck.testing"]
    assert names(found["modules"][0]["members"]) == coatcheck.__all__
    assert names(module(found, "coatcheck.redis")["members"]) == ["SessionStorageRedis"]
    assert {"CHECKS", "UPDATE_CHECKS"} <= set(names(module(found, "coatcheck.testing")["members"]))
    assert member(found, "current_session").get("gives") == "CurrentSession"
