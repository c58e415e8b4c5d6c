"""Update in one step."""

import asyncio

from coatcheck import SessionNotFound, SessionStorageDirectory, read_bytes, write_bytes


# --8<-- [start:use]
def one_more(stored: bytes) -> bytes:
    return str(int(stored) + 1).encode()


async def main() -> None:
    storage = SessionStorageDirectory(".sessions")
    await write_bytes(storage, "visitors", b"0")
    await asyncio.gather(*(storage.update("visitors", one_more) for _ in range(20)))
    print(await read_bytes(storage, "visitors"))

    await storage.invalidate("visitors")
    try:
        await storage.update("visitors", one_more)
    except SessionNotFound:
        print("an update never creates")


# --8<-- [end:use]
if __name__ == "__main__":
    asyncio.run(main())

# Output:
# b'20'
# an update never creates
