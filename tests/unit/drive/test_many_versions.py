"""A key with thousands of versions costs a drive what a key with one does, counted in steps of SQLite's
machine.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from msgspec.structs import replace

from rustfs_node.drive.scan import scan_page
from rustfs_proto.objects import ObjectHead, encode_head
from rustfs_proto.versions import sub_of
from rustfs_proto.wire.drive_ops import Commit, Committed, Lookup, RowKind, Scan
from tests.kit.drives import FIRST_STAMP, SMALL, TestDrive, memory_drive

VERSIONS = 10_000
BATCH = 500
HEAD = encode_head(ObjectHead(0, ""))
FEW, MANY = b"few", b"many"


def version(key: bytes, stamp: int, kind: RowKind = RowKind.VALUE, expect: int = -1) -> Commit:
    sub = sub_of(FIRST_STAMP + stamp, bytes(8))
    return Commit(
        0, "b", key, FIRST_STAMP + stamp, kind, sub, head=HEAD, meta=b"m", of_key=True, expect=expect
    )


@pytest.fixture(scope="module")
def drive():
    """A drive with a key of one version and a key of many."""
    drive = memory_drive(attrs.evolve(SMALL, segment_bytes=1 << 20)).format()
    drive.commit(version(FEW, 1))
    for first in range(0, VERSIONS, BATCH):
        answers = drive.commit(*(version(MANY, 2 + first + number) for number in range(BATCH)))
        assert all(isinstance(answer, Committed) for answer in answers)
    yield drive
    drive.close()


def steps_of(drive: TestDrive, work: Callable[[], object]) -> int:
    """How many steps SQLite takes for the work."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection = drive.engine.index._connection  # noqa: SLF001 - what is counted is beneath all interfaces
    connection.set_progress_handler(count, 1)
    try:
        work()
    finally:
        connection.set_progress_handler(None, 0)
    assert steps
    return steps


def look_up(drive: TestDrive, key: bytes) -> int:
    lookup = Lookup(0, "b", key, current=True)
    return steps_of(drive, lambda: drive.engine.reader.look_up(lookup, evidence=True))


def test_reading_the_current_version(drive: TestDrive) -> None:
    """A lookup of the current version of a key with 10,000 takes a bounded number of steps more than with
    one, not a number that grows.
    """
    few, many = look_up(drive, FEW), look_up(drive, MANY)
    assert many < few + 8 * 40


@pytest.mark.parametrize("expecting", [False, True])
def test_adding_a_version(drive: TestDrive, expecting: bool) -> None:
    """So does a commit of another version, with and without an expected one."""
    steps = {}
    for number, key in enumerate((FEW, MANY)):
        found = drive.engine.reader.look_up(Lookup(0, "b", key, current=True), evidence=True)[0]
        stamp = 2 * VERSIONS + 10 * number + expecting
        expect = found.stamp if expecting else -1
        commit = version(key, stamp, expect=expect)
        answers: list[object] = []
        steps[key] = steps_of(drive, lambda commit=commit, into=answers: into.extend(drive.commit(commit)))
        assert isinstance(answers[0], Committed)
    assert steps[MANY] < steps[FEW] + 8 * 40


def test_listing_the_key(drive: TestDrive) -> None:
    """A listing of current versions passes over the others of a key, and a page of versions costs by the
    row.
    """
    current = Scan(0, "b", current=True, limit=100)
    page = scan_page(drive.engine.index, current, 100, evidence=True)
    assert [row.key for row in page.rows] == [FEW, MANY]
    steps = steps_of(drive, lambda: scan_page(drive.engine.index, current, 100, evidence=True))
    assert steps < 1500
    costs = [
        steps_of(
            drive,
            lambda limit=limit: scan_page(
                drive.engine.index, Scan(0, "b", limit=limit), limit, evidence=True
            ),
        )
        for limit in (10, 100, 1000)
    ]
    assert costs[1] < 12 * costs[0] and costs[2] < 12 * costs[1]


def test_passing_over_removed_versions() -> None:
    """Ten thousand removals that are not settled, as an index rebuilt from the log shows them, cost a lookup
    of the key's current version a bounded number of questions to SQLite.
    """
    drive = memory_drive(attrs.evolve(SMALL, segment_bytes=1 << 20)).format()
    asked: list[str] = []
    for first in range(0, VERSIONS, BATCH):
        born = range(1 + first, 1 + first + BATCH)
        drive.commit(*(version(MANY, number) for number in born))
        removals = [
            replace(
                version(MANY, number, RowKind.TOMBSTONE),
                stamp=FIRST_STAMP + 2 * VERSIONS + number,
                of_key=False,
            )
            for number in born
        ]
        assert all(isinstance(answer, Committed) for answer in drive.commit(*removals))
    drive.engine.index._connection.set_trace_callback(asked.append)  # noqa: SLF001 - as above
    lookup = Lookup(0, "b", MANY, current=True)
    answer = drive.engine.reader.look_up(lookup, evidence=True)[0]
    assert (answer.kind, answer.unsure) == (RowKind.TOMBSTONE, True)
    assert len(asked) < 10
    drive.close()


def test_a_group_of_deleted_keys_is_left_where_the_page_has_done_enough() -> None:
    """A page ends amid a group of thousands of keys with delete markers; going on from page to page finds the
    one that is there.
    """
    drive = memory_drive(attrs.evolve(SMALL, segment_bytes=1 << 20)).format()
    keys = [b"d/%04d" % number for number in range(3000)]
    for first in range(0, len(keys), BATCH):
        some = keys[first : first + BATCH]
        drive.commit(*(version(key, 1) for key in some))
        drive.commit(*(version(key, 2, RowKind.MARKER) for key in some if key != keys[-1]))
    index = drive.engine.index
    pages = [scan_page(index, Scan(0, "b", delimiter=b"/", current=True), 1000, evidence=True)]
    while pages[-1].more:
        scan = Scan(0, "b", start=pages[-1].rows[-1].key + b"\0", delimiter=b"/", current=True)
        pages.append(scan_page(index, scan, 1000, evidence=True))
    assert [len(page.rows) for page in pages] == [1, 1, 1]
    assert [page.rows[0].group for page in pages] == [b"", b"", b"d/"]
    assert all(page.rows[0].kind == RowKind.MARKER for page in pages[:-1])
    drive.close()
