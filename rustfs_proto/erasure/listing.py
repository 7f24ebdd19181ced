"""Merging the drives' scans of one bucket into one list in key order.

Every acknowledged version is on at least one of N - W + 1 voters, so that many scans together miss nothing.
Where they all show the same row it is taken as it stands; where they differ the caller decides that key as a
read does. A row stands at (group or key, sub): all keys of a group lie together and begin with the group's
name, so this order is the scans' own order.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import attrs

from rustfs_proto.erasure.cursor import PageCursor
from rustfs_proto.wire.drive_ops import RowKind, ScanRow

Position = tuple[bytes, bytes]
"""(key, sub) from which to scan on, inclusive."""


class RowVerdict(Enum):
    """What the scans say of one row."""

    PRESENT = "present"
    GONE = "gone"
    DISPUTED = "disputed"


@attrs.frozen
class Merged:
    """The next row. `row` is the newest version that any scan showed; for a group it stands for the group."""

    verdict: RowVerdict
    row: ScanRow


@attrs.define
class ScanCursor(PageCursor[ScanRow, Position]):
    """One drive's scan. `by_key`: it gives one row of each key."""

    by_key: bool = False

    def behind(self, row: ScanRow) -> Position:
        return after_row(row, by_key=self.by_key)


def after_row(row: ScanRow, *, by_key: bool) -> Position:
    """Where the scan goes on after that row: after the whole group or key if it stands for one."""
    if row.group:
        return after_prefix(row.group), b""
    return (row.key + b"\0", b"") if by_key else (row.key, row.sub + b"\0")


def after_prefix(prefix: bytes) -> bytes:
    """The least key that is greater than every key with that prefix. Nothing is greater than keys of 0xff
    bytes only.
    """
    stem = prefix.rstrip(b"\xff")
    assert stem, "a group that is all 0xff bytes: no UTF-8 text is"
    return stem[:-1] + bytes([stem[-1] + 1])


def take_alike(cursors: Sequence[ScanCursor], limit: int) -> list[ScanRow]:
    """The next rows as long as all scans show the same settled one that is no tombstone: the usual case,
    without a merge. At most `limit`.
    """
    first, *others = cursors
    left = min(len(cursor.rows) - cursor.taken for cursor in cursors)
    alike: list[ScanRow] = []
    for offset in range(min(left, limit)):
        row = first.rows[first.taken + offset]
        if row.kind == RowKind.TOMBSTONE or _is_unsure(row):
            break
        if not all(_is_same(row, cursor.rows[cursor.taken + offset]) for cursor in others):
            break
        alike.append(row)
    for cursor in cursors:
        cursor.taken += len(alike)
    return alike


def _is_same(row: ScanRow, other: ScanRow) -> bool:
    return (
        row.stamp == other.stamp
        and row.key == other.key
        and row.sub == other.sub
        and row.version == other.version
        and row.kind == other.kind
        and row.group == other.group
        and not _is_unsure(other)
    )


def _is_unsure(row: ScanRow) -> bool:
    """With priors it is not settled, and an older version may be the current one; so it may be where a newer
    version was removed. With gaps it may be an object whose parts were never all on enough drives. None of
    them is taken as it stands.
    """
    return bool(row.priors) or row.has_gaps or row.unsure


def take_next(cursors: Sequence[ScanCursor]) -> Merged | None:
    """The next row of the merge, or None when all scans are at their end. No cursor may want a page."""
    heads = [None if cursor.is_empty else cursor.rows[cursor.taken] for cursor in cursors]
    places = [_place(row) for row in heads if row is not None]
    if not places:
        return None
    least = min(places)
    rows = [row if row is not None and _place(row) == least else None for row in heads]
    for cursor, row in zip(cursors, rows, strict=True):
        cursor.taken += row is not None
    return Merged(_verdict(rows), max((row for row in rows if row is not None), key=_newest_value_first))


def _place(row: ScanRow) -> Position:
    return (row.group, b"") if row.group else (row.key, row.sub)


def _newest_value_first(row: ScanRow) -> tuple[int, int]:
    # A group's rows may be of different keys: one that shows something says more of the group than a newer
    # tombstone.
    return (row.kind != RowKind.TOMBSTONE if row.group else 0), row.stamp


def _verdict(rows: Sequence[ScanRow | None]) -> RowVerdict:
    shown = [row for row in rows if row is not None]
    if any(map(_is_unsure, shown)):
        return RowVerdict.DISPUTED
    if all(row.kind == RowKind.TOMBSTONE for row in shown):
        return RowVerdict.GONE
    first = shown[0]
    is_same = len(shown) == len(rows) and all(_is_same(first, row) for row in shown[1:])
    return RowVerdict.PRESENT if is_same else RowVerdict.DISPUTED
