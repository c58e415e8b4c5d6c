"""The names that the editor completes: a project's public ones with what they take and say, and Python's."""

from __future__ import annotations

import keyword
import tomllib
from typing import TYPE_CHECKING, NotRequired, TypedDict

import griffe
from pygments.lexer import words
from pygments.lexers import PythonLexer
from pygments.token import string_to_tokentype

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Member(TypedDict):
    """A public name of a module or of a class."""

    name: str
    kind: str
    """`class`, `function`, `property` or `constant`."""
    signature: str
    """With the name: `async read(id: str, /) -> bytes`."""
    summary: str
    """The first line of the docstring."""
    gives: NotRequired[str]
    """The project's class whose object a function returns or a property holds."""
    members: NotRequired[list[Member]]
    """What an object of the class has."""


class Module(TypedDict):
    """A module that readers import from."""

    name: str
    summary: str
    members: list[Member]


class PythonNames(TypedDict):
    """What needs no import: as the highlighted code of a page knows it, so that an editor can agree with it."""

    keywords: list[str]
    builtins: list[str]
    exceptions: list[str]
    magic: list[str]


class Completions(TypedDict):
    """What the editor is built with."""

    modules: list[Module]
    python: PythonNames


def completions(project: Path) -> Completions:
    """The public names of the packages in the project's wheel, read without importing them, and Python's."""
    with (project / "pyproject.toml").open("rb") as file:
        wheel = tomllib.load(file)["tool"]["hatch"]["build"]["targets"]["wheel"]
    packages = [_load(project / folder) for folder in wheel["packages"]]
    modules = [module for package in packages for module in _public_modules(package)]
    classes = {member.name for module in modules for member in _public(module) if member.is_class}
    return {"modules": [_module(module, classes) for module in modules], "python": _python_names()}


def _load(folder: Path) -> griffe.Module:
    loaded = griffe.load(folder.name, search_paths=[folder.parent], allow_inspection=False)
    if not isinstance(loaded, griffe.Module):
        raise TypeError(f"{folder} is no package: correct tool.hatch.build.targets.wheel.packages in pyproject.toml")
    return loaded


def _public_modules(package: griffe.Module) -> Iterator[griffe.Module]:
    """The package, and its modules that declare what they export or that none of the others imports."""
    modules = list(_walk(package))
    imported = {path for module in modules for path in _imports(module)}
    for module in modules:
        private = "._" in module.path or module.path in imported
        if module is package or module.exports is not None or not private:
            yield module


def _walk(module: griffe.Module) -> Iterator[griffe.Module]:
    yield module
    for _, inner in sorted(module.modules.items()):
        yield from _walk(inner)


def _imports(module: griffe.Module) -> Iterator[str]:
    """The path of what each import of the module names, and of the module that this is in."""
    for member in module.members.values():
        if isinstance(member, griffe.Alias):
            yield member.target_path
            yield member.target_path.rpartition(".")[0]


def _public(module: griffe.Module) -> list[griffe.Object]:
    """What `__all__` names; without one, what is defined there to be used, and not gathered in a constant."""
    if module.exports is not None:
        return [_target(module.members[str(name)]) for name in module.exports]
    own = [member for member in module.members.values() if isinstance(member, griffe.Object)]
    public = [member for member in own if member.is_public and member.runtime and not _is_type_variable(member)]
    gathered = {name for member in public for name in _gathers(member)}
    return [member for member in public if member.name not in gathered]


def _target(member: griffe.Object | griffe.Alias) -> griffe.Object:
    return member.final_target if isinstance(member, griffe.Alias) else member


def _is_type_variable(member: griffe.Object) -> bool:
    return isinstance(member, griffe.Attribute) and str(member.value).startswith(("TypeVar(", "ParamSpec("))


def _gathers(member: griffe.Object) -> Iterator[str]:
    """The names in a constant that is a tuple or list."""
    if isinstance(member, griffe.Attribute) and isinstance(member.value, griffe.ExprTuple | griffe.ExprList):
        for element in member.value.elements:
            if isinstance(element, griffe.ExprName):
                yield element.name


def _module(module: griffe.Module, classes: set[str]) -> Module:
    members = [_member(member, classes) for member in _public(module) if not member.is_module]
    return {"name": module.path, "summary": _summary(module), "members": members}


def _member(member: griffe.Object, classes: set[str]) -> Member:
    found: Member = {
        "name": member.name,
        "kind": _kind(member),
        "signature": _signature(member),
        "summary": _summary(member),
    }
    given = member.returns if isinstance(member, griffe.Function) else None
    if isinstance(member, griffe.Attribute) and member.parent is not None and member.parent.is_class:
        given = member.annotation
    if isinstance(given, griffe.Expr):
        for part in given.iterate(flat=True):
            if isinstance(part, griffe.ExprName) and part.name in classes:
                found["gives"] = part.name
                break
    if isinstance(member, griffe.Class):
        inner = [_target(inner) for inner in member.all_members.values()]
        found["members"] = [_member(each, classes) for each in inner if not each.name.startswith("_")]
    return found


def _kind(member: griffe.Object) -> str:
    if isinstance(member, griffe.Class | griffe.Function):
        return member.kind.value
    return "property" if member.parent is not None and member.parent.is_class else "constant"


def _signature(member: griffe.Object) -> str:
    if isinstance(member, griffe.Function):
        asynchronous = "async " if "async" in member.labels else ""
        return asynchronous + member.signature(return_type=True)
    if isinstance(member, griffe.Class):
        initialiser = member.all_members.get("__init__")
        called = _target(initialiser) if initialiser is not None else None
        return (
            called.signature(return_type=False, name=member.name)
            if isinstance(called, griffe.Function)
            else member.name
        )
    if isinstance(member, griffe.Attribute) and member.annotation is not None:
        return f"{member.name}: {member.annotation}"
    return member.name


def _summary(member: griffe.Object) -> str:
    return member.docstring.value.partition("\n")[0].strip() if member.docstring else ""


def _python_names() -> PythonNames:
    return {
        "keywords": sorted({*keyword.kwlist, *keyword.softkwlist} - {"_"}),
        "builtins": _pygments_words("Name.Builtin"),
        "exceptions": _pygments_words("Name.Exception"),
        "magic": _pygments_words("Name.Function.Magic"),
    }


def _pygments_words(kind: str) -> list[str]:
    """The names that Pygments colours as a `kind`, wherever they stand."""
    wanted = string_to_tokentype(kind)
    rules = [rule for state in ("builtins", "magicfuncs") for rule in PythonLexer.tokens[state]]
    return [name for names, token in rules if isinstance(names, words) and token is wanted for name in names.words]
