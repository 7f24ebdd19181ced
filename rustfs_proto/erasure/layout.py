"""Which set of a deployment is the home of a key.

A key hashes to one of 4096 slots, and each set owns a contiguous range of slots. Every key has exactly one
home, so the drives of one set alone decide about its versions. Sets get slots in proportion to their drives:
sets of unequal size fill evenly. That is how a deployment begins. Sets that are added own nothing at first;
which slots move afterwards stands in `charter`.
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
        return slot_of(self.seed, bucket, key)

    def set_of(self, bucket: str, key: bytes) -> int:
        """The index of the set that is the home of a key, and of its uploads."""
        return self.owners[self.slot_of(bucket, key)] if len(self.owners) > 1 else self.owners[0]


def seed_of(deployment_id: str) -> int:
    """The seed of a deployment's layout."""
    return xxhash.xxh3_64_intdigest(deployment_id.encode())


def slot_of(seed: int, bucket: str, key: bytes) -> int:
    """The slot of a key."""
    return xxhash.xxh3_64_intdigest(bucket.encode() + b"/" + key, seed) % SLOTS


def make_layout(deployment_id: str, drives_per_set: Sequence[int]) -> Layout:
    """The first layout of a deployment: ranges of slots in the order of the sets that it was founded with."""
    assert min(drives_per_set) >= 1, drives_per_set
    seed = seed_of(deployment_id)
    if len(drives_per_set) == 1:
        return Layout(seed, (0,))
    return Layout(seed, shared_slots(drives_per_set))


def shared_slots(weights: Sequence[int]) -> tuple[int, ...]:
    """The owner of each slot where ranges of slots go to the sets in proportion to their weights."""
    total = sum(weights)
    owners: list[int] = []
    so_far = 0
    for index, weight in enumerate(weights):
        so_far += weight
        owners.extend([index] * (so_far * SLOTS // total - len(owners)))
    return tuple(owners)
