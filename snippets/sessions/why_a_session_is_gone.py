"""Find out why a session is gone."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

from coatcheck import SessionStorageMemory, cookie


@dataclass
class User:
    name: str


# --8<-- [start:use]
class Printer(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        id_hash = record.__dict__["id_hash"]  # another one in each run
        print(record.getMessage().replace(id_hash, "..."))


async def main() -> None:
    logger = logging.getLogger("coatcheck")
    logger.setLevel(logging.DEBUG)
    printer = Printer()
    logger.addHandler(printer)

    provider = cookie(
        "USER",
        User,
        storage=SessionStorageMemory(),
        idle_timeout=timedelta(seconds=1),
    )
    id = await provider.write(User("ada"))
    await asyncio.sleep(1.1)
    print("--- the first request after the break")
    await provider.read(id)
    print("--- the next request")
    await provider.read(id)
    # --8<-- [end:use]
    logger.removeHandler(printer)
    logger.setLevel(logging.NOTSET)


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# USER session ...: storage write done
# USER session ...: stored
# --- the first request after the break
# USER session ...: storage read done
# USER session ...: expired by idle_timeout
# USER session ...: storage update found nothing
# USER session ...: storage invalidate done
# --- the next request
# USER session ...: storage read found nothing
# USER session ...: no session under this id
