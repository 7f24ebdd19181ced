"""The drive's rows in order, for those who compare drives: newest versions only, whatever kind they are.

A verified row was read, data included, and its shard files were looked for: what the index says of them may
be of a time before they were lost. Few rows are verified at a time, because nothing else is answered
meanwhile.
"""

from __future__ import annotations

from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.index_row import Row
from rustfs_proto.disk.layout import shard_path
from rustfs_proto.disk.record import split_ids
from rustfs_proto.wire.heal_ops import HeldRow, ListRows, RowsListed

_VERIFIED_AT_A_TIME = 16
"""As many records are read as a busy drive reads in one turn of its bus anyway."""


def list_rows(engine: DriveEngine, request: ListRows) -> RowsListed:
    """The answer to a `ListRows`."""
    limit = min(max(request.limit, 1), _VERIFIED_AT_A_TIME if request.verify else engine.settings.scan_rows)
    after = request.after
    place = (after.space, after.bucket, after.key, after.sub)
    rows, more = engine.index.rows_behind(place, limit, live=request.notes)
    held = tuple(_held(row, bool(row.missing) or (request.verify and _is_torn(engine, row))) for row in rows)
    return RowsListed(held, more, engine.fence.evidence)


def _held(row: Row, has_gaps: bool) -> HeldRow:
    return HeldRow(row.space, row.bucket, row.key, row.sub, row.stamp, row.kind, has_gaps)


def _is_torn(engine: DriveEngine, row: Row) -> bool:
    """Whether the record cannot be read, or a shard file is not there."""
    root = engine.address.path
    is_here = all(engine.files.exists(f"{root}/{shard_path(data_id)}") for data_id in split_ids(row.files))
    return not is_here or not engine.reader.is_whole(row)
