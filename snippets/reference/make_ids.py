"""Make ids that begin with the name of your app."""

import asyncio
from dataclasses import dataclass

from coatcheck import SessionStorageMemory, cookie, new_session_id


@dataclass
class Cart:
    items: int = 0


# --8<-- [start:use]
def new_id() -> str:
    return f"shop-{new_session_id()}"


async def main() -> None:
    print("characters of an id:", len(new_session_id()))

    storage = SessionStorageMemory()
    carts = cookie("CART", Cart, storage=storage, new_id=new_id)
    id = await carts.write(Cart())
    print("an id of your own begins with:", id[:5])

    broken = cookie("BROKEN", Cart, storage=storage, new_id=lambda: "a b")
    try:
        await broken.write(Cart())
    except ValueError as error:
        print(error)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# characters of an id: 43
# an id of your own begins with: shop-
# new_id for 'BROKEN' must return 1 to 512 visible ASCII characters without any of ",;\, which a cookie could not carry
