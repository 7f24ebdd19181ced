"""Bytes to store: made from a seed, different at every offset, and checked without being kept.

Every MiB begins with its seed and number, so that parts stored twice, swapped or shifted cannot compare
equal. What a test streams is compared as a stream too: no test needs more memory than one piece.
"""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Iterator
from functools import lru_cache

MIB = 1024 * 1024

# What a set of four drives keeps inside its log: 2 data shards of 256 KiB. One stripe is 1 MiB.
INLINE_BYTES = 512 * 1024
PART_BYTES_MIN = 5 * MIB


def content(size: int, seed: int = 0) -> bytes:
    """`size` bytes; two seeds share no MiB, and one seed gives the same bytes each time."""
    whole, rest = divmod(size, MIB)
    return b"".join(piece(seed, number) for number in range(whole)) + (
        piece(seed, whole, rest) if rest else b""
    )


def piece(seed: int, number: int, size: int = MIB) -> bytes:
    """The MiB `number` of the content of `seed`, or its first bytes."""
    return (struct.pack(">QQ", seed, number) + _filling(number % 7)[16:size])[:size]


def pieces(seed: int, first_byte: int, size: int) -> Iterator[bytes]:
    """The same content from an offset in whole MiB, a MiB at a time."""
    number, inside = divmod(first_byte, MIB)
    assert inside == 0, "a stream begins at a whole MiB"
    while size > 0:
        part = piece(seed, number, min(size, MIB))
        yield part
        size -= len(part)
        number += 1


@lru_cache(maxsize=7)
def _filling(number: int) -> bytes:
    return random.Random(number).randbytes(MIB)


def equal_stream(body: io.RawIOBase, expected: Iterator[bytes]) -> bool:
    """Whether `body` gives exactly the expected pieces and then ends."""
    return all(read_exactly(body, len(part)) == part for part in expected) and body.read(1) == b""


def read_exactly(body: io.RawIOBase, size: int) -> bytes:
    """`size` bytes of a stream that may give less at a time; fewer only at its end."""
    collected = bytearray()
    while len(collected) < size and (some := body.read(size - len(collected))):
        collected += some
    return bytes(collected)
