"""The ears of the whole suite, which hear an id or a payload in a log line or an error, do hear it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from coatcheck import SessionStorageMemory, read_bytes, write_bytes
from coatcheck.log import SessionLog

if TYPE_CHECKING:
    from collections.abc import Callable

ID = "a-ticket-of-some-length"


@pytest.fixture
def heard(ears: Any) -> Callable[[], list[str]]:
    """What was heard, which would fail any other test."""

    def take() -> list[str]:
        leaks, ears.leaks = ears.leaks, []
        return list(leaks)

    return take


async def test_an_id_in_an_error_is_heard(heard: Callable[[], list[str]]) -> None:
    async def tell(_: object) -> None:
        raise LookupError(f"nobody has {ID}")

    storage = SessionStorageMemory()
    with pytest.raises(LookupError):
        await storage.write(ID, tell)
    assert len(heard()) == 1


async def test_an_id_in_a_note_or_a_cause_is_heard(heard: Callable[[], list[str]]) -> None:
    async def tell(_: object) -> None:
        error = LookupError("nobody")
        error.add_note(ID)
        raise ValueError("no") from error

    with pytest.raises(ValueError, match="no"):
        await SessionStorageMemory().write(ID, tell)
    assert len(heard()) == 1


async def test_an_id_in_a_log_line_is_heard(heard: Callable[[], list[str]]) -> None:
    await write_bytes(SessionStorageMemory(), f"CART:{ID}", b"a grey coat")
    logging.getLogger("coatcheck").warning("looking for %s", ID)
    assert len(heard()) == 1


@pytest.mark.parametrize("extra", [{"provider": f"of {ID}"}, {"id": "id1"}, {"bytes": b"coat"}, {"id_hash": "id1"}])
async def test_an_id_or_a_payload_in_the_extra_of_a_record_is_heard(
    extra: dict[str, object], heard: Callable[[], list[str]]
) -> None:
    await write_bytes(SessionStorageMemory(), f"CART:{ID}", b"a grey coat")
    logging.getLogger("coatcheck").info("looking", extra=extra)
    assert len(heard()) == 1


@pytest.mark.parametrize("event", ["stored {}", "found id1", 'with "coat"', "coat: grey"])
def test_what_might_be_an_id_or_a_payload_in_a_debug_record_is_heard(
    event: str, heard: Callable[[], list[str]]
) -> None:
    SessionLog("CART").tell(event, "CART:id1")
    assert len(heard()) == 1


async def test_no_id_and_no_payload_is_in_a_log_line_or_an_error(heard: Callable[[], list[str]]) -> None:
    with pytest.raises(LookupError):
        await read_bytes(SessionStorageMemory(), ID)
    assert heard() == []
