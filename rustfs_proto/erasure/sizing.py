"""How many drives form a set.

Each pool is cut into sets by itself. Without hosts 1 to 16 drives are one set. More are cut into sets of
equal size, the largest divisor from 2 to 16 that is also symmetric over the patterns the drives were named
by: MinIO's rule (`cmd/endpoint-ellipses.go`), so that its users find the sets they know.

Where MinIO's rule refuses (17, 19, 23 drives ...) or leaves sets of less than 4 drives (34 = 17 sets of 2,
each losing its data with the second drive), the drives are cut into the fewest sets whose sizes differ by at
most one. That is safe: every set has its own geometry and its own quorums, no rule spans two sets, and the
layout gives each set keys in proportion to its drives. Drives of a pool stand host after host, so that the
drives of a set, which follow each other, are on as many nodes as there are.

Other than MinIO, which seeks one size for all pools, a pool's size does not depend on the others: pools of
2, 4 and 8 drives would all be sets of 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from rustfs_proto.erasure.geometry import DRIVES_MAX

SET_DRIVES_USEFUL = 4
"""With fewer drives a set has one parity shard at most, for half or a third of the space."""


class SizingError(ValueError):
    """These drives form no sets; the text says what to change."""


def sets_of_pool(drives: int, hosts: int = 0, wanted: int = 0) -> tuple[int, ...]:
    """Sizes of the sets that the drives of a pool form, in order. `hosts`: values of the leftmost range of
    its hosts (0: it names none). `wanted` > 0 asks for sets of exactly that size.
    """
    if drives < 1:
        raise SizingError("no drives given: name at least one folder")
    if wanted:
        return _wanted(drives, wanted)
    if drives <= DRIVES_MAX and not hosts:
        return (drives,)
    size = set_size([drives], [hosts] if hosts else []) if drives > 1 else 0
    if size >= min(drives, SET_DRIVES_USEFUL):
        return (size,) * (drives // size)
    return _even(drives)


def set_size(totals: Sequence[int], patterns: Sequence[int] = ()) -> int:
    """MinIO's set size for arguments of `totals` drives each; 0 where no divisor is possible.

    `patterns` are the lengths of the ellipses of the argument that decides (its leftmost pattern, that is the
    hosts, weighs; none: no test of symmetry).
    """
    if min(totals) < 2:
        raise SizingError(
            f"an argument with {min(totals)} drive among others: give every argument at least 2 drives"
        )
    common = gcd(*totals)
    sizes = [size for size in range(2, DRIVES_MAX + 1) if common % size == 0]
    if patterns:
        sizes = [size for size in sizes if _is_symmetric(size, patterns[0])]
    return max(sizes, default=0)


def _is_symmetric(size: int, pattern: int) -> bool:
    """Each set takes the same number of drives from every host, or whole groups of hosts take turns."""
    return pattern % size == 0 if pattern > size else size % pattern == 0


def _wanted(drives: int, wanted: int) -> tuple[int, ...]:
    divisors = [size for size in range(1, DRIVES_MAX + 1) if drives % size == 0]
    if wanted not in divisors:
        choices = ", ".join(map(str, divisors))
        raise SizingError(f"{drives} drives cannot form sets of {wanted}: choose one of {choices}")
    return (wanted,) * (drives // wanted)


def _even(drives: int) -> tuple[int, ...]:
    """The fewest sets, as equal as can be, the larger ones first."""
    count = -(-drives // DRIVES_MAX)
    small, larger_ones = divmod(drives, count)
    return (small + 1,) * larger_ones + (small,) * (count - larger_ones)
