"""Use a pydantic model as a session."""

import asyncio
from decimal import Decimal

from pydantic import BaseModel, Field

from coatcheck import SessionStorageMemory, cookie


# --8<-- [start:use]
class Cart(BaseModel):
    items: int = Field(ge=0)
    total: Decimal = Decimal(0)


async def main() -> None:
    provider = cookie("CART", Cart, storage=SessionStorageMemory())
    id = await provider.write(Cart(items=2, total=Decimal("12.50")))
    cart = await provider.read(id)
    print("read back:", cart)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# read back: items=2 total=Decimal('12.50')
