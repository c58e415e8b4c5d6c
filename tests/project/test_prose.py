"""The words of the pages and of the library: what can be checked of how they read."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
PAGES = [*sorted(PROJECT.glob("docs/**/*.md")), *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md"))]
CODE = [*sorted(PROJECT.glob("src/coatcheck/*.py")), *sorted(PROJECT.glob("snippets/**/*.py"))]
LONGEST_HEADING = 60  # characters: a search result shows it on one line


class Rule(NamedTuple):
    """A pattern of what is refused, what to write, and an example of each."""

    pattern: str
    fix: str
    refused: str
    fine: str


RULES = {
    "an actor": Rule(
        r"(?:^|[.!?]\s+)(?:\*\*)?(?:What|Who|Whoever|Whatever)\b[^.?!:]*\.(?=\s|$)",
        "name the actor: 'The storage deletes…', 'You…'",
        "What nobody uses is deleted.",
        "What is a session? The storage deletes what nobody uses.",
    ),
    "a plain negation": Rule(
        r"(?i)(?<!there )\b(?:is|are|was|were) no (?!longer\b|more\b|less\b|need\b|fewer\b)\w+",
        "write \"isn't\" or 'must be'",
        "An int is no timedelta.",
        "There is no session, and it is no longer stored.",
    ),
    "a word that people say": Rule(
        r"(?i)\b(?:meanwhile|anew|aloud|any more(?! than)|whatever|whoever|for ever|so that)\b",
        "leave it out, or say it in other words",
        "The session is stored anew.",
        "The session is stored again, and no more than once.",
    ),
    "the field's word": Rule(
        r"(?i)\b(?:ticket|cloakroom|hands? out (?:an? )?(?:id|cookie)|promised output)\b",
        "say 'session id', 'sets the cookie', 'expected output'",
        "The client gets a ticket.",
        "The client gets a session id.",
    ),
    "British spelling": Rule(
        r"(?i)\b(?:behaviors?|colors?|favorites?|centers?|cancel(?:ed|ing)|gray|labeled|modeling|licenses?"
        r"|(?!size|prize|seize|resize|serializer)\w+iz(?:es?|ed|ing|ations?))\b",
        "spell it as in 'behaviour', 'cancelled', 'serialise'",
        "It was canceled while it serialized.",
        "It was cancelled while the serializer resized it.",
    ),
}
COAT = ("docs/index.md", "README.md", "snippets/index/")  # the coat and the ticket live here


class Paragraph(NamedTuple):
    """Some prose, without code and the addresses of links, and where it starts."""

    place: str
    text: str


def prose(text: str) -> str:
    """Return Markdown without code, front matter, addresses and what a build puts in. Lines stay where they are."""
    for pattern in (
        r"\A---\n.*?\n---\n",
        r"^ *(`{3,}|~{3,}).*?^ *\1 *$",
        r"<!--.*?-->|<svg.*?</svg>|<code>.*?</code>|<[^<>]+>",
        r"^\[[^\]]+\]: .*?$",
        r"^ *(?:::: .*|:::.*|options:|members:.*|merge_init_into_class:.*)$",
    ):
        text = re.sub(pattern, lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"\{\{.*?\}\}", "N", text, flags=re.DOTALL)
    text = re.sub(r"(`+)(?!`).*?\1", lambda match: "c" + "\n" * match[0].count("\n"), text, flags=re.DOTALL)
    return re.sub(r"\]\([^)]*\)|\]\[[^\]]*\]|\{[^{}]*\}", "]", text)


def paragraphs(place: str, text: str, line: int = 1) -> Iterator[Paragraph]:
    for part in re.split(r"(?<=\n)(?=\s*\n|\s*(?:[-*]|\d+\.) |#|\s*\||\s*!!!|\s*[\w.]+:\s)", prose(text)):
        if part.strip():
            yield Paragraph(f"{place}:{line + part[: len(part) - len(part.lstrip())].count(chr(10))}", part.strip())
        line += part.count("\n")


def of_code(file: Path) -> Iterator[Paragraph]:
    """The docstrings and the comments of a module, but not a snippet's output."""
    source, place = file.read_text().partition("\n# Output")[0], str(file.relative_to(PROJECT))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(value := first.value, ast.Constant):
                yield from paragraphs(place, str(value.value), first.lineno)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith(("# type:", "# noqa", "# ruff:")):
            yield Paragraph(f"{place}:{token.start[0]}", prose(token.string.removeprefix("#").partition("# noqa")[0]))


def everything() -> Iterator[Paragraph]:
    for file in PAGES:
        yield from paragraphs(str(file.relative_to(PROJECT)), file.read_text())
    for file in CODE:
        yield from of_code(file)


@pytest.mark.parametrize("name", RULES)
def test_the_words_follow_the_rules(name: str) -> None:
    rule = RULES[name]
    found = [
        f"{each.place}: {match[0].strip()!r}"
        for each in everything()
        for match in re.finditer(rule.pattern, each.text)
        if name != "the field's word" or not each.place.startswith(COAT)
    ]
    assert found == [], rule.fix


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_refuses_its_example_and_no_more(rule: Rule) -> None:
    assert re.search(rule.pattern, rule.refused)
    assert not re.search(rule.pattern, rule.fine)


def splices(text: str) -> int:
    """How many times a sentence goes on after a colon or semicolon."""
    text = re.sub(r"\A(?:!!! .*|[\w.]+(?:, [\w.]+)*:)", "", text)  # a title, or the name of an argument
    text = re.sub(r"(?<=\s)c: ", "", text)  # `None`: and what it stands for
    return len(re.findall(r"[\w`\])'\"][:;]\s+[\w`(\[\"']", text))


def test_a_paragraph_has_one_colon_or_semicolon_at_most() -> None:
    found = [f"{each.place}: {each.text!r}" for each in everything() if splices(each.text) > 1 and "|" not in each.text]
    assert found == [], "make it two sentences"


def test_colons_and_semicolons_are_counted() -> None:
    assert splices("One thing: another; a third.") == 2
    assert splices(prose("One thing, `a: b`. At 12:30, see https://example.org")) == 0
    assert splices("max_age: How long. " + prose("`None`: no limit")) == 0


def test_a_heading_fits_on_a_line_of_search_results() -> None:
    headings = [
        (each.place, heading)
        for file in PAGES
        for each in paragraphs(str(file.relative_to(PROJECT)), file.read_text())
        for heading in re.findall(r"^#+ +(.+)", each.text)
    ]
    assert len(headings) > 100
    assert [each for each in headings if len(each[1]) > LONGEST_HEADING] == []
