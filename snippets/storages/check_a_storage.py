"""Check a storage of your own."""

import asyncio

from coatcheck import SimplifiedSessionStorage
from coatcheck.testing import CHECKS


# --8<-- [start:use]
class ForgetfulStorage(SimplifiedSessionStorage):
    def __init__(self) -> None:
        self.sessions: dict[str, bytes | None] = {}

    async def load(self, id: str) -> bytes | None:
        return self.sessions.get(id) or None  # the mistake: b"" is a session too

    async def save(self, id: str, data: bytes | None) -> None:
        self.sessions[id] = data


async def main() -> None:
    passed = 0
    for check in CHECKS:
        try:
            await check(ForgetfulStorage())
            passed += 1
        except AssertionError as broken:
            print(f"{check.__name__}: {broken}")
    print(f"{passed} of {len(CHECKS)} checks passed")


# --8<-- [end:use]
if __name__ == "__main__":
    asyncio.run(main())

# Output:
# an_empty_session_is_a_session: a session that should be there is not found
# 29 of 30 checks passed
