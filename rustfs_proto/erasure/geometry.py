"""Counting: shards, quorums, stripes and the byte ranges between them.

A part is cut into stripes of `stripe_bytes` (the last one shorter); a stripe is zero-padded to k fragments of
equal size, to which m parity fragments are computed. Stripes start anew with each part, so an upload's parts
join without moving a byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from rustfs_proto.objects import Geometry, Part

DRIVES_MAX = 16
"""Drives of one set. Beyond it a write waits for more drives than it gains in safety, and a stripe is cut too
fine.
"""


def default_parity(drives: int) -> int:
    """Parity shards of a set of that many drives, as MinIO's users know them: 0, 1, 1, 2, 2, 3, 3, then 4."""
    assert 1 <= drives <= DRIVES_MAX, drives
    return 4 if drives >= 8 else drives // 2


def check_parity(drives: int, parity: int) -> None:
    """Raises `ValueError` unless 0 <= parity <= drives / 2: with more, two write quorums might not meet."""
    if not 0 <= parity <= drives // 2:
        raise ValueError(f"parity {parity} for {drives} drives: choose from 0 to {drives // 2}")


def write_quorum(k: int, m: int) -> int:
    """Drives that must have a version before it is acknowledged: enough to read it, and more than half of
    all.
    """
    return k + 1 if k == m else k


def quorum_of(geometry: Geometry) -> int:
    """The write quorum of what has that geometry. With less parity than the set has it is never smaller than
    the set's own, so that any two quorums of a set meet.
    """
    return write_quorum(geometry.k, geometry.m)


def voters_needed(k: int, m: int) -> int:
    """The fewest drives that cannot all have missed an acknowledged write: N - W + 1."""
    return k + m - write_quorum(k, m) + 1


def fragment_bytes(stripe_len: int, k: int) -> int:
    """Size of each fragment of a stripe of that many bytes."""
    return -(-stripe_len // k)


def stripe_count(part_bytes: int, stripe_bytes: int) -> int:
    """Stripes of a part; none if it is empty."""
    return -(-part_bytes // stripe_bytes)


def stripe_len(part_bytes: int, stripe_bytes: int, index: int) -> int:
    """Bytes of the part in that stripe: all of `stripe_bytes`, but for the last."""
    assert 0 <= index < stripe_count(part_bytes, stripe_bytes), (part_bytes, stripe_bytes, index)
    return min(stripe_bytes, part_bytes - index * stripe_bytes)


def shard_bytes(part_bytes: int, stripe_bytes: int, k: int) -> int:
    """Bytes of fragments that each drive keeps of a part, without any framing."""
    whole, rest = divmod(part_bytes, stripe_bytes)
    return whole * fragment_bytes(stripe_bytes, k) + (fragment_bytes(rest, k) if rest else 0)


def is_inline(object_bytes: int, stripe_bytes: int, k: int, inline_bytes_max: int) -> bool:
    """Whether an object's shards stand in the log records: one stripe at most, and small fragments."""
    return object_bytes <= stripe_bytes and fragment_bytes(object_bytes, k) <= inline_bytes_max


@attrs.frozen
class Stretch:
    """Bytes `first` to `end - 1` of stripe `stripe` (which has `stripe_len` bytes) of the part at `part` in
    the object's tuple of parts.
    """

    part: int
    stripe: int
    stripe_len: int
    first: int
    end: int


def stretches(parts: Sequence[Part], stripe_bytes: int, offset: int, length: int) -> Iterator[Stretch]:
    """The stripes that hold bytes `offset` to `offset + length - 1` of the object, in order, and which of
    their bytes.
    """
    assert offset >= 0 <= length, (offset, length)
    end = offset + length
    start_of_part = 0
    for number, part in enumerate(parts):
        low, high = max(offset, start_of_part), min(end, start_of_part + part.size)
        while low < high:
            stripe, first = divmod(low - start_of_part, stripe_bytes)
            size = stripe_len(part.size, stripe_bytes, stripe)
            stop = min(size, first + high - low)
            yield Stretch(number, stripe, size, first, stop)
            low += stop - first
        start_of_part += part.size
        if start_of_part >= end:
            return


def stripe_end(parts: Sequence[Part], stripe_bytes: int, offset: int) -> int:
    """Offset in the object just after the stripe that byte `offset` is in: the natural end of a block read
    from there.
    """
    start_of_part = 0
    for part in parts:
        if offset < start_of_part + part.size:
            index = (offset - start_of_part) // stripe_bytes
            return start_of_part + min((index + 1) * stripe_bytes, part.size)
        start_of_part += part.size
    return start_of_part


def resolve_span(size: int, first: int, last: int, suffix: int) -> tuple[int, int]:
    """(offset, length) of a span in an object of `size` bytes; (-1, 0) where it cannot be satisfied (RFC 9110
    section 14.1.2).

    A span of all of an empty object is (0, 0). `last` -1 means to the end; `suffix` >= 0 means the last bytes
    and outweighs the others.
    """
    if suffix >= 0:
        length = min(suffix, size)
        return (size - length, length) if length else (-1, 0)
    if first == 0 and last == -1:
        return 0, size
    if first >= size or (last != -1 and last < first):
        return -1, 0
    stop = size if last == -1 else min(size, last + 1)
    return first, stop - first
