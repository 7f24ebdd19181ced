"""The sums of what is stored: over the records of a drive, and over sets."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_node.cli.usage import lines
from rustfs_proto.objects import ObjectHead, encode_head
from rustfs_proto.usage import SIZE_BOUNDS, SIZE_NAMES, Tally, UsageRow, document_of, histogram, together
from rustfs_proto.versions import sub_of
from rustfs_proto.wire.drive_ops import RowKind
from rustfs_proto.wire.usage_ops import Counted, NamedCount, Usage

VALUE, TOMBSTONE, MARKER = RowKind.VALUE, RowKind.TOMBSTONE, RowKind.MARKER


def row(
    key: str, stamp: int, kind: int = VALUE, size: int = 10, *, birth: int = 0, written: int = 0, bucket="b"
) -> UsageRow:
    """A record; with `birth` of a version that is not the null version."""
    head = b"" if kind == TOMBSTONE else encode_head(ObjectHead(size, "e", written=written))
    return bucket, key.encode(), sub_of(birth, b"randoms!") if birth else b"", stamp, kind, head


def in_order(rows: list[UsageRow]) -> list[UsageRow]:
    return sorted(rows, key=lambda one: (*one[:3], -one[3]))


def counted(
    *rows: UsageRow, step: int = 100, buckets_max: int = 100, prefixes_max: int = 100, has=None
) -> Usage:
    tally, ordered = Tally(buckets_max, prefixes_max, "system", has), in_order(list(rows))
    for start in range(0, len(ordered), step):
        tally.take(ordered[start : start + step])
    return tally.end(0.0)


def sums(usage: Usage) -> tuple[int, int, int, int]:
    total = usage.total
    return total.objects, total.versions, total.delete_markers, total.size_bytes


KEYS = {
    "an object": ([row("k", 5)], (1, 1, 0, 10)),
    "an object that was overwritten, not yet settled": ([row("k", 5), row("k", 4, size=7)], (1, 1, 0, 10)),
    "a deleted one": ([row("k", 5, TOMBSTONE), row("k", 4)], (0, 0, 0, 0)),
    "two versions": ([row("k", 5, birth=5), row("k", 4, birth=4)], (1, 2, 0, 20)),
    "a delete marker before a version": ([row("k", 5, MARKER, birth=5), row("k", 4, birth=4)], (0, 1, 1, 10)),
    "a delete marker that was removed": (
        [row("k", 9, TOMBSTONE, birth=5), row("k", 4, birth=4)],
        (1, 1, 0, 10),
    ),
    "a null version before a delete marker": ([row("k", 9), row("k", 4, MARKER, birth=4)], (1, 1, 1, 10)),
    "a null version behind one": ([row("k", 3), row("k", 4, MARKER, birth=4)], (0, 1, 1, 10)),
    "a null version that was tagged since": (
        [row("k", 9, written=3), row("k", 4, MARKER, birth=4)],
        (0, 1, 1, 10),
    ),
    "a null marker before a version": ([row("k", 9, MARKER), row("k", 4, birth=4)], (0, 1, 1, 10)),
}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("step", [1, 100])
def test_a_key_is_counted_as_clients_see_it(name: str, step: int) -> None:
    """Objects are what a listing shows, versions all that are kept; wherever a step ends."""
    rows, wanted = KEYS[name]
    others = [row("a", 1), row("z/z", 1)]
    total = sums(counted(*rows, *others, step=step))
    assert total == (wanted[0] + 2, wanted[1] + 2, wanted[2], wanted[3] + 20)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"), st.sampled_from(["k", "p/a", "p/b", "q/c", "z"]), st.integers(0, 2000)
        )
    ),
    st.integers(1, 5),
)
def test_parts_are_the_whole(stored: list[tuple[str, str, int]], step: int) -> None:
    """Buckets are the sums of their prefixes, the total that of the buckets, however many are named."""
    rows = {(bucket, key): row(key, 1, size=size, bucket=bucket) for bucket, key, size in stored}
    usage = counted(*rows.values(), step=step)
    sizes = [size for (bucket, key) in rows for size in [_last(stored, bucket, key)]]
    assert sums(usage) == (len(rows), len(rows), 0, sum(sizes))
    assert sum(usage.total.sizes) == len(rows)
    for parts in (usage.buckets, usage.prefixes):
        whole = together(Usage(part.counted) for part in parts)
        assert whole.total == usage.total
    few = counted(*rows.values(), buckets_max=1, prefixes_max=1)
    assert few.total == usage.total
    assert len(few.buckets) + few.buckets_left == len(usage.buckets)
    assert len(few.prefixes) + few.prefixes_left == len(usage.prefixes)
    if few.prefixes:
        assert few.prefixes[0].counted.size_bytes == max(one.counted.size_bytes for one in usage.prefixes)


def _last(stored: list[tuple[str, str, int]], bucket: str, key: str) -> int:
    return next(size for one, name, size in reversed(stored) if (one, name) == (bucket, key))


def test_what_is_not_the_sets_is_not_counted() -> None:
    """Keys of slots that are elsewhere, and what the node keeps for itself."""
    rows = [row("here", 1), row("away", 1), row("x", 1, bucket="system"), row("y", 1, bucket="z")]
    usage = counted(*rows, has=lambda _bucket, key: key != b"away")
    assert [(one.name, one.counted.objects) for one in usage.buckets] == [("b", 1), ("z", 1)]


def test_prefixes_end_at_the_first_slash() -> None:
    """Keys without one are told together, though they stand between the others."""
    usage = counted(*(row(key, 1) for key in ("a", "b/1", "b/2/3", "c", "d//", "/e")))
    assert {one.name: one.counted.objects for one in usage.prefixes} == {"": 2, "b/": 2, "d/": 1, "/": 1}


def test_sets_are_added_up() -> None:
    """Buckets that are in several are one."""
    one = Usage(Counted(1, 2, 3, 4, (1,) + (0,) * 9), (NamedCount("b", Counted(1, 2, 3, 4)),))
    both = together([one, one, Usage(Counted(), (NamedCount("c", Counted(versions=1)),))])
    assert (both.total.objects, both.total.size_bytes, both.total.sizes[0]) == (2, 8, 2)
    assert [(each.name, each.counted.versions) for each in both.buckets] == [("b", 4), ("c", 1)]


def test_sizes_fall_into_the_classes_of_minio() -> None:
    """A bound belongs to the class above it; MinIO's older class is the sum of the four it was split into."""
    rows = [
        row(f"k{at}-{less}", 1, size=bound - less) for at, bound in enumerate(SIZE_BOUNDS) for less in (0, 1)
    ]
    sizes = counted(*rows).total.sizes
    assert sizes == (1,) + (2,) * (len(SIZE_NAMES) - 2) + (1,)
    told = histogram(sizes)
    assert told["BETWEEN_1024B_AND_1_MB"] == sum(sizes[1:5])
    assert all(below < above for below, above in pairwise(SIZE_BOUNDS))
    assert document_of(Counted())["objectsSizesHistogram"] == dict.fromkeys(told, 0)


DOCUMENT = {
    "objectsCount": 3,
    "versionsCount": 4,
    "deleteMarkersCount": 1,
    "objectsTotalSize": 5120,
    "bucketsUsageInfo": {
        "small": document_of(Counted(1, 1, 0, 1024)),
        "large": document_of(Counted(2, 3, 1, 4096)),
    },
    "ageSeconds": 12.4,
    "bucketsLeftOut": 0,
    "setsUntold": [],
}


def test_the_command_shows_the_largest_first_and_how_old_it_is() -> None:
    """A line for each bucket, their sum, and the age; what is missing is said."""
    shown = list(lines(DOCUMENT, ""))
    assert [line.split()[0] for line in shown] == ["BUCKET", "large", "small", "all", "counted"]
    assert shown[1].split() == ["large", "4.0", "KiB", "2", "3", "1"]
    assert shown[-1] == "counted 12 s ago"
    assert "set 1" in list(lines(DOCUMENT | {"setsUntold": [1]}, ""))[-1]
    assert list(lines({"setsUntold": [0]}, "")) == ["nothing was counted yet"]
