"""A Markdown twin of each page, for programs that read text, and `llms.txt`, which lists them."""

from __future__ import annotations

import ast
import inspect
import re
from itertools import pairwise
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, NamedTuple

from livedoc.markdown import exchanged, without_steps
from livedoc.snippet import load

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from livedoc.markdown import Embed

# What only a browser shows, and how mkdocstrings and its links are written.
DRAWN = re.compile(r"<svg.*?</svg>", re.DOTALL)
DESCRIBED = re.compile(r"<desc[^>]*>(.*?)</desc>", re.DOTALL)
DOCUMENTED = re.compile(r"^::: ([\w.]+)\n((?: {4}.*\n)*)", re.MULTILINE)
MEMBERS = re.compile(r"members: \[(.*)\]")
ANNOTATION = re.compile(r"(: |-> )'([^']*)'")  # Python has it as a string
ENTITY = re.compile(r"&#(\d+);")  # of the first letter of a figure
CROSS_REFERENCE = re.compile(r"\[([^\]]+)\]\[[\w.]+\]")


class Page(NamedTuple):
    """A page of the site, as its Markdown file has it once its figures are in."""

    uri: str
    """Where its Markdown file is in the docs folder, and its twin in the site."""
    title: str
    description: str
    markdown: str

    @property
    def link(self) -> str:
        """Its line in `llms.txt`."""
        return f"- [{self.title}]({self.uri})" + (f": {self.description}" if self.description else "")


def twin(markdown: str, snippets: Path) -> str:
    """Return a page as text, with the file of each block and what Python objects say of themselves."""
    seen: set[str] = set()

    def with_solution(embed: Embed) -> list[str]:
        solved = ["", "The solution:", "", *in_full(embed.solved)] if embed.solved else []
        return [*in_full(embed), *solved]

    def in_full(embed: Embed) -> list[str]:
        if embed.path in seen:
            return [f"(More of `{embed.path}`, which is above.)"]
        seen.add(embed.path)
        return [f"`{embed.path}`:", "", "```python", *load(snippets, embed.path).script.splitlines(), "```"]

    text = "\n".join(exchanged(without_steps(DRAWN.sub(_description, markdown).split("\n")), with_solution))
    text = ENTITY.sub(lambda letter: chr(int(letter[1])), text)
    return CROSS_REFERENCE.sub(r"\1", DOCUMENTED.sub(_documented, text))


def llms_txt(name: str, description: str, pages: Iterable[Page]) -> str:
    """Return the file that llmstxt.org describes: what the site is, and a link to the twin of each page."""
    return "\n".join([f"# {name}", "", f"> {description}", "", "## Pages", "", *(page.link for page in pages), ""])


def _description(drawing: re.Match[str]) -> str:
    found = DESCRIBED.search(drawing[0])
    return f"Picture: {found[1]}" if found else ""


def _documented(match: re.Match[str]) -> str:
    name, options = match.groups()
    found = resolve_name(name)
    listed = MEMBERS.search(options)
    wanted = [member.strip() for member in listed[1].split(",")] if listed else _public(found)
    members = [(f"{name}.{each}", getattr(found, each)) for each in wanted]
    shown = [(name, found), *(each for each in members if inspect.isroutine(each[1]) or inspect.ismodule(found))]
    return "\n".join(f"{_told(*each)}\n" for each in shown if "members: false" not in options or each[1] is found)


def _public(found: Any) -> list[str]:
    if not inspect.isclass(found):
        return []
    functions = {name: value for name, value in vars(found).items() if inspect.isfunction(value)}
    # As mkdocstrings has it, which shows __init__ with the class.
    special = {name for name, value in functions.items() if name.startswith("__") and value.__doc__} - {"__init__"}
    return [name for name in functions if name in special or not name.startswith("_")]


def _told(name: str, found: Any) -> str:
    is_data = not (inspect.isroutine(found) or inspect.isclass(found) or inspect.ismodule(found))
    has_signature = callable(found) and not is_data and not _is_protocol_or_error(found)
    signature = f"{inspect.signature(found)}" if has_signature else ""
    text = _beside(name) if is_data else inspect.getdoc(found)
    signature = ANNOTATION.sub(r"\1\2", signature)
    return f"### `{name}{signature}` {{ #{name} }}\n\n{text or ''}\n"


def _beside(name: str) -> str | None:
    """The text below some data in its module: at run time, data has only the docstring of its type."""
    module, _, attribute = name.rpartition(".")
    statements = ast.parse(inspect.getsource(resolve_name(module))).body
    for statement, after in pairwise(statements):
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(after, ast.Expr):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if any(isinstance(target, ast.Name) and target.id == attribute for target in targets):
                return inspect.cleandoc(ast.literal_eval(after.value))
    return None


def _is_protocol_or_error(found: Any) -> bool:
    return inspect.isclass(found) and (getattr(found, "_is_protocol", False) or issubclass(found, BaseException))
