from livedoc.pytest_snippets import pytest_addoption, pytest_collect_file, pytest_terminal_summary  # noqa: D100, F401
