"""Looking a row up: the index says where, the log says what, and what it says is believed only if it proves
to be that row.

A record is read afresh for every answer. Its checksum, its drive, its row and its stamp must be right, or the
answer is DAMAGED with the stamp that was committed here: the caller then knows that this drive had it, and
that it must come from the others.
"""

from __future__ import annotations

import attrs
import structlog
from msgspec.structs import replace

from rustfs_node.drive.current import current_of
from rustfs_node.drive.index import Index
from rustfs_node.drive.index_row import Row
from rustfs_node.drive.log import Log
from rustfs_node.drive.slots import read_charter
from rustfs_proto.disk.place import DrivePlace
from rustfs_proto.disk.record import Record, data_is_whole, decode_prefix, split_ids
from rustfs_proto.erasure.charter import CHARTER_KEY
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.versions import NULL_VERSION
from rustfs_proto.wire.drive_ops import LookedUp, Lookup, RowState, Space

log = structlog.get_logger()

_ABSENT = LookedUp(RowState.ABSENT, evidence=True)
_ABSENT_WITHOUT_EVIDENCE = LookedUp(RowState.ABSENT, evidence=False)


@attrs.define
class Reader:
    """Reads records of one drive. `read_errors` counts I/O errors since it was last taken."""

    log: Log
    index: Index
    place: DrivePlace
    read_errors: int = 0

    def look_up(self, lookup: Lookup, *, evidence: bool) -> tuple[LookedUp, tuple[bytes, ...]]:
        """The answer and its frames."""
        answer, frames = self._look_up(lookup, evidence=evidence)
        may_be_barred = lookup.space == Space.OBJECT and not lookup.mover
        if may_be_barred and self.index.renames.is_open(lookup.bucket, lookup.key, lookup.rename):
            answer = replace(answer, is_renamed=True)
        if self.index.slots.is_elsewhere(lookup):
            answer = replace(answer, is_elsewhere=True)
        return answer, frames

    def load_charter(self) -> None:
        """Find the newest charter that is here."""
        rows = self.index.versions((Space.OBJECT, SYSTEM_BUCKET, CHARTER_KEY, NULL_VERSION))
        if rows:
            found = self.read_row(rows[0], with_data=False)
            self.index.slots.take(rows[0].stamp, read_charter(found[0].meta) if found else None)

    def _look_up(self, lookup: Lookup, *, evidence: bool) -> tuple[LookedUp, tuple[bytes, ...]]:
        if lookup.current:
            return self._look_up_current(lookup, evidence=evidence)
        rows = self.index.versions((lookup.space, lookup.bucket, lookup.key, lookup.sub))
        if lookup.stamp:
            rows = [row for row in rows if row.stamp <= lookup.stamp]
            if rows and rows[0].stamp != lookup.stamp:
                rows = []
        return self._answer(rows, lookup, evidence=evidence)

    def _look_up_current(self, lookup: Lookup, *, evidence: bool) -> tuple[LookedUp, tuple[bytes, ...]]:
        current = current_of(self.index, lookup.bucket, lookup.key)
        answer, frames = self._answer(current.rows, lookup, evidence=evidence)
        if current.others:
            answer = replace(answer, others=True, unsure=current.unsure)
        return answer, frames

    def _answer(
        self, rows: list[Row], lookup: Lookup, *, evidence: bool
    ) -> tuple[LookedUp, tuple[bytes, ...]]:
        """What is said of a row, from its records, newest first."""
        if not rows:
            return _ABSENT if evidence else _ABSENT_WITHOUT_EVIDENCE, ()
        row = rows[0]
        priors = tuple(prior.stamp for prior in rows[1:])
        found = self.read_row(row, with_data=lookup.want_inline)
        if found is None:
            log.warning(
                "record_damaged", bucket=row.bucket, key=row.key, segment=row.segment, offset=row.offset
            )
            return damaged(row, priors, evidence=evidence), ()
        record, _, data = found
        answer = LookedUp(
            RowState.FOUND,
            evidence,
            record.stamp,
            record.kind,
            record.sub,
            record.shard,
            record.head,
            record.meta,
            record.data_digest,
            priors,
            on_quorum=row.is_on_quorum,
        )
        if row.missing:
            missing = split_ids(row.missing)
            never_had = tuple(data_id for data_id in record.absent if data_id in missing)
            answer = replace(answer, no_files=missing, never_had=never_had)
        return answer, (data,) if data else ()

    def read_row(self, row: Row, *, with_data: bool) -> tuple[Record, bytes, bytes] | None:
        """The record of a row with its prefix and data as they stand in the log; None where it is not whole,
        or not that row's.
        """
        size = row.prefix_bytes + (row.data_bytes if with_data else 0)
        try:
            raw = self.log.read_at(row.segment, row.offset, size)
        except FileNotFoundError:
            return None
        except OSError:
            self.read_errors += 1
            return None
        record = record_of(raw, row, self.place)
        if record is None:
            return None
        data = raw[record.prefix_bytes :]
        if with_data and not data_is_whole(record, data):
            return None
        return record, raw[: record.prefix_bytes], data

    def is_whole(self, row: Row) -> bool:
        """Whether the row's record can still be read."""
        return self.read_row(row, with_data=True) is not None


def record_of(raw: bytes, row: Row, place: DrivePlace) -> Record | None:
    """The record that the bytes begin with, its data aside; None where it is not whole, or not that row's."""
    record = decode_prefix(raw, 0, place)
    return record if isinstance(record, Record) and is_of(record, row) else None


def is_of(record: Record, row: Row) -> bool:
    """Whether the record is that version of that row: one of another place in the log may be whole, too."""
    return (
        record.stamp == row.stamp
        and record.key == row.key
        and record.bucket == row.bucket
        and record.sub == row.sub
        and record.space == row.space
        and record.kind == row.kind
        and record.data_bytes == row.data_bytes
    )


def damaged(row: Row, priors: tuple[int, ...], *, evidence: bool) -> LookedUp:
    """What is known of a version whose record cannot be read."""
    return LookedUp(
        RowState.DAMAGED,
        evidence,
        row.stamp,
        row.kind,
        row.sub,
        row.shard,
        row.head,
        priors=priors,
        no_files=split_ids(row.missing),
        on_quorum=row.is_on_quorum,
    )
