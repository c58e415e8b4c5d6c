"""Read the settings of a cookie from the environment."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass

from coatcheck import SessionProvider, SessionStorageDirectory, cookie


@dataclass
class User:
    name: str


# --8<-- [start:use]
def users(environment: Mapping[str, str] = os.environ) -> SessionProvider[User]:
    secure = environment.get("INSECURE_COOKIES") != "1"
    return cookie(
        "__Host-USER" if secure else "USER",
        User,
        storage=SessionStorageDirectory(environment.get("SESSIONS", ".sessions")),
        secure=secure,
    )


async def main() -> None:
    print("on the site:", users().name)
    print("on your own machine:", users({"INSECURE_COOKIES": "1"}).name)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# on the site: __Host-USER
# on your own machine: USER
