from livedoc.pytest_snippets import (  # noqa: D100, F401
    pytest_addoption,
    pytest_collect_file,
    pytest_terminal_summary,
)
