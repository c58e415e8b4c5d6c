"""Delete unused sessions from a directory."""

import asyncio
from datetime import timedelta
from pathlib import Path

from coatcheck import directory_session_storage, write_bytes


async def main() -> None:
    # --8<-- [start:use]
    storage = directory_session_storage(
        ".sessions",
        retention=timedelta(seconds=0.1),  # in your app, say seven days
    )
    await write_bytes(storage, "id1", b"two apples")
    await write_bytes(storage, "id2", b"three pears")
    await asyncio.sleep(0.2)
    print("sessions deleted:", await storage.sweep())

    files = list(Path(".sessions").iterdir())
    print("files left:", len(files))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# sessions deleted: 2
# files left: 0
