"""A Python-Markdown extension: a fence that embeds a snippet becomes a block that a reader can run, or a laboratory."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markdown import Extension, Markdown
from markdown.extensions.attr_list import get_attrs_and_remainder
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from livedoc import exercise
from livedoc.excerpt import Excerpt, Piece, check_prints, excerpt
from livedoc.snippet import APP, Snippet, SnippetError, load
from livedoc.steps import Step, StepError, parse_step, step_attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from xml.etree.ElementTree import Element

# Embeds are taken before pymdownx.snippets (32) would fill them in. A stashed block cannot be named in the text yet:
# normalize_whitespace (30) removes the characters that mark it. So a mark of our own stands in until that has run,
# and is exchanged before anything reads fences (25).
BEFORE_SNIPPETS = 33
AFTER_NORMALIZE = 29
STAND_IN = "\x01livedoc-{}\x04"
ANY_STAND_IN = re.compile(r"\x01livedoc-(\d+)\x04")
AFTER_ATTRIBUTES = 7  # attr_list (8) has given each step its number
STEP = "data-step"

FENCE = re.compile(r"(?P<margin>[> \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`]*)")
PYTHON = re.compile(r"(python|py)\b.*|\{\s*\.(python|py)\b.*\}\s*")
LAB = "lab"
BROWSERS = "browsers"
BROWSER = re.compile(r"[A-Z][a-z]+")
EMBED = re.compile(r"""\s*-+8<-+[ \t]+(["'])(?P<path>[^"':;]+\.py)(:(?P<section>[^"']*))?\1\s*""")


@dataclass(frozen=True)
class Embed:
    """A fence that embeds a snippet."""

    parts: tuple[tuple[str, str | None], ...]
    """The path and the section of each line. `None`: the whole script."""
    line: int
    """Where the first of them is, counted from 1."""
    attributes: tuple[tuple[str, str], ...] = ()
    """What stands in the braces after the fence's backticks: classes, each after a dot, and names with values."""
    hints: int = 0
    """How many a page has for an exercise."""

    @property
    def is_lab(self) -> bool:
        """Whether the app of the snippet is shown in a laboratory."""
        return (".", LAB) in self.attributes

    @property
    def browsers(self) -> tuple[str, ...]:
        """The names of the laboratory's browsers."""
        return tuple(dict(self.attributes).get(BROWSERS, "").split())

    @property
    def solved(self) -> Embed | None:
        """The solution of an exercise, which shows the same sections."""
        if (".", exercise.CLASS) not in self.attributes:
            return None
        path = dict(self.attributes).get(exercise.SOLUTION, "")
        return Embed(tuple((path, section) for _, section in self.parts), self.line) if path else None

    @property
    def path(self) -> str:
        """Where the snippet is in the snippets folder."""
        return self.parts[0][0]


@dataclass(frozen=True)
class Lesson:
    """A laboratory, and the steps that a page has for it."""

    lab: Embed
    steps: tuple[tuple[int, Step], ...]
    """With the line of each, counted from 1."""


def embeds(markdown_text: str) -> list[Embed]:
    """The runnable blocks that `markdown_text` asks for, in order."""
    found = [fence.embed for fence in _fences(markdown_text.split("\n"))]
    return [each for embed in found for each in (embed, embed.solved) if each]


def lessons(markdown_text: str, folder: Path | None = None) -> list[Lesson]:
    """The laboratories that `markdown_text` asks for, each with the steps between it and the next.

    With the snippets' `folder`, it's also checked that a script has the controls that a step sets.

    Raises:
        StepError: A step breaks a rule.
    """
    found: dict[Embed, list[tuple[int, Step]]] = {embed: [] for embed in embeds(markdown_text) if embed.is_lab}
    for line, lab, attributes in _steps(markdown_text.split("\n")):
        found[_lab_of(lab)].append((line, _step(attributes, lab, folder)))
    return [Lesson(lab, tuple(steps)) for lab, steps in found.items()]


