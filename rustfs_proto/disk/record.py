"""One record of the log: a committed version of a row, with its metadata and, where it is small, its shard.

A record begins at a multiple of 8. Format version 1:

    offset  bytes  field
         0      4  magic: "RFLR"
         4      1  format version: 1
         5      1  kind: 1 value, 2 tombstone, 3 delete marker
         6      1  space: 0 object, 1 upload, 2 part, 3 heal note, 4 rename
         7      1  flags: bit 0 set: copied here from an older segment
         8      8  sequence: rises by one from record to record of a drive
        16      8  batch: the sequence of the first record of the batch it was written in
        24      8  first segment: the number of the segment in which the version was first written
        32      8  stamp
        40     16  deployment id
        56      4  set index
        60      2  slot
        62      2  shard number
        64      2  bucket bytes (B)
        66      2  key bytes (K)
        68      2  sub bytes (S)
        70      2  zeros
        72      4  head bytes (H)
        76      4  meta bytes (M)
        80      4  files: how many data ids (F)
        84      4  data bytes (D)
        88      4  absent: how many of the data ids, the last ones, name shard files that were not on this
                   drive when the version was committed here
        92      4  zeros
        96     16  data digest: xxh3-128 of the data; zeros where there is none
       112     16  checksum: xxh3-128 of bytes 0 to 111 followed by the body
       128      B  bucket, UTF-8                          } the body
         …      K  key                                    }
         …      S  sub                                    }
         …      H  head: msgpack map                      }
         …      M  meta: msgpack map                      }
         …   16*F  data ids of shard files                }
         …      D  data: the inline shard
         …    0-7  zeros up to the next multiple of 8

The checksum covers the data too, through its digest; so metadata can be verified without reading the data,
and data is hashed once on its way in.

What a crash can leave: a batch is one write, of which any pages may be missing afterwards. `batch` tells that
from damage: the log is written batch after batch, so a whole record whose batch began after sequence s proves
that everything up to s was on stable storage once.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from enum import Enum

import attrs
import xxhash

from rustfs_proto.disk.layout import DATA_ID_BYTES
from rustfs_proto.disk.place import DrivePlace
from rustfs_proto.stamp import STAMP_MAX
from rustfs_proto.versions import is_sub
from rustfs_proto.wire.drive_ops import Commit, RowKind, Space

HEADER_BYTES = 128
ALIGNMENT = 8
FORMAT_VERSION = 1
MAGIC = b"RFLR"

NUMBER_MAX = 10**18
"""Sequences and segments beyond this were never written: a million records a second reach it in 30,000 years,
and what is counted up from it still fits 63 bits.
"""

FLAG_COPY = 1
"""Set in records that compaction or recovery copied."""

_NO_DIGEST = bytes(16)
_FIELDS = struct.Struct("<4sBBBBQQQQ16sIHHHHHHIIIIII16s")
_CHECKSUM_AT = 112
_MOVABLE = struct.Struct("<BQQ")
_MOVABLE_AT = 7
_SIZES = struct.Struct("<HHHHIIII")
_SIZES_AT = 64
_PADDING = tuple(bytes(count) for count in range(ALIGNMENT))
_digest = xxhash.xxh3_128_digest
_KINDS = frozenset(map(int, RowKind))
_SPACES = frozenset(map(int, Space))

assert _FIELDS.size == _CHECKSUM_AT


class Flaw(Enum):
    """Why no record could be read at a position."""

    BLANK = "zeros: nothing was ever written here"
    TORN = "the start of a record that runs past the end"
    DAMAGED = "magic, format, checksum or a field is wrong"
    FOREIGN = "a whole record of another drive"


# Not frozen: one is made for every lookup, and a frozen class costs twice the time. Nobody changes it.
@attrs.define
class Record:
    """A decoded record without its data, which stands `prefix_bytes` after its start and is `data_bytes`
    long. `absent` are those of `files` that were not here when it was written.
    """

    kind: int
    space: int
    flags: int
    sequence: int
    batch: int
    first_segment: int
    stamp: int
    shard: int
    bucket: str
    key: bytes
    sub: bytes
    head: bytes
    meta: bytes
    files: tuple[bytes, ...]
    absent: tuple[bytes, ...]
    data_digest: bytes
    prefix_bytes: int
    data_bytes: int

    @property
    def total_bytes(self) -> int:
        """From the start of this record to where the next one may begin."""
        return aligned(self.prefix_bytes + self.data_bytes)


def aligned(size: int) -> int:
    """The size rounded up to a multiple of 8."""
    return (size + 7) & ~7


def padding_of(size: int) -> bytes:
    """The zeros that follow that many bytes up to the next multiple of 8."""
    return _PADDING[-size & 7]


def prefix_size(commit: Commit) -> int:
    """Bytes of header and body of the record for that commit."""
    return (
        HEADER_BYTES
        + len(commit.bucket.encode())
        + len(commit.key)
        + len(commit.sub)
        + len(commit.head)
        + len(commit.meta)
        + DATA_ID_BYTES * len(commit.files)
    )


def encode_prefix(
    place: DrivePlace,
    commit: Commit,
    data_bytes: int,
    *,
    sequence: int,
    batch: int,
    segment: int,
    absent: Collection[bytes] = (),
) -> bytes:
    """Header and body of a new record; the data and `padding_of` follow it. `commit.inline_check` must be the
    digest of the data. `absent` are those of its files that are not here.
    """
    bucket = commit.bucket.encode()
    files = sorted(commit.files, key=absent.__contains__) if absent else commit.files
    body = b"".join((bucket, commit.key, commit.sub, commit.head, commit.meta, *files))
    fields = _FIELDS.pack(
        MAGIC,
        FORMAT_VERSION,
        commit.kind,
        commit.space,
        0,
        sequence,
        batch,
        segment,
        commit.stamp,
        place.deployment_id,
        place.set_index,
        place.slot,
        commit.shard,
        len(bucket),
        len(commit.key),
        len(commit.sub),
        0,
        len(commit.head),
        len(commit.meta),
        len(commit.files),
        data_bytes,
        len(absent),
        0,
        commit.inline_check or _NO_DIGEST,
    )
    return b"".join((fields, _digest(fields + body), body))


def copy_prefix(prefix: bytes, *, sequence: int, batch: int) -> bytes:
    """Header and body of a verified record, as they stand in a copy of it at a later place."""
    fields = bytearray(prefix[:_CHECKSUM_AT])
    _MOVABLE.pack_into(fields, _MOVABLE_AT, prefix[_MOVABLE_AT] | FLAG_COPY, sequence, batch)
    body = prefix[HEADER_BYTES:]
    return b"".join((fields, _digest(fields + body), body))


def sizes_at(buffer: bytes, start: int) -> tuple[int, int] | None:
    """Prefix and data bytes that a record header claims, unverified; None where no header of this format
    stands.
    """
    if buffer[start : start + 5] != b"RFLR\x01" or len(buffer) - start < HEADER_BYTES:
        return None
    bucket, key, sub, _, head, meta, files, data = _SIZES.unpack_from(buffer, start + _SIZES_AT)
    return HEADER_BYTES + bucket + key + sub + head + meta + DATA_ID_BYTES * files, data


def decode_prefix(buffer: bytes, start: int, place: DrivePlace) -> Record | Flaw:
    """The record whose header stands at `start`, its header and body verified but not its data."""
    sizes = sizes_at(buffer, start)
    if sizes is None:
        return Flaw.BLANK if not any(buffer[start : start + HEADER_BYTES]) else Flaw.DAMAGED
    prefix_bytes, data_bytes = sizes
    end = start + prefix_bytes
    if end > len(buffer):
        return Flaw.TORN
    fields = buffer[start : start + _CHECKSUM_AT]
    body = buffer[start + HEADER_BYTES : end]
    if _digest(fields + body) != buffer[start + _CHECKSUM_AT : start + HEADER_BYTES]:
        return Flaw.DAMAGED
    return _record_of(fields, body, prefix_bytes, data_bytes, place)


def data_is_whole(record: Record, data: bytes) -> bool:
    """Whether these are the bytes that the record's digest was made of."""
    return len(data) == record.data_bytes and (not data or _digest(data) == record.data_digest)


