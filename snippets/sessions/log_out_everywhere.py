"""Log a user out everywhere."""

import asyncio
import json
from dataclasses import dataclass

from coatcheck import (
    SessionNotFound,
    SessionStorageMemory,
    cookie,
    read_bytes,
    write_bytes,
)


@dataclass
class User:
    name: str


# --8<-- [start:use]
storage = SessionStorageMemory()
provider = cookie("USER", User, storage=storage)


async def remember_id(name: str, id: str) -> None:
    def add(stored: bytes) -> bytes:
        ids = json.loads(stored)
        ids.append(id)
        return json.dumps(ids).encode()

    try:
        await storage.update(f"ids/{name}", add)
    except SessionNotFound:  # the first login
        await write_bytes(storage, f"ids/{name}", add(b"[]"))


async def log_out_everywhere(name: str) -> None:
    try:
        stored = await read_bytes(storage, f"ids/{name}")
    except SessionNotFound:  # nobody has logged in
        return
    for id in json.loads(stored):
        await provider.invalidate(id)


async def main() -> None:
    phone_id = await provider.write(User("ada"))
    await remember_id("ada", phone_id)
    laptop_id = await provider.write(User("ada"))
    await remember_id("ada", laptop_id)
    print("on the phone:", await provider.read(phone_id))
    print("on the laptop:", await provider.read(laptop_id))

    await log_out_everywhere("ada")
    print("on the phone now:", await provider.read(phone_id))
    print("on the laptop now:", await provider.read(laptop_id))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# on the phone: User(name='ada')
# on the laptop: User(name='ada')
# on the phone now: None
# on the laptop now: None
