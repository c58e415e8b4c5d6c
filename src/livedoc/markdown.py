"""A Python-Markdown extension: a fence that embeds a snippet becomes a block that a reader can run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from livedoc.snippet import Section, Snippet, load

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    path: str
    section: str | None
    """`None`: the whole script."""
    line: int
    """Where it says so, counted from 1."""


def embeds(markdown_text: str) -> list[Embed]:
    """The runnable blocks that `markdown_text` asks for, in order."""
    return [fence.embed for fence in _fences(markdown_text.split("\n"))]


def render(snippet: Snippet, name: str | None) -> str:
    """The HTML of a block that shows section `name` of `snippet`, or all of it.

    Raises:
        SnippetError: there is no such section.
    """
    section = snippet.section(name)
    return (
        f'<div class="snippet"{_attributes(snippet, section)}>'
        f'<div class="snippet-header"><span class="snippet-title">{escape(snippet.title)}</span>'
        f'<code class="snippet-path">{escape(snippet.path)}</code></div>'
        f'<div class="snippet-code">{_highlighted(section.code)}</div>'
        f'<div class="snippet-output"><div class="snippet-label">Promised output</div>'
        # On a narrow screen it may scroll, so the keyboard has to reach it.
        '<pre data-promised tabindex="0" role="group" aria-label="Promised output">'
        f"{_preformatted(snippet.output)}</pre></div>{_rest(snippet)}</div>"
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
        out: list[str] = []
        done = 0
        for fence in _fences(lines):
            stand_in = fence.margin + STAND_IN.format(len(self.blocks))
            out += [*lines[done : fence.first], "", stand_in, ""]
            done = fence.after
            self.blocks.append(render(load(self.folder, fence.embed.path), fence.embed.section))
        return [*out, *lines[done:]]


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
        embed = EMBED.fullmatch(content[0]) if len(content) == 1 and PYTHON.fullmatch(opening["info"]) else None
        if embed:
            place = Embed(embed["path"], embed["section"], index + 2)
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


def _attributes(snippet: Snippet, section: Section) -> str:
    values = {"data-snippet": snippet.path}
    values |= {"data-needs": " ".join(snippet.needs)} if snippet.needs else {"data-state": "idle"}
    values |= {"data-section": section.name, "data-hash": sha256(snippet.script.encode()).hexdigest()[:8]}
    values |= {"data-first": str(section.first), "data-last": str(section.last), "data-indent": str(section.indent)}
    return "".join(f' {name}="{escape(value)}"' for name, value in values.items())


def _highlighted(code: str) -> str:
    """What pymdownx.highlight makes of a plain fence, without anchors for lines."""
    html: str = highlight(code, PythonLexer(), HtmlFormatter(cssclass="highlight", wrapcode=True))
    return html.strip()


def _preformatted(text: str) -> str:
    # A browser drops a line break that comes right after <pre>.
    return escape("\n" + text if text.startswith("\n") else text, quote=False)


def _rest(snippet: Snippet) -> str:
    if not snippet.needs:
        # For the block's buttons. Not for the search: what it would find is on the page already.
        return (
            f"<template data-search-exclude>{_highlighted(snippet.script)}</template>"
            '<p class="snippet-note snippet-no-js" data-search-exclude>It runs in your browser if JavaScript is on. '
            "This is the output that the tests saw.</p>"
        )
    needs = escape(" and ".join(snippet.needs))
    return f'<p class="snippet-note">Needs {needs}, which no browser has: this is the output that the tests saw.</p>'
