"""A log segment of a drive, exchanged before a start that has no index and must rebuild it.

Whatever stands there: a start never fails but for a segment of a later release; nothing comes back but what
was committed; a drive that does not say it has lost something has all that was committed up to some moment,
and nothing from behind it; and the drive goes on from there, through another power cut.

Half of the inputs are sealed again: fields changed, checksums right. No drive writes such records, but they
are within a decoder's reach; of them only the last of these promises is asked.
"""

from __future__ import annotations

import struct
from random import Random

import xxhash

from rustfs_node.drive.identity_file import DriveRefused
from rustfs_proto.disk import record, segment
from rustfs_proto.disk.record import Record, decode_record
from tests.fuzz.campaign import Target
from tests.fuzz.mutation import INTEGERS
from tests.fuzz.targets.drive_kit import (
    SEGMENT_BYTES,
    ask_all,
    base_files,
    base_place,
    memory_copy,
    states,
    still_works,
)

_PATHS = ("/log/000000000001.log", "/log/000000000002.log")
_RECORD_FIELDS = (
    (4, 1), (5, 1), (6, 1), (7, 1), (8, 8), (16, 8), (24, 8), (32, 8), (40, 1), (56, 4), (60, 2), (62, 2),
    (64, 2), (66, 2), (68, 2), (70, 2), (72, 4), (76, 4), (80, 4), (84, 4), (128, 1), (134, 1), (140, 8),
)  # fmt: skip
_HEADER_FIELDS = ((8, 4), (12, 4), (16, 1), (48, 4), (52, 4), (56, 8), (64, 8))
_HEADER_CHECKED_BYTES = 72


def path_of(data: bytes) -> str:
    """Which segment it stands for: the one whose number it bears, else the last."""
    return _PATHS[0] if data[56:64] == (1).to_bytes(8, "little") else _PATHS[1]


def places(data: bytes) -> list[int]:
    """Where records may begin."""
    found = []
    at = data.find(record.MAGIC)
    while at >= 0:
        if at % record.ALIGNMENT == 0:
            found.append(at)
        at = data.find(record.MAGIC, at + 1)
    return found


def is_forged(data: bytes) -> bool:
    """Whether checksums are right over something that the drive did not write."""
    place = base_place()
    for at in places(data):
        found = decode_record(data, at, place)
        if isinstance(found, Record):
            raw = data[at : at + found.prefix_bytes + found.data_bytes]
            if not any(raw in base_files()[path] for path in _PATHS):
                return True
    header = data[: _HEADER_CHECKED_BYTES + 16]
    is_whole = xxhash.xxh3_128_digest(header[:_HEADER_CHECKED_BYTES]) == header[_HEADER_CHECKED_BYTES:]
    return is_whole and not any(base_files()[path].startswith(header) for path in _PATHS)


def check(data: bytes) -> str:
    """See the module."""
    forged = is_forged(data)
    drive = memory_copy({path_of(data): data})
    try:
        found = ask_all(drive.engine, is_forged=forged)
    except DriveRefused:
        assert forged, "refused for nothing"
        return "refused"
    try:
        if found.evidence and not forged:
            assert found.newest in states(), f"a drive without doubts knows of {found.newest}"
        still_works(drive, is_forged=forged)
    finally:
        drive.close()
    kind = "forged" if forged else f"{len(found.newest)} rows"
    return f"{kind}, {'trusted' if found.evidence else 'healing'}"


def reshape(random: Random, data: bytes) -> bytes:
    """Change a field of the header or of a record, and make all checksums right."""
    changed = bytearray(data)
    starts = places(data)
    if starts and random.random() < 0.9:
        _set_field(random, changed, random.choice(starts), _RECORD_FIELDS)
        for at in starts:
            _seal_record(changed, at)
    else:
        _set_field(random, changed, 0, _HEADER_FIELDS)
        fields = bytes(changed[:_HEADER_CHECKED_BYTES])
        changed[_HEADER_CHECKED_BYTES : _HEADER_CHECKED_BYTES + 16] = xxhash.xxh3_128_digest(fields)
    return bytes(changed[:SEGMENT_BYTES])


def _set_field(random: Random, data: bytearray, start: int, fields: tuple[tuple[int, int], ...]) -> None:
    offset, width = random.choice(fields)
    at = start + offset
    old = int.from_bytes(data[at : at + width], "little")
    number = random.choice((*INTEGERS, old + 1, max(0, old - 1), random.getrandbits(64)))
    data[at : at + width] = (number % (1 << 8 * width)).to_bytes(width, "little")


def _seal_record(data: bytearray, at: int) -> None:
    sizes = record.sizes_at(bytes(data), at)
    if sizes is None or at + sum(sizes) > len(data):
        return
    prefix_bytes, data_bytes = sizes
    inline = bytes(data[at + prefix_bytes : at + prefix_bytes + data_bytes])
    struct.pack_into("<16s", data, at + 96, xxhash.xxh3_128_digest(inline) if inline else bytes(16))
    body = bytes(data[at + record.HEADER_BYTES : at + prefix_bytes])
    struct.pack_into("<16s", data, at + 112, xxhash.xxh3_128_digest(bytes(data[at : at + 112]) + body))


def seeds() -> list[bytes]:
    return [base_files()[path] for path in _PATHS]


TARGET = Target(
    "log_segments",
    check,
    seeds,
    executions=250,
    tokens=(record.MAGIC, b"RFSEGLOG", bytes(8), bytes(512), b"\x01\x00\x00\x00"),
    suffix=".dump",
    max_bytes=SEGMENT_BYTES,
    in_place=True,
    reshape=reshape,
)
assert segment.HEADER_BYTES < SEGMENT_BYTES
