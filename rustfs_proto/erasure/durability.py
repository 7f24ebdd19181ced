"""How well versions are kept: what can be wrong with a drive's shard of one, and how many may yet be lost.

A shard is *good* where the drive has the version's record and all of its files, as far as it was looked.
"""

from __future__ import annotations

from enum import StrEnum


class Damage(StrEnum):
    """What a drive's shard of a version is instead of good."""

    MISSING = "missing"  # no record, or a shard file that is not there
    CORRUPT = "corrupt"  # bytes that fail their checksum, or cannot be read
    STALE = "stale"  # an older version, or one that was removed
    MISPLACED = "misplaced"  # whole, but of another object, shard or place in the file
    TRUNCATED = "truncated"  # it ends before its time
    FOREIGN = "wrong identity"  # written for another drive, or under another name
    AWAY = "away"  # the drive does not answer: nothing is known of its shard


class Protection(StrEnum):
    """How many of a version's shards are good."""

    FULL = "full"  # all
    DEGRADED = "degraded"  # not all, and one more may be lost
    AT_RISK = "at_risk"  # just as many as reads need: one loss further it is gone
    UNREADABLE = "unreadable"  # fewer than that


def protection_of(good: int, k: int, n: int) -> Protection:
    """Of a version of which `good` of `n` shards are good, and `k` are needed to read it."""
    if good >= n:
        return Protection.FULL
    if good > k:
        return Protection.DEGRADED
    return Protection.AT_RISK if good == k else Protection.UNREADABLE
