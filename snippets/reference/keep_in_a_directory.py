"""Store sessions in a directory for a month."""

import asyncio
from datetime import timedelta
from pathlib import Path
from stat import filemode

from coatcheck import SessionStorageDirectory, write_bytes


async def main() -> None:
    # --8<-- [start:use]
    storage = SessionStorageDirectory(
        ".sessions",
        retention=timedelta(days=30),
        durable=True,  # a session survives a power cut
    )
    await write_bytes(storage, "id1", b"two apples")
    for path in (Path(".sessions"), *Path(".sessions").iterdir()):
        print(filemode(path.stat().st_mode), path.name)

    Path("notes.txt").write_text("not a directory")
    try:
        SessionStorageDirectory("notes.txt")
    except NotADirectoryError as error:
        print(str(error).rpartition("/")[2])
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# drwx------ .sessions
# -rw------- f3436f50b2f7f1613ad142dbce1d24801d9daaabc45ecb2db909251a214c9840.session
# notes.txt is not a directory; name another one, or one that does not exist yet
