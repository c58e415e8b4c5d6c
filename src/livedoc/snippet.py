"""What a snippet is: one script in one file, with a title, named sections and its expected output."""

from __future__ import annotations

import ast
import importlib.util
import keyword
import re
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

from livedoc.player.python.control import control_on, fits
from livedoc.player.python.store import WATCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from livedoc.player.python.control import Control, Value

MOST_LINES = 40
WIDEST_LINE = 92
"""In characters: what a block, or its editor with its line numbers, shows at 1280 px without scrolling."""
APP = "app"
LABEL = "# Output:"
FURTHER = re.compile(r"# Output, (?P<when>\S.*):")
GUARD = "if __name__ == '__main__':\n    asyncio.run(main())"
MARKER = re.compile(r" *# --8<-- \[(?P<kind>start|end):(?P<name>[^\]]*)\]")
ANY_MARKER = re.compile(r"-+8<-+")
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
NEEDS = re.compile(rf"# Needs: (?P<name>{NAME.pattern})")
ANY_NEEDS = re.compile(r"\s*#\s*needs\s*:", re.IGNORECASE)
ANY_CONTROL = re.compile(r"\s*#\s*controls?\s*:", re.IGNORECASE)
CONTROL_FORMS = '`# Control: now 0..3600 s`, `# Control: now 0..28800 by 600 s` or `# Control: order "1122"`'
ANY_WATCH = re.compile(r"\s*#\s*watch(es)?\s*:", re.IGNORECASE)


class SnippetError(ValueError):
    """A snippet breaks a rule; the message names the file, the line, the rule and the fix."""

    def __init__(self, path: str, line: int | None, rule: str, fix: str) -> None:
        place = f"snippets/{path}" if line is None else f"snippets/{path}:{line}"
        super().__init__(f"{place}: {rule}: {fix}")


@dataclass(frozen=True)
class Section:
    """Some lines of a script, from `first` to `last`, counted from 1 and both included."""

    name: str
    first: int
    last: int
    indent: int
    """The leading spaces that all its lines share."""
    code: str
    """The lines without those spaces."""


@dataclass(frozen=True)
class Output:
    """A further output that is right: what a reader's own program may print."""

    when: str
    """What the reader has done: "with the mistake corrected"."""
    text: str


@dataclass(frozen=True)
class Snippet:
    """A script that runs as it stands, and what is known about it."""

    path: str
    """Where it is in the snippets folder, with forward slashes."""
    title: str
    """Its docstring without the full stop."""
    script: str
    """The whole file as a reader copies it: without section markers, with the output block."""
    sections: Mapping[str, Section]
    output: str
    """What it is expected to print, character for character."""
    further: tuple[Output, ...]
    needs: tuple[str, ...]
    """What must be there to run it. Nothing: it runs in a browser."""
    numbers: tuple[int, ...]
    """Where each line of the code stands in the file, which has section markers too."""
    has_app: bool
    """Whether the module has an `app`, which a server can import."""
    watches: tuple[str, ...]
    """The expressions that are shown beside that app, after each request."""
    controls: tuple[Control, ...]
    """The names that a reader of that app can set, with their values."""

    def section(self, name: str | None) -> Section:
        """The section `name`, or for `None` the whole script up to its output.

        Raises:
            SnippetError: there is no such section.
        """
        if name is None:
            lines = self.script.split("\n")
            return _section("", lines, 1, _label(lines))
        if name not in self.sections:
            fix = _suggest(name, list(self.sections)) or "this snippet has no sections, embed the whole file"
            raise SnippetError(self.path, None, f"there is no section `{name}`", fix)
        return self.sections[name]


def paths(folder: Path) -> list[str]:
    """The path of every snippet in `folder`, sorted."""
    files = (file.relative_to(folder) for file in folder.rglob("*.py"))
    return sorted(file.as_posix() for file in files if file.name not in ("conftest.py", "__init__.py"))


def load(folder: Path, path: str) -> Snippet:
    """The snippet at `path` in `folder`.

    Raises:
        SnippetError: it is not there, or breaks a rule.
    """
    return parse(read(folder, path), path, folder)


