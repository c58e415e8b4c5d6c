"""Hand over a coat, keep a ticket."""

import asyncio

from coatcheck import (
    SessionNotFound,
    SessionStorageMemory,
    new_session_id,
    read_bytes,
    write_bytes,
)


async def main() -> None:
    # --8<-- [start:use]
    storage = SessionStorageMemory()

    ticket = new_session_id()  # all that a client ever gets
    await write_bytes(storage, ticket, b"a grey coat, a red scarf")
    print("the ticket has", len(ticket), "characters")

    coat = await read_bytes(storage, ticket)
    print("handed back:", coat)

    await storage.invalidate(ticket)
    try:
        await read_bytes(storage, ticket)
    except SessionNotFound as error:
        print("the same ticket again:", error)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# the ticket has 43 characters
# handed back: b'a grey coat, a red scarf'
# the same ticket again: no session is stored under this id
