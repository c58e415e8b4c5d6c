"""The built site: every snippet is on a page, links lead somewhere, and nothing comes from another origin."""

from __future__ import annotations

import re
import sysconfig
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest
from PIL import Image

from livedoc.excerpt import excerpt
from livedoc.snippet import load, paths
from tests.support.program import output_of
from tests.support.project import SNIPPETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.host import Rules

ORIGIN = "https://coatcheck.example/"
LYCHEE = Path(sysconfig.get_path("scripts")) / "lychee"
# These name another page; every other relation makes the browser fetch something.
ONLY_NAMED = {"alternate", "author", "canonical", "license", "next", "prev"}
LOADED_BY = ("src", "srcset", "poster", "data", "xlink:href")
IN_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s]+)""")
DATA_BLOCK = "application/json"


@dataclass
class StaticBlock:
    """A block as a browser without JavaScript has it."""

    path: str
    state: str | None
    sections: list[str]
    tags: list[str] = field(default_factory=list)
    code: str = ""
    promised: str = ""


class Document(HTMLParser):
    """What a page carries, without running it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.blocks: list[StaticBlock] = []
        self.loads: list[str] = []
        self.scripts: list[str] = []
        self.told: dict[str, str] = {}
        self._depth = 0  # of <div> within a block
        self._part = ""
        self.feed(file.read_text())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.loads += _loads(tag, values)
        self.told |= _told(tag, values)
        if values.get("class") == "snippet":
            sections = values["data-section"].split()
            self.blocks.append(StaticBlock(values["data-snippet"], values.get("data-state"), sections))
        if self._depth or values.get("class") == "snippet":
            self._depth += tag == "div"
            self.blocks[-1].tags.append(tag)
        if tag == "template":  # for the buttons
            self._part = "whole"
        elif tag == "script":
            self._part = "" if "src" in values or values.get("type") == DATA_BLOCK else "script"
            self.scripts += [""] if self._part else []
        elif tag in {"pre", "style"} and self._part != "whole":
            self._part = {"style": "style"}.get(tag, "promised" if "data-promised" in values else "code")

    def handle_endtag(self, tag: str) -> None:
        if tag == "div" and self._depth:
            self._depth -= 1
        if tag in {"script", "style", "template"} or (tag == "pre" and self._part != "whole"):
            self._part = ""

    def handle_data(self, data: str) -> None:
        if self._part == "script":
            self.scripts[-1] += data
        elif self._part == "style":
            self.loads += IN_STYLE.findall(data)
        elif self._part == "code" and self._depth:
            self.blocks[-1].code += data
        elif self._part == "promised":
            self.blocks[-1].promised += data


def _loads(tag: str, values: dict[str, str]) -> Iterator[str]:
    """What a browser fetches because of a tag."""
    for name in LOADED_BY:
        yield from values.get(name, "").split()  # a srcset has several
    yield from IN_STYLE.findall(values.get("style", ""))
    if tag in {"image", "use"} or (tag == "link" and not ONLY_NAMED & set(values.get("rel", "").split())):
        yield values.get("href", "")


def _told(tag: str, values: dict[str, str]) -> dict[str, str]:
    """What a tag tells other sites and search engines about the page."""
    if tag == "meta" and "content" in values:
        return {values.get("property") or values.get("name", ""): values["content"]}
    return {"canonical": values["href"]} if tag == "link" and values.get("rel") == "canonical" else {}


@pytest.fixture(scope="module")
def documents(site: Path) -> dict[str, Document]:
    return {file.relative_to(site).as_posix(): Document(file) for file in sorted(site.rglob("*.html"))}


def test_every_snippet_is_on_a_page_and_in_the_site(site: Path, documents: dict[str, Document]) -> None:
    embedded = {block.path for document in documents.values() for block in document.blocks}
    copied = {file.relative_to(site / "snippets").as_posix() for file in (site / "snippets").rglob("*.py")}
    assert embedded == copied == set(paths(SNIPPETS))


def test_no_source_of_the_site_is_in_it(site: Path) -> None:
    assert [file for file in site.rglob("*") if file.suffix == ".ts"] == []


def test_a_block_without_javascript_is_code_and_output_and_no_button(documents: dict[str, Document]) -> None:
    for block in (block for document in documents.values() for block in document.blocks):
        snippet = load(SNIPPETS, block.path)
        shown, lines = excerpt(snippet, block.sections), snippet.script.splitlines()
        numbers = [number for piece in shown.shown for number in range(piece.first, piece.last + 1)]
        assert block.code.splitlines() == [lines[number - 1][shown.indent :] for number in numbers]
        assert block.promised == snippet.output
        assert not {"button", "textarea", "input"} & set(block.tags)