def read(folder: Path, path: str) -> str:
    """The text of the snippet at `path` in `folder`.

    Raises:
        SnippetError: it is not there, or is not UTF-8.
    """
    known = paths(folder)
    if path not in known:
        raise SnippetError(path, None, "there is no such file", _suggest(path, known) or f"add it to {folder.name}/")
    try:
        return (folder / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SnippetError(path, None, "the file is not UTF-8", "save it as UTF-8") from None


def parse(text: str, path: str, folder: Path | None = None) -> Snippet:
    """The snippet that `text` is.

    `folder` is where the file lies: with it on the import path, the file may be found under its own name.

    Raises:
        SnippetError: `text` or its file name breaks a rule.
    """
    _check_file_name(path, folder)
    tree = _tree(text, path)
    title = _title(tree, path)
    lines = text.removesuffix("\n").split("\n")
    output, *further = _outputs(lines, path)
    code, block = lines[: _label(lines)], lines[_label(lines) :]
    _check_imports(tree, path)
    _check_program(tree, path)
    _check_length(lines, tree, path)
    _check_width(code, path)
    script, sections, numbers = _cut(code, path)
    needs = tuple(_needs(code, path))
    has_app = _has_app(tree)
    watches = tuple(_watches(code, path, has_app=has_app))
    whole = "\n".join([*script, *block, ""])
    controls = tuple(_controls(code, path, tree, has_app=has_app))
    return Snippet(
        path, title, whole, sections, output.text, tuple(further), needs, tuple(numbers), has_app, watches, controls
    )


def with_output(text: str, output: str) -> str:
    """`text` with `output` as its expected output, in place of any earlier one.

    Raises:
        ValueError: no block of comments can hold `output`.
    """
    if not output.endswith("\n"):
        raise ValueError("what the script prints does not end in a newline: end with print()")
    if "\r" in output or "\0" in output:
        raise ValueError("the script prints a carriage return or a null character: print lines of plain text")
    lines = text.rstrip("\n").split("\n")
    if LABEL not in lines:
        lines += ["", LABEL]
    after = first = _label(lines) + 1
    while after < len(lines) and lines[after].startswith("#"):
        after += 1
    block = [f"# {line}" if line else "#" for line in output.removesuffix("\n").split("\n")]
    return "\n".join([*lines[:first], *block, *lines[after:], ""])


def _suggest(wanted: str, known: list[str]) -> str:
    near = get_close_matches(wanted, known, cutoff=0.5) or sorted(known)[:5]
    return f"did you mean {' or '.join(near)}?" if near else ""


def _check_file_name(path: str, folder: Path | None) -> None:
    name = PurePosixPath(path).stem
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        fix = "use lower-case words joined by underscores, such as memory_storage.py"
        raise SnippetError(path, 1, f"`{name}` cannot be the name of a module", fix)
    taken = _importable(name, folder)
    if taken:
        fix = f"a copy of this file would hide it; rename the file, for example to {name}_example.py"
        raise SnippetError(path, 1, f"`{name}` can be imported already, from {taken}", fix)


def _importable(name: str, folder: Path | None) -> str | None:
    """Where `import name` leads outside `folder`."""
    if name in sys.stdlib_module_names:
        return "the standard library"
    spec = importlib.util.find_spec(name)
    # A folder on the import path that only happens to have this name has no origin.
    if spec is None or spec.origin is None:
        return None
    if folder is not None and Path(spec.origin).resolve().is_relative_to(folder.resolve()):
        return None
    return spec.origin


def _tree(text: str, path: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise SnippetError(path, error.lineno or 1, "this is not Python", f"{error.msg}") from None


def _title(tree: ast.Module, path: str) -> str:
    fix = 'begin the file with a line such as """Keep sessions in memory."""'
    title = ast.get_docstring(tree, clean=False)
    if title is None or tree.body[0].lineno != 1:
        raise SnippetError(path, 1, "the first line is not a docstring", fix)
    if tree.body[0].end_lineno != 1 or "\n" in title:
        raise SnippetError(path, 1, "the docstring has more than one line", fix)
    if not title.endswith(".") or not title[:-1].strip():
        raise SnippetError(path, 1, "the docstring is not a sentence with a full stop at its end", fix)
    return title.removesuffix(".").strip()


def _label(lines: list[str]) -> int:
    return lines.index(LABEL)


def _outputs(lines: list[str], path: str) -> Iterator[Output]:
    """The expected output, and then the further ones."""
    if LABEL not in lines:
        fix = f"end the file with `{LABEL}` and run pytest snippets --update-output"
        raise SnippetError(path, len(lines), f"there is no `{LABEL}` block", fix)
    labels = [_label(lines)]
    labels += [number for number in range(labels[0] + 1, len(lines)) if _is_further(lines, number)]
    for label, after in zip(labels, [*labels[1:], None], strict=True):
        end = len(lines) if after is None else after - 1
        further = FURTHER.fullmatch(lines[label])
        yield Output(further["when"] if further else "", _commented(lines, label + 1, end, path))


def _is_further(lines: list[str], number: int) -> bool:
    """Whether a further output begins here: only after an empty line, which no output has."""
    return not lines[number - 1] and FURTHER.fullmatch(lines[number]) is not None


def _commented(lines: list[str], first: int, end: int, path: str) -> str:
    for number, line in enumerate(lines[first:end], first + 1):
        if line != "#" and not line.startswith("# "):
            fix = (
                "each line of it is `# ` and what is printed (`#` for an empty line), and the file ends with it,"
                " or with further outputs, each after an empty line and `# Output, with the mistake corrected:`"
            )
            raise SnippetError(path, number, "this is not part of the output block", fix)
    if first == end:
        fix = "print what the reader shall see, and run pytest snippets --update-output"
        raise SnippetError(path, end, "the output block is empty", fix)
    return "".join(f"{line[2:]}\n" for line in lines[first:end])


def _check_imports(tree: ast.Module, path: str) -> None:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if isinstance(node, ast.ImportFrom) and node.level:
            raise SnippetError(path, node.lineno, "a relative import", "a snippet is copied alone; import by full name")
        for name in [module, *(alias.name for alias in node.names)]:
            if name != "__future__" and any(part.startswith("_") for part in name.split(".")):
                raise SnippetError(path, node.lineno, f"`{name}` is private", "import public names only")


def _check_program(tree: ast.Module, path: str) -> None:
    if not any(_is_main(node) for node in tree.body):
        fix = "put what the snippet does into that function"
        raise SnippetError(path, 1, "there is no `async def main() -> None`", fix)
    if ast.unparse(tree.body[-1]) != GUARD:
        fix = 'end the code with `if __name__ == "__main__":` and `asyncio.run(main())` below it'
        raise SnippetError(path, tree.body[-1].lineno, "the last statement does not run main", fix)


def _has_app(tree: ast.Module) -> bool:
    """Whether a statement outside functions and classes binds the name `app`."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name == APP:
                return True
        elif any(
            isinstance(part, ast.Name) and part.id == APP and isinstance(part.ctx, ast.Store) for part in ast.walk(node)
        ):
            return True
    return False


def _is_main(node: ast.stmt) -> bool:
    if not isinstance(node, ast.AsyncFunctionDef) or node.name != "main":
        return False
    return not ast.unparse(node.args) and isinstance(node.returns, ast.Constant) and node.returns.value is None


def _check_length(lines: list[str], tree: ast.Module, path: str) -> None:
    imports = {
        number
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    code = {number for number, line in enumerate(lines[: _label(lines)], 1) if line.strip() and not MARKER.match(line)}
    count = len(code - imports - {1})  # nor the docstring
    if count > MOST_LINES:
        rule = f"{count} lines of code without its imports, more than {MOST_LINES}"
        raise SnippetError(path, 1, rule, "make it two snippets, or show less")


def _check_width(code: list[str], path: str) -> None:
    for number, line in enumerate(code, 1):
        if len(line) > WIDEST_LINE:
            rule = f"{len(line)} characters, more than the {WIDEST_LINE} that a block shows"
            raise SnippetError(
                path, number, rule, "break the line: `ruff format` does so with code, and leaves strings as they are"
            )


def _needs(code: list[str], path: str) -> Iterator[str]:
    for number, line in enumerate(code, 1):
        if need := NEEDS.fullmatch(line):
            yield need["name"]
        elif ANY_NEEDS.match(line):
            fix = "write one need a line, unindented, such as `# Needs: redis`"
            raise SnippetError(path, number, "this line of needs is not understood", fix)


def _watches(code: list[str], path: str, *, has_app: bool) -> Iterator[str]:
    for number, line in enumerate(code, 1):
        watch = WATCH.fullmatch(line)
        if not watch:
            if ANY_WATCH.match(line):
                fix = "write one expression a line, unindented, such as `# Watch: storage.sessions`"
                raise SnippetError(path, number, "this line of what to watch is not understood", fix)
            continue
        expression = watch["expression"]
        try:
            ast.parse(expression, mode="eval")
        except SyntaxError as error:
            raise SnippetError(path, number, f"`{expression}` is not an expression", str(error.msg)) from None
        if not has_app:
            fix = f"values are shown after each request: give the module an `{APP}`, or remove the line"
            raise SnippetError(path, number, "there is no app whose values could be watched", fix)
        yield expression


def _controls(code: list[str], path: str, tree: ast.Module, *, has_app: bool) -> Iterator[Control]:
    values = dict(_constants(tree))
    names: list[str] = []
    for number, line in enumerate(code, 1):
        control = control_on(line)
        if not control:
            if ANY_CONTROL.match(line):
                fix = f"write one name a line, unindented, such as {CONTROL_FORMS}"
                raise SnippetError(path, number, "this line of what to control is not understood", fix)
            continue
        name, offered, value = control.name, control.range, values.get(control.name)
        if not has_app:
            fix = f"a control acts on requests: give the module an `{APP}`, or remove the line"
            raise SnippetError(path, number, "there is no app whose values could be set", fix)
        if name in names:
            raise SnippetError(path, number, f"there are two controls `{name}`", "remove one of the lines")
        if not fits(control, value):
            kind, example = ("number", offered.low) if offered else ("string", f'"{control.value}"')
            near = get_close_matches(name, [each for each in values if fits(control, values[each])], n=1)
            fix = f"did you mean {near[0]}?" if near else f"write `{name} = {example}` at its top level"
            raise SnippetError(path, number, f"the module sets no {kind} `{name}`", fix)
        if offered is None and value != control.value:
            fix = f'write `# Control: {name} "{value}"`'
            raise SnippetError(path, number, f"the module sets `{name}` to another string", fix)
        if offered and (offered.low >= offered.high or not 0 < offered.step <= offered.high - offered.low):
            fix = f"begin with the lower number and step by less than the range, such as {CONTROL_FORMS}"
            raise SnippetError(path, number, f"no number can be set from {offered.low} to {offered.high}", fix)
        if offered and not offered.low <= cast("float", value) <= offered.high:
            fix = "widen the range, or begin with a number in it"
            raise SnippetError(path, number, f"the module sets `{name}` to {value}, which is out of the range", fix)
        names.append(name)
        yield control._replace(value=cast("Value", value))


def _constants(tree: ast.Module) -> Iterator[tuple[str, object]]:
    """The names that statements outside functions and classes set to a number or a string that stands there."""
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        try:
            constant = ast.literal_eval(value) if value else None
        except ValueError:
            continue
        yield from ((target.id, constant) for target in targets if isinstance(target, ast.Name))


@dataclass(frozen=True)
class _Opened:
    name: str
    line: int
    first: int


def _cut(code: list[str], path: str) -> tuple[list[str], dict[str, Section], list[int]]:
    """The lines of `code` without its section markers, the sections that they mark, and where the lines stand in it."""
    script: list[str] = []
    numbers: list[int] = []
    opened: list[_Opened] = []
    sections: dict[str, Section] = {}
    surplus = 0
    for number, line in enumerate(code, 1):
        if ANY_MARKER.search(line):
            kind, name = _marker(line, number, path)
            if kind == "start":
                _check_new(name, number, opened, sections, path)
                opened.append(_Opened(name, number, len(script) + 1))
            else:
                start = _close(name, number, opened, path)
                if not any(inside.strip() for inside in script[start.first - 1 :]):
                    raise SnippetError(path, start.line, f"section `{name}` is empty", "put lines into it or remove it")
                sections[name] = _section(name, script, start.first, len(script))
            # The blank lines on both sides of a marker become neighbours: keep the longer run of the two.
            surplus = _blank_lines_at_end(script)
        elif surplus and not line.strip():
            surplus -= 1
        else:
            surplus = 0
            script.append(line)
            numbers.append(number)
    if opened:
        start = opened[-1]
        raise SnippetError(path, start.line, f"section `{start.name}` never ends", f"add `# --8<-- [end:{start.name}]`")
    return script, sections, numbers


def _marker(line: str, number: int, path: str) -> tuple[str, str]:
    marker = MARKER.fullmatch(line)
    if marker is None:
        fix = "write `# --8<-- [start:name]` or `# --8<-- [end:name]` on a line of its own"
        raise SnippetError(path, number, "this section marker is not understood", fix)
    if not NAME.fullmatch(marker["name"]):
        fix = "use lower-case words joined by hyphens, such as `write-and-read`"
        raise SnippetError(path, number, f"`{marker['name']}` cannot be the name of a section", fix)
    return marker["kind"], marker["name"]


def _check_new(name: str, number: int, opened: list[_Opened], sections: Mapping[str, Section], path: str) -> None:
    if name in sections or any(start.name == name for start in opened):
        raise SnippetError(path, number, f"there are two sections `{name}`", "give each a name of its own")


def _close(name: str, number: int, opened: list[_Opened], path: str) -> _Opened:
    if all(start.name != name for start in opened):
        fix = f"add `# --8<-- [start:{name}]` above it, or remove it"
        raise SnippetError(path, number, f"section `{name}` ends but is not open", fix)
    inner = opened.pop()
    if inner.name != name:
        fix = f"end `{inner.name}` first: sections may contain each other, not overlap"
        raise SnippetError(path, number, f"section `{name}` ends inside `{inner.name}`", fix)
    return inner


def _blank_lines_at_end(lines: list[str]) -> int:
    count = 0
    while count < len(lines) and not lines[-1 - count].strip():
        count += 1
    return count


def _section(name: str, script: list[str], first: int, last: int) -> Section:
    """Lines `first` to `last` of `script`, less the blank lines at either end."""
    while not script[first - 1].strip():
        first += 1
    while not script[last - 1].strip():
        last -= 1
    lines = script[first - 1 : last]
    indent = min(len(line) - len(line.lstrip(" ")) for line in lines if line.strip())
    return Section(name, first, last, indent, "".join(f"{line[indent:]}\n" for line in lines))
