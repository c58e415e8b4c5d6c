"""The example of the README runs as it stands."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from tests.support.program import output_of
from tests.support.project import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

README = PROJECT / "README.md"

VISIT_TWICE = """

import asyncio
import httpx2

async def main() -> None:
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://museum.example") as browser:
        print((await browser.get("/")).text)
        print((await browser.get("/")).text)

asyncio.run(main())
"""


def test_the_example_counts_the_pages_of_a_visit(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    printed = output_of(sys.executable, "-W", "error", "-c", example + VISIT_TWICE, cwd=tmp_path)
    assert printed == "page 1 of your visit\npage 2 of your visit\n"
    assert [path.suffix for path in (tmp_path / ".sessions").iterdir()] == [".session"]