def test_a_block_can_be_run_unless_its_snippet_needs_more_than_a_browser(documents: dict[str, Document]) -> None:
    for block in (block for document in documents.values() for block in document.blocks):
        assert block.state == (None if load(SNIPPETS, block.path).needs else "idle")


def test_every_link_and_anchor_leads_somewhere(site: Path) -> None:
    command = [str(LYCHEE), "--offline", "--include-fragments", "--index-files", "index.html", "--no-progress"]
    command += ["--root-dir", str(site), *(f"{site}/**/*.{ending}" for ending in ("html", "md", "svg"))]
    output_of(*command)


def test_the_sitemap_names_each_page_and_nothing_else(site: Path, documents: dict[str, Document]) -> None:
    named = re.findall(r"<loc>(.+?)</loc>", (site / "sitemap.xml").read_text())
    pages = [ORIGIN + uri.removesuffix("index.html") for uri in documents if uri != "404.html"]
    assert sorted(named) == sorted(pages)


def test_each_page_has_a_twin_in_markdown_and_a_line_in_the_list(site: Path, documents: dict[str, Document]) -> None:
    listed = re.findall(r"^- \[.+\]\((.+\.md)\): \S", (site / "llms.txt").read_text(), re.MULTILINE)
    assert len(listed) == len(set(listed)) == len(documents) - 1  # the 404 page has none
    assert listed[0] == "index.md"
    assert set(listed) == {file.relative_to(site).as_posix() for file in site.rglob("*.md")}
    for uri in listed:
        text = (site / uri).read_text()
        for source in ("<svg", "][coatcheck", "\n::: coatcheck"):
            assert source not in text, uri
        html = uri if uri == "index.md" else f"{uri.removesuffix('.md')}/index.md"
        for block in documents[f"{html.removesuffix('.md')}.html"].blocks:
            assert f"`{block.path}`:\n" in text
    assert "# Output:\n# first bytes: b'two apples'\n" in (site / "storages.md").read_text()


def test_each_page_tells_other_sites_its_title_its_description_and_a_picture_of_both(
    site: Path, documents: dict[str, Document]
) -> None:
    pages = {uri: document.told for uri, document in documents.items() if uri != "404.html"}
    for uri, told in pages.items():
        assert told["og:title"], uri
        assert 50 <= len(told["og:description"]) <= 200, uri
        assert told["og:description"] == told["description"], uri
        assert told["og:url"] == told["canonical"] == ORIGIN + uri.removesuffix("index.html")
        assert told["og:image:alt"] == f"{told['og:title']}: {told['og:description']}"
        with Image.open(site / told["og:image"].removeprefix(ORIGIN)) as picture:
            size = (int(told["og:image:width"]), int(told["og:image:height"]))
            assert (picture.format, picture.size) == ("PNG", size), uri
    for name in ("og:title", "og:description", "og:image"):
        assert len({told[name] for told in pages.values()}) == len(pages)


def test_pictures_for_other_sites_are_not_kept_by_a_browser(site: Path) -> None:
    assert "/cards/" not in (site / "sw.js").read_text()


def test_nothing_is_loaded_from_another_origin(site: Path, documents: dict[str, Document]) -> None:
    loaded = {(name, url) for name, document in documents.items() for url in document.loads}
    for file in (*site.rglob("*.css"), *site.rglob("*.svg")):
        name = file.relative_to(site).as_posix()
        loaded |= {(name, url) for url in (*IN_STYLE.findall(file.read_text()), *Document(file).loads)}
    resolved = {(name, urljoin(ORIGIN + name, url)) for name, url in loaded}
    assert {(name, url) for name, url in resolved if not url.startswith((ORIGIN, "data:"))} == set()


def test_the_policy_names_each_inline_script(header_rules: Rules, documents: dict[str, Document]) -> None:
    [rule] = [rule["values"] for rule in header_rules if "Content-Security-Policy" in rule["values"]]
    directives = [directive.split() for directive in rule["Content-Security-Policy"].split(";")]
    [allowed] = [set(sources) for name, *sources in directives if name == "script-src"]
    inline = {_source(script) for document in documents.values() for script in document.scripts}
    assert "'unsafe-inline'" not in allowed
    assert {source for source in allowed if source.startswith("'sha256-")} == inline


def _source(script: str) -> str:
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
