"""What the scrub reads: records out of the log and frames out of shard files. All of it blocks, and runs in a
thread.

Nothing is concluded here. Meanwhile a record may be copied to another segment and the one that was read
removed, and a file may lose its last row: whoever asked looks at the index again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import attrs

from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.index_row import Row
from rustfs_node.drive.read import record_of
from rustfs_node.drive.shard_reads import FlawedFile, OpenShard, read_frame
from rustfs_node.seams.files import File
from rustfs_proto.disk.record import data_is_whole
from rustfs_proto.disk.shard_file import frame_span
from rustfs_proto.erasure.durability import Damage
from rustfs_proto.erasure.scrubbing import stripes_of
from rustfs_proto.wire.faults import Fault, FaultCode


@attrs.frozen
class WantedFile:
    """A shard file that a row names, of which so many frames must be there."""

    row: Row
    data_id: bytes
    stripes: int


@attrs.frozen
class RecordsRead:
    """Of those rows whose records are whole the shard files that they name; the rows of the `others`."""

    files: dict[Row, list[WantedFile]]
    others: list[Row]


def read_records(engine: DriveEngine, rows: Sequence[Row]) -> RecordsRead:
    """Read the records of those rows, in the order in which they lie in the log."""
    found = RecordsRead({}, [])
    with contextlib.ExitStack() as stack:
        segments: dict[int, File] = {}
        for row in sorted(rows, key=lambda row: (row.segment, row.offset)):
            try:
                if row.segment not in segments:
                    path = engine.log.path_of(row.segment)
                    segments[row.segment] = file = engine.files.open(path, write=False)
                    stack.callback(file.close)
                raw = segments[row.segment].read_at(row.offset, row.prefix_bytes + row.data_bytes)
            except OSError:
                # Gone or unreadable: it is read once more, by whoever counts the errors.
                raw = b""
            record = record_of(raw, row, engine.place)
            if record is None or not data_is_whole(record, raw[record.prefix_bytes :]):
                found.others.append(row)
            else:
                stripes = stripes_of(record.meta)
                found.files[row] = [
                    WantedFile(row, data_id, stripes.get(data_id, 0)) for data_id in sorted(record.files)
                ]
    return found


@attrs.frozen
class PieceRead:
    """`next_index` is the first frame not read, `size_bytes` what was read. `fault`: why the file is not as
    it should be, NOT_FOUND where there is none; `is_error` where the system refused to read.
    """

    next_index: int
    size_bytes: int
    fault: Fault | None = None
    is_error: bool = False


def read_piece(engine: DriveEngine, wanted: WantedFile, first: int, limit_bytes: int) -> PieceRead:
    """Some frames from `first` on, at least one if there are any, each verified."""
    try:
        shard = engine.shard_readers.open(wanted.data_id)
    except Fault as fault:
        return PieceRead(first, 0, fault)
    except OSError as error:
        return PieceRead(first, 0, _unreadable(wanted, error), is_error=True)
    try:
        return _read_open(shard, wanted, first, limit_bytes)
    finally:
        shard.file.close()


def _read_open(shard: OpenShard, wanted: WantedFile, first: int, limit_bytes: int) -> PieceRead:
    identity, row = shard.identity, wanted.row
    if (identity.bucket, identity.key, identity.shard) != (row.bucket, row.key, row.shard):
        text = f"shard file {wanted.data_id.hex()} is of {identity}"
        return PieceRead(first, 0, FlawedFile(FaultCode.DAMAGED, text, flaw=Damage.MISPLACED))
    index, end = first, min(wanted.stripes, first + max(1, limit_bytes // frame_span(identity)))
    size_bytes = 0
    try:
        for index in range(first, end):
            found = read_frame(shard, index, wait=True)
            assert found is not None
            size_bytes += len(found[0])
    except Fault as fault:
        return PieceRead(index, size_bytes, fault)
    except OSError as error:
        return PieceRead(index, size_bytes, _unreadable(wanted, error), is_error=True)
    return PieceRead(end, size_bytes)


def _unreadable(wanted: WantedFile, error: OSError) -> Fault:
    return FlawedFile(FaultCode.DAMAGED, f"shard file {wanted.data_id.hex()} cannot be read: {error}")


def flaw_of(fault: Fault) -> Damage:
    """In which way a file is not as it should be."""
    if isinstance(fault, FlawedFile):
        return fault.flaw
    return Damage.MISSING if fault.code is FaultCode.NOT_FOUND else Damage.CORRUPT
