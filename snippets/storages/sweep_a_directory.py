"""Sweep a directory."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

from coatcheck import directory_session_storage, write_bytes


async def main() -> None:
    # --8<-- [start:use]
    storage = directory_session_storage(".sessions", retention=timedelta(days=7))
    await write_bytes(storage, "id1", b"a grey coat")
    await write_bytes(storage, "id2", b"a red scarf")
    print(await storage.sweep(), "removed")

    in_a_week = directory_session_storage(
        ".sessions", clock=lambda: time.time() + 7 * 24 * 3600
    )
    print(
        await in_a_week.sweep(), "removed,", len(list(Path(".sessions").iterdir())), "left"
    )
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 0 removed
# 2 removed, 0 left
