"""Puts into a site what makes its blocks run, whichever generator made its pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import yaml

from livedoc.build import BuildError
from livedoc.caching import write_headers
from livedoc.font import subset
from livedoc.offline import write_service_worker
from livedoc.runtime import described
from livedoc.snippet import SnippetError, load, paths
from livedoc.table import labelled
from livedoc.translation import untranslated
from livedoc.weight import weighed, weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ASSETS = "assets/livedoc"
ADDED = re.compile(r'<(?:link|script) data-livedoc[^>]*>(?:</script>)?|<div class="offline" data-livedoc[^>]*></div>')


@dataclass(frozen=True)
class Additions:
    """What a site has besides its pages."""

    scripts: Mapping[str, str]
    """The snippets, by the address in the site."""
    sources: Mapping[str, Path]
    """The other files, by the address in the site."""
    style: str
    """The address of the player's style sheet."""
    module: str
    """The address of the player's module, which finds the blocks of a page."""
    weight_of: Mapping[str, int]
    """The bytes that a first run of each snippet fetches at the most."""


def additions(project: Path, player: Path, runtime: Path, listed: Mapping[str, str]) -> Additions:
    """What makes the snippets of `project` run with these built folders, and the files that `listed` names.

    Raises:
        BuildError: A listed file isn't there.
    """
    scripts = dict(_scripts(project / "snippets"))
    [style], [module] = player.glob("*.css"), player.glob("page-*.js")
    return Additions(
        {f"snippets/{path}": script for path, script in scripts.items()},
        {**dict(_built(player, runtime)), **dict(_listed(project, listed))},
        f"{ASSETS}/{style.name}",
        f"{ASSETS}/{module.name}",
        weights(scripts, player, runtime),
    )


def named(project: Path, setting: str, name: str) -> Path:
    """The file of the project that a setting of `extra: livedoc:` names.

    Raises:
        BuildError: It isn't there.
    """
    source = project / name
    if not source.is_file():
        raise BuildError(f"mkdocs.yml: extra.livedoc.{setting} names {name}, which is not there: run `make setup`")
    return source


def dressed(html: str, added: Additions) -> str:
    """A page, with what its blocks and tables tell the player, the style sheet and a browser that translates."""
    return weighed(labelled(untranslated(html)), added.weight_of)


def finish(site: Path) -> None:
    """Write the service worker and what may be kept, of a site that is complete."""
    write_service_worker(site, f"{ASSETS}/")
    write_headers(site, f"{ASSETS}/")


def complete(site: Path, project: Path, player: Path, runtime: Path) -> None:
    """Make the blocks run in a site that a generator built from the `mkdocs.yml` of `project`.

    The generator has to use the Markdown extension `livedoc.markdown`. A second time changes nothing, and a page that
    loads the player by itself stays as it is.

    Raises:
        BuildError: There are no pages, one has no head, or a file that `mkdocs.yml` names isn't there.
    """
    pages = sorted(site.rglob("*.html"))
    if not pages:
        raise BuildError(f"{site} has no pages: build them first")
    config = yaml.safe_load((project / "mkdocs.yml").read_text())
    added = additions(project, player, runtime, config.get("extra", {}).get("livedoc", {}).get("files", {}))
    for uri, script in added.scripts.items():
        _place(site / uri).write_text(script)
    for uri, source in added.sources.items():
        _place(site / uri).write_bytes(source.read_bytes())
    own = [str(style) for style in config.get("extra_css", [])]
    top = urlsplit(config.get("site_url", "")).path or "/"
    for page in pages:
        depth = len(page.relative_to(site).parts) - 1
        # A host sends 404.html for addresses of any depth.
        root = top if page.relative_to(site).as_posix() == "404.html" else "../" * depth
        page.write_text(_loading(page, root, own, added))
    finish(site)


def _loading(page: Path, root: str, own: list[str], added: Additions) -> str:
    """A page, with the player in its head."""
    html = ADDED.sub("", page.read_text())
    if f"{ASSETS}/page-" in html:
        return html
    if "</head>" not in html:
        raise BuildError(f"{page} has no </head>, where the player would be loaded: let your generator write one")
    html = dressed(html, added)
    style = f'<link data-livedoc rel="stylesheet" href="{escape(root + added.style)}">'
    module = f'<script data-livedoc type="module" src="{escape(root + added.module)}"></script>'
    html = html.replace("</head>", f"{module}</head>", 1)
    # Before the site's own style, which has the last word.
    first = re.search(rf'<link\b[^>]*\bhref="[^"]*(?:{"|".join(map(re.escape, own))})"' if own else "</head>", html)
    place = first.start() if first else html.index("</head>")
    html = f"{html[:place]}{style}{html[place:]}"
    # Where the player says what a reader has without a network.
    end = "</footer>" if "</footer>" in html else "</body>"
    before, tag, rest = html.rpartition(end)
    return f'{before}<div class="offline" data-livedoc data-rest="0"></div>{tag}{rest}' if tag else html


def _place(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def _scripts(snippets: Path) -> Iterator[tuple[str, str]]:
    for path in paths(snippets):
        try:
            yield path, load(snippets, path).script
        except SnippetError:
            # Either a page embeds it and is refused, or none does and that is reported.
            continue


def _built(player: Path, runtime: Path) -> Iterator[tuple[str, Path]]:
    """What has a hash in its name, so it may be cached for a year."""
    for file in sorted(player.iterdir()):
        yield f"{ASSETS}/{file.name}", file
    for name in described(runtime)["sizes"]:
        yield f"{ASSETS}/{name}", runtime / name


def _listed(project: Path, listed: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Single files of the project; fonts become light."""
    for uri, name in listed.items():
        source = named(project, "files", name)
        yield uri, subset(project, source) if source.suffix == ".woff2" else source