def decode_record(buffer: bytes, start: int, place: DrivePlace) -> Record | Flaw:
    """The record at `start`, its data verified too."""
    record = decode_prefix(buffer, start, place)
    if not isinstance(record, Record):
        return record
    data_at = start + record.prefix_bytes
    if data_at + record.data_bytes > len(buffer):
        return Flaw.TORN
    if not data_is_whole(record, buffer[data_at : data_at + record.data_bytes]):
        return Flaw.DAMAGED
    return record


def _record_of(
    fields: bytes, body: bytes, prefix_bytes: int, data_bytes: int, place: DrivePlace
) -> Record | Flaw:
    # fmt: off
    (
        _, _, kind, space, flags, sequence, batch, first_segment, stamp,
        deployment_id, set_index, slot, shard,
        bucket_bytes, key_bytes, sub_bytes, _, head_bytes, meta_bytes,
        files, _, absent, _, digest,
    ) = _FIELDS.unpack(fields)
    # fmt: on
    if deployment_id != place.deployment_id or set_index != place.set_index or slot != place.slot:
        return Flaw.FOREIGN
    # A right checksum proves only that these bytes were meant to stand here, not that they make sense.
    if kind not in _KINDS or space not in _SPACES or not 0 < stamp <= STAMP_MAX:
        return Flaw.DAMAGED
    if space == Space.OBJECT and not is_sub(body[bucket_bytes + key_bytes :][:sub_bytes]):
        return Flaw.DAMAGED
    if sequence > NUMBER_MAX or batch > sequence or first_segment > NUMBER_MAX or absent > files:
        return Flaw.DAMAGED
    try:
        bucket = body[:bucket_bytes].decode()
    except UnicodeDecodeError:
        return Flaw.DAMAGED
    key_at = bucket_bytes
    sub_at = key_at + key_bytes
    head_at = sub_at + sub_bytes
    meta_at = head_at + head_bytes
    files_at = meta_at + meta_bytes
    data_ids = split_ids(body[files_at:])
    return Record(
        kind=kind,
        space=space,
        flags=flags,
        sequence=sequence,
        batch=batch,
        first_segment=first_segment,
        stamp=stamp,
        shard=shard,
        bucket=bucket,
        key=body[key_at:sub_at],
        sub=body[sub_at:head_at],
        head=body[head_at:meta_at],
        meta=body[meta_at:files_at],
        files=data_ids,
        absent=data_ids[files - absent :],
        data_digest=digest if data_bytes else b"",
        prefix_bytes=prefix_bytes,
        data_bytes=data_bytes,
    )


def split_ids(joined: bytes) -> tuple[bytes, ...]:
    """Data ids that stand one after the other."""
    if not joined:
        return ()
    return tuple(joined[at : at + DATA_ID_BYTES] for at in range(0, len(joined), DATA_ID_BYTES))
