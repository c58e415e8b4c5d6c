"""Compress sessions with a serializer."""

import asyncio
import zlib
from dataclasses import dataclass
from typing import Any

import msgspec

from coatcheck import SessionStorageMemory, cookie


@dataclass
class Draft:
    title: str = ""
    text: str = ""


# --8<-- [start:use]
def unpacked(data: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.json.decode(zlib.decompress(data))
    return fields


class CompressedDraft:
    def serialize(self, session: Draft, /) -> bytes:
        return zlib.compress(msgspec.json.encode(session))

    def deserialize(self, data: bytes, /) -> Draft:
        return msgspec.json.decode(zlib.decompress(data), type=Draft)

    def merge(self, base: bytes, mine: bytes, theirs: bytes, /) -> bytes:
        """Return what is stored now with each field that this request changed."""
        before, after, stored = unpacked(base), unpacked(mine), unpacked(theirs)
        changed = {name: value for name, value in after.items() if value != before[name]}
        return zlib.compress(msgspec.json.encode(stored | changed))


async def main() -> None:
    serializer = CompressedDraft()
    storage = SessionStorageMemory(max_bytes=1_000)
    drafts = cookie("DRAFT", Draft, storage=storage, serializer=serializer)
    draft = Draft("A long text", "Tea, please. " * 1_000)
    id = await drafts.write(draft)
    print("characters of the text:", len(draft.text))
    print("read back:", await drafts.read(id) == draft)

    versions = (Draft(), Draft(title="Tea"), Draft(text="Milk first."))
    base, mine, theirs = map(serializer.serialize, versions)
    print("two changes at once:", unpacked(serializer.merge(base, mine, theirs)))
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# characters of the text: 13000
# read back: True
# two changes at once: {'title': 'Tea', 'text': 'Milk first.'}
