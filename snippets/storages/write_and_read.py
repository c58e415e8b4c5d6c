"""Write to a channel, read from a channel."""

import asyncio

from coatcheck import ByteReadChannel, ByteWriteChannel, SessionStorageMemory


async def main() -> None:
    # --8<-- [start:use]
    storage = SessionStorageMemory()

    async def send_cart(channel: ByteWriteChannel) -> None:
        await channel.send(b"two apples, ")
        await channel.send(b"three pears")

    async def receive_start(channel: ByteReadChannel) -> bytes:
        return await channel.receive(10)  # it need not read to the end

    await storage.write("id1", send_cart)
    print("first bytes:", await storage.read("id1", receive_start))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# first bytes: b'two apples'
