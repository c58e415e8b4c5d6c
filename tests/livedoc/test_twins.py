"""Programs that read text get each page as Markdown, with its code, its outputs and what the library says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from livedoc.twins import Page, llms_txt, twin

if TYPE_CHECKING:
    from pathlib import Path

SNIPPET = '''"""Hang up a coat."""

import asyncio


async def main() -> None:
    # --8<-- [start:use]
    coat = "duffel"
    # --8<-- [end:use]
    # --8<-- [start:show]
    print(coat)
    # --8<-- [end:show]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# duffel
'''
PAGE = """# Coats

See [`Sessions`][coatcheck.Sessions] and [there](other.md#there).

```python
--8<-- "coats/hang.py:use"
```

In between.

!!! tip "More"

    ```python
    --8<-- "coats/hang.py:show"
    ```

```python
a_plain = "fence"
```
"""
TWIN = '''# Coats

See `Sessions` and [there](other.md#there).


`coats/hang.py`:

```python
"""Hang up a coat."""

import asyncio


async def main() -> None:
    coat = "duffel"
    print(coat)


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# duffel
```


In between.

!!! tip "More"


    (More of `coats/hang.py`, which is above.)


```python
a_plain = "fence"
```
'''


@pytest.fixture
def snippets(tmp_path: Path) -> Path:
    (tmp_path / "coats").mkdir()
    (tmp_path / "coats" / "hang.py").write_text(SNIPPET)
    return tmp_path


def test_a_block_becomes_its_file_and_its_output_once(snippets: Path) -> None:
    assert twin(PAGE, snippets) == TWIN


def test_a_drawing_is_left_out_and_its_table_stays(snippets: Path) -> None:
    assert twin("<div><svg>\n<path/></svg><table></table></div>", snippets) == "<div><table></table></div>"


def test_a_drawing_that_is_described_becomes_its_description(snippets: Path) -> None:
    drawn = '<svg role="img">\n<title id="t">A coat</title><desc id="d">It hangs.</desc><path/>\n</svg>'
    assert twin(f"One.\n\n{drawn}\n\nTwo.", snippets) == "One.\n\nPicture: It hangs.\n\nTwo."


def test_a_figure_is_written_without_an_entity(snippets: Path) -> None:
    assert twin("It takes &#49;4 µs.", snippets) == "It takes 14 µs."


def test_an_object_says_what_its_docstring_says(snippets: Path) -> None:
    told = twin("# All\n\n::: coatcheck.CurrentSession\n::: coatcheck.StorageFull\n\nEnd.\n", snippets)
    got = "### `coatcheck.CurrentSession.get(self, type: type[S]) -> S | None` { #coatcheck.CurrentSession.get }"
    assert f"{got}\n\nReturn the client's" in told
    assert "### `coatcheck.StorageFull` { #coatcheck.StorageFull }\n\n" in told
    assert told.endswith("\nEnd.\n")
    assert ":::" not in told


@pytest.mark.parametrize(("members", "shown"), [("[read, write]", {"read", "write"}), ("false", set[str]())])
def test_only_the_listed_members_are_told(snippets: Path, members: str, shown: set[str]) -> None:
    told = twin(f"::: coatcheck.SessionProvider\n    options:\n      members: {members}\n", snippets)
    assert {name for name in ("read", "write", "invalidate") if f"SessionProvider.{name}(" in told} == shown
    assert "options" not in told


def test_data_of_a_module_gets_no_docstring_of_its_type(snippets: Path) -> None:
    told = twin("::: coatcheck.testing\n    options:\n      members: [CHECKS, Check, report]\n", snippets)
    assert "tuple" not in told
    assert (
        "### `coatcheck.testing.report(make_storage: Callable[[], SessionStorage]) -> bool` { "
        "#coatcheck.testing.report }" in told
    )


def test_data_is_told_by_the_text_below_it(snippets: Path) -> None:
    told = twin("::: coatcheck.testing\n    options:\n      members: [CHECKS, Check]\n", snippets)
    assert "### `coatcheck.testing.CHECKS` { #coatcheck.testing.CHECKS }\n\nWhat every storage must do, one" in told
    assert "### `coatcheck.testing.Check` { #coatcheck.testing.Check }\n\nReturns if the storage keeps" in told


def test_a_special_method_with_a_text_is_told(snippets: Path) -> None:
    told = twin("::: coatcheck.Sessions\n", snippets)
    assert "{ #coatcheck.Sessions.__call__ }" in told
    assert "__init__" not in told


def test_the_list_has_a_line_for_each_page() -> None:
    pages = [Page("index.md", "Home", "What it is.", ""), Page("a/b.md", "B", "", "")]
    assert llms_txt("Coats", "All about coats.", pages) == (
        "# Coats\n\n> All about coats.\n\n## Pages\n\n- [Home](index.md): What it is.\n- [B](a/b.md)\n"
    )


def test_a_twin_has_the_text_of_a_step_and_not_what_its_button_does(snippets: Path) -> None:
    step = '1. Visit the app.\n   { do="Alice: GET /" see="Alice page: Visit 1" }\n2. Look.\n'
    text = f'``` {{ .python .lab browsers="Alice" }}\n--8<-- "coats/hang.py:use"\n```\n\n{step}'
    assert twin(text, snippets).endswith("\n\n1. Visit the app.\n2. Look.\n")
