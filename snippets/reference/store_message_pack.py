"""Store sessions as MessagePack."""

import asyncio
from dataclasses import dataclass

import msgspec

from coatcheck import SessionSerializer, SessionStorageMemory, cookie


@dataclass
class Cart:
    items: dict[str, int]


# --8<-- [start:use]
class MessagePack:
    def serialize(self, session: Cart, /) -> bytes:
        return msgspec.msgpack.encode(session, order="deterministic")

    def deserialize(self, data: bytes, /) -> Cart:
        return msgspec.msgpack.decode(data, type=Cart)


async def main() -> None:
    serializer: SessionSerializer[Cart] = MessagePack()
    storage = SessionStorageMemory()
    carts = cookie("CART", Cart, storage=storage, serializer=serializer)
    id = await carts.write(Cart({"tea": 2}))
    print("read back:", await carts.read(id))
    print("as bytes:", serializer.serialize(Cart({"tea": 2})))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# read back: Cart(items={'tea': 2})
# as bytes: b'\x81\xa5items\x81\xa3tea\x02'
