"""Keep sessions in Redis."""

import asyncio
import os

from redis.asyncio import Redis

from coatcheck import read_bytes, write_bytes
from coatcheck.redis import SessionStorageRedis

# Needs: redis


async def main() -> None:
    # --8<-- [start:use]
    async with Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost")) as client:
        storage = SessionStorageRedis(client, prefix="cloakroom:")
        await write_bytes(storage, "id1", b"a grey coat")
        print(await read_bytes(storage, "id1"))

        (key,) = await client.keys("*")
        print(key[:10], "and a hash,", round(await client.ttl(key) / 86400), "days to go")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# b'a grey coat'
# b'cloakroom:' and a hash, 7 days to go
