"""The site carries the snippets, the player and the runtime, and is refused when a page embeds what is not there."""

from __future__ import annotations

import json
import logging
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from livedoc.build import wire_sizes
from tests.support.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mkdocs.config.defaults import MkDocsConfig

HOOK = PROJECT / "src" / "livedoc" / "mkdocs_hook.py"
THEME = PROJECT / "src" / "livedoc" / "theme"
# The hook as it is, but for two folders that take long to build.
SMALL_HOOK = """
from pathlib import Path

from livedoc.mkdocs_hook import add_files, on_env, on_page_markdown, on_post_page


def on_files(files, config):
    project = Path(config.config_file_path).parent
    return add_files(files, config, project / "player", project / "runtime")
"""
CONFIG = """
site_name: Coats
hooks: [hook.py]
theme: {name: material, font: false, custom_dir: THEME}
extra_css: [own.css]
extra: {livedoc: {files: {assets/tag.svg: node_modules/tag.svg}}}
markdown_extensions:
  - livedoc.markdown: {base_path: SNIPPETS}
  - pymdownx.superfences
validation: {omitted_files: warn, absolute_links: warn, unrecognized_links: warn, anchors: warn}
plugins: [search]
strict: true
"""
SNIPPET = '''"""Hang up a coat."""

import asyncio


async def main() -> None:
    # --8<-- [start:use]
    print("duffel")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# duffel
'''
PAGE = """---
title: Coats
---

# Coats

[The script](snippets/coats/hang_up.py)

```python
--8<-- "coats/hang_up.py:use"
```
"""


class Site:
    """A small project with our hook."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.site = project / "site"
        self.write("mkdocs.yml", CONFIG.replace("SNIPPETS", str(project / "snippets")).replace("THEME", str(THEME)))
        self.write("hook.py", SMALL_HOOK)
        self.write("pyproject.toml", '[project]\nname = "coats"\nversion = "1.2.3"\n')
        self.write("docs/index.md", PAGE)
        self.write("docs/own.css", "")
        self.write("snippets/conftest.py", "")
        self.write("snippets/coats/hang_up.py", SNIPPET)
        self.write("node_modules/tag.svg", "tag")
        for name in (
            "player/page-1.js",
            "player/worker-1.js",
            "player/block-1.css",
            "player/menu-1.js",
            "player/search_on_use-1.js",
            "runtime/python-1/python_stdlib.zip",
        ):
            self.write(name, name)
        sizes = {"python-1/python_stdlib.zip": {"raw": 99, "wire": 1000}}
        runtime = {"sizes": sizes, "parts": [], "lock": {"packages": {}}}
        self.write("runtime/runtime.json", json.dumps(runtime))

    def write(self, path: str, text: str) -> None:
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def config(self) -> MkDocsConfig:
        config = load_config(str(self.project / "mkdocs.yml"))
        config.plugins.on_startup(command="build", dirty=False)
        return config

    def build(self) -> None:
        build(self.config())


@pytest.fixture
def site(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Site]:
    caplog.set_level(logging.WARNING, "mkdocs")
    yield Site(tmp_path)
    logging.getLogger("mkdocs").setLevel(logging.NOTSET)


class Head(HTMLParser):
    """The style sheets and the module scripts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.styles: list[str | None] = []
        self.modules: list[str | None] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "link" and values.get("rel") == "stylesheet":
            self.styles.append(values.get("href"))
        if tag == "script" and values.get("type") == "module":
            self.modules.append(values.get("src"))


def test_the_site_carries_player_runtime_scripts_and_listed_files(site: Site) -> None:
    site.build()
    carried = {
        "assets/tag.svg": "tag",
        "assets/livedoc/page-1.js": "player/page-1.js",
        "assets/livedoc/worker-1.js": "player/worker-1.js",
        "assets/livedoc/block-1.css": "player/block-1.css",
        "assets/livedoc/python-1/python_stdlib.zip": "runtime/python-1/python_stdlib.zip",
    }
    assert {name: (site.site / name).read_text() for name in carried} == carried
    everything = {path.name for path in (site.site / "assets" / "livedoc").iterdir()}
    # Only what has a hash in its name.
    assert everything == {"page-1.js", "worker-1.js", "block-1.css", "menu-1.js", "search_on_use-1.js", "python-1"}
    script = SNIPPET.replace("    # --8<-- [start:use]\n", "").replace("    # --8<-- [end:use]\n", "")
    assert (site.site / "snippets/coats/hang_up.py").read_text() == script
    assert [path.name for path in (site.site / "snippets").rglob("*.py")] == ["hang_up.py"]