def wrong_steps(markdown_text: str, folder: Path | None = None) -> Iterator[tuple[int, StepError]]:
    """What is wrong with the steps of one page, with the line of each, counted from 1. For `folder` see `lessons`."""
    without_lab = set()
    for line, lab, attributes in _steps(markdown_text.split("\n")):
        try:
            _step(attributes, lab, folder)
        except StepError as error:
            if lab is None or not lab.browsers:
                if lab in without_lab:
                    continue  # once is enough
                without_lab.add(lab)
            yield line, error


def without_steps(lines: list[str]) -> list[str]:
    """`lines` without what they say to the page of a laboratory's steps: a reader's text is above each."""
    about = {line - 1 for line, _, _ in _steps(lines)}
    return [line for index, line in enumerate(lines) if index not in about]


def exchanged(lines: list[str], make: Callable[[Embed], list[str]]) -> list[str]:
    """`lines` with what `make` returns, between empty lines, in place of each fence that embeds a snippet."""
    out: list[str] = []
    done = 0
    for fence in _fences(lines):
        out += [*lines[done : fence.first], "", *(fence.margin + line for line in make(fence.embed)), ""]
        done = fence.after
    return [*out, *lines[done:]]


def problems(found: list[Embed], folder: Path) -> Iterator[tuple[Embed, SnippetError]]:
    """What is wrong with what one page embeds from `folder`."""
    opened: dict[str, list[tuple[Embed, Snippet, Excerpt]]] = {}
    for embed in found:
        try:
            opened.setdefault(embed.path, []).append((embed, *_opened(embed, folder)))
        except SnippetError as error:
            yield embed, error
    for (embed, snippet, first), *others in filter(None, opened.values()):
        try:
            check_prints(snippet, [first, *(other for _, _, other in others)])
        except SnippetError as error:
            yield embed, error


def render(snippet: Snippet, shown: Excerpt, browsers: tuple[str, ...] = (), rules: str = "") -> str:
    """The HTML of a block that shows this much of `snippet`, and of a laboratory with these browsers below it.

    `rules` is where the site explains a check, without the check's name at the end.
    """
    code = "".join(_piece(snippet, shown, piece) for piece in shown.pieces)
    return (
        f'<div class="snippet"{_attributes(snippet, shown, rules)} translate="no">'
        f'<div class="snippet-header"><span class="snippet-title" translate="yes">{escape(snippet.title)}</span>'
        f'<code class="snippet-path">{escape(snippet.path)}</code></div>'
        f'<div class="snippet-code">{code}</div><div class="snippet-output">'
        '<div class="snippet-heading" translate="yes"><span class="snippet-label">Expected output</span></div>'
        # On a narrow screen it may scroll, so the keyboard has to reach it.
        '<pre data-promised tabindex="0" role="group" aria-label="Expected output">'
        f"{_preformatted(snippet.output)}</pre></div>{_rest(snippet, shown)}</div>{_place(snippet, browsers)}"
    )


class SnippetBlocks(Extension):
    """Turns each embedded snippet of a page into a block that a reader can run."""

    def __init__(self, **options: Any) -> None:
        self.config = {
            "base_path": ["snippets", "The folder with the snippets"],
            "rules": ["", "Where the site explains a check, without the check's name: reference/checks/#check-"],
        }
        super().__init__(**options)

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  (Python-Markdown's name)
        """Take embeds before pymdownx.snippets does."""
        blocks: list[str] = []
        render = _Render(md, Path(self.getConfig("base_path")), blocks, self.getConfig("rules"))
        md.preprocessors.register(render, "livedoc", BEFORE_SNIPPETS)
        md.preprocessors.register(_Stash(md, blocks), "livedoc-stash", AFTER_NORMALIZE)
        md.treeprocessors.register(_Steps(md, render.steps), "livedoc-steps", AFTER_ATTRIBUTES)


def makeExtension(**options: Any) -> SnippetBlocks:  # noqa: N802  (Python-Markdown's name)
    """The extension, for `markdown_extensions: [livedoc.markdown]`."""
    return SnippetBlocks(**options)


class _Render(Preprocessor):
    """Renders each embed and leaves a stand-in at its place."""

    def __init__(self, md: Markdown, folder: Path, blocks: list[str], rules: str) -> None:
        super().__init__(md)
        self.folder = folder
        self.rules = rules
        self.blocks = blocks
        self.steps: list[Step] = []

    def run(self, lines: list[str]) -> list[str]:
        self.blocks.clear()
        self.steps.clear()
        lines = lines.copy()
        for line, lab, attributes in _steps(lines):
            self.steps.append(_step(attributes, lab, self.folder))
            margin = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip("> \t"))]
            # Only its number: what it says is no Markdown.
            lines[line - 1] = f'{margin}{{ {STEP}="{len(self.steps)}" }}'
        for _, error in problems(embeds("\n".join(lines)), self.folder):
            raise error
        return exchanged(lines, self._stand_in)

    def _stand_in(self, embed: Embed) -> list[str]:
        self.blocks.append(self._rendered(embed))
        return [STAND_IN.format(len(self.blocks) - 1)]

    def _rendered(self, embed: Embed) -> str:
        snippet, shown = _opened(embed, self.folder)
        block = render(snippet, shown, embed.browsers, self.rules)
        return exercise.render(snippet, block, self._rendered(embed.solved)) if embed.solved else block


