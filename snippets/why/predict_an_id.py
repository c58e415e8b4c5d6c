"""Predict the ids that the module random makes."""

import asyncio
import random


# --8<-- [start:use]
def untempered(word: int) -> int:
    """Return the inner state from which the generator made this word of 32 bits."""
    word ^= word >> 18
    word ^= (word << 15) & 0xEFC60000
    for mask in (0x1680, 0xC4000, 0xD200000, 0x90000000):
        word ^= (word << 7) & mask
    word ^= (word >> 11) & 0x1FFC00
    return word ^ ((word >> 11) & 0x3FF)


async def main() -> None:
    # The attacker visits 78 times and is given these.
    ids = [f"{random.getrandbits(256):064x}" for _ in range(78)]
    words = [int(id[i : i + 8], 16) for id in ids for i in range(56, -1, -8)]
    attacker = random.Random()
    attacker.setstate((3, (*map(untempered, words), len(words)), None))

    victim = f"{random.getrandbits(256):064x}"  # the next visitor's
    print("words seen:", len(words))
    print("predicted:", f"{attacker.getrandbits(256):064x}" == victim)
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# words seen: 624
# predicted: True
