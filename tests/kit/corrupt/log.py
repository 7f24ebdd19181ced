"""Damage to the log: to one record, or to all of it."""

from __future__ import annotations

from rustfs_proto.disk.record import HEADER_BYTES
from tests.kit.at_rest import Drive, all_records, at_rest, find_record, records, segments
from tests.kit.corrupt.places import cut_file, each, finds, flip_all, flip_bit, lose_file

STAMP_AT = 32
"""Where in a record its stamp stands."""

NUMBER_AT = 56
"""Where in a segment's header its number stands."""


def flip_record_header(drive: Drive, key: str) -> None:
    """A bit of the newest record's stamp."""
    path, found = find_record(drive, key)
    flip_bit(drive, path, found.offset + STAMP_AT)


def flip_record_body(drive: Drive, key: str) -> None:
    """A bit of the last byte before the newest record's inline shard: of its metadata, if it has any."""
    path, found = find_record(drive, key)
    flip_bit(drive, path, found.offset + found.record.prefix_bytes - 1)


def flip_record_data(drive: Drive, key: str) -> None:
    """A bit of the newest record's inline shard."""
    path, found = find_record(drive, key)
    flip_bit(drive, path, found.offset + found.record.prefix_bytes)


def flip_segment_header(drive: Drive, path: str) -> None:
    """A bit of the segment's number."""
    flip_bit(drive, path, NUMBER_AT)


def misdirect_record(drive: Drive, source: str, target: str) -> None:
    """A write of one record went to the place of another: whole, but not what belongs there."""
    _, wrong = find_record(drive, source)
    path, right = find_record(drive, target)
    file = at_rest(drive).files.open(path)
    file.write_at(right.offset, [wrong.prefix, wrong.data])
    file.sync()
    file.close()


def cut_segment(drive: Drive, path: str, size_bytes: int) -> None:
    """The segment ends there."""
    cut_file(drive, path, size_bytes)


def damage_record_headers(drive: Drive) -> int:
    """A bit turns in the stamp of every record."""
    return flip_all(drive, ((path, found.offset + STAMP_AT) for path, found in all_records(drive)))


def damage_record_bodies(drive: Drive) -> int:
    """A bit turns in the key of every record."""
    places = (
        (path, found.offset + HEADER_BYTES + len(found.record.bucket.encode()))
        for path, found in all_records(drive)
    )
    return flip_all(drive, places)


def damage_record_data(drive: Drive) -> int:
    """A bit turns in the middle of every inline shard."""
    places = (
        (path, found.offset + found.record.prefix_bytes + found.record.data_bytes // 2)
        for path, found in all_records(drive)
        if found.record.data_bytes
    )
    return flip_all(drive, places)


def damage_last_record(drive: Drive) -> int:
    """A bit turns in the record that was written last, which looks like a torn write."""
    path, found = max(all_records(drive), key=lambda entry: entry[1].record.sequence)
    return flip_all(drive, [(path, found.offset + STAMP_AT)])


def damage_records(drive: Drive, needle: bytes) -> int:
    """A bit turns wherever in the log those bytes stand."""
    places = (
        (path, at + len(needle) // 2)
        for path in segments(drive)
        for at in finds(at_rest(drive).files.read_file(path), needle)
    )
    return flip_all(drive, places)


def damage_segment_headers(drive: Drive) -> int:
    """A bit turns in the header of every segment."""
    return each(drive, segments(drive), flip_segment_header)


def cut_log(drive: Drive) -> int:
    """The last segment that holds records ends in the middle of one of them."""
    path, found = [(path, records(drive, path)) for path in segments(drive) if records(drive, path)][-1]
    cut_file(drive, path, found[len(found) // 2].offset + HEADER_BYTES // 2)
    return 1


def lose_log(drive: Drive) -> int:
    """The segments are gone, their folder is not."""
    return each(drive, segments(drive), lose_file)
