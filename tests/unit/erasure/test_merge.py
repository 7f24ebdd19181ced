"""Merging scans: against a model, page size by page size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.erasure.listing import (
    RowVerdict,
    ScanCursor,
    after_prefix,
    after_row,
    take_alike,
    take_next,
)
from rustfs_proto.wire.drive_ops import RowKind, ScanRow

Rows = dict[tuple[bytes, bytes], ScanRow]


def row(key: bytes, sub: bytes = b"", stamp: int = 1, kind: int = RowKind.VALUE, **fields: object) -> ScanRow:
    return ScanRow(key, stamp, kind, sub, **fields)  # type: ignore[arg-type]


KEYS = st.tuples(st.binary(min_size=1, max_size=2), st.sampled_from([b"", b"1", b"2"]))
DRIVE = st.dictionaries(KEYS, st.tuples(st.integers(1, 3), st.sampled_from(RowKind)), max_size=8).map(
    lambda rows: {name: row(*name, stamp, kind) for name, (stamp, kind) in rows.items()}
)


def feed(cursor: ScanCursor, rows: Rows, page: int) -> None:
    """What a drive would answer."""
    following = [rows[name] for name in sorted(rows) if name >= cursor.resume]
    cursor.feed(following[:page], more=len(following) > page)


@given(st.lists(DRIVE, min_size=1, max_size=3), st.integers(1, 4), st.booleans())
def test_every_row_comes_once_and_in_order(drives: list[Rows], page: int, in_runs: bool) -> None:
    """The merge shows the union of the scans; rows that all show alike are present, tombstones gone, others
    disputed.
    """
    cursors = [ScanCursor((b"", b"")) for _ in drives]
    merged: list[tuple[RowVerdict, tuple[bytes, bytes]]] = []
    while True:
        for cursor, rows in zip(cursors, drives, strict=True):
            if cursor.wants_page:
                feed(cursor, rows, page)
        alike = take_alike(cursors, 2) if in_runs else []
        merged.extend((RowVerdict.PRESENT, (found.key, found.sub)) for found in alike)
        if any(cursor.wants_page for cursor in cursors):
            continue
        found = take_next(cursors)
        if found is None:
            break
        merged.append((found.verdict, (found.row.key, found.row.sub)))
    names = sorted({name for rows in drives for name in rows})
    assert [name for _, name in merged] == names
    for verdict, name in merged:
        shown = [rows.get(name) for rows in drives]
        if all(one is not None and one == shown[0] and one.kind != RowKind.TOMBSTONE for one in shown):
            assert verdict is RowVerdict.PRESENT
        elif all(one is None or one.kind == RowKind.TOMBSTONE for one in shown):
            assert verdict is RowVerdict.GONE
        else:
            assert verdict is RowVerdict.DISPUTED


def merge_of(*rows: ScanRow | None) -> RowVerdict:
    cursors = [ScanCursor((b"", b"")) for _ in rows]
    for cursor, one in zip(cursors, rows, strict=True):
        cursor.feed([one] if one else [], more=False)
    assert take_alike(cursors, 9) == [] or rows[0] == rows[-1]
    for cursor in cursors:
        cursor.taken = 0
    merged = take_next(cursors)
    assert merged is not None
    return merged.verdict


def test_unsettled_rows_are_disputed() -> None:
    """A row with priors may hide the current version, whether it is a value or a tombstone."""
    unsettled = row(b"a", stamp=5, priors=(3,))
    assert merge_of(unsettled, unsettled) is RowVerdict.DISPUTED
    buried = row(b"a", stamp=5, kind=RowKind.TOMBSTONE, priors=(3,))
    assert merge_of(buried, buried) is RowVerdict.DISPUTED
    assert merge_of(buried, None) is RowVerdict.DISPUTED


def test_groups() -> None:
    """A group is present if all scans show it by the same key, and gone if all of it is tombstones."""
    one, other = row(b"p/1", group=b"p/"), row(b"p/2", group=b"p/")
    dead = row(b"p/0", kind=RowKind.TOMBSTONE, group=b"p/")
    assert merge_of(one, one) is RowVerdict.PRESENT
    assert merge_of(one, other) is RowVerdict.DISPUTED
    assert merge_of(one, None) is RowVerdict.DISPUTED
    assert merge_of(one, dead) is RowVerdict.DISPUTED
    assert merge_of(dead, None) is RowVerdict.GONE


def test_a_group_is_represented_by_a_value() -> None:
    """A newer tombstone of one key in it says less of the group than a value."""
    cursors = [ScanCursor((b"", b"")) for _ in range(2)]
    value = row(b"p/2", stamp=1, group=b"p/")
    cursors[0].feed([row(b"p/1", stamp=9, kind=RowKind.TOMBSTONE, group=b"p/")], more=False)
    cursors[1].feed([value], more=False)
    merged = take_next(cursors)
    assert merged is not None
    assert merged.row == value


def test_where_a_scan_goes_on() -> None:
    """After a row comes the least possible next one; after a group whatever no longer begins with it."""
    assert after_row(row(b"a"), by_key=False) == (b"a", b"\0")
    assert after_row(row(b"a", b"id"), by_key=False) == (b"a", b"id\0")
    assert after_row(row(b"a"), by_key=True) == (b"a\0", b"")
    assert after_row(row(b"p/1", group=b"p/"), by_key=False) == (b"p0", b"")
    assert after_prefix(b"a\xff\xff") == b"b"
    with pytest.raises(AssertionError):
        after_prefix(b"\xff")
