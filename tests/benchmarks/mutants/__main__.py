"""Breaks the library in many small ways, one at a time, and says which of them no test notices.

    python tests/benchmarks/mutants [--count 150] [--seed 1] [--only directory]

Each mutant is one change of one expression or statement. It counts as killed if a test of the module fails; one that
hangs fails, after two minutes.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROJECT = Path(__file__).parents[3]
LIBRARY = PROJECT / "src" / "coatcheck"
TIME_LIMIT = 1200  # seconds, where it is not a test that hangs
TESTS = {  # the quickest to notice first
    "argument": ["arguments", "cache", "directory", "memory"],
    "cache": ["cache"],
    "cookies": ["transport", "expiry", "headers", "sessions"],
    "difference": ["round_trip", "serializer"],
    "directory": ["contract", "directory", "retention", "tampering", "faults", "crashes"],
    "duration": ["duration", "memory", "expiry", "retention"],
    "files": ["directory", "contract", "retention", "tampering", "faults", "crashes"],
    "headers": ["transport", "headers", "sessions"],
    "locks": ["locks", "merge", "redis"],
    "log": ["log", "secrets", "tampering"],
    "loop": ["reach", "frameworks"],
    "memory": ["memory", "contract"],
    "provider": [
        "arguments",
        "round_trip",
        "provider",
        "versions",
        "log",
        "sessions",
        "expiry",
        "merge",
        "transport",
        "serializer",
        "response",
        "tampering",
        "interleavings",
    ],
    "record": ["arguments", "expiry", "sessions", "session_properties"],
    "redis": ["redis", "architecture"],
    "request": [
        "reach",
        "save",
        "error_responses",
        "sessions",
        "response",
        "merge",
        "headers",
        "expiry",
        "frameworks",
        "interleavings",
    ],
    "serializer": ["serializer", "merge", "round_trip", "versions"],
    "sessions": ["reach", "error_responses", "sessions", "response", "headers", "frameworks", "merge", "expiry"],
    "simplified": ["contract"],
    "slot": [
        *("save", "error_responses", "sessions", "response", "merge", "headers", "expiry", "log", "versions"),
        *("session_properties", "interleavings"),
    ],
    "steps": ["directory", "contract", "tampering", "faults"],
    "storage": ["contract", "sessions", "redis"],
    "streams": ["streams", "contract"],
    "testing": ["contract", "report"],
    "transport": ["transport", "headers", "sessions"],
}
OPERATORS: dict[type[ast.AST], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
}


@dataclass(frozen=True)
class Mutant:
    module: str
    line: int
    before: str
    after: str
    text: str  # of the whole module

    def __str__(self) -> str:
        return f"{self.module}.py:{self.line}: {self.before} -> {self.after}"


def mutants(module: str) -> Iterator[Mutant]:
    """Yield every change of a module that this file knows how to make."""
    text = (LIBRARY / f"{module}.py").read_text()
    tree = ast.parse(text)
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in _at_run_time(tree):
        for place, after in changes(node):
            begin = starts[place.lineno - 1] + place.col_offset
            end = starts[(place.end_lineno or 0) - 1] + (place.end_col_offset or 0)
            before = text.encode()[begin:end].decode()
            mutated = (text.encode()[:begin] + after.encode() + text.encode()[end:]).decode()
            if ast.dump(ast.parse(mutated)) != ast.dump(tree):
                yield Mutant(module, place.lineno, " ".join(before.split()), after, mutated)


def _at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and _names_type_checking(child.test)):
            yield from _at_run_time(child)


def changes(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:  # noqa: C901 - one case for each kind
    """Yield what can become of a node: the part of the text that goes, and what takes its place."""
    match node:
        case ast.Compare(left, [operator], [right]) if type(operator) in OPERATORS:
            yield node, f"{ast.unparse(left)} {OPERATORS[type(operator)]} {ast.unparse(right)}"
        case ast.BinOp(left, operator, right) if type(operator) in OPERATORS:
            yield node, f"({ast.unparse(left)} {OPERATORS[type(operator)]} {ast.unparse(right)})"
        case ast.BoolOp(operator, [first, *rest]):
            other = " or " if isinstance(operator, ast.And) else " and "
            yield node, f"({other.join(ast.unparse(part) for part in (first, *rest))})"
        case ast.UnaryOp(ast.Not(), operand):
            yield node, ast.unparse(operand)
        case ast.If(test) | ast.IfExp(test) | ast.While(test):
            yield test, f"not ({ast.unparse(test)})"
        case ast.Constant(bool(value)):
            yield node, str(not value)
        case ast.Constant(int(value)):
            yield node, str(value + 1)
        case ast.Return(ast.expr() as value):
            yield value, "None"
        case ast.Assign(value=ast.Call(ast.Name("TypeVar"))):
            return  # for type checkers
        case ast.Raise() | ast.Assign() | ast.AugAssign() | ast.Delete():
            yield node, "pass"
        case ast.Expr(ast.Call() | ast.Await()):
            yield node, "pass"


def _names_type_checking(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def is_killed(mutant: Mutant) -> bool:
    """Whether a test fails with this mutant in the place of its module."""
    return not passes(TESTS[mutant.module], mutant)


def passes(tests: Iterable[str], mutant: Mutant | None = None) -> bool:
    """Whether the tests pass in a copy of the project, with this mutant in it."""
    with tempfile.TemporaryDirectory() as folder:
        for part in ("src/coatcheck", "src/livedoc", "tests", "snippets"):
            ignore = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(PROJECT / part, Path(folder, part), ignore=ignore)
        shutil.copy(PROJECT / "pyproject.toml", folder)
        if mutant is not None:
            Path(folder, "src", "coatcheck", f"{mutant.module}.py").write_text(mutant.text)
        files = [str(file.relative_to(PROJECT)) for name in tests for file in PROJECT.glob(f"tests/*/test_{name}.py")]
        hangs = ("-o", "faulthandler_timeout=120", "-o", "faulthandler_exit_on_timeout=true")
        options = ("-x", "-q", "-p", "no:cacheprovider", "-k", "not trio", *hangs)
        command = [sys.executable, "-m", "pytest", *options, *files]
        environment = os.environ | {"PYTHONPATH": f"{folder}/src", "PYTHONDONTWRITEBYTECODE": "1"}
        with (
            Path(folder, "log").open("wb") as log,
            subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            ) as pytest,
        ):
            try:
                return pytest.wait(TIME_LIMIT) == 0
            except subprocess.TimeoutExpired:
                return False
            finally:
                with suppress(ProcessLookupError):  # a server that pytest did not come to end
                    os.killpg(pytest.pid, signal.SIGKILL)


def main() -> None:
    """Try a sample of all mutants and print those that survive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=TESTS)
    arguments = parser.parse_args()
    every = [mutant for module in TESTS if arguments.only in (None, module) for mutant in mutants(module)]
    some = random.Random(arguments.seed).sample(every, min(arguments.count, len(every)))  # noqa: S311 - no secret
    if not passes(dict.fromkeys(name for mutant in some for name in TESTS[mutant.module])):
        sys.exit("the tests fail as it is: see to them first")
    print(f"{len(some)} of {len(every)} mutants", flush=True)
    killed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutant, dead in zip(some, pool.map(is_killed, some), strict=True):
            killed += dead
            if not dead:
                print(f"survived: {mutant}", flush=True)
    print(f"{killed} of {len(some)} killed ({killed / len(some):.0%})")


if __name__ == "__main__":
    main()
