"""Store a cart."""

import asyncio

from coatcheck import SessionStorageMemory, read_bytes, write_bytes


async def main() -> None:
    # --8<-- [start:use]
    storage = SessionStorageMemory()
    await write_bytes(storage, "id1", b"two apples")
    cart = await read_bytes(storage, "id1")
    print("in the cart:", cart)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# in the cart: b'two apples'
