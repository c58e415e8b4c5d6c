"""A Python-Markdown extension: a fence that embeds a snippet becomes a block that a reader can run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from livedoc.excerpt import Excerpt, Piece, check_prints, excerpt
from livedoc.snippet import Snippet, SnippetError, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Embeds are taken before pymdownx.snippets (32) would fill them in. A stashed block cannot be named in the text yet:
# normalize_whitespace (30) removes the characters that mark it. So a mark of our own stands in until that has run,
# and is exchanged before anything reads fences (25).
BEFORE_SNIPPETS = 33
AFTER_NORMALIZE = 29
STAND_IN = "\x01livedoc-{}\x04"
ANY_STAND_IN = re.compile(r"\x01livedoc-(\d+)\x04")

FENCE = re.compile(r"(?P<margin>[> \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`]*)")
PYTHON = re.compile(r"(python|py)\b.*|\{\s*\.(python|py)\b.*\}\s*")
EMBED = re.compile(r"""\s*-+8<-+[ \t]+(["'])(?P<path>[^"':;]+\.py)(:(?P<section>[^"']*))?\1\s*""")


@dataclass(frozen=True)
class Embed:
    """A fence that embeds a snippet."""

    parts: tuple[tuple[str, str | None], ...]
    """The path and the section of each line. `None`: the whole script."""
    line: int
    """Where the first of them is, counted from 1."""

    @property
    def path(self) -> str:
        """Where the snippet is in the snippets folder."""
        return self.parts[0][0]


def embeds(markdown_text: str) -> list[Embed]:
    """The runnable blocks that `markdown_text` asks for, in order."""
    return [fence.embed for fence in _fences(markdown_text.split("\n"))]


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


def render(snippet: Snippet, shown: Excerpt) -> str:
    """The HTML of a block that shows this much of `snippet`."""
    code = "".join(_piece(snippet, shown, piece) for piece in shown.pieces)
    return (
        f'<div class="snippet"{_attributes(snippet, shown)} translate="no">'
        f'<div class="snippet-header"><span class="snippet-title" translate="yes">{escape(snippet.title)}</span>'
        f'<code class="snippet-path">{escape(snippet.path)}</code></div>'
        f'<div class="snippet-code">{code}</div><div class="snippet-output">'
        '<div class="snippet-heading" translate="yes"><span class="snippet-label">Expected output</span></div>'
        # On a narrow screen it may scroll, so the keyboard has to reach it.
        '<pre data-promised tabindex="0" role="group" aria-label="Expected output">'
        f"{_preformatted(snippet.output)}</pre></div>{_rest(snippet, shown)}</div>"
    )


class SnippetBlocks(Extension):
    """Turns each embedded snippet of a page into a block that a reader can run."""

    def __init__(self, **options: Any) -> None:
        self.config = {"base_path": ["snippets", "The folder with the snippets"]}
        super().__init__(**options)

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  (Python-Markdown's name)
        """Take embeds before pymdownx.snippets does."""
        blocks: list[str] = []
        md.preprocessors.register(_Render(md, Path(self.getConfig("base_path")), blocks), "livedoc", BEFORE_SNIPPETS)
        md.preprocessors.register(_Stash(md, blocks), "livedoc-stash", AFTER_NORMALIZE)


def makeExtension(**options: Any) -> SnippetBlocks:  # noqa: N802  (Python-Markdown's name)
    """The extension, for `markdown_extensions: [livedoc.markdown]`."""
    return SnippetBlocks(**options)


class _Render(Preprocessor):
    """Renders each embed and leaves a stand-in at its place."""

    def __init__(self, md: Markdown, folder: Path, blocks: list[str]) -> None:
        super().__init__(md)
        self.folder = folder
        self.blocks = blocks

    def run(self, lines: list[str]) -> list[str]:
        self.blocks.clear()
        for _, error in problems(embeds("\n".join(lines)), self.folder):
            raise error
        return exchanged(lines, self._stand_in)

    def _stand_in(self, embed: Embed) -> list[str]:
        self.blocks.append(render(*_opened(embed, self.folder)))
        return [STAND_IN.format(len(self.blocks) - 1)]


class _Stash(Preprocessor):
    """Exchanges each stand-in for the placeholder of its block."""

    def __init__(self, md: Markdown, blocks: list[str]) -> None:
        super().__init__(md)
        self.blocks = blocks

    def run(self, lines: list[str]) -> list[str]:
        return [ANY_STAND_IN.sub(self._placeholder, line) for line in lines]

    def _placeholder(self, stand_in: re.Match[str]) -> str:
        return self.md.htmlStash.store(self.blocks[int(stand_in[1])])


@dataclass(frozen=True)
class _Fence:
    embed: Embed
    margin: str
    first: int
    """The index of the opening line."""
    after: int
    """The index of the line after the closing one."""


def _fences(lines: list[str]) -> Iterator[_Fence]:
    """The fences of `lines` that embed a snippet, by superfences' rules of where a fence ends."""
    index = 0
    while index < len(lines):
        opening = FENCE.fullmatch(lines[index].rstrip())
        closing = opening and _closing(lines, index, opening["margin"], opening["fence"])
        if not opening or not closing:
            index += 1
            continue
        content = [line.removeprefix(opening["margin"]) for line in lines[index + 1 : closing]]
        # An empty line between two of them is for whoever reads the page's source.
        lines_with = {number: EMBED.fullmatch(line) for number, line in enumerate(content) if line.strip()}
        parts = tuple((embed["path"], embed["section"]) for embed in lines_with.values() if embed)
        if parts and all(lines_with.values()) and PYTHON.fullmatch(opening["info"]):
            place = Embed(parts, index + 2 + min(lines_with))
            yield _Fence(place, opening["margin"], index, closing + 1)
        index = closing + 1


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
    return snippet, excerpt(snippet, names)


def _attributes(snippet: Snippet, shown: Excerpt) -> str:
    values = {"data-snippet": snippet.path}
    values |= {"data-needs": " ".join(snippet.needs)} if snippet.needs else {"data-state": "idle"}
    values |= {"data-section": " ".join(shown.names), "data-hash": sha256(snippet.script.encode()).hexdigest()[:8]}
    values |= {"data-first": str(shown.shown[0].first)}
    values |= {"data-app": ""} if snippet.has_app and not snippet.needs else {}
    return "".join(f' {name}="{escape(value)}"' for name, value in values.items())


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
