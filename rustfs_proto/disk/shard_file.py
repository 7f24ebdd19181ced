"""A shard file: the shard of one part of an object that is too large for the log.

One header block of 4096 bytes, then one frame per stripe, each at a multiple of 4096 and filled up with
zeros. All frames but the last hold ceil(stripe_bytes / k) bytes, so the place of every frame is known. Format
version 1 of the header:

    offset  bytes  field
         0      8  magic: "RFSHARDF"
         8      4  format version: 1
        12      4  header bytes: 4096
        16     16  deployment id
        32     16  drive id
        48      4  set index
        52      4  slot
        56     16  data id
        72      2  shard number
        74      2  k: data shards
        76      2  m: parity shards
        78      2  bucket bytes (B)
        80      2  key bytes (K)
        82      2  zeros
        84      4  stripe bytes
        88      8  zeros
        96     16  checksum: xxh3-128 of bytes 0 to 95 followed by bucket and key
       112      B  bucket, UTF-8
         …      K  key
         …      …  zeros up to 4096

A frame:

    offset  bytes  field
         0      4  magic: "RFFR"
         4      4  fragment bytes (N)
         8      8  index of the stripe, from 0
        16     16  data id
        32     16  digest: xxh3-128 of the fragment
        48     16  checksum: xxh3-128 of bytes 0 to 47
        64      N  fragment
         …      …  zeros up to the next multiple of 4096

A file under its final name is whole: it was written and synced under a name ending in ".unfinished" and
renamed before any record referred to it.
"""

from __future__ import annotations

import struct
from enum import Enum

import attrs
import xxhash

from rustfs_proto.disk.place import DrivePlace
from rustfs_proto.wire.drive_ops import ShardIdentity

Buffer = bytes | bytearray | memoryview

BLOCK_BYTES = 4096
FRAME_HEADER_BYTES = 64
FORMAT_VERSION = 1

_MAGIC = b"RFSHARDF"
_FRAME_MAGIC = b"RFFR"
_FIELDS = struct.Struct("<8sII16s16sII16sHHHHHHIQ")
_NAMES_AT = 112
_FRAME = struct.Struct("<4sIQ16s16s")
_digest = xxhash.xxh3_128_digest

assert _FIELDS.size == 96
assert _FRAME.size == 48


class ShardFlaw(Enum):
    """Why a shard file's header or frame could not be believed."""

    DAMAGED = "magic, checksum or a field is wrong"
    FOREIGN = "belongs to another drive, object, shard or place in the file"
    MISSING = "the file ends before it"
    TOO_NEW = "was written by a later release"


@attrs.frozen
class ShardHeader:
    """What a shard file says of itself."""

    data_id: bytes
    identity: ShardIdentity


