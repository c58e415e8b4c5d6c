"""Rename a field of a session."""

import asyncio

import msgspec

from coatcheck import cookie, directory_session_storage


# --8<-- [start:use]
class OldUser(msgspec.Struct):
    mail: str


class NewUser(msgspec.Struct):
    email: str = msgspec.field(name="mail")  # in Python email, in the storage mail


async def main() -> None:
    old = cookie("USER", OldUser, storage=directory_session_storage(".sessions"))
    new = cookie("USER", NewUser, storage=directory_session_storage(".sessions"))
    id = await old.write(OldUser(mail="ada@shop.example"))
    print("the new code reads:", await new.read(id))
    await old.invalidate(id)
    id = await new.write(NewUser(email="grace@shop.example"))
    print("the old code reads:", await old.read(id))
    await new.invalidate(id)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# the new code reads: NewUser(email='ada@shop.example')
# the old code reads: OldUser(mail='grace@shop.example')
