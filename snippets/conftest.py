# ruff: noqa: D100, F401
from livedoc.pytest_snippets import (
    pytest_addoption,
    pytest_collect_file,
    pytest_terminal_summary,
)
