"""The index: which versions of which rows this drive has, and where in the log they stand.

Rules of this file:

- Derived. All of it can be told again from the log and the shard files, except that settled priors come back
  as priors, a settled tombstone as an unsettled one, and that no version is known to be on a write quorum. A
  damaged, outdated or foreign index is dropped and rebuilt, never repaired.
- Behind the log, never ahead: a change comes here after its record is on stable storage, and `position` moves
  in the same transaction.
- Seen at once, written later: one transaction gathers the changes of many batches until `flush`. A process
  that dies before loses nothing, as the log has them; whoever is about to remove what the index in the file
  may still name flushes first.
- Every row carries an xxh3-64 check of its fields, verified whenever it is read. A mismatch raises
  IndexDamaged.
- Used by one thread at a time.

SQLite's journal makes each transaction whole after a crash of the process; after a power cut
(synchronous=NORMAL) some last transactions may be missing, and replay brings them back.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import attrs
import xxhash

from rustfs_node.drive import index_sql as sql
from rustfs_node.drive.index_row import ON_QUORUM, IndexDamaged, Row, RowKey, SubKey, check_of, verified
from rustfs_node.drive.renames import OpenRenames
from rustfs_node.drive.slots import DriveSlots
from rustfs_proto.disk.record import split_ids
from rustfs_proto.stamp import before
from rustfs_proto.usage import UsageRow
from rustfs_proto.wire.drive_ops import RowKind, Space

SCHEMA_VERSION = 5

_NUMBERS = {count: struct.Struct(f"<{count}q") for count in (3, 6)}


def _check_of_numbers(numbers: Sequence[int]) -> int:
    return xxhash.xxh3_64_intdigest(_NUMBERS[len(numbers)].pack(*numbers)) >> 1


def _verified_numbers(found: Sequence[Any]) -> Sequence[Any]:
    """Numbers of the state or of a segment, if the check behind them is right; raises IndexDamaged."""
    *numbers, check = found
    try:
        is_right = _check_of_numbers(numbers) == check
    except struct.error:
        is_right = False
    if not is_right:
        raise IndexDamaged(f"the state of the index, or a segment in it, fails its check: {found}")
    return numbers


FIRST_STATE = (0, 0, 0, 0, 0, 0, _check_of_numbers((0, 0, 0, 0, 0, 0)))
"""Position, newest stamp, counts and check of an empty index."""


@attrs.frozen
class Position:
    """How far the log is applied: the next record would stand at `offset` of `segment`.

    `sequence` is that of the last record applied.
    """

    segment: int
    offset: int
    sequence: int


@attrs.define
class SegmentUse:
    """How much of a segment is records, and how much of that some row still points to."""

    used_bytes: int = 0
    live_bytes: int = 0


class Index:
    """The open index of one drive. Changes happen between `begin` and `advance` or `commit`."""

    def __init__(self, connection: sqlite3.Connection, drive_id: bytes) -> None:
        self._sql = connection.execute
        self._many = connection.executemany
        self._connection = connection
        state = self._sql(sql.STATE).fetchone()
        if state is None or state[0] != SCHEMA_VERSION or state[1] != drive_id:
            raise IndexDamaged("the index is of another drive or release")
        _verified_numbers(state[2:])
        self.position = Position(*state[2:5])
        self.newest_stamp: int = state[5]
        self.rows: int = state[6]
        self.heal_notes: int = state[7]
        found = map(_verified_numbers, self._sql("SELECT * FROM segments ORDER BY number"))
        self.segments = {number: SegmentUse(used, live) for number, used, live in found}
        self._changed: dict[int, None] = {}
        self.is_behind = False
        self.renames = OpenRenames()
        self.slots = DriveSlots()
        for _, versions in groupby(map(verified, self._sql(sql.RENAMES)), attrgetter("row_key")):
            newest = next(versions)
            self.renames.note(*newest.row_key[1:], stamp=newest.stamp, kind=newest.kind)

    def newest(self, row_key: RowKey) -> int:
        """The greatest stamp of the row; 0 where there is none."""
        found = self._sql(sql.NEWEST, row_key).fetchone()
        return verified(found).stamp if found else 0

    def versions(self, row_key: RowKey) -> list[Row]:
        """All versions of the row, newest first."""
        return list(map(verified, self._sql(sql.VERSIONS, row_key)))

    def version(self, row_key: RowKey, stamp: int) -> Row | None:
        """That very version."""
        found = self._sql(sql.VERSION, (*row_key, stamp)).fetchone()
        return verified(found) if found else None

    def walk(self, space: int, bucket: str, first: SubKey, before: bytes | None) -> Iterator[Row]:
        """Versions from (key, sub) `first` on, in order of key, sub and falling stamp, up to the key
        `before`.
        """
        if before is None:
            return map(verified, self._sql(sql.WALK, (space, bucket, *first)))
        return map(verified, self._sql(sql.WALK_BEFORE, (space, bucket, *first, before)))

    def next_live(
        self, space: int, bucket: str, first: SubKey, before: bytes | None, *, markers: bool = True
    ) -> SubKey | None:
        """The first (key, sub) from `first` on that has a version which is no tombstone, nor without
        `markers` a delete marker; found without leaving SQLite.
        """
        if before is None:
            found = self._sql(
                sql.NEXT_LIVE if markers else sql.NEXT_VALUE, (space, bucket, *first)
            ).fetchone()
        else:
            text = sql.NEXT_LIVE_BEFORE if markers else sql.NEXT_VALUE_BEFORE
            found = self._sql(text, (space, bucket, *first, before)).fetchone()
        return (found[0], found[1]) if found else None

    def of_key(self, bucket: str, key: bytes, limit: int) -> list[Row]:
        """Versions of the rows of an object's key in their order, at most `limit`."""
        return list(map(verified, self._sql(sql.OF_KEY, (bucket, key, limit))))

    def live_version(self, bucket: str, key: bytes) -> tuple[bytes | None, bool]:
        """The sub of the version born last of those of an object's key that are not removed, the null version
        aside; and whether before it one stands whose removal is not settled. Found without leaving SQLite.
        """
        kept = self._sql(sql.NEXT_VERSION, (bucket, key)).fetchone()
        live = self._sql(sql.NEXT_LIVE_VERSION, (bucket, key)).fetchone() if kept else None
        return live[0] if live else None, kept != live

    def newest_version(self, bucket: str, key: bytes) -> bytes | None:
        """The sub of the version of an object's key that was born last, the null version aside."""
        found = self._sql(sql.NEWEST_VERSION, (bucket, key)).fetchone()
        return found[0] if found else None

    def parts_of(self, bucket: str, key: bytes, upload_id: bytes, space: int) -> list[Row]:
        """All versions of all rows whose sub begins with the upload id."""
        found = map(verified, self._sql(sql.SUBS_FROM, (space, bucket, key, upload_id)))
        rows: list[Row] = []
        for row in found:
            if not row.sub.startswith(upload_id):
                break
            rows.append(row)
        return rows

    def unsettled(self, after: RowKey, limit: int) -> tuple[list[RowKey], RowKey | None]:
        """Rows after `after` with more than one version, among the next `limit` versions; and the row to go
        on after, None at the end.
        """
        found: list[RowKey] = self._sql(sql.ROWS_AFTER, (*after, limit)).fetchall()
        several = [row for row, before in zip(found[1:], found, strict=False) if row == before]
        if len(found) < limit:
            return list(dict.fromkeys(several)), None
        last = found[-1]
        if found[0] == last:
            return [last], last
        # The last row may have further versions: it is looked at with the next ones.
        go_on = next(row for row in reversed(found) if row != last)
        return [row for row in dict.fromkeys(several) if row != last], go_on

    def rows_behind(self, after: RowKey, limit: int, *, live: bool = False) -> tuple[list[Row], bool]:
        """The newest versions of the rows behind `after`, in order, among the next `limit` versions, with
        `live` of those that are no tombstones; and whether there may be more.
        """
        text = sql.LIVE_BEHIND if live else sql.ROWS_BEHIND
        found = list(map(verified, self._sql(text, (*after, limit))))
        newest = [next(versions) for _, versions in groupby(found, attrgetter("row_key"))]
        return newest, len(found) == limit

    def all_behind(self, after: RowKey, limit: int) -> list[Row]:
        """Every version of the next rows behind `after`, in order: of about so many versions."""
        found = list(map(verified, self._sql(sql.ROWS_BEHIND, (*after, limit))))
        if len(found) < limit:
            return found
        # The last row may have further versions: it comes with the next ones, or with all that it has.
        last = found[-1].row_key
        return [row for row in found if row.row_key != last] or self.versions(last)

    def usage_behind(self, place: tuple[str, bytes, bytes], limit: int) -> list[UsageRow]:
        """Records of the objects behind that bucket, key and sub, in order: as much of each as is counted,
        unverified, because nothing but numbers comes of it.
        """
        return self._sql(sql.USAGE_BEHIND, (*place, limit)).fetchall()

    def refers(self, data_id: bytes) -> bool:
        """Whether any row names that shard file."""
        return self._sql("SELECT 1 FROM files WHERE data_id = ? LIMIT 1", (data_id,)).fetchone() is not None

    def referring(self, data_id: bytes) -> list[Row]:
        """The versions that name that shard file."""
        text = "SELECT space, bucket, key, sub, stamp FROM files WHERE data_id = ?"
        keys = self._sql(text, (data_id,)).fetchall()
        rows = (self.version(key[:4], key[4]) for key in keys)
        return [row for row in rows if row is not None]

    def data_ids(self) -> Iterator[bytes]:
        """Every shard file that some row names, in order."""
        return (found[0] for found in self._sql("SELECT DISTINCT data_id FROM files ORDER BY data_id"))

    def every_row(self) -> Iterator[Sequence[Any]]:
        """All rows as they stand, unverified, in the order of the tree."""
        return iter(self._sql(sql.EVERY_ROW))

    def every_reference(self) -> Iterator[Sequence[Any]]:
        """All references to shard files: data id, row and stamp."""
        return iter(self._sql(sql.EVERY_REFERENCE))

    def structure(self) -> str:
        """What SQLite finds wrong with the file; empty where it is sound."""
        found: str = self._sql("PRAGMA quick_check(1)").fetchone()[0]
        return "" if found == "ok" else found

    def begin(self) -> None:
        """Open the one transaction, or go on with the one that waits to be flushed."""
        if not self.is_behind:
            self._sql("BEGIN IMMEDIATE")
            self.is_behind = True

    def advance(self, position: Position) -> None:
        """The changes are complete up to there; the file learns of them with the next `flush`."""
        self.position = position

    def commit(self, position: Position) -> None:
        """The changes are complete up to there, and in the file."""
        self.advance(position)
        self.flush()

    def flush(self) -> None:
        """Bring the file up to `position`."""
        if not self.is_behind:
            return
        touched = [(number, use.used_bytes, use.live_bytes) for number, use in self._touched()]
        changed = [(*numbers, _check_of_numbers(numbers)) for numbers in touched]
        if changed:
            self._many("INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?)", changed)
            self._changed.clear()
        state = (*attrs.astuple(self.position), self.newest_stamp, self.rows, self.heal_notes)
        self._sql(sql.UPDATE_STATE, (*state, _check_of_numbers(state)))
        self._sql("COMMIT")
        self.is_behind = False

    def put(self, rows: Sequence[Row]) -> None:
        """Insert versions that are not there yet, with their references to shard files."""
        self._many(sql.INSERT, [(*row[:14], check_of(row), row.on_quorum) for row in rows])
        self.rows += len(rows)
        for row in rows:
            self._count(row.segment, row.record_bytes)
            self.newest_stamp = max(self.newest_stamp, row.stamp)
            if row.space == Space.HEAL:
                self.heal_notes += row.kind == RowKind.VALUE
            if row.space == Space.RENAME:
                self._note_rename(row)
            if row.files:
                self._refer(row)

    def replace(self, old: Row, new: Row) -> None:
        """The same version, found elsewhere or with other files missing from now on."""
        assert (old.row_key, old.stamp, old.files) == (new.row_key, new.stamp, new.files)
        self._sql(sql.DELETE, (*old.row_key, old.stamp))
        self._sql(sql.INSERT, (*new[:14], check_of(new), old.on_quorum))
        self._count(old.segment, -old.record_bytes)
        self._count(new.segment, new.record_bytes)

    def drop(self, row: Row, now_ms: int) -> None:
        """Forget a version. Shard files that nothing else names become garbage."""
        self._sql(sql.DELETE, (*row.row_key, row.stamp))
        self._forget(row, now_ms)

    def drop_older(self, row_key: RowKey, stamp: int, now_ms: int) -> None:
        """Forget what that version replaced; nothing where it is not here itself."""
        for found in self._sql(sql.DELETE_OLDER, (*row_key, stamp)).fetchall():
            self._forget(verified(found), now_ms)

    def mark_on_quorum(self, row_key: RowKey, stamp: int) -> None:
        """That version is on a write quorum; nothing where it is not here."""
        self._sql(sql.MARK, (*row_key, stamp, ON_QUORUM))

    def trust(self, age_s: float) -> None:
        """After a rebuild: take for being on a write quorum whatever is that much older than the newest
        version. Nobody knows any more, and few writes are never finished.
        """
        until = before(self.newest_stamp, int(age_s * 1000))
        self._sql("UPDATE rows SET on_quorum = ? WHERE stamp <= ?", (ON_QUORUM, until))

    def _forget(self, row: Row, now_ms: int) -> None:
        """The version was deleted."""
        self.rows -= 1
        self._count(row.segment, -row.record_bytes)
        if row.space == Space.HEAL:
            self.heal_notes -= row.kind == RowKind.VALUE
        if row.space == Space.RENAME:
            self._note_rename(row)
        for data_id in split_ids(row.files):
            self._sql(sql.UNREFER, (*row.row_key, row.stamp, data_id))
            if not self.refers(data_id):
                self.add_garbage(data_id, now_ms)

    def use_segment(self, number: int, used_bytes: int) -> None:
        """The segment's records end there now."""
        self.segments.setdefault(number, SegmentUse()).used_bytes = used_bytes
        self._changed[number] = None

    def forget_segment(self, number: int) -> None:
        """The segment's file is gone."""
        self.segments.pop(number, None)
        self._changed.pop(number, None)
        self._sql("DELETE FROM segments WHERE number = ?", (number,))

    def add_garbage(self, data_id: bytes, since_ms: int) -> None:
        """Nothing names that shard file since then."""
        self._sql("INSERT OR IGNORE INTO garbage VALUES (?, ?)", (data_id, since_ms))

    def garbage(self, until_ms: int, limit: int) -> list[bytes]:
        """Shard files that nothing has named since `until_ms` or longer."""
        text = "SELECT data_id FROM garbage WHERE since_ms <= ? LIMIT ?"
        return [found[0] for found in self._sql(text, (until_ms, limit))]

    def forget_garbage(self, data_ids: Sequence[bytes]) -> None:
        """These files are gone, or named again."""
        self._many("DELETE FROM garbage WHERE data_id = ?", [(data_id,) for data_id in data_ids])

    def add_settled(self, row: Row, floor: int) -> None:
        """That tombstone may go once every segment up to `floor` is gone."""
        self._sql("INSERT OR IGNORE INTO settled VALUES (?, ?, ?, ?, ?, ?)", (floor, *row.row_key, row.stamp))

    def settled(self, oldest_segment: int, limit: int) -> list[tuple[int, RowKey, int]]:
        """Floor, row and stamp of settled tombstones whose floor is below the oldest segment."""
        found = self._sql(
            "SELECT * FROM settled WHERE floor < ? ORDER BY floor LIMIT ?", (oldest_segment, limit)
        )
        return [(entry[0], entry[1:5], entry[5]) for entry in found]

    def forget_settled(self, floor: int, row_key: RowKey, stamp: int) -> None:
        """The tombstone is gone."""
        self._sql(sql.FORGET_SETTLED, (*row_key, stamp, floor))

    def settled_count(self) -> int:
        """Settled tombstones that wait for old segments to go."""
        count: int = self._sql("SELECT count(*) FROM settled").fetchone()[0]
        return count

    def _note_rename(self, row: Row) -> None:
        """The row of a rename has changed."""
        versions = self.versions(row.row_key)
        kind = versions[0].kind if versions else None
        self.renames.note(row.bucket, row.key, row.sub, stamp=row.stamp, kind=kind)

    def _refer(self, row: Row) -> None:
        data_ids = split_ids(row.files)
        self._many(sql.REFER, [(data_id, *row.row_key, row.stamp) for data_id in data_ids])
        self.forget_garbage(data_ids)

    def _count(self, segment: int, record_bytes: int) -> None:
        self.segments.setdefault(segment, SegmentUse()).live_bytes += record_bytes
        self._changed[segment] = None

    def _touched(self) -> list[tuple[int, SegmentUse]]:
        return [(number, self.segments[number]) for number in self._changed]

    def close(self) -> None:
        """Release the file; what was flushed stays."""
        self._connection.close()
