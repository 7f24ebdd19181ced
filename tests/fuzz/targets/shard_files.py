"""A shard file, exchanged before it is read, listed for sweeping and judged.

A fragment is given as it was written or refused as damaged or missing. As with log segments, half of the
inputs are sealed again after a change; of those only the typed refusals are asked.
"""

from __future__ import annotations

import struct
from random import Random

import xxhash

from rustfs_node.drive.shard_reads import ShardReaders
from rustfs_node.seams.memory_files import MemoryFiles
from rustfs_proto.disk.layout import shard_path
from rustfs_proto.disk.shard_file import (
    BLOCK_BYTES,
    FRAME_HEADER_BYTES,
    ShardHeader,
    decode_frame,
    decode_shard_header,
    frame_offset,
    identity_refusal,
)
from rustfs_proto.wire.drive_ops import ShardRead
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.fuzz.campaign import Target
from tests.fuzz.mutation import INTEGERS
from tests.fuzz.targets.drive_kit import DATA_ID, FRAGMENTS, SETTINGS, SHARD, base_files, base_place

_PATH = f"/{shard_path(DATA_ID)}"
_REFUSALS = frozenset({FaultCode.DAMAGED, FaultCode.NOT_FOUND, FaultCode.INVALID})
_HEADER_FIELDS = (
    (0, 8), (8, 4), (12, 4), (16, 1), (48, 4), (52, 4), (56, 8), (72, 2), (74, 2), (76, 2), (78, 2), (80,
    2), (84, 4), (112, 4)
)  # fmt: skip
_FRAME_FIELDS = ((0, 4), (4, 4), (8, 8), (16, 8))


def check(data: bytes) -> str:
    """See the module."""
    place = base_place()
    header = decode_shard_header(data[:BLOCK_BYTES], place, DATA_ID)
    labels = [header.name if not isinstance(header, ShardHeader) else "header"]
    if isinstance(header, ShardHeader):
        assert identity_refusal(header.identity) == "", header
    readers = ShardReaders(_files_with(data), "", place, SETTINGS)
    for index, fragment in enumerate(FRAGMENTS):
        raw = decode_frame(data, frame_offset(SHARD, index), DATA_ID, index)
        got = _read(readers, index)
        if isinstance(got, bytes) and got != fragment:
            assert _is_forged(data), f"wrong bytes of fragment {index}: {got!r}"
        if isinstance(raw, tuple):
            assert xxhash.xxh3_128_digest(raw[0]) == raw[1]
        labels.append("bytes" if isinstance(got, bytes) else got.value)
    return " ".join(labels)


def _read(readers: ShardReaders, index: int) -> bytes | FaultCode:
    request = ShardRead(DATA_ID, SHARD.bucket, SHARD.key, SHARD.shard, index)
    try:
        shard = readers.open(DATA_ID)
        _, frames = readers.read(shard, request)
    except Fault as fault:
        if fault.code not in _REFUSALS:
            raise
        return fault.code
    return bytes(frames[0])


def _files_with(data: bytes) -> MemoryFiles:
    files = MemoryFiles()
    files.make_folder("/shards")
    files.make_folder("/shards/00")
    file = files.open(_PATH, create=True)
    file.write_at(0, [data])
    file.close()
    return files


def _is_forged(data: bytes) -> bool:
    """Whether some header or frame that the drive did not write has a right checksum."""
    written = base_files()[_PATH]
    header = decode_shard_header(data[:BLOCK_BYTES], base_place(), DATA_ID)
    if isinstance(header, ShardHeader) and header.identity != SHARD:
        return True
    for at in range(BLOCK_BYTES, len(data), BLOCK_BYTES):
        frame = data[at : at + FRAME_HEADER_BYTES]
        if xxhash.xxh3_128_digest(frame[:48]) == frame[48:] and frame not in written:
            return True
    return False


def reshape(random: Random, data: bytes) -> bytes:
    """Change a field of the header or of a frame, and make the checksums right."""
    changed = bytearray(data.ljust(BLOCK_BYTES * 4, b"\0"))
    at = BLOCK_BYTES * random.randrange(4)
    fields = _FRAME_FIELDS if at else _HEADER_FIELDS
    offset, width = random.choice(fields)
    number = random.choice((*INTEGERS, random.getrandbits(64))) % (1 << 8 * width)
    changed[at + offset : at + offset + width] = number.to_bytes(width, "little")
    if at:
        _seal_frame(changed, at)
    else:
        _seal_header(changed)
    return bytes(changed)


def _seal_header(data: bytearray) -> None:
    bucket_bytes, key_bytes = struct.unpack_from("<HH", data, 78)
    names = bytes(data[112:BLOCK_BYTES])[: bucket_bytes + key_bytes]
    data[96:112] = xxhash.xxh3_128_digest(bytes(data[:96]) + names)


def _seal_frame(data: bytearray, at: int) -> None:
    (size,) = struct.unpack_from("<I", data, at + 4)
    fragment = bytes(data[at + FRAME_HEADER_BYTES :])[:size]
    data[at + 32 : at + 48] = xxhash.xxh3_128_digest(fragment)
    data[at + 48 : at + 64] = xxhash.xxh3_128_digest(bytes(data[at : at + 48]))


def seeds() -> list[bytes]:
    return [base_files()[_PATH]]


TARGET = Target(
    "shard_files",
    check,
    seeds,
    executions=4000,
    tokens=(b"RFSHARDF", b"RFFR", bytes(64), bytes(4096)),
    suffix=".dump",
    max_bytes=20 * 1024,
    in_place=True,
    reshape=reshape,
)
