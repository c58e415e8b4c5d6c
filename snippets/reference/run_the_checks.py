"""Find the rules that a storage breaks."""

import asyncio

from coatcheck import SessionStorage, SimplifiedSessionStorage
from coatcheck.testing import CHECKS, UPDATE_CHECKS, Check


# --8<-- [start:use]
class ShoutingStorage(SimplifiedSessionStorage):
    def __init__(self) -> None:
        self.sessions: dict[str, bytes] = {}

    async def load(self, id: str) -> bytes | None:
        return self.sessions.get(id.upper())  # a mistake: ids differ in case

    async def save(self, id: str, data: bytes | None) -> None:
        if data is None:
            del self.sessions[id.upper()]  # a mistake: it may not be there
        else:
            self.sessions[id.upper()] = data


async def passes(check: Check, storage: SessionStorage) -> bool:
    try:
        await check(storage)
    except AssertionError:
        return False
    return True


async def main() -> None:
    for check in CHECKS:
        if not await passes(check, ShoutingStorage()):
            print("broken:", check.__name__)
    print(len(CHECKS), "checks, and", len(UPDATE_CHECKS), "more if it has update")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# broken: invalidating_twice_is_harmless
# broken: any_string_is_an_id
# 30 checks, and 15 more if it has update
