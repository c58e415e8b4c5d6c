"""Look at a stored session."""

import asyncio
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from coatcheck import cookie, directory_session_storage


# --8<-- [start:use]
@dataclass
class Cart:
    items: dict[str, int] = field(default_factory=dict)
    deliver_on: date | None = None


async def main() -> None:
    storage = directory_session_storage(".sessions")
    carts = cookie("CART", Cart, storage=storage, clock=lambda: 1_795_469_372.5)
    await carts.write(Cart({"tea": 2}, deliver_on=date(2026, 12, 24)))
    for file in Path(".sessions").glob("*.session"):
        print(file.read_text())
        file.unlink()
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# {"created":1795469372.500000,"seen":1795469372.500000}
# {"items":{"tea":2},"deliver_on":"2026-12-24"}
