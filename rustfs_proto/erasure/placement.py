"""Which drive of a set holds which shard of a key.

Data shards are read first, so if shard 0 of every key lay on slot 0, parity drives would idle while data
drives are busy. The shards of a key are therefore rotated by its hash. The rule is part of the disk format:
changing it would make every shard a foreign one.
"""

from __future__ import annotations

import xxhash


def first_slot(bucket: str, key: bytes, drives: int) -> int:
    """The slot that holds shard 0 of the key."""
    return xxhash.xxh3_64_intdigest(bucket.encode() + b"/" + key) % drives


def shard_of_slot(bucket: str, key: bytes, slot: int, drives: int) -> int:
    """The number of the shard that the drive in `slot` holds of the key."""
    assert 0 <= slot < drives, (slot, drives)
    return (slot - first_slot(bucket, key, drives)) % drives


def slot_of_shard(bucket: str, key: bytes, shard: int, drives: int) -> int:
    """The inverse of `shard_of_slot`."""
    assert 0 <= shard < drives, (shard, drives)
    return (shard + first_slot(bucket, key, drives)) % drives


def slots_by_shard(bucket: str, key: bytes, drives: int) -> list[int]:
    """Slot of shard 0, of shard 1, and so on: the natural order to read a key in."""
    start = first_slot(bucket, key, drives)
    return [*range(start, drives), *range(start)]
