"""What a block shows of a snippet, what it leaves out, and the words for that."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from livedoc.snippet import SnippetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from livedoc.snippet import Section, Snippet

MOST_WORDS = 4
PRINTER = re.compile(r"p?print|pp|(__)?stdout(__)?")


@dataclass(frozen=True)
class Piece:
    """Lines of a script that stand together, from `first` to `last`, counted from 1 and both included."""

    first: int
    last: int
    left_out: str
    """What they are, if the block leaves them out: "imports, Visit and page". Empty: it shows them."""


@dataclass(frozen=True)
class Excerpt:
    """What a block shows of a snippet: some of its sections, or all of it up to its output."""

    names: tuple[str, ...]
    """The sections. None: the whole script."""
    indent: int
    """The leading spaces that all shown lines share."""
    pieces: tuple[Piece, ...]
    """In order, and together the script up to its output."""

    @property
    def shown(self) -> list[Piece]:
        """The pieces that the block shows without being asked."""
        return [piece for piece in self.pieces if not piece.left_out]


def excerpt(snippet: Snippet, names: Sequence[str]) -> Excerpt:
    """What a block shows that embeds the sections `names`, or for none of them the whole script.

    Raises:
        SnippetError: there is no such section, or they are not in the order of the file.
    """
    sections = [snippet.section(name) for name in names] or [snippet.section(None)]
    for before, after in pairwise(sections):
        if after.first <= before.last:
            fix = "embed sections in the order of the file, and none that is inside another"
            raise SnippetError(snippet.path, None, f"section `{after.name}` does not come after `{before.name}`", fix)
    indent = min(section.indent for section in sections)
    return Excerpt(tuple(names), indent, tuple(_pieces(snippet, sections)))


def check_prints(snippet: Snippet, excerpts: Iterable[Excerpt]) -> None:
    """Refuse a snippet that prints where no reader sees it, if a page shows these excerpts of it.

    Raises:
        SnippetError: it does.
    """
    shown = {line for excerpt in excerpts for piece in excerpt.shown for line in range(piece.first, piece.last + 1)}
    for node in _printing(ast.parse(snippet.script)):
        if not shown.issuperset(range(node.lineno, (node.end_lineno or node.lineno) + 1)):
            rule = f"`{ast.unparse(node)}` prints, and the page doesn't show it"
            fix = "put it into a section, and embed that too"
            raise SnippetError(snippet.path, snippet.numbers[node.lineno - 1], rule, fix)


def _pieces(snippet: Snippet, sections: list[Section]) -> Iterator[Piece]:
    lines = snippet.script.split("\n")
    tree = ast.parse(snippet.script)
    after = 1
    for first, last in _runs(lines, sections):
        if after < first:
            yield Piece(after, first - 1, _words(tree, after, first - 1))
        yield Piece(first, last, "")
        after = last + 1
    last = snippet.section(None).last
    if after <= last:
        yield Piece(after, last, _words(tree, after, last))


def _runs(lines: list[str], sections: list[Section]) -> list[tuple[int, int]]:
    """The first and the last line of each section, or of several with nothing but empty lines between them."""
    runs: list[tuple[int, int]] = []
    for section in sections:
        if runs and not any(line.strip() for line in lines[runs[-1][1] : section.first - 1]):
            runs[-1] = runs[-1][0], section.last
        else:
            runs.append((section.first, section.last))
    return runs


def _words(tree: ast.Module, first: int, last: int) -> str:
    """What the lines from `first` to `last` hold, in a few words."""
    nodes = [node for node in tree.body[1:] if _start(node) <= last and first <= _end(node)]
    words = list(dict.fromkeys(_name(node, first, last, tree.body[-1]) for node in nodes))
    if not words:
        return "the title" if first == 1 else "comments"
    if len(words) > MOST_WORDS:
        words[MOST_WORDS - 1 :] = [f"{len(words) - MOST_WORDS + 1} more"]
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def _start(node: ast.stmt) -> int:
    """The line of its first decorator, or its own."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _name(node: ast.stmt, first: int, last: int, guard: ast.stmt) -> str:
    if node is guard:
        return "the call of main"
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            begins, ends = first <= _start(node), _end(node) <= last
            part = "" if begins and ends else "the start of " if begins else "the end of " if ends else "part of "
            return part + node.name
        case ast.Assign(targets=[target, *_]) | ast.AnnAssign(target=target):
            return ast.unparse(target)
        case ast.Expr(value=ast.Call(func=called)):
            return ast.unparse(called)
    inner = node.body if isinstance(node, ast.If) else [node]  # if TYPE_CHECKING
    return "imports" if all(isinstance(each, ast.Import | ast.ImportFrom) for each in inner) else "more code"


def _printing(tree: ast.Module) -> Iterator[ast.expr]:
    """What prints: a call, or what is handed on to be called."""
    calls: dict[int, ast.expr] = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if PRINTER.fullmatch(name):
                yield calls.get(id(node), node)
