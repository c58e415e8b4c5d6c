"""Store sessions in Redis."""

import asyncio
import os

from redis.asyncio import Redis

from coatcheck import read_bytes, write_bytes
from coatcheck.redis import SessionStorageRedis

# Needs: redis


async def main() -> None:
    # --8<-- [start:use]
    url = os.environ.get("REDIS_URL", "redis://localhost")
    async with Redis.from_url(url) as client:
        storage = SessionStorageRedis(client, prefix="shop:")
        await write_bytes(storage, "id1", b"two apples")
        print("stored:", await read_bytes(storage, "id1"))

        async for key in client.scan_iter("shop:*"):
            seconds_left = await client.ttl(key)
            print("key:", key.decode())
            print("days until it is deleted:", round(seconds_left / 86400))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# stored: b'two apples'
# key: shop:f3436f50b2f7f1613ad142dbce1d24801d9daaabc45ecb2db909251a214c9840
# days until it is deleted: 7
