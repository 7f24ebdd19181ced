"""What a record says of its version, for drives, which know nothing else of how objects are cut: above all
how long the shard files must be, for those who read them without being asked.

A file tells nothing of its end: one that was cut between two frames is whole as far as it goes. How many it
must have is told by the record.
"""

from __future__ import annotations

from collections.abc import Iterator

from rustfs_proto.disk.shard_file import BLOCK_BYTES, FRAME_HEADER_BYTES, block_aligned
from rustfs_proto.erasure.geometry import fragment_bytes, stripe_count, stripe_len
from rustfs_proto.erasure.storage_classes import STANDARD
from rustfs_proto.objects import INLINE, Geometry, Part, decode_head, decode_meta
from rustfs_proto.wire.envelope import UNREADABLE


def stripes_of(raw_meta: bytes) -> dict[bytes, int]:
    """Of each shard file that the metadata names, by its data id, how many frames a drive must have."""
    return {part.data_id: _stripes(part, geometry) for part, geometry in _files(raw_meta)}


def least_bytes_of(raw_meta: bytes) -> dict[bytes, int]:
    """Of each of these files how long it must be at least, to the end of its last fragment."""
    return {part.data_id: _least_bytes(part, geometry) for part, geometry in _files(raw_meta)}


def data_shards_of(raw_meta: bytes) -> int:
    """How many shards are needed to read the version; 0 where the metadata does not tell."""
    try:
        return decode_meta(raw_meta).geometry.k
    except UNREADABLE:
        return 0


def size_of(raw_head: bytes) -> int:
    """Bytes of the object; 0 where the head does not tell."""
    try:
        return decode_head(raw_head).size
    except UNREADABLE:
        return 0


def class_of(raw_head: bytes) -> str:
    """The storage class of the object; empty where it is STANDARD, or the head does not tell."""
    if not raw_head:
        return ""
    try:
        storage_class = decode_head(raw_head).storage_class
    except UNREADABLE:
        return ""
    return "" if storage_class == STANDARD else storage_class


def _files(raw_meta: bytes) -> Iterator[tuple[Part, Geometry]]:
    try:
        meta = decode_meta(raw_meta)
    except UNREADABLE:
        # Tombstones have none, and what a later release writes is judged by that release.
        return
    yield from ((part, meta.geometry) for part in meta.parts if part.data_id != INLINE)


def _stripes(part: Part, geometry: Geometry) -> int:
    return stripe_count(part.size, geometry.stripe_bytes)


def _least_bytes(part: Part, geometry: Geometry) -> int:
    stripes = _stripes(part, geometry)
    if not stripes:
        return BLOCK_BYTES
    span = block_aligned(FRAME_HEADER_BYTES + fragment_bytes(geometry.stripe_bytes, geometry.k))
    last = fragment_bytes(stripe_len(part.size, geometry.stripe_bytes, stripes - 1), geometry.k)
    return BLOCK_BYTES + (stripes - 1) * span + FRAME_HEADER_BYTES + last
