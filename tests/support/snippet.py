"""Snippets to test with, and how one is refused."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from livedoc.snippet import SnippetError

if TYPE_CHECKING:
    from collections.abc import Callable

PATH = "coats/hang_up.py"
SCRIPT = '''\
"""{title}."""

import asyncio
{imports}

async def main() -> None:
{body}


if __name__ == "__main__":
    asyncio.run(main())

# Output:
{output}'''


def script(*body: str, title: str = "Hang up a coat", imports: str = "", output: str = "duffel\n") -> str:
    """The text of a snippet whose main has these lines; the first of them is line 7."""
    lines = indent("\n".join(body or ('print("duffel")',)), "    ")
    commented = indent(output, "# ", bool).replace("# \n", "#\n")
    return SCRIPT.format(title=title, imports=imports, body=lines, output=commented)


def refusal(act: Callable[..., object], *arguments: object) -> str:
    """What the error says when this call is refused."""
    with pytest.raises(SnippetError) as caught:
        act(*arguments)
    return str(caught.value)
