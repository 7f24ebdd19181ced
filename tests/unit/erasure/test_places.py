"""Where keys live: sets by layout, slots by rotation, and how drives are cut into sets."""

from __future__ import annotations

from collections import Counter

import pytest

from rustfs_proto.erasure.layout import SLOTS, make_layout
from rustfs_proto.erasure.placement import first_slot, shard_of_slot, slot_of_shard, slots_by_shard
from rustfs_proto.erasure.sizing import SizingError, set_size, sets_of_pool

DEPLOYMENT = "0d1f6b9e-7f0c-4a35-9a57-3d2f4c1b7a10"


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 16])
def test_every_slot_holds_one_shard(n: int) -> None:
    """Slots and shards of a key are one to one, both ways."""
    for key in (b"a", b"a/b", "ü".encode()):
        shards = [shard_of_slot("bucket", key, slot, n) for slot in range(n)]
        assert sorted(shards) == list(range(n))
        assert [slot_of_shard("bucket", key, shard, n) for shard in shards] == list(range(n))
        assert slots_by_shard("bucket", key, n) == [slot_of_shard("bucket", key, s, n) for s in range(n)]


def test_placement_is_part_of_the_format() -> None:
    """Golden values: a change would make every shard on every drive a foreign one."""
    keys = (b"a", b"photos/2024/01.jpg", b"", "ü".encode())
    assert [first_slot("bucket", key, 16) for key in keys] == [3, 0, 5, 6]
    layout = make_layout(DEPLOYMENT, (4, 4, 4))
    assert [layout.slot_of("bucket", key) for key in keys] == [93, 982, 1608, 2296]


def test_shards_spread_over_drives() -> None:
    """Each slot is the first one of about the same number of keys."""
    counts = Counter(first_slot("b", b"key-%d" % number, 4) for number in range(4000))
    assert min(counts.values()) > 900


def test_slots_are_shared_out_by_drives() -> None:
    """Sets own contiguous ranges in proportion to their drives, and all slots are owned."""
    layout = make_layout(DEPLOYMENT, (9, 8))
    assert len(layout.owners) == SLOTS
    assert list(layout.owners) == sorted(layout.owners)
    assert abs(layout.owners.count(0) - SLOTS * 9 / 17) < 1
    homes = Counter(layout.set_of("b", b"%d" % number) for number in range(1700))
    assert homes[0] > homes[1] > 600
    assert make_layout(DEPLOYMENT, (4,)).set_of("b", b"k") == 0


def test_deployments_differ() -> None:
    """Keys that share a slot in one deployment do not in another."""
    one, other = make_layout("a", (4, 4)), make_layout("b", (4, 4))
    assert [one.slot_of("b", b"%d" % n) for n in range(9)] != [
        other.slot_of("b", b"%d" % n) for n in range(9)
    ]


@pytest.mark.parametrize(
    ("drives", "sizes"),
    [
        (1, (1,)), (2, (2,)), (4, (4,)), (13, (13,)), (16, (16,)),
        (18, (9, 9)), (20, (10, 10)), (24, (12, 12)), (27, (9, 9, 9)), (60, (15,) * 4), (64, (16,) * 4),
        (17, (9, 8)), (19, (10, 9)), (23, (12, 11)), (34, (12, 11, 11)), (37, (13, 12, 12)),
        (51, (13, 13, 13, 12)),
    ],
)  # fmt: skip
def test_sets_of_one_node(drives: int, sizes: tuple[int, ...]) -> None:
    """Up to 16 drives are one set; more are cut as MinIO cuts them, and where it refuses, evenly."""
    assert sets_of_pool(drives) == sizes
    assert sum(sizes) == drives


def test_a_wanted_size_must_divide() -> None:
    """The operator may choose, and is told the choices."""
    assert sets_of_pool(64, wanted=8) == (8,) * 8
    assert sets_of_pool(16, wanted=4) == (4,) * 4
    with pytest.raises(SizingError, match="1, 2, 3, 4, 6, 12"):
        sets_of_pool(12, wanted=5)
    with pytest.raises(SizingError, match="name at least one"):
        sets_of_pool(0)


@pytest.mark.parametrize(
    ("hosts", "drives_each", "sizes"),
    [
        (2, 1, (2,)), (3, 1, (3,)), (3, 2, (6,)), (4, 4, (16,)), (6, 3, (6,) * 3), (4, 5, (4,) * 5),
        (5, 6, (15, 15)), (2, 5, (10,)), (16, 60, (16,) * 60), (24, 2, (12,) * 4), (1, 4, (4,)), (1, 1, (1,)),
        (17, 4, (14, 14, 14, 13, 13)), (19, 1, (10, 9)), (17, 2, (12, 11, 11)),
    ],
)  # fmt: skip
def test_sets_over_hosts(hosts: int, drives_each: int, sizes: tuple[int, ...]) -> None:
    """Hosts are spread symmetrically as by MinIO; where it refuses, over sets of nearly one size."""
    assert sets_of_pool(hosts * drives_each, hosts) == sizes


@pytest.mark.parametrize(
    ("totals", "patterns", "size"),
    [
        ([27], [], 9), ([64], [], 16), ([24], [], 12), ([360], [2, 180], 12), ([540], [3, 180], 15),
        ([1440], [2, 4, 180], 16), ([88], [11, 8], 11), ([2, 4, 8], [], 2), ([884], [17, 52], 0),
        ([20], [4, 5], 4), ([12], [3, 4], 12), ([18], [3, 6], 9), ([40], [8, 5], 8), ([40], [4, 10], 8),
        ([480], [8, 60], 16), ([24 * 2], [24, 2], 12), ([32 * 4], [32, 4], 16), ([19 * 16], [19, 16], 0),
    ],
)  # fmt: skip
def test_minio_vectors(totals: list[int], patterns: list[int], size: int) -> None:
    """Set sizes of MinIO's tests and of its algorithm, hosts first; 0 where it refuses."""
    assert set_size(totals, patterns) == size


def test_a_single_drive_among_others_is_refused() -> None:
    """An argument of one drive would form sets of one."""
    with pytest.raises(SizingError, match="at least 2"):
        set_size([1, 4])
