"""What drives that are compared say of what has to be healed.

A drive is *whole* in a version that a read would answer by when it has its record, and each of its shard
files. It *lacks* the version when it could take it and has not, or not all of it. What is newer there is
never touched: it may be a write that is still under way, or one that nobody acknowledged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

import attrs
import xxhash

from rustfs_proto.erasure.cursor import PageCursor
from rustfs_proto.wire.drive_ops import LookedUp, RowKind, RowName, RowState, Space
from rustfs_proto.wire.heal_ops import HeldRow


class Gap(Enum):
    """How a drive stands to a version."""

    WHOLE = "whole"
    LACKING = "lacking"
    NEWER = "newer"  # it has something newer, below which the version may be
    UNKNOWN = "unknown"  # it does not answer


def gap_of(found: LookedUp, stamp: int) -> Gap:
    """How a drive that found this as its newest version stands to that one."""
    if found.stamp > stamp:
        return Gap.NEWER
    is_whole = found.stamp == stamp and found.state == RowState.FOUND and not found.no_files
    return Gap.WHOLE if is_whole else Gap.LACKING


def worker_of(bucket: str, key: bytes, workers: int) -> int:
    """Which of the set's workers heals that key, so that they share the work and none does another's."""
    return xxhash.xxh3_64_intdigest(bucket.encode() + b"\0" + key) % max(workers, 1)


def name_of(row: HeldRow) -> RowName:
    """The row, whichever its versions are."""
    return RowName(row.space, row.bucket, row.key, row.sub)


_Place = tuple[int, bytes, bytes, bytes]


@attrs.define
class RowCursor(PageCursor[HeldRow, RowName]):
    """One drive's rows, and their places in the order."""

    places: Sequence[_Place] = ()

    def behind(self, row: HeldRow) -> RowName:
        return name_of(row)

    def feed(self, rows: Sequence[HeldRow], *, more: bool) -> None:
        """The next page arrived; the one before is used up."""
        # Not by super(), which attrs' slots lead astray.
        PageCursor.feed(self, rows, more=more)
        self.places = [*map(_place, rows)]


@attrs.frozen
class WalkedRow:
    """A row that some drives have, and what they have of it, by slot."""

    name: RowName
    held: Mapping[int, HeldRow]

    @property
    def newest(self) -> HeldRow:
        """What a drive with the newest version has of it."""
        return max(self.held.values(), key=lambda one: one.stamp)

    def lacks_urgently(self, slot: int, k: int) -> bool:
        """Whether the drive in `slot` lacks a version of which, as far as rows tell, just the `k` shards are
        left that reads need.
        """
        newest = self.newest
        if newest.kind != RowKind.VALUE or self.name.space != Space.OBJECT:
            return False
        good = {other for other, one in self.held.items() if one.stamp == newest.stamp and not one.has_gaps}
        return slot not in good and len(good) == k

    def is_surely_whole(self, slot: int, enough: int) -> bool:
        """Whether the drive in `slot` has what a read would answer by, as can be told without one: the newest
        version there is, whole, and so many drives have it that no older one is acknowledged as the newest.
        """
        own = self.held.get(slot)
        if own is None or own.has_gaps:
            return False
        alike = sum(other.stamp == own.stamp for other in self.held.values())
        return alike >= enough and all(other.stamp <= own.stamp for other in self.held.values())


def take_row(cursors: Mapping[int, RowCursor]) -> WalkedRow | None:
    """The next row of the merge, or None when all drives are at their end. No cursor may want a page."""
    heads = {slot: one.places[one.taken] for slot, one in cursors.items() if one.taken < len(one.places)}
    if not heads:
        return None
    least = min(heads.values())
    held = {}
    for slot, place in heads.items():
        if place == least:
            cursor = cursors[slot]
            held[slot] = cursor.rows[cursor.taken]
            cursor.taken += 1
    return WalkedRow(name_of(next(iter(held.values()))), held)


def _place(row: HeldRow) -> _Place:
    # As the drives' indexes order them: text by its UTF-8 bytes.
    return row.space, row.bucket.encode(), row.key, row.sub
