"""A log segment: one header block of 4096 bytes, then records (see `record`), each at a multiple of 8, then
zeros.

Segment header, format version 1:

    offset  bytes  field
         0      8  magic: "RFSEGLOG"
         8      4  format version: 1
        12      4  header bytes: 4096
        16     16  deployment id
        32     16  drive id
        48      4  set index
        52      4  slot
        56      8  segment number
        64      8  first sequence: of the first record
        72     16  checksum: xxh3-128 of bytes 0 to 71
        88   4008  zeros

What a crash can leave: a prepared segment is all zeros until its first batch, whose write brings the header
along. So a header that is not whole means that nothing in the file was ever acknowledged, unless whole
records follow it: that is damage.

A batch never spans segments. The last record of segment n and the first of n+1 have neighbouring sequences
where both exist.
"""

from __future__ import annotations

import struct
from enum import Enum

import attrs
import xxhash

from rustfs_proto.disk.place import DrivePlace
from rustfs_proto.disk.record import NUMBER_MAX

HEADER_BYTES = 4096
FORMAT_VERSION = 1

_MAGIC = b"RFSEGLOG"
_FIELDS = struct.Struct("<8sII16s16sIIQQ")
_CHECKSUM_BYTES = 16
_USED_BYTES = _FIELDS.size + _CHECKSUM_BYTES


class SegmentFlaw(Enum):
    """Why a segment header could not be believed."""

    BLANK = "all zeros: prepared and never used"
    DAMAGED = "magic, checksum or the first sequence is wrong"
    FOREIGN = "belongs to another drive, or stands under another number"
    TOO_NEW = "was written by a later release"


@attrs.frozen
class SegmentHeader:
    """What a segment says of itself."""

    number: int
    first_sequence: int


def encode_segment_header(place: DrivePlace, header: SegmentHeader) -> bytes:
    """The whole block of 4096 bytes."""
    fields = _FIELDS.pack(
        _MAGIC,
        FORMAT_VERSION,
        HEADER_BYTES,
        place.deployment_id,
        place.drive_id,
        place.set_index,
        place.slot,
        header.number,
        header.first_sequence,
    )
    return (fields + xxhash.xxh3_128_digest(fields)).ljust(HEADER_BYTES, b"\0")


def decode_segment_header(block: bytes, place: DrivePlace, number: int) -> SegmentHeader | SegmentFlaw:
    """The header at the start of the segment that is called `number`, or why it cannot be believed."""
    if len(block) < _USED_BYTES:
        return SegmentFlaw.DAMAGED
    if not any(block[:HEADER_BYTES]):
        return SegmentFlaw.BLANK
    fields = block[: _FIELDS.size]
    if xxhash.xxh3_128_digest(fields) != block[_FIELDS.size : _USED_BYTES]:
        return SegmentFlaw.DAMAGED
    magic, version, _, deployment_id, drive_id, set_index, slot, found, first_sequence = _FIELDS.unpack(
        fields
    )
    if magic != _MAGIC:
        return SegmentFlaw.DAMAGED
    if version > FORMAT_VERSION:
        return SegmentFlaw.TOO_NEW
    if DrivePlace(deployment_id, drive_id, set_index, slot) != place or found != number:
        return SegmentFlaw.FOREIGN
    if not 0 < first_sequence <= NUMBER_MAX:
        return SegmentFlaw.DAMAGED
    return SegmentHeader(found, first_sequence)
