"""Sweep from a script that cron starts."""

import asyncio
import os
from datetime import timedelta

from coatcheck import directory_session_storage


# --8<-- [start:use]
async def main() -> None:
    storage = directory_session_storage(
        os.environ.get("SESSIONS", ".sessions"),
        retention=timedelta(days=7),  # the same as in your app
    )
    print(await storage.sweep(), "sessions deleted")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 0 sessions deleted
