"""Takes down what a program logs, with every logger and at every level."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_RECORDS = 500
MOST_EXTRAS = 50  # of each record
MOST_CHARACTERS = 2000  # of each text in a record

STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime"}


class Record(NamedTuple):
    """A log record as text."""

    logger: str
    level: str
    message: str
    extra: list[tuple[str, str]]
    """What the program added with `extra`, by name."""
    traceback: str


@contextmanager
def recorded() -> Iterator[list[Record]]:
    """Collect the records of all loggers. The program's own handlers get what they would get without this."""
    records: list[Record] = []
    is_enabled, handle = logging.Logger.isEnabledFor, logging.Logger.handle

    def take(self: logging.Logger, record: logging.LogRecord) -> None:
        if len(records) < MOST_RECORDS:
            records.append(_described(record))
        if is_enabled(self, record.levelno):
            handle(self, record)

    logging.Logger.isEnabledFor = lambda *_: True  # type: ignore[method-assign]
    logging.Logger.handle = take  # type: ignore[method-assign]
    try:
        yield records
    finally:
        logging.Logger.isEnabledFor = is_enabled  # type: ignore[method-assign]
        logging.Logger.handle = handle  # type: ignore[method-assign]


def _described(record: logging.LogRecord) -> Record:
    added = [item for item in vars(record).items() if item[0] not in STANDARD][:MOST_EXTRAS]
    extra = [(_text_of(name), _text_of(value)) for name, value in added]
    exception = record.exc_info
    traceback = formatted(lambda: logging.Formatter().formatException(exception)) if exception and exception[0] else ""
    return Record(str(record.name), record.levelname, formatted(record.getMessage), extra, traceback)


def _text_of(value: object) -> str:
    return formatted(lambda: str(value))


def formatted(make: Callable[[], str]) -> str:
    """Return what a function of the program's own makes, or why it makes nothing."""
    try:
        return make()[:MOST_CHARACTERS]
    except Exception as error:  # noqa: BLE001  # the program's own formatting may raise anything
        return f"[{type(error).__name__} while this was formatted]"
