"""Log a user out everywhere."""

import asyncio
import json
from dataclasses import dataclass

from coatcheck import SessionNotFound, SessionStorageMemory, cookie, write_bytes


@dataclass
class User:
    name: str


# --8<-- [start:use]
storage = SessionStorageMemory()
provider = cookie("USER", User, storage=storage)


async def remember(name: str, id: str) -> None:
    def add(stored: bytes) -> bytes:
        return json.dumps([*json.loads(stored), id]).encode()

    try:
        await storage.update(f"ids/{name}", add)
    except SessionNotFound:  # the first login
        await write_bytes(storage, f"ids/{name}", json.dumps([id]).encode())


async def log_out_everywhere(name: str) -> None:
    ids: list[str] = []

    def take_all(stored: bytes) -> bytes:
        ids[:] = json.loads(stored)
        return b"[]"

    await storage.update(f"ids/{name}", take_all)
    for id in ids:
        await provider.invalidate(id)


async def main() -> None:
    phone, laptop = [await provider.write(User("ada")) for _ in range(2)]
    for id in (phone, laptop):
        await remember("ada", id)
    print(await provider.read(phone), await provider.read(laptop))
    await log_out_everywhere("ada")
    print(await provider.read(phone), await provider.read(laptop))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# User(name='ada') User(name='ada')
# None None
