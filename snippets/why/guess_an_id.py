"""How long it takes to guess an id."""

import asyncio

from coatcheck import new_session_id

# --8<-- [start:use]
sessions = 1_000_000  # alive at once, and each of them will do
guesses = 1_000_000  # a second
year = 365 * 24 * 3600


def years(bits: int) -> float:
    """Return how long it takes on average to hit one of the sessions."""
    return 2.0**bits / (2 * sessions * guesses) / year


async def main() -> None:
    id = new_session_id()
    bits = len(id) * 6  # a character is one of 64, and the last one holds 4 bits
    print(len(id), "characters for", bits - 2, "bits")
    for bits in (64, 128, 256):
        print(f"{bits:3} bits: {years(bits):.1g} years")
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())

# Output:
# 43 characters for 256 bits
#  64 bits: 0.3 years
# 128 bits: 5e+18 years
# 256 bits: 2e+57 years
