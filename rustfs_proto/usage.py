"""Counting what is stored: from the rows of a drive in their order, and over the sets.

One key after the other, one prefix after the other: what is remembered beside the sums is the present key. Of
each key the current version is found as `rustfs_proto.versions` says: the null version comes first, then the
others from the latest birth on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heappush, heapreplace
from typing import Any

import attrs
import msgspec

from rustfs_proto.stamp import STAMP_MAX
from rustfs_proto.wire.drive_ops import RowKind
from rustfs_proto.wire.usage_ops import Counted, NamedCount, Usage

_VALUE, _TOMBSTONE = int(RowKind.VALUE), int(RowKind.TOMBSTONE)
"""Plain numbers: they are compared once for every row."""

_KIB, _MIB = 1 << 10, 1 << 20

SIZE_NAMES = (
    "LESS_THAN_1024_B",
    "BETWEEN_1024_B_AND_64_KB",
    "BETWEEN_64_KB_AND_256_KB",
    "BETWEEN_256_KB_AND_512_KB",
    "BETWEEN_512_KB_AND_1_MB",
    "BETWEEN_1_MB_AND_10_MB",
    "BETWEEN_10_MB_AND_64_MB",
    "BETWEEN_64_MB_AND_128_MB",
    "BETWEEN_128_MB_AND_512_MB",
    "GREATER_THAN_512_MB",
)
"""What MinIO calls the classes of sizes."""

SIZE_BOUNDS = (
    _KIB, 64 * _KIB, 256 * _KIB, 512 * _KIB, _MIB, 10 * _MIB, 64 * _MIB, 128 * _MIB, 512 * _MIB,
)  # fmt: skip
"""A class ends below its bound; the last has none."""

_UP_TO_1_MIB = "BETWEEN_1024B_AND_1_MB"
"""MinIO's older class, which is told beside the four that it was split into."""

UsageRow = tuple[str, bytes, bytes, int, int, bytes]
"""Bucket, key, sub, stamp, kind and head of one record."""


class _Head(msgspec.Struct, gc=False):
    """As much of `ObjectHead` as is counted."""

    size: int
    written: int = 0


_decode_head = msgspec.msgpack.Decoder(_Head).decode


@attrs.define(eq=False)
class _Sums:
    """A `Counted` that grows."""

    objects: int = 0
    versions: int = 0
    markers: int = 0
    size_bytes: int = 0
    sizes: list[int] = attrs.field(factory=lambda: [0] * len(SIZE_NAMES))

    def add(self, other: _Sums | Counted) -> None:
        """All of that as well."""
        self.objects += other.objects
        self.versions += other.versions
        self.markers += other.delete_markers if isinstance(other, Counted) else other.markers
        self.size_bytes += other.size_bytes
        for number, count in enumerate(other.sizes):
            self.sizes[number] += count

    def counted(self) -> Counted:
        """As it is told."""
        sizes = tuple(self.sizes) if self.objects else ()
        return Counted(self.objects, self.versions, self.markers, self.size_bytes, sizes)