class _Stash(Preprocessor):
    """Exchanges each stand-in for the placeholder of its block."""

    def __init__(self, md: Markdown, blocks: list[str]) -> None:
        super().__init__(md)
        self.blocks = blocks

    def run(self, lines: list[str]) -> list[str]:
        return [ANY_STAND_IN.sub(self._placeholder, line) for line in lines]

    def _placeholder(self, stand_in: re.Match[str]) -> str:
        return self.md.htmlStash.store(self.blocks[int(stand_in[1])])


class _Steps(Treeprocessor):
    """Gives each item that is a step what it says, for the page."""

    def __init__(self, md: Markdown, steps: list[Step]) -> None:
        super().__init__(md)
        self.steps = steps

    def run(self, root: Element) -> None:
        items = {item.get(STEP): (ordered, item) for ordered in root.iter("ol") for item in ordered.findall("li")}
        for number, step in enumerate(self.steps, 1):
            if str(number) not in items:
                rule = f"the step that shows `{step.see.text}` is not the last line of an item of an ordered list"
                raise StepError(
                    rule, "write it below the text of an item such as `1. Visit the app.`, indented by three"
                )
            ordered, item = items[str(number)]
            ordered.set("class", "lab-steps")
            for name, value in step.attributes.items():
                item.set(name, value)
            item.set("data-done", "false")


@dataclass(frozen=True)
class _Fence:
    embed: Embed
    margin: str
    first: int
    """The index of the opening line."""
    after: int
    """The index of the line after the closing one."""


def _fences(lines: list[str]) -> Iterator[_Fence]:
    """The fences of `lines` that embed a snippet."""
    for index, closing, opening in _all_fences(lines):
        content = [line.removeprefix(opening["margin"]) for line in lines[index + 1 : closing]]
        # An empty line between two of them is for whoever reads the page's source.
        lines_with = {number: EMBED.fullmatch(line) for number, line in enumerate(content) if line.strip()}
        parts = tuple((embed["path"], embed["section"]) for embed in lines_with.values() if embed)
        if parts and all(lines_with.values()) and PYTHON.fullmatch(opening["info"]):
            hints = exercise.count_hints(lines, closing + 1, opening["margin"])
            place = Embed(parts, index + 2 + min(lines_with), _attributes_in(opening["info"]), hints)
            yield _Fence(place, opening["margin"], index, closing + 1)


def _all_fences(lines: list[str]) -> Iterator[tuple[int, int, re.Match[str]]]:
    """The first and the last line of each fence of `lines`, by superfences' rules of where it ends, and its opening."""
    index = 0
    while index < len(lines):
        opening = FENCE.fullmatch(lines[index].rstrip())
        closing = opening and _closing(lines, index, opening["margin"], opening["fence"])
        if opening and closing:
            yield index, closing, opening
            index = closing
        index += 1


