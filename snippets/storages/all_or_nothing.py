"""A write that fails changes nothing."""

import asyncio

from coatcheck import (
    ByteWriteChannel,
    directory_session_storage,
    read_bytes,
    write_bytes,
)


async def main() -> None:
    # --8<-- [start:use]
    storage = directory_session_storage(".sessions")
    await write_bytes(storage, "id1", b"two apples")

    async def send_half(channel: ByteWriteChannel) -> None:
        await channel.send(b"three pe")
        raise ConnectionError("the connection broke")

    try:
        await storage.write("id1", send_half)
    except ConnectionError as error:
        print("the write failed:", error)

    print("still stored:", await read_bytes(storage, "id1"))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# the write failed: the connection broke
# still stored: b'two apples'
