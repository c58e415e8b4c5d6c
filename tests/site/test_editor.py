"""The editor in a real Chromium, on a page of Material: it looks as the static code, and its keys do what is said."""

from __future__ import annotations

import json
import re
import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from livedoc.build import NODE, wire_sizes
from livedoc.completions import completions
from livedoc.snippet import paths
from tests.support.axe import barriers
from tests.support.host import Host, Rules, serving
from tests.support.page import PHONE, NewPage, width_of
from tests.support.program import output_of
from tests.support.project import DOCS, PLAYER, PROJECT, SNIPPETS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

CODES = {(SNIPPETS / path).stem: (SNIPPETS / path).read_text() for path in paths(SNIPPETS)}
FONTS = PLAYER / "node_modules"
# What the site has beside its pages.
FILES = {
    **{path.name: path for path in (PLAYER / "page").glob("*.css")},
    "stylesheets/coatcheck.css": DOCS / "stylesheets" / "coatcheck.css",
    "assets/fonts/besley.woff2": FONTS / "@fontsource/besley/files/besley-latin-500-normal.woff2",
    "assets/fonts/jetbrains-mono.woff2": FONTS
    / "@fontsource/jetbrains-mono/files/jetbrains-mono-latin-400-normal.woff2",
    "assets/fonts/figtree.woff2": FONTS / "@fontsource-variable/figtree/files/figtree-latin-wght-normal.woff2",
}
TALL = {"width": 1280, "height": 4000}  # higher than each snippet: an editor renders what is in view
SCHEMES = [("light", "default"), ("dark", "slate")]
in_each_scheme = pytest.mark.parametrize(("color_scheme", "scheme"), SCHEMES)
AT_MOST = 115_000  # bytes

EVERY_KIND = '''\
#!/usr/bin/env python
"""A docstring with an \\n escape."""
from __future__ import annotations

import asyncio, sys as system
import os.path
from . import sibling
from .pkg.mod import (name as other, print)

type Pair[T: int] = tuple[T, T]


@dataclass(frozen=True)
@app.route("/")
class Coat(Base, metaclass=Meta):
    \'\'\'Another.\'\'\'

    size: int = 0x1F + 0b1 + 0o7 + 1_000 + 1.5e-3 + .5
    __slots__ = ()

    def __init__(self, *args: object, key: str = "a", **options: object) -> None:
        super().__init__()
        self.id = id(self) if key is not None else ...

    def __post_init__(self) -> Coat | None:
        return cls.__name__

    async def hang(self, hook, /, *, id: int = -1) -> bytes:
        async with hook as held, other():
            await held.put(b"raw \\x00 bytes", r"a \\n", rb"b", u"c", True, False, None, Ellipsis)
        async for item in self.items(): yield item
        yield from (not x for x in range(10) if x % 2 == 0 and x or x in {1: 2} and x not in [3])


def f(x):
    global g
    print(f"{x!r:>{width}} {{literal}} {x=} {d['key']:%Y-%m-%d}", f'{x}', rf"{x}\\d", F"""{
        x + 1
    }""")
    print("%s and {name} \\N{BULLET} \\u00e9 \\101 \\' \\q", "joined" 'too')
    assert x >= 1 << 2 and x != 3 or ~x ^ 4 & 5 | 6, "no"
    x += 1; x //= 2; x **= 3; x @= y
    if (n := len(x)) > 10: del x[0]
    elif lambda a, *b: a: raise KeyError("k") from None
    else: raise ValueError from error
    try: pass
    except (OSError, ExceptionGroup) as error: nonlocal_ = 1
    except* TimeoutError: ...
    finally: return
    while True:
        break
        continue
    match x:
        case [1, *rest] if rest: pass
        case Coat(size=1) | {"a": -1, **others}: pass
        case _: pass
    match = case = type = 1
    # a comment: def class 1 "s"
'''

