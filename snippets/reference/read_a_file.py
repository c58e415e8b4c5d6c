"""Read the file of a session as another program may."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import msgspec

from coatcheck import SessionStorageDirectory, cookie


@dataclass
class Cart:
    items: dict[str, int] = field(default_factory=dict)


async def main() -> None:
    # --8<-- [start:use]
    storage = SessionStorageDirectory(".sessions")
    carts = cookie("CART", Cart, storage=storage)
    id = await carts.write(Cart({"tea": 2}))

    name = sha256(f"{carts.name}:{id}".encode()).hexdigest()
    record = Path(".sessions", f"{name}.session").read_bytes()

    first_line, _, session = record.partition(b"\n")
    times = msgspec.json.decode(first_line)
    started = datetime.fromtimestamp(times["created"], UTC)
    print("times:", *times)
    print("started in the last minute:", datetime.now(UTC) - started < timedelta(minutes=1))
    print("session:", msgspec.json.decode(session, type=Cart))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# times: created seen
# started in the last minute: True
# session: Cart(items={'tea': 2})
