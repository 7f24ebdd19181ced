"""What has to be healed, as the drives' rows tell."""

from __future__ import annotations

import pytest

from rustfs_proto.erasure.healing import Gap, RowCursor, gap_of, take_row, worker_of
from rustfs_proto.wire.drive_ops import LookedUp, RowKind, RowName, RowState
from rustfs_proto.wire.heal_ops import HeldRow

FILE = bytes(16)


@pytest.mark.parametrize(
    ("found", "gap"),
    [
        (LookedUp(RowState.FOUND, True, 5), Gap.WHOLE),
        (LookedUp(RowState.FOUND, True, 5, no_files=(FILE,)), Gap.LACKING),
        (LookedUp(RowState.DAMAGED, True, 5), Gap.LACKING),
        (LookedUp(RowState.FOUND, True, 4), Gap.LACKING),
        (LookedUp(RowState.ABSENT, True), Gap.LACKING),
        (LookedUp(RowState.FOUND, True, 6), Gap.NEWER),
        (LookedUp(RowState.DAMAGED, True, 6), Gap.NEWER),
    ],
)
def test_how_a_drive_stands_to_a_version(found: LookedUp, gap: Gap) -> None:
    """Whole, or lacking it in any way; what is newer is neither."""
    assert gap_of(found, 5) is gap


def held(key: bytes, stamp: int, bucket: str = "b", *, has_gaps: bool = False) -> HeldRow:
    return HeldRow(0, bucket, key, b"", stamp, RowKind.VALUE, has_gaps)


def test_rows_are_merged_in_order() -> None:
    """Each once, with all that the drives have of it; buckets in the order of their bytes."""
    one, other = RowCursor(RowName()), RowCursor(RowName())
    one.feed([held(b"a", 1), held(b"c", 2), held(b"a", 3, "\uffff")], more=False)
    other.feed([held(b"b", 4), held(b"c", 5), held(b"a", 6, "\U00010000")], more=False)
    rows = []
    while (row := take_row({0: one, 3: other})) is not None:
        rows.append((row.name.bucket, row.name.key, {slot: one.stamp for slot, one in row.held.items()}))
    assert rows == [
        ("b", b"a", {0: 1}),
        ("b", b"b", {3: 4}),
        ("b", b"c", {0: 2, 3: 5}),
        ("\uffff", b"a", {0: 3}),
        ("\U00010000", b"a", {3: 6}),
    ]


def test_a_drive_is_surely_whole_with_what_nearly_all_have() -> None:
    """Not where it lacks a file, where another has something newer, or where so few have the same that an
    older version may be the one that was acknowledged.
    """

    def is_whole(*rows: HeldRow | None) -> bool:
        cursors = {slot: RowCursor(RowName()) for slot in range(len(rows))}
        for slot, row in enumerate(rows):
            cursors[slot].feed([] if row is None else [row], more=False)
        walked = take_row(cursors)
        assert walked is not None
        return walked.is_surely_whole(0, 3)

    row = held(b"a", 5)
    assert is_whole(row, row, row, row) and is_whole(row, row, row, None)
    assert not is_whole(held(b"a", 5, has_gaps=True), row, row, row)
    assert not is_whole(row, row, row, held(b"a", 6))
    assert not is_whole(row, row, None, held(b"a", 4))
    assert not is_whole(None, row, row, row)


def test_the_workers_of_a_set_share_the_keys() -> None:
    """Each key falls to one of them, whoever asks, and each gets its part."""
    keys = [b"key %d" % number for number in range(300)]
    shares = [sum(worker_of("b", key, 3) == worker for key in keys) for worker in range(3)]
    assert sum(shares) == 300 and min(shares) > 60
