"""A row of the index, and the check by which it is believed."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import xxhash

from rustfs_proto.disk.record import Record, aligned

RowKey = tuple[int, str, bytes, bytes]
"""Space, bucket, key, sub."""

SubKey = tuple[bytes, bytes]
"""Key and sub: the order of rows within a bucket."""

_CHECKED = struct.Struct("<BqBHqqIIHHHII")
_CHECK_AT = 14

ON_QUORUM = 0x5EA1
"""How the index says that a version is known to be on a write quorum: no bit that flips says it by chance."""


class IndexDamaged(Exception):
    """What the index says cannot be right: drop it and rebuild it from the log."""


class Row(NamedTuple):
    """One version of one row, as SQLite gives it.

    `files` are data ids one after the other, in their order, `missing` those of them whose shard file is not
    here. `on_quorum` is ON_QUORUM or 0.
    """

    space: int
    bucket: str
    key: bytes
    sub: bytes
    stamp: int
    kind: int
    shard: int
    segment: int
    offset: int
    prefix_bytes: int
    data_bytes: int
    head: bytes
    files: bytes
    missing: bytes
    check: int = 0
    on_quorum: int = 0

    @property
    def is_on_quorum(self) -> bool:
        """Whether it is known to be on a write quorum of drives."""
        return self.on_quorum == ON_QUORUM

    @property
    def row_key(self) -> RowKey:
        """Which row this is a version of."""
        return self[:4]

    @property
    def record_bytes(self) -> int:
        """What the record occupies in its segment."""
        return aligned(self.prefix_bytes + self.data_bytes)


def check_of(row: Sequence[Any]) -> int:
    """The check of a row's fields, in 63 bits because SQLite's integers are signed."""
    # fmt: off
    (
        space, bucket, key, sub, stamp, kind, shard,
        segment, offset, prefix_bytes, data_bytes, head, files, missing, *_,
    ) = row
    name = bucket.encode()
    fields = _CHECKED.pack(
        space, stamp, kind, shard, segment, offset, prefix_bytes, data_bytes,
        len(name), len(key), len(sub), len(head), len(files),
    )
    # fmt: on
    joined = b"".join((fields, name, key, sub, head, files, missing))
    return xxhash.xxh3_64_intdigest(joined) >> 1


def verified(found: Sequence[Any]) -> Row:
    """The row that SQLite gave, if its check is right; raises IndexDamaged."""
    try:
        is_right = check_of(found) == found[_CHECK_AT]
    except (TypeError, ValueError, AttributeError, struct.error):
        # SQLite gives whatever stands in the page: a flipped bit may make a number of a text.
        is_right = False
    if not is_right:
        raise IndexDamaged(f"a row of the index fails its check: {found[:5]}")
    return Row._make(found)


def joined_ids(data_ids: Iterable[bytes]) -> bytes:
    """Data ids one after the other, in the order in which the index keeps them."""
    return b"".join(sorted(data_ids))


def row_of_record(record: Record, segment: int, offset: int) -> Row:
    """The index row of a record that stands there; recovery adds those of its shard files that were lost."""
    return Row(
        record.space,
        record.bucket,
        record.key,
        record.sub,
        record.stamp,
        record.kind,
        record.shard,
        segment,
        offset,
        record.prefix_bytes,
        record.data_bytes,
        record.head,
        joined_ids(record.files),
        joined_ids(record.absent),
    )