def test_a_strict_build_has_no_warning_and_writes_nothing_into_docs(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.build()
    assert caplog.messages == []
    assert sorted(path.name for path in (site.project / "docs").rglob("*")) == ["index.md", "own.css"]


def test_the_player_is_a_module_and_the_sites_own_style_comes_last(site: Site) -> None:
    site.build()
    html = (site.site / "index.html").read_text()
    assert '<div class="snippet" data-snippet="coats/hang_up.py" ' in html
    assert Head(html).modules == ["assets/livedoc/page-1.js", "assets/livedoc/menu-1.js"]
    assert Head(html).styles[-2:] == ["assets/livedoc/block-1.css", "own.css"]


def test_the_themes_scripts_are_loaded_by_their_bundled_names(site: Site) -> None:
    site.write("docs/coats/loden.md", "# Loden")
    site.build()
    for page, root in ("index.html", ""), ("coats/loden/index.html", "../../"), ("404.html", "/"):
        html = (site.site / page).read_text()
        assert Head(html).modules[-1] == f"{root}assets/livedoc/menu-1.js"
        assert f'"search": "{root}assets/livedoc/search_on_use-1.js#../javascripts/workers/search.' in html


def test_generated_files_are_not_in_the_search(site: Site) -> None:
    site.build()
    index = (site.site / "search" / "search_index.json").read_text()
    assert "duffel" in index
    assert "pyodide" not in index
    assert "assets/livedoc" not in index


def test_a_served_site_is_built_again_and_again(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    config = site.config()
    build(config)
    build(config)
    modules = Head((site.site / "index.html").read_text()).modules
    assert modules == ["assets/livedoc/page-1.js", "assets/livedoc/menu-1.js"]
    for name in ("page-1.js", "menu-1.js", "block-1.css"):
        (site.project / "player" / name).rename(site.project / "player" / name.replace("1", "2"))
    build(config)
    head = Head((site.site / "index.html").read_text())
    assert head.modules == ["assets/livedoc/page-2.js", "assets/livedoc/menu-2.js"]
    assert head.styles[-2:] == ["assets/livedoc/block-2.css", "own.css"]
    site.write("docs/index.md", "# Coats\n")
    with pytest.raises(Abort):
        site.build()
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    ("embed", "message"),
    [
        ("coats/hangup.py", "snippets/coats/hangup.py: there is no such file: did you mean coats/hang_up.py?"),
        ("coats/hang_up.py:us", "snippets/coats/hang_up.py: there is no section `us`: did you mean use?"),
    ],
)
def test_a_missing_file_or_section_is_refused_with_the_line_of_the_page(
    embed: str, message: str, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.write("docs/index.md", PAGE.replace("coats/hang_up.py:use", embed))
    with pytest.raises(Abort):
        site.build()
    assert f"docs/index.md:10: {message}" in caplog.text


def test_every_wrong_embed_of_a_page_is_named(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    fence = '```python\n--8<-- "coats/hang_up.py:{}"\n```\n'
    site.write("docs/index.md", fence.format("a") + fence.format("use") + fence.format("b"))
    with pytest.raises(Abort):
        site.build()
    lines = [line.split(": ")[0] for line in caplog.text.splitlines() if "there is no section" in line]
    assert [line.rpartition(" ")[2] for line in lines][-1] == "docs/index.md:8"
    assert any(line.endswith("docs/index.md:2") for line in lines)
    assert len(lines) == 2


def test_a_broken_snippet_is_refused_with_the_page_that_embeds_it(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.write("snippets/coats/hang_up.py", SNIPPET.replace("    # --8<-- [end:use]\n", ""))
    with pytest.raises(Abort):
        site.build()
    assert "docs/index.md:10: snippets/coats/hang_up.py:7: section `use` never ends: add `# --8<--" in caplog.text


def test_a_step_that_is_wrong_is_refused_with_the_line_of_the_page(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.write("snippets/coats/hang_up.py", SNIPPET.replace("import asyncio\n", "import asyncio\n\napp = 1\n"))
    lab = PAGE.replace("```python", '``` { .python .lab browsers="Alice" }')
    wrong = ('{ do="Alice: FETCH /" see="log: x" }', '{ do="Alice: GET /" see="shop: x" }', '{ do="Alice: GET /" }')
    site.write("docs/index.md", lab + "".join(f"\n1. Step.\n   {step}\n" for step in wrong))
    with pytest.raises(Abort):
        site.build()
    message = caplog.messages[-1]
    assert [line.split(": ")[0] for line in message.splitlines()] == [
        "docs/index.md:14",
        "docs/index.md:17",
        "docs/index.md:20",
    ]
    assert "`FETCH` isn't a method: " in message
    assert "there is no panel `shop`: write `Alice page: Visit 1`" in message
    assert "a step without `see` shows nothing: " in message


def test_a_snippet_that_gets_its_output_while_the_site_is_built_is_told(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    snippet = "snippets/coats/hang_up.py"
    site.write(snippet, SNIPPET.partition("# Output:")[0])
    written = f"Path({str(site.project / snippet)!r}).write_text({SNIPPET!r})"
    site.write("hook.py", f"{SMALL_HOOK}\n\ndef on_nav(nav, config, files):\n    {written}\n")
    with pytest.raises(Abort):
        site.build()
    assert f"{snippet} was changed while the site was built: build the site again" in caplog.text


def test_a_snippet_that_prints_where_no_reader_sees_it_is_refused(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.write("snippets/coats/hang_up.py", SNIPPET.replace("[end:use]\n", '[end:use]\n    print("loden")\n'))
    with pytest.raises(Abort):
        site.build()
    rule = "`print('loden')` prints, and the page doesn't show it"
    assert f"docs/index.md:10: snippets/coats/hang_up.py:10: {rule}: put it into a section" in caplog.text


def test_a_page_may_show_what_prints_in_another_block(site: Site) -> None:
    two = SNIPPET.replace(
        "[end:use]\n", '[end:use]\n    # --8<-- [start:more]\n    print("loden")\n    # --8<-- [end:more]\n'
    )
    site.write("snippets/coats/hang_up.py", two)
    site.write("docs/index.md", f'{PAGE}\n```python\n--8<-- "coats/hang_up.py:more"\n```\n')
    site.build()
    assert (site.site / "index.html").read_text().count('<div class="snippet"') == 2


def test_a_page_says_its_file_its_version_and_where_to_read_how_to_change_it(site: Site) -> None:
    site.write(
        "mkdocs.yml",
        (site.project / "mkdocs.yml").read_text().replace("{livedoc: {", "{livedoc: {contributing: c/#a, "),
    )
    site.write("docs/more/racks.md", "# Racks\n")
    site.build()
    text = " ".join((site.site / "more/racks/index.html").read_text().split())
    assert (
        'Coats 1.2.3, <code translate="no">docs/more/racks.md</code>. <a href="../../c/#a">Change this page</a>' in text
    )
    text = " ".join((site.site / "404.html").read_text().split())
    assert '<p class="release md-grid md-typeset"> Coats 1.2.3 </p>' in text


def test_a_block_says_what_its_first_run_fetches_with_the_players_worker(site: Site) -> None:
    site.build()
    [worker] = wire_sizes([site.project / "player" / "worker-1.js"])
    assert f'data-snippet="coats/hang_up.py" data-weight="{1000 + worker}"' in (site.site / "index.html").read_text()


def test_code_and_names_are_not_translated(site: Site) -> None:
    site.write("docs/index.md", f"{PAGE}\n`hook` and\n\n```sh\nmake coats\n```\n")
    site.build()
    html = (site.site / "index.html").read_text()
    assert '<code translate="no">hook</code>' in html
    assert html.count("<code") == html.count('<code translate="no"') > 3
    assert html.count("<pre") == html.count('<pre translate="no"') > 3
    assert 'data-first="7" translate="no"' in html


def test_a_cell_of_a_table_says_its_column(site: Site) -> None:
    site.write("docs/index.md", f"{PAGE}\n| coat | hook |\n|---|---|\n| `duffel` | 1 |\n")
    site.build()
    html = (site.site / "index.html").read_text()
    assert '<td data-column="coat"><code translate="no">duffel</code></td>' in html
    assert '<td data-column="hook">1</td>' in html


@pytest.mark.parametrize("text", [SNIPPET, "not even Python"])
def test_an_unused_snippet_turns_a_strict_build_red(text: str, site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.write("snippets/hats/tip.py", text)
    with pytest.raises(Abort, match="1 warning"):
        site.build()
    fix = 'write --8<-- "hats/tip.py" in a python fence of a page, or remove the file'
    assert caplog.messages == [f"snippets/hats/tip.py: no page embeds it: {fix}"]


RESULTS = (
    '{"date": "2026-11-28", "rows": [{"row": "hang up", "unit": "s", "coatcheck": {"we": [1, 2, 3]}, "compared": []}]}'
)
MEASURED = PAGE + "\nOn {{ date }}:\n\n```plot\nhang up\n```\n"


@pytest.fixture
def measured(site: Site) -> Site:
    """A site whose page shows figures."""
    config = (site.project / "mkdocs.yml").read_text()
    site.write("mkdocs.yml", config.replace("livedoc: {files", "livedoc: {figures: results.json, files"))
    site.write("results.json", RESULTS)
    site.write("docs/index.md", MEASURED)
    return site


def test_a_page_has_the_figures_that_it_names(measured: Site) -> None:
    measured.build()
    html = (measured.site / "index.html").read_text()
    assert "8 November 2026:</p>" in html
    assert '<svg role="img" aria-label="hang up"' in html
    assert html.count('<div class="snippet"') == 1


def test_plots_are_not_in_the_search(measured: Site) -> None:
    measured.build()
    assert "hang up" not in (measured.site / "search" / "search_index.json").read_text()


def test_a_page_that_names_what_was_not_measured_is_refused_with_its_line(
    measured: Site, caplog: pytest.LogCaptureFixture
) -> None:
    measured.write("docs/index.md", MEASURED.replace("\nhang up\n", "\nhang down\n").replace(":use", ":us"))
    with pytest.raises(Abort):
        measured.build()
    assert "docs/index.md:16: results.json: there is no row `hang down`: did you mean `hang up`?" in caplog.text
    assert "docs/index.md:10: snippets/coats/hang_up.py: there is no section `us`" in caplog.text


def test_results_that_are_not_there_are_refused(measured: Site, caplog: pytest.LogCaptureFixture) -> None:
    (measured.project / "results.json").unlink()
    with pytest.raises(Abort):
        measured.build()
    fix = "run `make bench`, or take the line out"
    assert f"mkdocs.yml: extra.livedoc.figures names results.json, which is not there: {fix}" in caplog.text


def test_a_listed_file_that_is_not_there_is_refused(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    (site.project / "node_modules" / "tag.svg").unlink()
    with pytest.raises(Abort):
        site.build()
    assert "extra.livedoc.files names node_modules/tag.svg, which is not there: run `make setup`" in caplog.text


def test_the_hook_loads_by_its_path_as_mkdocs_loads_it(site: Site) -> None:
    site.write("mkdocs.yml", f"site_name: Coats\nhooks: [{HOOK}]\n")
    events = site.config().plugins.events
    registered = [name for name in events if any(method.__module__ == str(HOOK) for method in events[name])]
    assert sorted(registered) == ["env", "files", "nav", "page_markdown", "post_build", "post_page"]
