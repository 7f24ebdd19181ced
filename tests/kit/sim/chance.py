"""Chance from a seed. Every purpose has a generator of its own, so that one more draw in one place leaves all
others as they were.
"""

from __future__ import annotations

from random import Random


class Chance:
    """The generators of one run."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def fork(self, purpose: str) -> Random:
        """The generator for that purpose, at its beginning."""
        # A text as seed is hashed by SHA-512, whatever PYTHONHASHSEED says.
        return Random(f"{self._seed} {purpose}")


class SeededRandomness:
    """See `rustfs_node.seams.randomness`."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def token(self, size_bytes: int) -> bytes:
        return self._random.randbytes(size_bytes)
