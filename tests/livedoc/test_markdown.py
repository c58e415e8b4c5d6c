"""An embedded snippet becomes a block that can be run, and everything else stays as it was."""

from __future__ import annotations

import re
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from markdown import Markdown

from livedoc.markdown import Embed, embeds, lessons, problems, wrong_steps
from livedoc.snippet import load
from livedoc.steps import Request, StepError
from tests.support.project import write
from tests.support.snippet import PATH, refusal, script

if TYPE_CHECKING:
    from pathlib import Path

TEXT = script(
    "# --8<-- [start:use]",
    'coat = "<i>"',
    "print(f\"\\n{coat} & 'b'\")",
    "# --8<-- [end:use]",
    title='Hang up <a> "coat" & wait',
    output="\n<i> & 'b'\n",
)
FENCE = f'```python\n--8<-- "{PATH}:use"\n```\n'


class Blocks(HTMLParser):
    """The attributes of each runnable block, and the text of each element that has a given class or attribute."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.attributes: list[dict[str, str | None]] = []
        self.stack: list[list[str]] = []
        self.texts: dict[str, str] = {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("class") == "snippet":
            self.attributes.append(values)
        self.stack.append([tag, values.get("class") or "", *values])

    def handle_endtag(self, _: str) -> None:
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        for key in {key for keys in self.stack for key in keys}:
            self.texts[key] = self.texts.get(key, "") + data


@pytest.fixture
def snippets(tmp_path: Path) -> Path:
    write(tmp_path, PATH, TEXT)
    return tmp_path


def html(text: str, snippets: Path, *, runnable: bool = True, **highlight: object) -> str:
    """`text` as the site renders it, with or without our extension."""
    fences = {"base_path": [str(snippets)], "check_paths": True, "dedent_subsections": True}
    extensions = ["admonition", "attr_list", "md_in_html", "tables", "pymdownx.details", "pymdownx.superfences"]
    extensions += ["pymdownx.highlight", "pymdownx.tabbed", "pymdownx.snippets"]
    settings: dict[str, dict[str, object]] = {"pymdownx.tabbed": {"alternate_style": True}}
    settings |= {"pymdownx.snippets": fences, "pymdownx.highlight": highlight}
    if runnable:
        extensions.append("livedoc.markdown")
        settings["livedoc.markdown"] = {"base_path": str(snippets)}
    return Markdown(extensions=extensions, extension_configs=settings).convert(text)


# What is rendered


def test_a_block_says_what_it_is_and_where_it_begins(snippets: Path) -> None:
    blocks = Blocks(html(FENCE, snippets))
    snippet = load(snippets, PATH)
    assert blocks.attributes == [
        {
            "class": "snippet",
            "data-snippet": PATH,
            "data-state": "idle",
            "data-section": "use",
            "data-hash": sha256(snippet.script.encode()).hexdigest()[:8],
            "data-first": "7",
            "translate": "no",
        }
    ]


@pytest.mark.parametrize(("need", "app"), [("", ""), ("# Needs: redis\n", None)])
def test_a_block_with_an_app_can_be_tried_where_it_can_run(snippets: Path, need: str, app: str | None) -> None:
    text = TEXT.replace("import asyncio\n", f"{need}import asyncio\n\napp = 1\n", 1)
    (snippets / PATH).write_text(text)
    assert Blocks(html(FENCE, snippets)).attributes[0].get("data-app") == app


def test_a_block_shows_title_path_code_and_output_as_text(snippets: Path) -> None:
    texts = Blocks(html(FENCE, snippets)).texts
    assert texts["snippet-title"] == 'Hang up <a> "coat" & wait'
    assert texts["snippet-path"] == PATH
    use = load(snippets, PATH).section("use").code
    assert texts["snippet-code"] == f"6 lines: imports and the start of main{use}4 lines: the call of main"
    without_javascript = "It runs in your browser if JavaScript is on. This is the output that the tests saw."
    assert texts["template"] == load(snippets, PATH).script
    assert texts["snippet-note snippet-no-js"] == without_javascript
    assert texts["snippet-label"] == "Expected output"


def test_a_leading_empty_line_of_output_survives_the_browser(snippets: Path) -> None:
    # A browser drops the first of two line breaks after <pre>; html.parser keeps both.
    assert Blocks(html(FENCE, snippets)).texts["data-promised"] == "\n\n<i> & 'b'\n"


def test_an_output_without_a_leading_empty_line_is_given_as_it_is(snippets: Path) -> None:
    (snippets / PATH).write_text(TEXT.replace("\n#\n", "\n"))
    assert Blocks(html(FENCE, snippets)).texts["data-promised"] == "<i> & 'b'\n"


def test_the_code_is_highlighted_as_any_other_fence(snippets: Path) -> None:
    plain = html(FENCE, snippets, runnable=False)
    assert plain.startswith('<div class="highlight"><pre><span></span><code>')
    assert f"</p>{plain}<p " in html(FENCE, snippets)


def test_the_code_has_no_anchors_for_lines(snippets: Path) -> None:
    rendered = html(FENCE, snippets, anchor_linenums=True, line_spans="__span")
    assert "<a " not in rendered
    assert "__span" not in rendered


def test_without_a_section_the_block_shows_the_script_up_to_its_output(snippets: Path) -> None:
    blocks = Blocks(html(FENCE.replace(":use", ""), snippets))
    shown = load(snippets, PATH).section(None)
    assert blocks.texts["snippet-code"] == shown.code
    assert blocks.attributes[0]["data-first"] == "1"
    assert "snippet-fold" not in blocks.texts


def test_what_needs_more_than_a_browser_says_so_and_is_not_runnable(snippets: Path) -> None:
    (snippets / PATH).write_text(TEXT.replace("import asyncio\n", "# Needs: redis\n# Needs: valkey\nimport asyncio\n"))
    blocks = Blocks(html(FENCE, snippets))
    assert blocks.attributes[0]["data-needs"] == "redis valkey"
    assert "data-state" not in blocks.attributes[0]
    assert blocks.texts["snippet-note"] == (
        "Needs redis and valkey, which no browser has: this is the output that the tests saw."
    )


def test_what_is_left_out_is_a_bar_that_is_not_searched(snippets: Path) -> None:
    rendered = html(FENCE, snippets)
    assert '<p class="snippet-fold" data-search-exclude>4 lines: the call of main</p></div>' in rendered
    assert "button" not in rendered


def test_a_block_has_further_outputs_for_its_buttons_only(snippets: Path) -> None:
    (snippets / PATH).write_text(f'{TEXT}\n# Output, with a <cape> & "hat":\n# <b>\n')
    rendered = html(FENCE, snippets)
    output = '<pre data-when="with a &lt;cape&gt; &amp; &quot;hat&quot;">&lt;b&gt;\n</pre>'
    assert f"<template data-further data-search-exclude>{output}</template>" in rendered
    assert Blocks(rendered).texts["data-promised"] == "\n\n<i> & 'b'\n"


# Several sections


THREE = script(
    "# --8<-- [start:hang]",
    'coat = "duffel"',
    "# --8<-- [end:hang]",
    "",
    "# --8<-- [start:look]",
    "print(coat)",
    "# --8<-- [end:look]",
    'hat = "bowler"',
    "if hat:",
    "    # --8<-- [start:hat]",
    "    print(hat)",
    "    # --8<-- [end:hat]",
    output="duffel\nbowler\n",
)


def fence(*lines: str) -> str:
    return "\n".join(["```python", *(line and f'--8<-- "{line}"' for line in lines), "```", ""])


@pytest.fixture
def three(snippets: Path) -> Path:
    (snippets / PATH).write_text(THREE)
    return snippets


def test_a_fence_shows_several_sections_in_order_with_what_is_between_them_left_out(three: Path) -> None:
    rendered = html(fence(f"{PATH}:hang", "", f"{PATH}:look", f"{PATH}:hat"), three)
    code = Blocks(rendered).texts["snippet-code"]
    assert code == (
        "6 lines: imports and the start of main"
        'coat = "duffel"\n\nprint(coat)\n'
        "2 lines: part of main"
        "    print(hat)\n"
        "4 lines: the call of main"
    )
    assert Blocks(rendered).attributes[0]["data-section"] == "hang look hat"


def test_the_pieces_for_the_buttons_are_as_many_as_those_shown_and_the_output_block(three: Path) -> None:
    rendered = html(fence(f"{PATH}:look", f"{PATH}:hat"), three)
    shown, whole = rendered.split("<template data-search-exclude>")
    assert shown.count('<div class="highlight">') + shown.count('class="snippet-fold"') == 5
    assert whole.count('<div class="highlight">') == 6
    assert Blocks(rendered).texts["template"] == load(three, PATH).script


def test_without_our_extension_the_page_shows_the_same_sections(three: Path) -> None:
    shown = Blocks(html(fence(f"{PATH}:hang", f"{PATH}:look"), three, runnable=False)).texts["highlight"]
    assert shown == 'coat = "duffel"\nprint(coat)\n'


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((f"{PATH}:look", f"{PATH}:hang"), "section `hang` does not come after `look`: embed sections in the order"),
        ((f"{PATH}:look", f"{PATH}:look"), "section `look` does not come after `look`: embed sections in the order"),
        (
            (PATH, f"{PATH}:look"),
            "one fence embeds the whole file and more of it: embed either the file or its sections",
        ),
        ((PATH, PATH), "one fence embeds the whole file and more of it: embed either the file or its sections"),
        ((f"{PATH}:look", "coats/a.py:x"), "one fence embeds several files: give each file a fence of its own"),
        ((f"{PATH}:look", f"{PATH}:bow"), "there is no section `bow`: did you mean "),
    ],
)
def test_sections_that_do_not_go_together_are_refused(lines: tuple[str, ...], message: str, three: Path) -> None:
    assert refusal(html, fence(*lines), three).startswith(f"snippets/{PATH}: {message}")


def test_what_prints_must_be_shown_by_some_block_of_the_page(three: Path) -> None:
    [(place, error)] = problems(embeds(f"\n{fence(f'{PATH}:hang')}\n{fence(f'{PATH}:look')}"), three)
    assert place.line == 3
    rule = "`print(hat)` prints, and the page doesn't show it: put it into a section, and embed that too"
    assert str(error) == f"snippets/{PATH}:17: {rule}"
    assert refusal(html, fence(f"{PATH}:hang"), three) == f"snippets/{PATH}:12: {rule.replace('(hat)', '(coat)')}"
    assert list(problems(embeds(fence(f"{PATH}:look") + fence(f"{PATH}:hat")), three)) == []


# Where it is rendered


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("```python", "```"),
        ("```py", "```"),
        ("``` python", "```"),
        ("~~~python", "~~~"),
        ("````python", "````"),
        ('```python title="x" hl_lines="1"', "```"),
        ("```python { .a data-b=c }", "```"),
        ("``` { .python .a #b }", "```"),
        ("```{.py}", "```"),
    ],
)
def test_a_python_fence_with_or_without_attributes_becomes_a_block(opening: str, closing: str, snippets: Path) -> None:
    text = f'{opening}\n--8<-- "{PATH}:use"\n{closing}\n'
    assert len(Blocks(html(text, snippets)).attributes) == 1


@pytest.mark.parametrize("line", [f"-8<- '{PATH}:use'", f'--8<--  "{PATH}:use" ', f'  ---8<--- "{PATH}:use"'])
def test_every_way_to_write_the_embed_is_understood(line: str, snippets: Path) -> None:
    assert len(Blocks(html(f"```python\n{line}\n```\n", snippets)).attributes) == 1


def test_a_block_stands_between_the_paragraphs_around_it(snippets: Path) -> None:
    rendered = html(f"Before\n{FENCE}After\n\n{FENCE}", snippets)
    assert "<p>Before</p>\n<div" in rendered
    assert "</div>\n<p>After</p>\n<div" in rendered
    assert len(Blocks(rendered).attributes) == 2


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def test_a_block_works_in_a_content_tab(snippets: Path) -> None:
    rendered = html(f'=== "Python"\n\n{indented(FENCE)}\n=== "Kotlin"\n\n    text\n', snippets)
    assert '<div class="tabbed-block">\n<div class="snippet"' in rendered
    assert rendered.count('class="tabbed-block"') == 2


def test_a_block_works_in_an_admonition_and_in_a_list(snippets: Path) -> None:
    rendered = html(f"!!! note\n\n{indented(FENCE)}\n1. First:\n\n{indented(FENCE)}", snippets)
    assert '<p class="admonition-title">Note</p>\n<div class="snippet"' in rendered
    assert '<p>First:</p>\n<div class="snippet"' in rendered


def test_a_block_works_in_a_quotation_and_in_a_tab_of_a_tab(snippets: Path) -> None:
    quoted = "".join(f"> {line}\n" for line in FENCE.splitlines())
    assert '<blockquote>\n<div class="snippet"' in html(f"{quoted}\n", snippets)
    nested = f'=== "Outer"\n\n    === "Inner"\n\n{indented(indented(FENCE))}'
    assert '<div class="tabbed-block">\n<div class="snippet"' in html(nested, snippets)


def test_one_converter_renders_page_after_page(snippets: Path) -> None:
    settings = {"livedoc.markdown": {"base_path": str(snippets)}}
    converter = Markdown(extensions=["livedoc.markdown"], extension_configs=settings)
    first = converter.convert(FENCE)
    assert converter.reset().convert(f"{FENCE}") == first
    assert converter.reset().convert("text") == "<p>text</p>"


# What is left alone


@pytest.mark.parametrize(
    "text",
    [
        f'```python\n;--8<-- "{PATH}:use"\n```\n',
        f'```text\n--8<-- "{PATH}:use"\n```\n',
        f'```pycon\n--8<-- "{PATH}:use"\n```\n',
        f'```\n--8<-- "{PATH}:use"\n```\n',
        f'```python\nx = 1\n--8<-- "{PATH}:use"\n```\n',
        f'````markdown\n```python\n;--8<-- "{PATH}:use"\n```\n````\n',
        f"~~~~markdown\n{FENCE}~~~~\n",
        f'--8<-- "{PATH}:use"\n',
        f'Inline ```python``` and\n\n--8<-- "{PATH}:use"\n',
        '```python\nprint("no embed")\n```\n',
    ],
)
def test_anything_else_is_left_to_pymdownx(text: str, snippets: Path) -> None:
    assert html(text, snippets) == html(text, snippets, runnable=False)
    assert embeds(text) == []


def test_without_our_extension_the_page_shows_the_same_code(snippets: Path) -> None:
    shown = load(snippets, PATH).section("use").code
    assert Blocks(html(FENCE, snippets, runnable=False)).texts["highlight"] == shown


# What a page embeds


def embed(*sections: str | None, line: int) -> Embed:
    return Embed(tuple((PATH, section) for section in sections), line)


def test_embeds_are_found_with_their_lines() -> None:
    text = f"# Coats\n\n{FENCE}\n" + indented(FENCE.replace(":use", "")) + f"````markdown\n{FENCE}````\n" + FENCE
    assert embeds(text) == [embed("use", line=4), embed(None, line=8), embed("use", line=16)]


def test_line_numbers_are_not_the_name_of_a_section(snippets: Path) -> None:
    assert embeds(FENCE.replace("use", "3:5")) == [embed("3:5", line=2)]
    message = refusal(html, FENCE.replace("use", "3:5"), snippets)
    assert "there is no section `3:5`: did you mean use?" in message


@pytest.mark.parametrize("text", ["```python\n", FENCE.removesuffix("```\n"), '  ```python\n--8<-- "a.py"\n  ```\n'])
def test_a_fence_that_never_closes_embeds_nothing(text: str) -> None:
    assert embeds(text) == []


def test_a_fence_after_one_that_never_closes_is_found() -> None:
    assert embeds(f"~~~text\n\n{FENCE}") == [embed("use", line=4)]


def test_a_missing_file_is_an_error_and_not_an_empty_block(snippets: Path) -> None:
    message = refusal(html, FENCE.replace("hang_up", "hang_on"), snippets)
    assert message == f"snippets/coats/hang_on.py: there is no such file: did you mean {PATH}?"


# Laboratories and their steps


APP = TEXT.replace("import asyncio\n", "import asyncio\n\napp = 1\n")
LAB = FENCE.replace("```python", '``` { .python .lab browsers="Alice" }')
STEP = '1. Visit *the* app.\n   { do="Alice: GET /?a=*b*" see=\'store: {"count":1} _x_\' }\n'


@pytest.fixture
def with_app(tmp_path: Path) -> Path:
    write(tmp_path, PATH, APP)
    return tmp_path


def step_refusal(text: str, folder: Path) -> str:
    with pytest.raises(StepError) as caught:
        html(text, folder)
    return str(caught.value)


def test_a_laboratory_has_a_place_below_its_block(with_app: Path) -> None:
    rendered = html(LAB, with_app)
    place = rendered.index(f'<section class="lab-place" data-lab="{PATH}" data-state="idle" data-browsers="Alice"')
    assert place > rendered.index('<div class="snippet"')
    assert "lab-place" not in html(FENCE, with_app)


@pytest.mark.parametrize(
    ("info", "message"),
    [
        ("{ .python .lab }", 'a laboratory has no browser: write { .python .lab browsers="Alice" }'),
        ('{ .python browsers="Alice" }', "a fence names browsers and is no laboratory: write {"),
        ('{ .python .lab browser="Alice" }', "a laboratory can't have `browser=Alice`: write {"),
        ('{ .python .labs browsers="Alice" }', "a laboratory can't have `.labs`: write {"),
        ('{ .python .lab browsers="alice" }', "`alice` cannot be the name of a browser: give each browser"),
        ('{ .python .lab browsers="Alice Alice" }', "`Alice` cannot be the name of a browser: give each browser"),
    ],
)
def test_a_laboratory_that_is_not_understood_is_refused(info: str, message: str, with_app: Path) -> None:
    assert refusal(html, FENCE.replace("python", f" {info}"), with_app).startswith(f"snippets/{PATH}: {message}")


def test_a_laboratory_needs_an_app_that_a_browser_can_serve(snippets: Path) -> None:
    message = (
        f"snippets/{PATH}: a laboratory has no app that a browser can serve: give the module an ASGI app named `app`"
    )
    assert refusal(html, LAB, snippets).startswith(message)
    write(snippets, PATH, APP.replace("app = 1\n", "app = 1\n# Needs: redis\n"))
    assert refusal(html, LAB, snippets).startswith(message)


def test_a_step_is_an_item_with_what_it_says_as_data(with_app: Path) -> None:
    rendered = html(f"{LAB}\n{STEP}1. Look.\n", with_app)
    [item] = re.findall(r"<li [^>]*>", rendered)
    assert "Visit <em>the</em> app." in rendered
    assert '<ol class="lab-steps">' in rendered
    attributes = dict(re.findall(r' ([a-z-]+)="([^"]*)"', item))
    assert {name: unescape(value) for name, value in attributes.items()} == {
        "data-step": "1",
        "data-do": '{"browser": "Alice", "method": "GET", "target": "/?a=*b*", "body": "", "kind": "request"}',
        "data-see": r'{"browser": "", "panel": "store", "text": "{\"count\":1} _x_"}',
        "data-done": "false",
    }
    assert "do=" not in rendered.replace("data-do=", "")


def test_a_lesson_is_a_laboratory_and_the_steps_up_to_the_next() -> None:
    other = LAB.replace("Alice", "Bob")
    text = f"{LAB}\n{STEP}\n{other}\n{STEP.replace('Alice', 'Bob')}\n```text\n{STEP}```\n"
    first, second = lessons(text)
    assert [[line for line, _ in lesson.steps] for lesson in (first, second)] == [[6], [13]]
    assert [lesson.lab.browsers for lesson in (first, second)] == [("Alice",), ("Bob",)]
    assert isinstance(second.steps[0][1].do, Request)
    assert second.steps[0][1].do.browser == "Bob"


def test_all_that_is_wrong_with_steps_is_told_with_its_line(with_app: Path) -> None:
    text = f"{STEP}\n{LAB}\n{STEP.replace('GET', 'GTE')}{STEP}{STEP.replace('store', 'shop')}"
    assert [(line, str(error).partition(":")[0]) for line, error in wrong_steps(text)] == [
        (2, "there is no laboratory for this step"),
        (9, "`GTE` isn't a method"),
        (13, "there is no panel `shop`"),
    ]
    assert step_refusal(text, with_app).startswith("there is no laboratory for this step: embed its app above it")


def test_a_laboratory_that_is_missing_or_has_no_browser_is_told_once_for_all_of_its_steps() -> None:
    [(line, error)] = wrong_steps(f"{STEP}{STEP}")
    assert (line, error.rule) == (2, "there is no laboratory for this step")
    assert '``` { .python .lab browsers="Alice" } with a line such as --8<-- "labs/' in error.fix
    [(line, error)] = wrong_steps(f"{LAB}\n{STEP}{STEP}".replace(' browsers="Alice"', ""))
    assert (line, error.rule) == (6, "the laboratory of this step has no browser")
    assert error.fix == 'begin its fence with ``` { .python .lab browsers="Alice" }'


@pytest.mark.parametrize("text", [STEP.removeprefix("1. "), STEP.replace("1. ", "- "), f"{STEP}   and more.\n"])
def test_a_step_that_is_no_item_of_an_ordered_list_is_refused(text: str, with_app: Path) -> None:
    message = 'the step that shows `{"count":1} _x_` is not the last line of an item of an ordered list: write it below'
    assert step_refusal(f"{LAB}\n{text}", with_app).startswith(message)
