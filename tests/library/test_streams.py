"""Byte streams over bytes in memory."""

from __future__ import annotations

from typing import cast

import anyio
import pytest

from coatcheck.streams import BytesReceiveStream, BytesSendStream


async def test_a_receive_stream_hands_out_its_bytes_piece_by_piece() -> None:
    stream = BytesReceiveStream(b"12345")
    assert [await stream.receive(2), await stream.receive(2), await stream.receive(2)] == [b"12", b"34", b"5"]
    with pytest.raises(anyio.EndOfStream):
        await stream.receive()


@pytest.mark.parametrize("max_bytes", [0, -1])
async def test_less_than_one_byte_cannot_be_asked_for(max_bytes: int) -> None:
    with pytest.raises(ValueError, match="max_bytes must be at least 1"):
        await BytesReceiveStream(b"12345").receive(max_bytes)


async def test_a_send_stream_keeps_a_copy_of_what_may_change() -> None:
    stream = BytesSendStream()
    data = bytearray(b"12345")
    await stream.send(cast("bytes", data))
    data.clear()
    assert stream.value() == b"12345"


async def test_a_closed_stream_neither_gives_nor_takes() -> None:
    receiving, sending = BytesReceiveStream(b"12345"), BytesSendStream()
    await sending.send(b"12345")
    await receiving.aclose()
    await sending.aclose()
    with pytest.raises(anyio.ClosedResourceError):
        await receiving.receive()
    with pytest.raises(anyio.ClosedResourceError):
        await sending.send(b"6")
    assert sending.value() == b"12345"