def _steps(lines: list[str]) -> Iterator[tuple[int, Embed | None, dict[str, str]]]:
    """The line of each step, the laboratory before it, and what is said of the step."""
    labs = {fence.after: fence.embed for fence in _fences(lines) if fence.embed.is_lab}
    inside = {line for first, last, _ in _all_fences(lines) for line in range(first, last + 1)}
    lab = None
    for index, line in enumerate(lines):
        lab = labs.get(index, lab)
        if index not in inside and (attributes := step_attributes(line)):
            yield index + 1, lab, attributes


def _step(attributes: dict[str, str], lab: Embed | None, folder: Path | None) -> Step:
    embed = _lab_of(lab)
    controls = None
    if folder is not None:
        with suppress(SnippetError):  # which is told where it's embedded
            controls = load(folder, embed.path).controls
    return parse_step(attributes, embed.browsers, controls)


def _lab_of(lab: Embed | None) -> Embed:
    form = f'``` {{ .python .{LAB} {BROWSERS}="Alice" }}'
    if lab is None:
        fix = (
            f'embed its app above it, in a fence such as {form} with a line such as --8<-- "labs/visit_counter.py:app"'
        )
        raise StepError("there is no laboratory for this step", fix)
    if not lab.browsers:
        raise StepError("the laboratory of this step has no browser", f"begin its fence with {form}")
    return lab


def _attributes_in(info: str) -> tuple[tuple[str, str], ...]:
    pairs = get_attrs_and_remainder(info.strip("{} \t"))[0] if info.startswith("{") else []
    return tuple((name, value or "") for name, value in pairs)


def _closing(lines: list[str], opening: int, margin: str, fence: str) -> int | None:
    """The index of the line that closes a fence; `None` if text with a smaller margin, or the end, comes first."""
    for index in range(opening + 1, len(lines)):
        line = lines[index].rstrip()
        if line == margin + fence:
            return index
        if line.strip("> \t") and not line.startswith(margin):
            return None
    return None


def _opened(embed: Embed, folder: Path) -> tuple[Snippet, Excerpt]:
    snippet = load(folder, embed.path)
    if any(path != embed.path for path, _ in embed.parts):
        fix = "give each file a fence of its own"
        raise SnippetError(embed.path, None, "one fence embeds several files", fix)
    names = [name for _, name in embed.parts if name is not None]
    if len(names) < len(embed.parts) > 1:
        fix = "embed either the file or its sections"
        raise SnippetError(embed.path, None, "one fence embeds the whole file and more of it", fix)
    _check_exercise(embed, snippet, folder)
    _check_lab(embed, snippet)
    return snippet, excerpt(snippet, names)


def _check_lab(embed: Embed, snippet: Snippet) -> None:
    example = f'write {{ .python .{LAB} {BROWSERS}="Alice" }}'
    for name, value in embed.attributes if embed.is_lab or embed.browsers else []:
        known = [*(f".{word}" for word in ("python", "py", LAB)), BROWSERS]
        if (f".{value}" if name == "." else name) not in known:
            rule = f"a laboratory can't have `{f'.{value}' if name == '.' else f'{name}={value}'}`"
            raise SnippetError(embed.path, None, rule, example)
    if not embed.is_lab:
        if embed.browsers:
            raise SnippetError(embed.path, None, "a fence names browsers and is no laboratory", example)
        return
    if not embed.browsers:
        raise SnippetError(embed.path, None, "a laboratory has no browser", example)
    for name in embed.browsers:
        if not BROWSER.fullmatch(name) or embed.browsers.count(name) > 1:
            fix = "give each browser a first name of its own, such as Alice"
            raise SnippetError(embed.path, None, f"`{name}` cannot be the name of a browser", fix)
    if snippet.needs or not snippet.has_app:
        fix = f"give the module an ASGI app named `{APP}`, and nothing that it `# Needs:`"
        raise SnippetError(embed.path, None, "a laboratory has no app that a browser can serve", fix)


