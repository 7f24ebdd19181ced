"""Which set of a deployment is the home of a key.

A key hashes to one of 4096 slots, and each set owns a contiguous range of slots. Every key has exactly one
home, so the drives of one set alone decide about its versions. Sets get slots in proportion to their drives:
sets of unequal size fill evenly.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import xxhash

SLOTS = 4096
"""Enough that one slot is a small step when sets are added, few enough that the table fits in one message."""


@attrs.frozen
class Layout:
    """`owners[slot]` is the index of the set. `seed` keeps two deployments from having the same hot spots."""

    seed: int
    owners: tuple[int, ...] = attrs.field(repr=False)

    def slot_of(self, bucket: str, key: bytes) -> int:
        """The slot of a key."""
        return xxhash.xxh3_64_intdigest(bucket.encode() + b"/" + key, self.seed) % SLOTS

    def set_of(self, bucket: str, key: bytes) -> int:
        """The index of the set that is the home of a key, and of its uploads."""
        return self.owners[self.slot_of(bucket, key)] if len(self.owners) > 1 else self.owners[0]


def make_layout(deployment_id: str, drives_per_set: Sequence[int]) -> Layout:
    """The first layout of a deployment: ranges of slots in the order of the sets."""
    assert min(drives_per_set) >= 1, drives_per_set
    seed = xxhash.xxh3_64_intdigest(deployment_id.encode())
    if len(drives_per_set) == 1:
        return Layout(seed, (0,))
    total = sum(drives_per_set)
    owners: list[int] = []
    drives_so_far = 0
    for index, drives in enumerate(drives_per_set):
        drives_so_far += drives
        owners.extend([index] * (drives_so_far * SLOTS // total - len(owners)))
    return Layout(seed, tuple(owners))
