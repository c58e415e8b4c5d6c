"""Keep a coat."""

import asyncio

from coatcheck import SessionStorageMemory, read_bytes, write_bytes


async def main() -> None:
    # --8<-- [start:use]
    storage = SessionStorageMemory()
    await write_bytes(storage, "id1", b"a grey coat")
    print(await read_bytes(storage, "id1"))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# b'a grey coat'
