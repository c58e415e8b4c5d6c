"""Read the file of a session as another program may."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from coatcheck import SessionStorageDirectory, cookie


@dataclass
class Cart:
    items: dict[str, int] = field(default_factory=dict)


def now() -> float:
    return 1_795_469_372.5  # only for the output below; leave the clock out


async def main() -> None:
    # --8<-- [start:use]
    storage = SessionStorageDirectory(".sessions")
    carts = cookie("CART", Cart, storage=storage, clock=now)
    id = await carts.write(Cart({"tea": 2}))

    name = sha256(f"{carts.name}:{id}".encode()).hexdigest()
    record = Path(".sessions", f"{name}.session").read_bytes()
    print(record.decode())

    times, _, session = record.partition(b"\n")
    created = msgspec.json.decode(times)["created"]
    print("started:", datetime.fromtimestamp(created, UTC))
    print("session:", msgspec.json.decode(session, type=Cart))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# {"created":1795469372.500000,"seen":1795469372.500000}
# {"items":{"tea":2}}
# started: 2026-11-23 21:29:32.500000+00:00
# session: Cart(items={'tea': 2})