def _check_exercise(embed: Embed, snippet: Snippet, folder: Path) -> None:
    names = dict(embed.attributes)
    if (".", exercise.CLASS) in embed.attributes:
        exercise.check(embed.attributes, embed.hints, snippet)
        exercise.check_solution(snippet, load(folder, names[exercise.SOLUTION]))
    elif exercise.SOLUTION in names:
        raise SnippetError(embed.path, None, "a fence names a solution and is no exercise", exercise.FORM)


def _attributes(snippet: Snippet, shown: Excerpt, rules: str) -> str:
    values = {"data-snippet": snippet.path}
    values |= {"data-needs": " ".join(snippet.needs)} if snippet.needs else {"data-state": "idle"}
    values |= {"data-section": " ".join(shown.names), "data-hash": sha256(snippet.script.encode()).hexdigest()[:8]}
    values |= {"data-first": str(shown.shown[0].first)}
    values |= {"data-app": ""} if snippet.has_app and not snippet.needs else {}
    values |= {"data-rules": rules} if rules and snippet.output.startswith(exercise.TAP) else {}
    return "".join(f' {name}="{escape(value)}"' for name, value in values.items())


def _place(snippet: Snippet, browsers: tuple[str, ...]) -> str:
    """Where a laboratory is going to be. Nothing of it is there until the reader starts it."""
    if not browsers:
        return ""
    title = escape(f"Laboratory: {snippet.title}")
    return (
        f'<section class="lab-place" data-lab="{escape(snippet.path)}" data-state="idle"'
        f' data-browsers="{escape(" ".join(browsers))}" aria-label="{title}" data-search-exclude>'
        f'<p class="lab-no-js">This laboratory runs in your browser if JavaScript is on.</p></section>'
    )


def _piece(snippet: Snippet, shown: Excerpt, piece: Piece) -> str:
    """The lines of a piece, or in their place what they are. The search finds them in the block, or not at all."""
    lines = snippet.script.split("\n")[piece.first - 1 : piece.last]
    if not piece.left_out:
        return _highlighted("".join(f"{line[shown.indent :]}\n" for line in lines))
    count = f"{len(lines)} line{'s' if lines[1:] else ''}"
    return f'<p class="snippet-fold" data-search-exclude>{count}: {escape(piece.left_out)}</p>'


def _highlighted(code: str) -> str:
    """What pymdownx.highlight makes of a plain fence, without anchors for lines."""
    html: str = highlight(code, PythonLexer(), HtmlFormatter(cssclass="highlight", wrapcode=True))
    return html.strip()


def _preformatted(text: str) -> str:
    # A browser drops a line break that comes right after <pre>.
    return escape("\n" + text if text.startswith("\n") else text, quote=False)


def _rest(snippet: Snippet, shown: Excerpt) -> str:
    # For the block's buttons. Not for the search: what it would find is on the page already.
    hidden = f"<template data-search-exclude>{_whole(snippet, shown)}</template>"
    if snippet.further:
        outputs = (
            f'<pre data-when="{escape(output.when)}">{_preformatted(output.text)}</pre>' for output in snippet.further
        )
        hidden += f"<template data-further data-search-exclude>{''.join(outputs)}</template>"
    if not snippet.needs:
        return (
            f'{hidden}<p class="snippet-note snippet-no-js" translate="yes" data-search-exclude>'
            "It runs in your browser if JavaScript is on. This is the output that the tests saw.</p>"
        )
    needs = escape(" and ".join(snippet.needs))
    return (
        f'{hidden}<p class="snippet-note" translate="yes">'
        f"Needs {needs}, which no browser has: this is the output that the tests saw.</p>"
    )


def _whole(snippet: Snippet, shown: Excerpt) -> str:
    """The whole script, as the file has it, cut where the excerpt is: one piece each, and then the output block."""
    lines = highlight(snippet.script, PythonLexer(), HtmlFormatter(nowrap=True)).split("\n")  # each has its own spans
    ends = [0, *(piece.last for piece in shown.pieces), len(lines) - 1]
    return "".join(
        '<div class="highlight"><pre><span></span><code>'
        + "".join(f"{line}\n" for line in lines[begin:end])
        + "</code></pre></div>"
        for begin, end in pairwise(ends)
    )
