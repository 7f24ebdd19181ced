"""Listings: every page is what a walk over all keys would give."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rustfs_node.drive.scan import after_prefix, scan_page
from rustfs_proto.wire.drive_ops import RowKind, Scan, ScanRow, Space
from tests.kit.drives import FIRST_STAMP, TestDrive, memory_drive, new_drive, tombstone, value


@pytest.fixture
def drive(tmp_path: Path) -> TestDrive:
    """An empty drive."""
    return new_drive(tmp_path)


def scan(drive: TestDrive, limit: int = 1000, **fields: object) -> tuple[list[ScanRow], bool]:
    scan = Scan(Space.OBJECT, "bucket", **fields)
    page = scan_page(drive.engine.index, scan, limit, evidence=True)
    return list(page.rows), page.more


def keys(rows: list[ScanRow]) -> list[bytes]:
    return [row.group or row.key for row in rows]


def test_keys_come_in_byte_order(drive: TestDrive) -> None:
    """Bytes, not letters; other buckets and spaces stay out."""
    for key in ("b", "a/", "a", "ä", "a/b", "B"):
        drive.put(key, 1)
    drive.commit(value("z", 1, bucket="other"), value("z", 1, space=Space.HEAL))
    rows, more = scan(drive)
    assert keys(rows) == sorted(key.encode() for key in ("b", "a/", "a", "ä", "a/b", "B"))
    assert not more


def test_a_row_shows_its_newest_version(drive: TestDrive) -> None:
    """Tombstones too, each with its priors."""
    drive.put("a", 1)
    drive.put("a", 2)
    drive.put("b", 1)
    drive.delete("b", 2)
    rows, _ = scan(drive)
    assert [(row.stamp - FIRST_STAMP, row.kind, len(row.priors)) for row in rows] == [
        (2, RowKind.VALUE, 1),
        (2, RowKind.TOMBSTONE, 1),
    ]
    assert rows[0].head == b"head of a"


def test_pages_continue_where_they_ended(drive: TestDrive) -> None:
    """`more` is true exactly while there is something after the page."""
    for number in range(7):
        drive.put(f"k{number}", 1)
    assert scan(drive, 7)[1] is False
    rows, more = scan(drive, 3)
    assert keys(rows) == [b"k0", b"k1", b"k2"] and more
    rows, more = scan(drive, 4, start=b"k2\0")
    assert keys(rows) == [b"k3", b"k4", b"k5", b"k6"] and not more


def test_a_group_is_shown_by_its_first_value(drive: TestDrive) -> None:
    """Tombstones at its head are passed over; a group of tombstones is shown by the first."""
    for key in ("a/1", "a/2", "a/3", "b/1", "c"):
        drive.put(key, 1)
    for key in ("a/1", "b/1"):
        drive.delete(key, 2)
    rows, _ = scan(drive, delimiter=b"/")
    assert [(row.group, row.key, row.kind) for row in rows] == [
        (b"a/", b"a/2", RowKind.VALUE),
        (b"b/", b"b/1", RowKind.TOMBSTONE),
        (b"", b"c", RowKind.VALUE),
    ]


def test_a_value_behind_a_tombstone_is_no_value_of_the_group(drive: TestDrive) -> None:
    """The prior of a deleted key does not show its group as alive."""
    drive.put("a/1", 1)
    drive.delete("a/1", 2)
    drive.put("a/2", 1)
    drive.delete("a/2", 2)
    rows, more = scan(drive, delimiter=b"/")
    assert [(row.group, row.kind) for row in rows] == [(b"a/", RowKind.TOMBSTONE)] and not more


def test_subs_are_rows_of_their_own(drive: TestDrive) -> None:
    """Parts of uploads come in order of their number, and a page may begin at one."""
    for number in (2, 1, 300):
        sub = b"u" * 16 + number.to_bytes(2, "big")
        drive.commit(value("k", 1, space=Space.PART, sub=sub))
    index = drive.engine.index
    page = scan_page(index, Scan(Space.PART, "bucket", prefix=b"k"), 10, evidence=True)
    assert [int.from_bytes(row.sub[16:], "big") for row in page.rows] == [1, 2, 300]
    start = Scan(Space.PART, "bucket", start=b"k", start_sub=b"u" * 16 + b"\0\2")
    assert len(scan_page(index, start, 10, evidence=True).rows) == 2


def test_the_end_of_a_prefix() -> None:
    """The next key after all keys with a prefix, where there is one."""
    assert after_prefix(b"a") == b"b" and after_prefix(b"a\xff\xff") == b"b"
    assert after_prefix(b"") is None and after_prefix(b"\xff") is None


KEYS = st.text(alphabet="ab/", min_size=1, max_size=5)
PREFIXES = st.text(alphabet="ab/", max_size=3)


def expected_rows(
    state: dict[str, bool], prefix: str, start: str, delimiter: str
) -> list[tuple[str, str, bool]]:
    """(group, key, is value) as a walk over all keys gives them."""
    rows: dict[str, tuple[str, str, bool]] = {}
    for key in sorted(state):
        if key < start or not key.startswith(prefix):
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        group = key[: at + len(delimiter)] if at >= 0 else ""
        shown = rows.get(group or key)
        if shown is None or (state[key] and not shown[2]):
            rows[group or key] = (group, key, state[key])
    return list(rows.values())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    puts=st.lists(st.tuples(KEYS, st.booleans()), max_size=25),
    prefix=PREFIXES,
    start=PREFIXES,
    delimiter=st.sampled_from(["", "/", "a", "b/"]),
    limit=st.integers(1, 8),
)
def test_any_listing(
    puts: list[tuple[str, bool]], prefix: str, start: str, delimiter: str, limit: int
) -> None:
    """Whatever keys, prefix, start and delimiter: the page is the head of the whole walk."""
    drive = memory_drive()
    state: dict[str, bool] = {}
    for stamp, (key, is_value) in enumerate(puts, 1):
        drive.commit(value(key, stamp) if is_value else tombstone(key, stamp))
        state[key] = is_value
    rows, more = scan(
        drive, limit, prefix=prefix.encode(), start=start.encode(), delimiter=delimiter.encode()
    )
    expected = expected_rows(state, prefix, start, delimiter)
    shown = [(row.group.decode(), row.key.decode(), row.kind == RowKind.VALUE) for row in rows]
    assert shown == expected[:limit] and more == (len(expected) > limit)
    drive.close()
