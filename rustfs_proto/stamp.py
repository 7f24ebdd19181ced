"""Stamps: the hybrid logical timestamps that order the versions of a key.

A stamp is one positive 63-bit integer, so that plain `<` is version order everywhere: in Python, in SQLite
and in a hex dump.

    bits 62..20   wall clock, milliseconds since 1970 (43 bits: enough until the year 2248)
    bits 19..14   counter within that millisecond, or above a version seen with a later clock
    bits 13..8    life: drawn by a set worker when it starts
    bits  7..0    writer: the number of the node whose set worker issued it, so that two writers never issue
                  the same stamp

One stamp names one version. A worker that is killed may have sent a version that arrives long afterwards; its
successor, which looks for a stamp above the same other one, does not draw the same unless the lives are equal
too.

This module knows no clock and no chance: callers bring `wall_ms` and `life`.
"""

from __future__ import annotations

import attrs

NO_STAMP = 0
"""Stands for "no version at all": smaller than every stamp that was ever issued."""

WRITER_MAX = 0xFF
LIFE_MAX = 0x3F
_LIFE_SHIFT = 8
_COUNTER_SHIFT = 14
_WALL_SHIFT = 20
STAMP_MAX = (1 << 63) - 1
"""The greatest that fits."""


def wall_ms_of(stamp: int) -> int:
    """The wall clock part in milliseconds since 1970: what users see as Last-Modified."""
    return stamp >> _WALL_SHIFT


def writer_of(stamp: int) -> int:
    """The number of the node that issued the stamp."""
    return stamp & WRITER_MAX


def first_stamp(wall_ms: int, writer: int, life: int = 0) -> int:
    """The smallest stamp of that millisecond, life and writer."""
    assert 0 <= writer <= WRITER_MAX, writer
    assert 0 <= life <= LIFE_MAX, life
    assert 0 <= wall_ms < 1 << 43, wall_ms
    return (wall_ms << _WALL_SHIFT) | (life << _LIFE_SHIFT) | writer


def before(stamp: int, age_ms: int) -> int:
    """What a stamp of so much earlier would be, NO_STAMP at least."""
    return max(NO_STAMP, stamp - (age_ms << _WALL_SHIFT))


@attrs.define
class StampIssuer:
    """Issues strictly rising stamps for one life of one writer.

    State is one number, so one issuer per set worker. A clock that steps back never makes stamps step back:
    the counter runs on above the last one issued, and spills into the millisecond field when it is full.
    """

    writer: int
    life: int = 0
    last: int = NO_STAMP

    def issue(self, wall_ms: int, above: int = NO_STAMP) -> int:
        """A stamp greater than everything issued before and than `above`, the newest version that any drive
        reported.
        """
        floor = max(self.last, above)
        stamp = first_stamp(wall_ms, self.writer, self.life)
        if stamp <= floor:
            low = first_stamp(0, self.writer, self.life)
            stamp = (((floor >> _COUNTER_SHIFT) + 1) << _COUNTER_SHIFT) | low
        assert floor < stamp <= STAMP_MAX, (floor, stamp)
        self.last = stamp
        return stamp
