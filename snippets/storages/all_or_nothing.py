"""A write that fails changes nothing."""

import asyncio

from coatcheck import ByteWriteChannel, directory_session_storage, read_bytes, write_bytes


async def main() -> None:
    # --8<-- [start:use]
    storage = directory_session_storage(".sessions")
    await write_bytes(storage, "id1", b"a grey coat")

    async def drops_it(channel: ByteWriteChannel) -> None:
        await channel.send(b"a black co")
        raise ConnectionError("the line went dead")

    try:
        await storage.write("id1", drops_it)
    except ConnectionError as error:
        print(error)

    print(await read_bytes(storage, "id1"))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# the line went dead
# b'a grey coat'
