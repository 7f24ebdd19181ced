"""Corruptors of one drive through `Files`, each named by what it damages; for drives that are closed."""

from __future__ import annotations

from rustfs_node.drive.log_scan import Found, SegmentScan
from rustfs_node.seams.files import Files
from rustfs_proto.disk.layout import LOG_FOLDER, shard_path
from rustfs_proto.disk.place import place_of
from rustfs_proto.disk.segment import HEADER_BYTES
from rustfs_proto.disk.shard_file import BLOCK_BYTES
from tests.kit.drives import TestDrive


def flip_bit(files: Files, path: str, offset: int) -> None:
    """One bit at that offset of a file is wrong."""
    file = files.open(path)
    (byte,) = file.read_at(offset, 1)
    file.write_at(offset, [bytes([byte ^ 0x10])])
    file.sync()
    file.close()


def segments(drive: TestDrive) -> list[str]:
    """Paths of all log segments, oldest first."""
    folder = f"{drive.path}/{LOG_FOLDER}"
    return [f"{folder}/{name}" for name in drive.files.list_folder(folder)]


def records(drive: TestDrive, path: str) -> list[Found]:
    """All whole records of a segment."""
    file = drive.files.open(path, write=False)
    try:
        return list(SegmentScan(file, place_of(drive.identity)).all_from(HEADER_BYTES))
    finally:
        file.close()


def find_record(drive: TestDrive, key: str) -> tuple[str, Found]:
    """The newest record of a key in the log: segment path and record."""
    found = [
        (path, record)
        for path in segments(drive)
        for record in records(drive, path)
        if record.record.key == key.encode()
    ]
    return max(found, key=lambda entry: entry[1].record.sequence)


def flip_record_header(drive: TestDrive, key: str) -> None:
    """A bit of the newest record's stamp."""
    path, found = find_record(drive, key)
    flip_bit(drive.files, path, found.offset + 32)


def flip_record_data(drive: TestDrive, key: str) -> None:
    """A bit of the newest record's inline shard."""
    path, found = find_record(drive, key)
    flip_bit(drive.files, path, found.offset + found.record.prefix_bytes)


def misdirect_record(drive: TestDrive, source: str, target: str) -> None:
    """A write of one record went to the place of another: whole, but not what belongs there."""
    _, wrong = find_record(drive, source)
    path, right = find_record(drive, target)
    file = drive.files.open(path)
    file.write_at(right.offset, [wrong.prefix, wrong.data])
    file.sync()
    file.close()


def flip_segment_header(drive: TestDrive, path: str) -> None:
    """A bit of the segment's number."""
    flip_bit(drive.files, path, 56)


def lose_segment(drive: TestDrive, path: str) -> None:
    """The file is gone."""
    drive.files.remove(path)


def cut_segment(drive: TestDrive, path: str, size_bytes: int) -> None:
    """The file is shorter than it was."""
    file = drive.files.open(path)
    file.truncate(size_bytes)
    file.sync()
    file.close()


def flip_fragment(drive: TestDrive, data_id: bytes, offset: int = BLOCK_BYTES + 64) -> None:
    """A bit of a shard file; without `offset`, of its first fragment."""
    flip_bit(drive.files, f"{drive.path}/{shard_path(data_id)}", offset)


def swap_frames(drive: TestDrive, data_id: bytes, span: int) -> None:
    """The first two frames of a shard file stand in each other's place."""
    file = drive.files.open(f"{drive.path}/{shard_path(data_id)}")
    first, second = file.read_at(BLOCK_BYTES, span), file.read_at(BLOCK_BYTES + span, span)
    file.write_at(BLOCK_BYTES, [second, first])
    file.close()


def replace_shard_file(drive: TestDrive, data_id: bytes, other: bytes) -> None:
    """The file of one data id stands under the name of another."""
    content = drive.files.read_file(f"{drive.path}/{shard_path(other)}")
    drive.files.write_file(f"{drive.path}/{shard_path(data_id)}", content)