BUNDLE = """
import { build } from "esbuild"
await build({
  entryPoints: ["editor/editor.ts"], outdir: process.argv[1], define: { COMPLETIONS: process.env.COMPLETIONS },
  bundle: true, minify: true, format: "esm", target: "es2022", loader: { ".css": "text" }, logLevel: "warning",
})
"""
OPEN = """async ([place, options]) => {
  const { openEditor } = await import("/editor.js")
  const seen = []
  const note = (kind) => (text) => seen.push(text === undefined ? kind : `${kind} ${text}`)
  const block = document.querySelector(place)
  block.querySelector(".snippet-code").hidden = true
  const parent = block.querySelector(".editing")
  const mark = (it) => Object.assign(document.createElement("b"), { textContent: `<${it.codePointAt(0)}>` })
  const hidden = { pattern: /[\u200b\u202e]/gu, mark }
  const told = { changed: note("changed"), run: note("run"), leave: note("leave") }
  parent.editor = openEditor(parent, { label: "Code: Coats", describedBy: "keys", hidden, ...options, ...told })
  parent.seen = seen
}"""
# The colour, weight and slant of each visible character, line by line: as JSON, since so many values would come slowly.
COLOURS = """element => {
  const lines = [[]]
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.classList?.contains("cm-line") && node.previousElementSibling) lines.push([])
    if (node.nodeType !== Node.TEXT_NODE) continue
    const { color, fontWeight, fontStyle, textDecorationLine, backgroundColor } = getComputedStyle(node.parentElement)
    for (const character of node.data) {
      if (character === "\\n") lines.push([])
      else if (character !== " ") lines.at(-1).push([character, color, fontWeight, fontStyle, textDecorationLine])
    }
  }
  return JSON.stringify(lines)
}"""
# Where each line's text stands, by its height and width, and how high all of it is.
PLACES = """([element, code]) => {
  const rows = new Map()
  const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const range = document.createRange()
    range.selectNodeContents(node)
    for (const { top, left, right } of range.getClientRects()) {
      const row = rows.get(Math.round(top)) ?? [left, right]
      rows.set(Math.round(top), [Math.min(row[0], left), Math.max(row[1], right)])
    }
  }
  const widths = [...rows].map(([top, [left, right]]) => [top, Math.round(right - left)])
  return [element.getBoundingClientRect().height, widths.filter(([, width]) => width > 0)]
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of Material's with our styles, the editor, and a block."""
    folder = tmp_path_factory.mktemp("editor")
    docs = folder / "docs"
    for target, source in FILES.items():
        (docs / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, docs / target)
    (docs / "index.md").write_text(f"# Editor\n\n{static_block(EVERY_KIND)}")
    (docs / "next.md").write_text("# Next\n")
    palette = [
        {"media": f"(prefers-color-scheme: {media})", "scheme": scheme, "primary": "custom", "accent": "custom"}
        for media, scheme in SCHEMES
    ]
    config = {
        "site_name": "Editor",
        "site_url": "http://127.0.0.1/",
        "nav": [{"Editor": "index.md"}, {"Next": "next.md"}],
        "theme": {"name": "material", "font": False, "palette": palette},
        "extra_css": ["block.css", "stylesheets/coatcheck.css"],
    }
    (folder / "mkdocs.yml").write_text(json.dumps(config))
    site = folder / "site"
    build = (sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", site)
    output_of(*build, cwd=folder, env={"NO_MKDOCS_2_WARNING": "1"})
    bundle = (NODE, "--input-type=module", "--eval", BUNDLE, site)
    output_of(*bundle, cwd=PLAYER, env={"COMPLETIONS": json.dumps(completions(PROJECT))})
    return site


def static_block(code: str) -> str:
    """What a page has for a snippet, before anyone edits it."""
    return (
        f'<div class="snippet" id="block"><div class="snippet-code">{highlighted(code)}</div>'
        '<div class="editing"></div>'
        '<p class="snippet-hint" id="keys">Tab indents, Escape leaves, Ctrl+Enter runs.</p></div>'
    )


def highlighted(code: str) -> str:
    return highlight(code, PythonLexer(), HtmlFormatter(cssclass="highlight", wrapcode=True)).strip()


def show(page: Page, code: str) -> None:
    """Have the block with this code, before anyone edits it."""
    page.locator(".snippet-code").evaluate(
        "(part, html) => { part.innerHTML = html; part.hidden = false }", highlighted(code)
    )


@pytest.fixture(scope="module")
def server(site: Path, header_rules: Rules) -> Iterator[str]:
    """The origin of a server that sends this site as the host sends the real one."""
    with serving(partial(Host, site, header_rules)) as origin:
        yield origin


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page("/")


def open_editor(page: Page, text: str = "", **options: Any) -> Locator:
    """The text box of the block's editor."""
    page.evaluate(OPEN, ["#block", {"text": text, **options}])
    return page.locator("#block").get_by_role("textbox")


def call(editor: Locator, method: str, *arguments: object) -> None:
    script = "(element, [method, values]) => element.closest('.editing').editor[method](...values)"
    editor.evaluate(script, [method, arguments])


def text_of(editor: Locator) -> str:
    text: str = editor.evaluate("element => element.closest('.editing').editor.text")
    return text


def seen(editor: Locator) -> list[str]:
    """What the editor told its block."""
    told: list[str] = editor.evaluate("element => element.closest('.editing').seen")
    return told


def press(editor: Locator, *keys: str) -> None:
    for key in keys:
        editor.press(key)


def test_it_is_small(site: Path) -> None:
    [size] = wire_sizes([site / "editor.js"])
    assert size <= AT_MOST


@in_each_scheme
def test_each_token_looks_as_in_the_static_block(new_page: NewPage, color_scheme: str, scheme: str) -> None:
    page = new_page("/", color_scheme=color_scheme, viewport=TALL)
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", scheme)
    for name, script in {"every-kind": EVERY_KIND, **CODES}.items():
        show(page, script)
        code = page.locator("#block code")
        code.scroll_into_view_if_needed()  # an editor renders what is in view
        text = code.text_content() or ""
        static = code.evaluate(COLOURS)
        editor = open_editor(page, text)
        edited = editor.evaluate(COLOURS)
        for _ in range(50):  # a slow machine parses the end of a long text a moment later
            if edited == static:
                break
            page.wait_for_timeout(100)
            edited = editor.evaluate(COLOURS)
        call(editor, "close")
        assert len({colour for line in json.loads(static) for _, colour, *_ in line}) > 4
        different = [
            f"{name}, {line.strip()}: {was[0]!r} was {was[1:]} and is {now[1:]}"
            for line, before, after in zip(text.split("\n"), json.loads(static), json.loads(edited), strict=True)
            for was, now in zip(before, after, strict=True)
            if was != now
        ]
        assert not different, "\n".join(different)


def test_opening_moves_no_line(new_page: NewPage) -> None:
    page = new_page("/", viewport=TALL)
    show(page, CODES["memory_storage"])
    page.evaluate("document.fonts.ready")
    block = page.locator("#block")
    static = block.locator(".snippet-code")
    static.scroll_into_view_if_needed()
    code = static.locator("code")
    before = page.evaluate(PLACES, [static.element_handle(), code.element_handle()])
    text = code.text_content() or ""
    editor = open_editor(page, text.removesuffix("\n"))
    after = page.evaluate(PLACES, [block.locator(".cm-editor").element_handle(), editor.element_handle()])
    assert len(before[1]) > 20
    assert after == before


def test_it_is_a_text_box_with_a_name_and_a_hint_and_no_correction(page: Page) -> None:
    editor = open_editor(page, "hooks = 3")
    expect(editor).to_have_accessible_name("Code: Coats")
    expect(editor).to_have_accessible_description("Tab indents, Escape leaves, Ctrl+Enter runs.")
    for name, value in {"spellcheck": "false", "autocorrect": "off", "autocapitalize": "off"}.items():
        expect(editor).to_have_attribute(name, value)
    expect(editor).to_have_attribute("aria-multiline", "true")


def test_it_can_be_filled_at_once(page: Page) -> None:
    editor = open_editor(page, "hooks = 3\n")
    code = "if coats:\n    print(f'{coats!r}')\n\nhooks = [(1, 2)]\n"
    editor.fill(code)
    assert text_of(editor) == code
    assert seen(editor)[-1] == f"changed {code}"


def test_it_has_the_visible_focus(page: Page) -> None:
    editor = open_editor(page, "hooks = 3")
    frame = """element => {
      const { borderTopWidth, borderTopColor, content } = getComputedStyle(element.closest(".cm-editor"), "::after")
      return content === "none" ? "" : `${borderTopWidth} ${borderTopColor}`
    }"""
    assert editor.evaluate(frame) == ""
    call(editor, "focus")
    expect(editor).to_be_focused()
    assert editor.evaluate(frame) == "2px rgb(123, 86, 13)"


def test_an_edit_can_be_undone_and_redone(page: Page) -> None:
    editor = open_editor(page, "hooks = 3")
    press(editor, "End", "0")
    assert text_of(editor) == "hooks = 30"
    press(editor, "ControlOrMeta+z")
    assert text_of(editor) == "hooks = 3"
    press(editor, "ControlOrMeta+y")
    assert text_of(editor) == "hooks = 30"
    assert seen(editor) == ["changed hooks = 30", "changed hooks = 3", "changed hooks = 30"]


def test_another_text_has_its_own_line_numbers_and_its_own_history(page: Page) -> None:
    editor = open_editor(page, "hooks = 3")
    numbers = page.locator("#block .cm-numbers")
    expect(numbers).to_have_text("1")
    press(editor, "End", "Enter", "4")
    expect(numbers).to_have_text("1\n2")
    call(editor, "replace", "# whole\nhooks = 3\n")
    expect(numbers).to_have_text("1\n2\n3")
    press(editor, "ControlOrMeta+z")
    assert text_of(editor) == "# whole\nhooks = 3\n"
    assert seen(editor) == ["changed hooks = 3\n", "changed hooks = 3\n4"], "what the block put there was not typed"
    expect(editor).to_be_focused()
    expect(editor).to_have_accessible_name("Code: Coats")


def test_line_numbers_are_beside_their_lines_and_not_read_out(new_page: NewPage) -> None:
    page = new_page("/", viewport=TALL)
    code = "\n".join(f"line_{number} = '漢 é 🧥'" for number in range(40))
    editor = open_editor(page, code)
    numbers = page.locator("#block .cm-numbers")
    expect(numbers).to_have_attribute("aria-hidden", "true")
    rows = """element => {
      const range = document.createRange()
      range.selectNodeContents(element)
      return [...range.getClientRects()].filter(({ width }) => width > 0).map(({ top }) => Math.round(top))
    }"""
    lines = """element => [...element.querySelectorAll(".cm-line")].map((line) =>
      Math.round(line.firstChild.getBoundingClientRect().top))"""
    assert numbers.evaluate(rows) == editor.evaluate(lines)
    assert len(editor.evaluate(lines)) == 40


def test_enter_keeps_the_level_and_goes_deeper_after_a_colon(page: Page) -> None:
    editor = open_editor(page)
    editor.press_sequentially("def f():")
    press(editor, "Enter")
    editor.press_sequentially("if x:")
    press(editor, "Enter")
    editor.press_sequentially("pass")
    press(editor, "Escape", "Enter")
    editor.press_sequentially("1")
    assert text_of(editor) == "def f():\n    if x:\n        pass\n        1"


def test_tab_indents_and_shift_tab_takes_it_back(page: Page) -> None:
    editor = open_editor(page, "if x:\nhooks\ncoats")
    press(editor, "ControlOrMeta+Home", "ArrowDown", "Tab")
    assert text_of(editor) == "if x:\n    hooks\ncoats"
    press(editor, "Shift+ArrowDown", "Tab")
    assert text_of(editor) == "if x:\n        hooks\n    coats"
    press(editor, "Shift+Tab", "Shift+Tab")
    assert text_of(editor) == "if x:\nhooks\ncoats"
    expect(editor).to_be_focused()


def test_brackets_close_themselves_and_show_their_partner(page: Page) -> None:
    editor = open_editor(page)
    editor.press_sequentially('print(["a')
    assert text_of(editor) == 'print(["a"])'
    editor.press_sequentially('"])')
    assert text_of(editor) == 'print(["a"])'
    assert editor.locator(".cm-matchingBracket").all_text_contents() == ["(", ")"]


def test_escape_closes_a_completion_and_then_leaves(page: Page) -> None:
    editor = open_editor(page)
    editor.press_sequentially("pri")
    options = page.get_by_role("listbox")
    expect(options).to_be_visible()
    press(editor, "Escape")
    expect(options).to_have_count(0)
    assert "leave" not in seen(editor)
    press(editor, "Escape")
    assert seen(editor)[-1] == "leave"
    editor.press_sequentially(" zzz")  # nothing to offer, so nothing to close
    press(editor, "Escape")
    assert seen(editor).count("leave") == 2


def test_control_enter_runs_and_changes_nothing(page: Page) -> None:
    editor = open_editor(page, "hooks = 3")
    press(editor, "ControlOrMeta+Enter")
    assert (text_of(editor), seen(editor)) == ("hooks = 3", ["run"])


def test_keys_that_the_site_listens_to_are_letters_here(page: Page) -> None:
    search = page.locator('[data-md-toggle="search"]')
    editor = open_editor(page)
    for key in "fs/np.,":
        press(editor, key)
    press(editor, "Escape")
    expect(search).not_to_be_checked()
    assert re.sub(r"\s", "", text_of(editor)).startswith("fs/np.,")
    assert page.url.endswith("/")
    editor.blur()
    page.keyboard.press("f")
    expect(search).to_be_checked()  # it does listen


def test_hidden_characters_are_marked_and_stay_in_the_text(page: Page) -> None:
    text = "coat = '\u202etaoc'\nhook\u200b = 1"
    editor = open_editor(page, text)
    expect(editor.locator("b")).to_have_text(["<8238>", "<8203>"])
    press(editor, "ControlOrMeta+End")
    editor.page.keyboard.insert_text("\u200b")
    expect(editor.locator("b")).to_have_count(3)
    assert text_of(editor) == f"{text}\u200b"
    press(editor, "Backspace", "Backspace")
    assert text_of(editor) == f"{text[:-1]}"
    expect(editor.locator("b")).to_have_count(2)


def test_long_lines_scroll_inside(new_page: NewPage) -> None:
    page = new_page("/", viewport=PHONE)
    editor = open_editor(page, f"hooks = [{'1, ' * 200}]")
    scroller = page.locator("#block .cm-scroller")
    assert scroller.evaluate("element => element.scrollWidth > 3 * element.clientWidth")
    assert editor.evaluate("element => element.getBoundingClientRect().height") < 70
    assert width_of(page) == PHONE["width"]
    press(editor, "End")
    page.wait_for_function("element => element.scrollLeft > 100", arg=scroller.element_handle())
    assert page.locator("#block .cm-numbers").evaluate("element => element.getBoundingClientRect().left") < 40


def test_the_cursor_does_not_hide_behind_the_line_numbers(new_page: NewPage) -> None:
    page = new_page("/", viewport=PHONE)
    editor = open_editor(page, f"hooks = [{'1, ' * 200}]")
    press(editor, "End", "Home")
    numbers = page.locator("#block .cm-numbers").evaluate("element => element.getBoundingClientRect().right")
    assert page.evaluate("getSelection().getRangeAt(0).getBoundingClientRect().left") >= numbers


def test_what_is_offered_goes_when_the_program_runs(page: Page) -> None:
    editor = open_editor(page, "")
    editor.press_sequentially("pri")
    offer = page.locator(".cm-tooltip-autocomplete")
    expect(offer).to_be_visible()
    press(editor, "ControlOrMeta+Enter")
    expect(offer).to_have_count(0)


def test_it_works_by_touch(new_page: NewPage) -> None:
    page = new_page("/", viewport=PHONE, has_touch=True, is_mobile=True)
    editor = open_editor(page, "")
    editor.tap()
    expect(editor).to_be_focused()
    page.keyboard.type("SessionStorageM")
    page.get_by_role("option", name="SessionStorageMemory").tap()
    assert text_of(editor) == "SessionStorageMemory"
    expect(editor).to_be_focused()


def test_nothing_moves(new_page: NewPage) -> None:
    page = new_page("/")
    editor = open_editor(page, "hooks = 3")
    editor.press_sequentially("pri")
    expect(page.get_by_role("listbox")).to_be_visible()
    call(editor, "mark", 1)
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize(
    ("typed", "offered", "others"),
    [
        ("from coatcheck import SessionSt", ["SessionStorage", "SessionStorageMemory"], ["ByteReadChannel", "print"]),
        ("from coatcheck import (\n    cookie,\n    curr", ["current_session"], ["cookie", "print"]),
        ("from coatcheck.testing import CH", ["CHECKS"], ["SessionStorage"]),
        ("from coat", ["coatcheck", "coatcheck.redis", "coatcheck.testing"], ["cookie"]),
        ("import asyncio, coatcheck.t", ["coatcheck.testing"], ["coatcheck.redis"]),
        ("app = Sess", ["Sessions", "SessionNotFound"], ["coatcheck"]),
        ("retu", ["return"], []),
        ("print(isin", ["isinstance"], []),
        ("except Key", ["KeyError"], []),
        ("duffel = 1\nprint(duf", ["duffel"], []),
        ("storage = SessionStorageMemory()\nstorage.", ["read", "write", "invalidate", "update"], ["get_or_set"]),
        ("async def f(request):\n    current_session(request).", ["get", "set", "clear", "renew_id"], ["read"]),
        ("def f(s: SessionSerializer[int]):\n    s.", ["serialize", "deserialize"], ["read"]),
        ("provider = cookie('S', Cart)\nprovider.m", ["merge"], ["read"]),
        ("import coatcheck\ncoatcheck.c", ["cookie", "current_session"], ["read"]),
        ("anything.re", ["read", "renew_id"], ["repr"]),
        ("f'{Sess", ["Sessions"], []),
    ],
)
def test_what_is_offered_as_one_types(page: Page, typed: str, offered: list[str], others: list[str]) -> None:
    editor = open_editor(page)
    *before, last = re.split(r"(?<=\n)", typed)
    call(editor, "replace", "".join(before))
    press(editor, "ControlOrMeta+End")
    editor.press_sequentially(last)
    for name in offered:
        expect(page.get_by_role("option", name=name, exact=True)).to_be_visible()
    for name in others:
        expect(page.get_by_role("option", name=name, exact=True)).to_have_count(0)


@pytest.mark.parametrize("typed", ["# Sess", "'Sess", "import asyncio\nasyncio.", "''.", "from elsewhere import Sess"])
def test_nothing_is_offered_where_no_name_could_follow(page: Page, typed: str) -> None:
    editor = open_editor(page)
    editor.fill(typed[:-1])
    press(editor, "ControlOrMeta+End", typed[-1])
    page.wait_for_timeout(300)  # three times as long as an offer takes
    expect(page.get_by_role("listbox")).to_have_count(0)


def test_a_word_that_is_complete_is_not_in_the_way_of_enter(page: Page) -> None:
    editor = open_editor(page)
    editor.press_sequentially("Sessions")
    expect(page.get_by_role("option", name="Sessions", selected=True)).to_be_visible()
    page.wait_for_timeout(100)  # a list that has only just come up takes no Enter
    press(editor, "Enter")
    assert text_of(editor) == "Sessions\n"


def test_control_space_asks_for_a_completion_and_enter_takes_it(page: Page) -> None:
    editor = open_editor(page, "from coatcheck import ")
    press(editor, "End", "Control+Space")
    expect(page.get_by_role("option", name="ByteReadChannel")).to_be_visible()
    editor.press_sequentially("directory_s")
    expect(page.get_by_role("option")).to_have_count(1)
    page.wait_for_timeout(100)  # a list that has only just come up takes no Enter
    press(editor, "Enter")
    assert text_of(editor) == "from coatcheck import directory_session_storage"


def test_a_completion_says_what_it_takes_and_does(page: Page) -> None:
    editor = open_editor(page)
    editor.press_sequentially("read_by")
    panel = page.locator(".cm-completionInfo")
    expect(panel.locator("code")).to_have_text("async read_bytes(storage: SessionStorage, id: str) -> bytes")
    expect(panel).to_contain_text("Return all bytes stored under")
    expect(editor).to_have_attribute("aria-activedescendant", re.compile("."))


def test_a_failed_line_is_marked_until_it_is_edited(page: Page) -> None:
    editor = open_editor(page, "hooks = 3\nhooks['duffel']\ncoats = 4")
    marked = page.locator(".cm-failedLine")
    call(editor, "mark", 2)
    expect(marked).to_have_text("hooks['duffel']")
    press(editor, "ControlOrMeta+Home", "Enter")
    expect(marked).to_have_text("hooks['duffel']")
    call(editor, "mark", 4)
    expect(marked).to_have_text("coats = 4")
    press(editor, "ControlOrMeta+End", "2")
    expect(marked).to_have_count(0)
    call(editor, "mark", 1)
    expect(marked).to_have_count(1)
    editor.evaluate("element => element.closest('.editing').editor.mark(undefined)")
    expect(marked).to_have_count(0)
    for not_shown in (99, 0, -3):
        call(editor, "mark", 1)
        call(editor, "mark", not_shown)
        expect(marked).to_have_count(0)


def test_a_line_that_is_marked_shows_its_beginning(new_page: NewPage) -> None:
    page = new_page("/", viewport=PHONE)
    editor = open_editor(page, f"hooks = [{'1, ' * 200}]\ncoats = 3")
    press(editor, "ControlOrMeta+Home", "End")
    scroller = page.locator("#block .cm-scroller")
    assert scroller.evaluate("element => element.scrollLeft") > 100
    call(editor, "mark", 2)
    assert scroller.evaluate("element => element.scrollLeft") == 0


def test_going_to_a_line_takes_the_cursor_and_the_view_there(page: Page) -> None:
    editor = open_editor(page, "\n".join(f"line_{number} = 0" for number in range(1, 301)))
    call(editor, "goTo", 200, "center")
    expect(editor).to_be_focused()
    line = editor.get_by_text("line_200 = 0", exact=True)
    expect(line).to_be_in_viewport()
    press(editor, "End", "7")
    assert "\nline_200 = 07\n" in text_of(editor)


def test_closing_takes_all_of_it_away(page: Page) -> None:
    editor = open_editor(page, "hooks = 3")
    call(editor, "close")
    assert page.locator("#block .editing").inner_html() == ""


@in_each_scheme
@pytest.mark.parametrize("state", ["focused", "completing", "failed"])
def test_an_open_editor_is_accessible(new_page: NewPage, color_scheme: str, scheme: str, state: str) -> None:
    page = new_page("/", color_scheme=color_scheme, viewport=TALL)
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", scheme)
    editor = open_editor(page, EVERY_KIND)
    call(editor, "goTo", 5, "nearest")
    if state == "completing":
        editor.press_sequentially("Sess")
        expect(page.locator(".cm-completionInfo")).to_be_visible()
    if state == "failed":
        for line in (13, 38, 30):
            call(editor, "mark", line)
            assert barriers(page, "#block") == []
    assert barriers(page, "#block") == []
