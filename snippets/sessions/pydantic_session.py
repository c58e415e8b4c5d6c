"""Use a pydantic model as a session."""

import asyncio
from decimal import Decimal

from pydantic import BaseModel, Field

from coatcheck import SessionStorageMemory, cookie


# --8<-- [start:use]
class Booking(BaseModel):
    seat: str = Field(pattern="^[A-Z][0-9]+$")
    price: Decimal = Decimal(0)


async def main() -> None:
    provider = cookie("BOOKING", Booking, storage=SessionStorageMemory())
    id = await provider.write(Booking(seat="B7", price=Decimal("12.50")))
    print(await provider.read(id))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# seat='B7' price=Decimal('12.50')
