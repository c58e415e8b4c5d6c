"""Write to a channel, read from a channel."""

import asyncio

from coatcheck import ByteReadChannel, ByteWriteChannel, SessionStorageMemory


async def main() -> None:
    # --8<-- [start:use]
    storage = SessionStorageMemory()

    async def provider(channel: ByteWriteChannel) -> None:
        await channel.send(b"a grey coat, ")
        await channel.send(b"a red scarf")

    async def consumer(channel: ByteReadChannel) -> int:
        first = await channel.receive(6)
        print(first)
        return len(first)  # it need not read to the end

    await storage.write("id1", provider)
    print(await storage.read("id1", consumer), "bytes read")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# b'a grey'
# 6 bytes read
