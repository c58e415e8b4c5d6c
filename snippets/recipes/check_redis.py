"""Check that Redis keeps sessions when it is full and when it restarts."""

import asyncio
import os

from redis.asyncio import Redis

# Needs: redis


# --8<-- [start:use]
async def warnings_about(client: Redis) -> list[str]:
    info = await client.info()
    warnings = []
    if info["maxmemory"] and info["maxmemory_policy"] != "noeviction":
        warnings.append(f"when full it deletes live sessions: {info['maxmemory_policy']}")
    if not info["aof_enabled"]:
        warnings.append("a restart may lose sessions: appendonly is off")
    return warnings


async def main() -> None:
    url = os.environ.get("REDIS_URL", "redis://localhost")
    async with Redis.from_url(url) as client:
        print("as it was started:", await warnings_about(client))
        await client.config_set("maxmemory", "100mb")
        await client.config_set("maxmemory-policy", "allkeys-lru")
        await client.config_set("appendonly", "yes")
        print("with other settings:", await warnings_about(client))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# as it was started: ['a restart may lose sessions: appendonly is off']
# with other settings: ['when full it deletes live sessions: allkeys-lru']
