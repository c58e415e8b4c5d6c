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
        id_hash = record.__dict__["id_hash"]  # other in each run, so it isn't shown here
        print(record.getMessage().replace(id_hash, "..."))


async def main() -> None:
    logger, printer = logging.getLogger("coatcheck"), Printer()
    logger.setLevel(logging.DEBUG)
    logger.addHandler(printer)

    now = 0.0
    provider = cookie(
        *("USER", User),
        storage=SessionStorageMemory(),
        idle_timeout=timedelta(minutes=30),
        clock=lambda: now,
    )
    id = await provider.write(User("ada"))
    now += 2400  # 40 minutes later
    await provider.read(id)
    print("and the next request:")
    await provider.read(id)
    # --8<-- [end:use]
    logger.removeHandler(printer)
    logger.setLevel(logging.NOTSET)


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# USER session ...: storage write done
# USER session ...: stored
# USER session ...: storage read done
# USER session ...: expired by idle_timeout
# USER session ...: storage update found nothing
# USER session ...: storage invalidate done
# and the next request:
# USER session ...: storage read found nothing
# USER session ...: no session under this id