class Tally:
    """Takes the records of all objects in the order of the index, and has the sums of them. `has` says
    whether a key belongs to the set; None: all do. At most so many buckets, and the largest of prefixes, are
    told by name.
    """

    def __init__(
        self, buckets_max: int, prefixes_max: int, skip: str, has: Callable[[str, bytes], bool] | None = None
    ) -> None:
        self._buckets_max, self._prefixes_max, self._has = buckets_max, prefixes_max, has
        self._skipped, self._is_skipped = skip, False
        self._total, self._buckets = _Sums(), list[NamedCount]()
        self._largest: list[tuple[int, int, int, NamedCount]] = []
        self._buckets_left = self._prefixes_left = self._prefixes = 0
        self._bucket: str | None = None
        self._key: bytes | None = None
        self._sub = b""
        self._of_bucket = self._top = self._group = self._sums = _Sums()
        self._prefix = b""
        # The version of the key that is current as far as is known, and when it was born.
        self._kind, self._size, self._birth = _TOMBSTONE, 0, 0

    @property
    def place(self) -> tuple[str, bytes, bytes]:
        """Behind which the next records stand."""
        return self._bucket or "", self._key or b"", self._sub

    def take(self, rows: Sequence[UsageRow]) -> None:
        """The next records. Raises one of `wire.envelope.UNREADABLE` where a head cannot be read."""
        bucket_now, key_now = self._bucket, self._key
        for bucket, key, sub, stamp, kind, head in rows:
            if key != key_now or bucket != bucket_now:
                if self._kind == _VALUE:
                    self._end_key()
                if bucket != bucket_now:
                    self._begin_bucket(bucket)
                    bucket_now = bucket
                self._begin_key(key)
                key_now = key
            elif sub == self._sub:
                # An older record of the same version.
                continue
            self._sub = sub
            if kind == _TOMBSTONE:
                continue
            told = _decode_head(head)
            sums = self._sums
            if kind == _VALUE:
                sums.versions += 1
                sums.size_bytes += told.size
            else:
                sums.markers += 1
            # As `birth_of`, without the call.
            birth = STAMP_MAX - int.from_bytes(sub[:8], "big") if sub else told.written or stamp
            if birth > self._birth:
                self._kind, self._size, self._birth = kind, told.size, birth

    def _end_key(self) -> None:
        """Its current version is a value."""
        self._sums.objects += 1
        self._sums.sizes[bisect_right(SIZE_BOUNDS, self._size)] += 1

    def _begin_key(self, key: bytes) -> None:
        self._key, self._kind, self._birth = key, _TOMBSTONE, 0
        prefix = key[: key.find(b"/") + 1]
        if prefix and prefix != self._prefix:
            self._end_group()
            self._prefix, self._group = prefix, _Sums()
        self._sums = self._group if prefix else self._top
        if self._is_skipped or (self._has is not None and not self._has(self._bucket or "", key)):
            self._sums = _Sums()

    def _begin_bucket(self, bucket: str) -> None:
        self._end_bucket()
        self._bucket, self._is_skipped = bucket, bucket == self._skipped
        self._of_bucket, self._top, self._group, self._prefix = _Sums(), _Sums(), _Sums(), b""

    def _end_group(self) -> None:
        if self._prefix:
            self._keep(self._prefix, self._group)
        self._prefix = b""

    def _end_bucket(self) -> None:
        if self._bucket is None:
            return
        self._end_group()
        self._keep(b"", self._top)
        counted = self._of_bucket.counted()
        if counted == Counted():
            return
        self._total.add(self._of_bucket)
        if len(self._buckets) < self._buckets_max:
            self._buckets.append(NamedCount(self._bucket, counted))
        else:
            self._buckets_left += 1

    def _keep(self, prefix: bytes, sums: _Sums) -> None:
        """A prefix is counted."""
        counted = sums.counted()
        if counted == Counted():
            return
        self._of_bucket.add(sums)
        self._prefixes += 1
        assert self._bucket is not None
        named = NamedCount(prefix.decode(errors="replace"), counted, self._bucket)
        entry = (counted.size_bytes, counted.versions, self._prefixes, named)
        if len(self._largest) < self._prefixes_max:
            heappush(self._largest, entry)
            return
        self._prefixes_left += 1
        if self._largest and entry > self._largest[0]:
            heapreplace(self._largest, entry)

    def end(self, took_s: float) -> Usage:
        """There are no more records: what was counted, in that time."""
        if self._kind == _VALUE:
            self._end_key()
        self._end_bucket()
        prefixes = tuple(entry[3] for entry in sorted(self._largest, key=lambda entry: entry[2]))
        return Usage(
            self._total.counted(),
            tuple(self._buckets),
            prefixes,
            self._buckets_left,
            self._prefixes_left,
            took_s,
        )


def together(usages: Iterable[Usage]) -> Usage:
    """What several sets have; `took_s` is that of the slowest."""
    total, took_s, buckets_left, prefixes_left = _Sums(), 0.0, 0, 0
    buckets: dict[tuple[str, str], _Sums] = {}
    prefixes: dict[tuple[str, str], _Sums] = {}
    for one in usages:
        total.add(one.total)
        took_s = max(took_s, one.took_s)
        # The same buckets and prefixes are in all sets.
        buckets_left = max(buckets_left, one.buckets_left)
        prefixes_left = max(prefixes_left, one.prefixes_left)
        for names, found in ((buckets, one.buckets), (prefixes, one.prefixes)):
            for named in found:
                names.setdefault((named.bucket, named.name), _Sums()).add(named.counted)
    return Usage(
        total.counted(), _named(buckets), _named(prefixes), buckets_left, prefixes_left, took_s
    )  # fmt: skip


def _named(sums: Mapping[tuple[str, str], _Sums]) -> tuple[NamedCount, ...]:
    return tuple(NamedCount(name, one.counted(), bucket) for (bucket, name), one in sorted(sums.items()))


def histogram(sizes: Sequence[int]) -> dict[str, int]:
    """Objects by class of size, under MinIO's names."""
    return histogram_of(dict(zip(SIZE_NAMES, sizes, strict=False)))


def histogram_of(counts: Mapping[str, int]) -> dict[str, int]:
    """The same from counts by name, those that are there."""
    found = {name: counts.get(name, 0) for name in SIZE_NAMES}
    return found | {_UP_TO_1_MIB: sum(found[name] for name in SIZE_NAMES[1:5])}


def document_of(counted: Counted) -> dict[str, Any]:
    """A bucket or a prefix as MinIO's administration tells of a bucket."""
    return {
        "size": counted.size_bytes,
        "objectsCount": counted.objects,
        "versionsCount": counted.versions,
        "deleteMarkersCount": counted.delete_markers,
        "objectsSizesHistogram": histogram(counted.sizes),
    }
