"""Look at a stored session."""

import asyncio
import json
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
    carts = cookie("CART", Cart, storage=storage)
    await carts.write(Cart({"tea": 2}, deliver_on=date(2026, 12, 24)))
    for file in Path(".sessions").glob("*.session"):
        first_line, second_line = file.read_text().splitlines()
        print("first line:", *json.loads(first_line))
        print("second line:", second_line)
        file.unlink()
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# first line: created seen
# second line: {"items":{"tea":2},"deliver_on":"2026-12-24"}