def fragment_bytes_max(identity: ShardIdentity) -> int:
    """Size of every fragment but the last one, which may be smaller."""
    return -(-identity.stripe_bytes // identity.k)


def frame_span(identity: ShardIdentity) -> int:
    """From the start of one full frame to the start of the next."""
    return block_aligned(FRAME_HEADER_BYTES + fragment_bytes_max(identity))


def frame_offset(identity: ShardIdentity, index: int) -> int:
    """Where the frame of stripe `index` begins in the file."""
    return BLOCK_BYTES + index * frame_span(identity)


def block_aligned(size: int) -> int:
    """The size rounded up to a multiple of 4096."""
    return -(-size // BLOCK_BYTES) * BLOCK_BYTES


def identity_refusal(identity: ShardIdentity) -> str:
    """Why no shard file can have that identity; empty where it can."""
    if not (identity.k > 0 and identity.m >= 0 and 0 <= identity.shard < identity.k + identity.m <= 0xFFFF):
        return f"shard {identity.shard} of {identity.k}+{identity.m} is no shard"
    if not 0 < identity.stripe_bytes < 1 << 31:
        return f"a stripe of {identity.stripe_bytes} bytes cannot be stored"
    if len(identity.bucket.encode()) + len(identity.key) > BLOCK_BYTES - _NAMES_AT:
        return f"bucket and key of {len(identity.bucket)} and {len(identity.key)} bytes do not fit the header"
    return ""


def encode_shard_header(place: DrivePlace, data_id: bytes, identity: ShardIdentity) -> bytes:
    """The whole block of 4096 bytes."""
    names = identity.bucket.encode() + identity.key
    fields = _FIELDS.pack(
        _MAGIC,
        FORMAT_VERSION,
        BLOCK_BYTES,
        place.deployment_id,
        place.drive_id,
        place.set_index,
        place.slot,
        data_id,
        identity.shard,
        identity.k,
        identity.m,
        len(names) - len(identity.key),
        len(identity.key),
        0,
        identity.stripe_bytes,
        0,
    )
    return (fields + _digest(fields + names) + names).ljust(BLOCK_BYTES, b"\0")


def decode_shard_header(block: bytes, place: DrivePlace, data_id: bytes) -> ShardHeader | ShardFlaw:
    """The header of the shard file that is called `data_id`, or why it cannot be believed."""
    if len(block) < BLOCK_BYTES:
        return ShardFlaw.DAMAGED
    fields = block[: _FIELDS.size]
    # fmt: off
    (
        magic, version, _, deployment_id, drive_id, set_index, slot, found_id,
        shard, k, m, bucket_bytes, key_bytes, _, stripe_bytes, _,
    ) = _FIELDS.unpack(fields)
    # fmt: on
    names = block[_NAMES_AT : _NAMES_AT + bucket_bytes + key_bytes]
    if magic != _MAGIC or _digest(fields + names) != block[_FIELDS.size : _NAMES_AT]:
        return ShardFlaw.DAMAGED
    if version > FORMAT_VERSION:
        return ShardFlaw.TOO_NEW
    if DrivePlace(deployment_id, drive_id, set_index, slot) != place or found_id != data_id:
        return ShardFlaw.FOREIGN
    # A right checksum proves only that these bytes were meant to stand here, not that they make sense.
    try:
        bucket, key = names[:bucket_bytes].decode(), names[bucket_bytes:]
    except UnicodeDecodeError:
        return ShardFlaw.DAMAGED
    identity = ShardIdentity(bucket, key, shard, k, m, stripe_bytes)
    if len(key) != key_bytes or identity_refusal(identity):
        return ShardFlaw.DAMAGED
    return ShardHeader(data_id, identity)


def encode_frame_header(data_id: bytes, index: int, fragment_bytes: int, check: bytes) -> bytes:
    """The 64 bytes before a fragment whose digest is `check`."""
    fields = _FRAME.pack(_FRAME_MAGIC, fragment_bytes, index, data_id, check)
    return fields + _digest(fields)


def frame_padding(fragment_bytes: int) -> bytes:
    """The zeros after a fragment."""
    return bytes(-(FRAME_HEADER_BYTES + fragment_bytes) % BLOCK_BYTES)


def check_frame(header: Buffer, behind: Buffer, data_id: bytes, index: int) -> tuple[int, bytes] | ShardFlaw:
    """Size and digest of the fragment that `behind` begins with, verified to be stripe `index` of that data
    id; `header` are the 64 bytes before it.
    """
    fields = header[: _FRAME.size]
    if len(fields) < _FRAME.size:
        return ShardFlaw.MISSING
    if _digest(fields) != header[_FRAME.size : FRAME_HEADER_BYTES]:
        return ShardFlaw.DAMAGED
    magic, fragment_bytes, found_index, found_id, check = _FRAME.unpack(fields)
    if magic != _FRAME_MAGIC or found_index != index or found_id != data_id:
        return ShardFlaw.FOREIGN
    fragment = memoryview(behind)[:fragment_bytes]
    if len(fragment) != fragment_bytes or _digest(fragment) != check:
        return ShardFlaw.DAMAGED
    return fragment_bytes, check


def decode_frame(buffer: bytes, start: int, data_id: bytes, index: int) -> tuple[bytes, bytes] | ShardFlaw:
    """Fragment and digest of the frame at `start`, verified as by `check_frame`."""
    fragment_at = start + FRAME_HEADER_BYTES
    found = check_frame(buffer[start:fragment_at], memoryview(buffer)[fragment_at:], data_id, index)
    if isinstance(found, ShardFlaw):
        return found
    fragment_bytes, check = found
    return buffer[fragment_at : fragment_at + fragment_bytes], check
