"""Reads the shard files of one version to their end, a piece for each call, for who goes over all versions.

As the scrub does it, in threads: and as there, what was found wrong is looked up again before it is told,
because the version may have been replaced, and its files removed, meanwhile.
"""

from __future__ import annotations

from functools import partial

from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.index_row import Row, RowKey
from rustfs_node.drive.scrub_read import PieceRead, WantedFile, flaw_of, read_piece, read_records
from rustfs_node.seams.threads import Threads
from rustfs_proto.disk.record import split_ids
from rustfs_proto.erasure.durability import Damage
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.heal_ops import CheckRow, RowChecked


async def check_row(engine: DriveEngine, threads: Threads, request: CheckRow) -> RowChecked:
    """The answer to a `CheckRow`; raises `Fault`."""
    name = request.row
    row_key = (name.space, name.bucket, name.key, name.sub)
    row = _version(engine, row_key, request.stamp)
    wanted, piece = await threads.run(partial(_read, engine, row, request))
    if wanted is None:
        is_whole = engine.reader.is_whole(_version(engine, row_key, request.stamp))
        return RowChecked(0, "" if is_whole else Damage.CORRUPT)
    engine.counts.read_errors += piece.is_error
    if piece.fault is not None:
        _version(engine, row_key, request.stamp)
        # Whoever reads it next shall meet what stands there, and not what was open before.
        engine.shard_readers.forget(wanted.data_id)
        return RowChecked(piece.size_bytes, flaw_of(piece.fault))
    if piece.next_index < wanted.stripes:
        return RowChecked(piece.size_bytes, data_id=wanted.data_id, index=piece.next_index)
    behind = _next_file(row, wanted.data_id)
    return RowChecked(piece.size_bytes, data_id=behind)


def _version(engine: DriveEngine, row_key: RowKey, stamp: int) -> Row:
    row = engine.index.version(row_key, stamp)
    if row is None:
        raise Fault(FaultCode.NOT_FOUND, "that version is not here, or not any more")
    return row


def _read(engine: DriveEngine, row: Row, request: CheckRow) -> tuple[WantedFile | None, PieceRead]:
    """The piece that is wanted, and of which file; None where the record is not whole, or names no files."""
    files = read_records(engine, [row]).files.get(row, [])
    wanted = next((one for one in files if one.data_id >= request.data_id), None)
    if wanted is None:
        return None, PieceRead(0, 0)
    first = request.index if wanted.data_id == request.data_id else 0
    return wanted, read_piece(engine, wanted, first, engine.settings.scrub_step_bytes)


def _next_file(row: Row, data_id: bytes) -> bytes:
    """The row's file behind that one; empty: there is none."""
    return min((one for one in split_ids(row.files) if one > data_id), default=b"")
