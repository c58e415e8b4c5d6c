"""Store, read and end a session without a request."""

import asyncio
from dataclasses import dataclass

from coatcheck import SessionProvider, SessionStorageMemory, cookie


@dataclass
class User:
    name: str


async def main() -> None:
    # --8<-- [start:use]
    users: SessionProvider[User]
    users = cookie("USER", User, storage=SessionStorageMemory())

    id = await users.write(User("ada"))
    print("stored:", await users.read(id))

    await users.invalidate(id)
    print("after invalidate:", await users.read(id))
    print("an invented id:", await users.read("made-up"))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# stored: User(name='ada')
# after invalidate: None
# an invented id: None
