"""Read a session while it is being written."""

import asyncio
from pathlib import Path

from coatcheck import (
    ByteWriteChannel,
    directory_session_storage,
    read_bytes,
    write_bytes,
)

# --8<-- [start:use]
old, new, half = b"tea", b"milk" * 50_000, 100_000
folder = Path(".sessions")


def write_in_place(file: Path) -> None:
    file.write_bytes(old)
    with file.open("wb", buffering=0) as stream:
        stream.write(new[:half])
        print("in place, half-way:", len(file.read_bytes()), "bytes")
        stream.write(new[half:])


async def write_aside() -> None:
    storage = directory_session_storage(folder)
    await write_bytes(storage, "id1", old)

    async def send(channel: ByteWriteChannel) -> None:
        await channel.send(new[:half])
        print("aside, half-way:", len(await read_bytes(storage, "id1")), "bytes")
        print("files:", sorted(file.suffix for file in folder.iterdir()))
        await channel.send(new[half:])

    await storage.write("id1", send)
    print("aside, then:", len(await read_bytes(storage, "id1")), "bytes")
    print("files:", sorted(file.suffix for file in folder.iterdir()))


async def main() -> None:
    write_in_place(Path("session.txt"))
    await write_aside()
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# in place, half-way: 100000 bytes
# aside, half-way: 3 bytes
# files: ['.session', '.tmp']
# aside, then: 200000 bytes
# files: ['.session']
