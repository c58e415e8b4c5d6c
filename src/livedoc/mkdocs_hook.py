"""Puts the snippets, the player and the browser's Python into the site, and checks what the pages embed."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from mkdocs.config.config_options import ExtraScriptValue
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel

from livedoc.build import BuildError
from livedoc.bundle import build_player
from livedoc.card import Card, draw_cards
from livedoc.figures import fill
from livedoc.markdown import embeds, problems, wrong_steps
from livedoc.runtime import build_runtime
from livedoc.site import ASSETS, Additions, additions, dressed, finish, named
from livedoc.snippet import paths
from livedoc.twins import Page, llms_txt, twin
from livedoc.version import version

if TYPE_CHECKING:
    from jinja2 import Environment
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.nav import Navigation
    from mkdocs.structure.pages import Page as MkDocsPage

T = TypeVar("T")

CARDS = "assets/cards"
# A warning counts in a strict build only below MkDocs' own logger.
log = logging.getLogger("mkdocs.hooks.livedoc")
# Of this build, and a served site is built many times in one process.
used: set[str] = set()
"""The snippets that the pages embed."""
pages: dict[str, Page] = {}
"""The pages by the path of their file."""
order: list[str] = []
"""These paths as the navigation has them."""
added: list[Additions] = []
"""What is in the site besides its pages."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Build what the site carries besides its pages, and add it."""
    project = _project(config)
    runtime = build_runtime(project)
    return add_files(files, config, build_player(project, runtime), runtime)


def on_nav(nav: Navigation, **_: object) -> None:
    """Note the order of the pages."""
    order[:] = [page.file.src_uri for page in nav.pages]


def on_page_markdown(markdown: str, page: MkDocsPage, config: MkDocsConfig, **_: object) -> str:
    """Put its figures into the page, and refuse it if it names what is not there, with the line of the page file."""
    text = page.file.content_string
    front_matter = text.count("\n") - markdown.count("\n") if text.endswith(markdown) else 0
    found = embeds(markdown)
    used.update(embed.path for embed in found)
    filled, wrong = fill(markdown, *_measured(config))
    refused: list[tuple[int, Exception]] = [(embed.line, error) for embed, error in problems(found, _snippets(config))]
    refused += wrong_steps(markdown, _snippets(config))
    refused += wrong
    if refused:
        name = f"{Path(config.docs_dir).name}/{page.file.src_uri}"
        raise PluginError("\n".join(f"{name}:{line + front_matter}: {error}" for line, error in refused))
    title = page.meta.get("title") or page.title or ""
    pages[page.file.src_uri] = Page(page.file.src_uri, title, page.meta.get("description", ""), filled)
    return filled


def on_post_page(output: str, **_: object) -> str:
    """Keep browsers from translating code and names, and tell each cell its column and each block what it fetches."""
    try:
        return dressed(output, added[0])
    except BuildError as error:
        raise PluginError(str(error)) from None


def on_env(env: Environment, config: MkDocsConfig, files: Files) -> None:
    """Tell the theme the names of the scripts and the version, and warn of what no page embeds: by now all are read."""
    scripts = [PurePosixPath(uri) for uri in files.src_uris if PurePosixPath(uri).match(f"{ASSETS}/*.js")]
    names = {script.stem.rpartition("-")[0]: str(script) for script in scripts}
    env.globals["livedoc"] = {**names, "version": version(_project(config)), "cards": CARDS}
    for path in paths(_snippets(config)):
        if path not in used:
            fix = f'write --8<-- "{path}" in a python fence of a page, or remove the file'
            log.warning("snippets/%s: no page embeds it: %s", path, fix)


def on_post_build(config: MkDocsConfig) -> None:
    """Write the pages' twins and cards, the service worker and what may be kept: by now the site is complete."""
    site = Path(config.site_dir)
    _write_cards(config)
    for uri, page in pages.items():
        (site / uri).parent.mkdir(parents=True, exist_ok=True)
        (site / uri).write_text(twin(page.markdown, _snippets(config)))
    listed = [pages[uri] for uri in order if uri in pages]
    (site / "llms.txt").write_text(llms_txt(config.site_name, config.site_description or "", listed))
    finish(site)


def add_files(files: Files, config: MkDocsConfig, player: Path, runtime: Path) -> Files:
    """`files`, and the ones that make its blocks run; `player` and `runtime` are built folders."""
    used.clear()
    pages.clear()
    try:
        added[:] = [additions(_project(config), player, runtime, config.extra.get("livedoc", {}).get("files", {}))]
    except BuildError as error:
        raise PluginError(str(error)) from None
    _load_player(config, added[0])
    for uri, script in added[0].scripts.items():
        files.append(File.generated(config, uri, content=script, inclusion=InclusionLevel.INCLUDED))
    for uri, source in added[0].sources.items():
        files.append(File.generated(config, uri, abs_src_path=str(source), inclusion=InclusionLevel.INCLUDED))
    return files


def _write_cards(config: MkDocsConfig) -> None:
    """Draw a picture of each page in the fonts that `extra: livedoc: cards:` names."""
    fonts = config.extra.get("livedoc", {}).get("cards")
    if fonts:
        cards = [Card(uri, page.title, page.description) for uri, page in pages.items()]
        try:
            heading, text = (named(_project(config), "cards", fonts[name]) for name in ("heading", "text"))
        except BuildError as error:
            raise PluginError(str(error)) from None
        drawn = draw_cards(_project(config), config.site_name, cards, heading, text)
        shutil.copytree(drawn, Path(config.site_dir) / CARDS, dirs_exist_ok=True)


def _project(config: MkDocsConfig) -> Path:
    return Path(config.config_file_path).parent


def _snippets(config: MkDocsConfig) -> Path:
    return _project(config) / "snippets"


def _measured(config: MkDocsConfig) -> tuple[dict[str, Any], str]:
    """The results that `extra: livedoc: figures:` names, and their name."""
    name = config.extra.get("livedoc", {}).get("figures")
    if name is None:
        return {}, "mkdocs.yml, extra.livedoc.figures"
    source = _project(config) / name
    if not source.is_file():
        fix = "run `make bench`, or take the line out"
        raise PluginError(f"mkdocs.yml: extra.livedoc.figures names {name}, which is not there: {fix}")
    return json.loads(source.read_text()), name


def _load_player(config: MkDocsConfig, player: Additions) -> None:
    """Load the player on every page; pages have not been rendered yet."""
    script = ExtraScriptValue(player.module)
    script.type = "module"
    # First, so that the site's own style has the last word. A served site may have another player since its last build.
    config.extra_css[:] = [player.style, *_others(config.extra_css)]
    config.extra_javascript[:] = [*_others(config.extra_javascript), script]


def _others(loaded: list[T]) -> list[T]:
    return [each for each in loaded if not str(each).startswith(f"{ASSETS}/")]
