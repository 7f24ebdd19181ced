"""The drive's rows in order, for those who compare drives: newest versions only, whatever kind they are.

A verified row was read, data included, and its shard files were looked for, and at their length: what the
index says of them may be of a time before they were lost. Few rows are verified at a time, because nothing
else is answered meanwhile. What files hold is read by `row_check`, in threads.
"""

from __future__ import annotations

from msgspec.structs import replace

from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.index_row import Row
from rustfs_node.drive.read import is_of
from rustfs_proto.disk.layout import shard_path
from rustfs_proto.disk.record import Flaw, Record, decode_prefix, split_ids
from rustfs_proto.erasure.durability import Damage
from rustfs_proto.erasure.scrubbing import class_of, data_shards_of, least_bytes_of, size_of
from rustfs_proto.wire.heal_ops import HeldRow, ListRows, RowsListed

_VERIFIED_AT_A_TIME = 16
"""As many records are read as a busy drive reads in one turn of its bus anyway."""


def list_rows(engine: DriveEngine, request: ListRows) -> RowsListed:
    """The answer to a `ListRows`."""
    limit = min(max(request.limit, 1), _VERIFIED_AT_A_TIME if request.verify else engine.settings.scan_rows)
    after = request.after
    place = (after.space, after.bucket, after.key, after.sub)
    rows, more = engine.index.rows_behind(place, limit, live=request.notes)
    held = tuple(_verified(engine, row) if request.verify else _held(row) for row in rows)
    return RowsListed(held, more, engine.fence.evidence)


def _held(row: Row) -> HeldRow:
    return HeldRow(
        row.space, row.bucket, row.key, row.sub, row.stamp, row.kind, bool(row.missing), class_of(row.head)
    )  # fmt: skip


def _verified(engine: DriveEngine, row: Row) -> HeldRow:
    """The row after its record was read and its shard files were looked at."""
    found = engine.reader.read_row(row, with_data=True)
    if found is None:
        return replace(_held(row), has_gaps=True, flaw=_flaw_of_record(engine, row))
    record = found[0]
    least_bytes = least_bytes_of(record.meta)
    flaw = Damage.MISSING if row.missing else _flaw_of_files(engine, row, least_bytes)
    return replace(
        _held(row),
        has_gaps=bool(flaw),
        flaw=flaw,
        k=data_shards_of(record.meta),
        files=len(record.files),
        object_bytes=size_of(record.head),
        size_bytes=row.data_bytes + sum(least_bytes.get(data_id, 0) for data_id in record.files),
    )


def _flaw_of_files(engine: DriveEngine, row: Row, least_bytes: dict[bytes, int]) -> str:
    """What is wrong with the first shard file that is not as it should be."""
    for data_id in split_ids(row.files):
        flaw = _flaw_of_file(engine, data_id, least_bytes.get(data_id, 0))
        if flaw:
            # Whoever reads it next shall meet what stands there, and not what was open before.
            engine.shard_readers.forget(data_id)
            return flaw
    return ""


def _flaw_of_file(engine: DriveEngine, data_id: bytes, least_bytes: int) -> str:
    try:
        stat = engine.files.stat(f"{engine.address.path}/{shard_path(data_id)}")
    except FileNotFoundError:
        return Damage.MISSING
    except OSError:
        return Damage.CORRUPT
    return Damage.TRUNCATED if stat.size_bytes < least_bytes else ""


def _flaw_of_record(engine: DriveEngine, row: Row) -> str:
    """Why the record cannot be believed."""
    wanted_bytes = row.prefix_bytes + row.data_bytes
    try:
        raw = engine.log.read_at(row.segment, row.offset, wanted_bytes)
    except FileNotFoundError:
        return Damage.MISSING
    except OSError:
        return Damage.CORRUPT
    if len(raw) < wanted_bytes:
        return Damage.TRUNCATED
    found = decode_prefix(raw, 0, engine.place)
    if isinstance(found, Record):
        return Damage.CORRUPT if is_of(found, row) else Damage.MISPLACED
    return Damage.FOREIGN if found is Flaw.FOREIGN else Damage.CORRUPT
