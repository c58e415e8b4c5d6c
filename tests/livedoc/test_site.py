"""A site that another generator built gets the player, the browser's Python, the snippets and the service worker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from livedoc.build import BuildError, wire_sizes
from livedoc.site import complete

if TYPE_CHECKING:
    from pathlib import Path

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
CONFIG = """
site_url: https://coats.example/shop/
extra_css: [own.css]
extra: {livedoc: {files: {assets/tag.svg: tag.svg}}}
"""
PAGE = """<html><head><link rel="stylesheet" href="ROOTtheme.css"><link rel="stylesheet" href="ROOTown.css"></head>
<body><code>hook</code><div class="snippet" data-snippet="coats/hang_up.py" data-state="idle"></div>
<table><thead><tr><th>coat</th></tr></thead><tbody><tr><td>duffel</td></tr></tbody></table>
<footer>Coats</footer></body></html>"""


class Built:
    """A project, the built folders, and a site of three pages."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.site = project / "built"
        self.write("mkdocs.yml", CONFIG)
        self.write("snippets/coats/hang_up.py", SNIPPET)
        self.write("tag.svg", "tag")
        for name in ("page-1.js", "worker-1.js", "service_worker-1.js", "block-1.css"):
            self.write(f"player/{name}", name)
        self.write("runtime/python-1/python_stdlib.zip", "zip")
        sizes = {"python-1/python_stdlib.zip": {"raw": 99, "wire": 1000}}
        self.write("runtime/runtime.json", json.dumps({"sizes": sizes, "parts": [], "lock": {"packages": {}}}))
        self.write("built/index.html", PAGE.replace("ROOT", ""))
        self.write("built/more/racks/index.html", PAGE.replace("ROOT", "../../"))
        self.write("built/404.html", PAGE.replace("ROOT", "/shop/"))

    def write(self, path: str, text: str) -> None:
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def complete(self) -> None:
        complete(self.site, self.project, self.project / "player", self.project / "runtime")

    @property
    def texts(self) -> dict[str, str]:
        files = (file for file in self.site.rglob("*") if file.is_file())
        return {file.relative_to(self.site).as_posix(): file.read_text() for file in files}


@pytest.fixture
def built(tmp_path: Path) -> Built:
    return Built(tmp_path)


def test_a_site_gets_the_snippets_the_built_folders_and_the_listed_files(built: Built) -> None:
    built.complete()
    texts = built.texts
    assert "--8<--" not in texts["snippets/coats/hang_up.py"]
    assert texts["assets/livedoc/worker-1.js"] == "worker-1.js"
    assert texts["assets/livedoc/python-1/python_stdlib.zip"] == "zip"
    assert texts["assets/tag.svg"] == "tag"
    assert "/assets/livedoc/page-1.js\n  Cache-Control: public, max-age=31536000, immutable\n" in texts["_headers"]
    assert '"more/racks/":' in texts["sw.js"]


@pytest.mark.parametrize(
    ("page", "root"), [("index.html", ""), ("more/racks/index.html", "../../"), ("404.html", "/shop/")]
)
def test_each_page_loads_the_player_and_the_sites_own_style_after_it(page: str, root: str, built: Built) -> None:
    built.complete()
    head = built.texts[page].partition("</head>")[0]
    assert f'<script data-livedoc type="module" src="{root}assets/livedoc/page-1.js"></script>' in head
    styles = [head.index(f'href="{root}{name}"') for name in ("theme.css", "assets/livedoc/block-1.css", "own.css")]
    assert styles == sorted(styles)


def test_each_page_is_dressed_as_the_hook_for_mkdocs_does_it(built: Built) -> None:
    built.complete()
    page = built.texts["index.html"]
    [worker] = wire_sizes([built.project / "player" / "worker-1.js"])
    assert f'data-snippet="coats/hang_up.py" data-weight="{1000 + worker}"' in page
    assert '<td data-column="coat">duffel</td>' in page
    assert '<code translate="no">hook</code>' in page


def test_each_page_has_a_place_for_what_is_there_without_a_network(built: Built) -> None:
    built.write("built/bare/index.html", "<html><head></head><body></body></html>")
    built.complete()
    size = built.texts["index.html"].partition('data-rest="')[2].partition('"')[0]
    assert int(size) > 0
    place = f'<div class="offline" data-livedoc data-rest="{size}"></div>'
    assert f"Coats{place}</footer>" in built.texts["index.html"]
    assert f"{place}</body>" in built.texts["bare/index.html"]


def test_completing_a_site_twice_is_as_good_as_once(built: Built) -> None:
    built.complete()
    once = built.texts
    built.complete()
    assert built.texts == once


def test_a_newer_player_takes_the_place_of_an_older_one(built: Built) -> None:
    built.complete()
    (built.project / "player" / "page-1.js").rename(built.project / "player" / "page-2.js")
    built.write("player/worker-1.js", "a longer worker")
    built.complete()
    page = built.texts["index.html"]
    assert "page-1.js" not in page
    assert page.count("page-2.js") == page.count("data-weight=") == page.count('class="offline"') == 1


def test_a_page_that_loads_the_player_by_itself_stays_as_it_is(built: Built) -> None:
    page = '<html><head><script src="assets/livedoc/page-1.js"></script></head><body></body></html>'
    built.write("built/index.html", page)
    built.complete()
    assert built.texts["index.html"] == page


def test_a_page_without_a_head_is_refused(built: Built) -> None:
    built.write("built/bare.html", "<p>Coats</p>")
    with pytest.raises(BuildError, match=r"bare\.html has no </head>, where the player would be loaded: let your"):
        built.complete()


def test_a_listed_file_that_is_not_there_is_refused(built: Built) -> None:
    (built.project / "tag.svg").unlink()
    with pytest.raises(BuildError, match=r"extra\.livedoc\.files names tag\.svg, which is not there"):
        built.complete()


def test_a_folder_without_pages_is_refused(built: Built) -> None:
    with pytest.raises(BuildError, match="has no pages: build them first"):
        complete(built.project / "elsewhere", built.project, built.project / "player", built.project / "runtime")
    assert not (built.project / "elsewhere").exists()
