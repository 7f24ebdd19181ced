"""What a drive refuses while a rename is open at a key, and what it tells of renames."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from rustfs_node.drive.scan import scan_page
from rustfs_proto.wire.drive_ops import Committed, RowKind, RowName, Scan, SettledRow, Space
from rustfs_proto.wire.faults import FaultCode
from tests.kit.drives import FIRST_STAMP, SMALL, TestDrive, memory_drive, new_drive, tombstone, value
from tests.unit.drive.test_commit import code_of

ONE, OTHER = b"1" * 16, b"2" * 16


@pytest.fixture
def drive() -> TestDrive:
    """A drive with the object `a`."""
    drive = memory_drive()
    drive.put("a", 1)
    return drive


def row(key: str, stamp: int, rename_id: bytes = ONE, **fields: object):
    return value(key, stamp, space=Space.RENAME, sub=rename_id, **fields)


def end(key: str, stamp: int, rename_id: bytes = ONE, **fields: object):
    return tombstone(key, stamp, space=Space.RENAME, sub=rename_id, **fields)


def done(answers: list[object]) -> bool:
    return all(isinstance(answer, Committed) for answer in answers)


def test_a_key_stays_as_it_is_while_a_rename_is_open(drive: TestDrive) -> None:
    """Values, tombstones and markers are refused, but not those of other keys, nor what ends the rename."""
    assert done(drive.commit(row("a", 2)))
    for change in (value("a", 3), tombstone("a", 3), value("a", 3, kind=RowKind.MARKER)):
        assert code_of(drive.commit(change)[0]) is FaultCode.UNRESOLVED
    assert code_of(drive.commit(value("a", 3, rename=OTHER))[0]) is FaultCode.UNRESOLVED
    assert done(drive.commit(value("b", 3), value("a", 4, rename=ONE)))
    assert done(drive.commit(end("a", 5)))
    assert done(drive.commit(value("a", 6)))


def test_one_batch_keeps_the_same_order(drive: TestDrive) -> None:
    """What comes in behind the row, together with it, is refused as later; what came in before it, is not."""
    answers = drive.commit(value("a", 2), row("a", 3), value("a", 4))
    assert done(answers[:2]) and code_of(answers[2]) is FaultCode.UNRESOLVED
    answers = drive.commit(end("a", 5), row("a", 6))
    assert done(answers[:1]) and code_of(answers[1]) is FaultCode.NOT_FOUND


def test_one_rename_at_a_time(drive: TestDrive) -> None:
    """A second one is refused until the first has ended; the very same row is taken again."""
    assert done(drive.commit(row("a", 2), row("a", 2)))
    assert code_of(drive.commit(row("a", 3, OTHER))[0]) is FaultCode.UNRESOLVED
    drive.commit(end("a", 4))
    assert done(drive.commit(row("a", 5, OTHER)))


def test_what_has_ended_is_never_opened_again(drive: TestDrive) -> None:
    """Neither after its end nor after an end that came where nothing was, however new the row is."""
    drive.commit(row("a", 2))
    drive.commit(end("a", 3))
    assert code_of(drive.commit(row("a", 4))[0]) is FaultCode.NOT_FOUND
    assert done(drive.commit(end("a", 5, OTHER, expect=0)))
    assert code_of(drive.commit(row("a", 6, OTHER))[0]) is FaultCode.NOT_FOUND
    assert code_of(drive.commit(end("a", 7, expect=0))[0]) is FaultCode.CONFLICT


def test_a_row_is_compared_with_what_is_current(drive: TestDrive) -> None:
    """It is taken only where exactly the version expected is there, or nothing where nothing is."""
    current = FIRST_STAMP + 1
    for key, expect in (("a", 0), ("a", current + 1), ("nothing", current)):
        answer = drive.commit(row(key, 3, OTHER, of_key=True, expect=expect))[0]
        assert code_of(answer) is FaultCode.CONFLICT
    assert done(drive.commit(row("a", 3, of_key=True, expect=current)))
    assert done(drive.commit(row("nothing", 3, of_key=True, expect=0)))
    assert code_of(drive.commit(row("a", 1, OTHER, of_key=True))[0]) is FaultCode.UNRESOLVED


def test_lookups_and_listings_tell_of_it(drive: TestDrive) -> None:
    """Of the key whatever is asked, and of its bucket; but not him on whose behalf it is open."""
    drive.commit(row("a", 2))
    assert drive.look("a")[0].is_renamed and drive.look("a", current=True)[0].is_renamed
    assert not drive.look("a", rename=ONE)[0].is_renamed and not drive.look("b")[0].is_renamed
    index = drive.engine.index

    def page(prefix: bytes):
        return scan_page(index, Scan(Space.OBJECT, "bucket", prefix), 10, evidence=True)

    assert page(b"").is_renamed and page(b"a").is_renamed and not page(b"b").is_renamed
    assert page(b"b").rename_stamp == FIRST_STAMP + 2
    assert index.renames.of_bucket("bucket") == (RowName(Space.RENAME, "bucket", b"a", ONE),)
    drive.commit(end("a", 3))
    assert not drive.look("a")[0].is_renamed and not page(b"").is_renamed
    assert page(b"").rename_stamp == FIRST_STAMP + 3


@pytest.mark.parametrize("is_rebuilt", [True, False])
def test_a_drive_knows_them_after_a_start(tmp_path: Path, is_rebuilt: bool) -> None:
    """From the index, or from the log where the index was lost; ended ones stay ended."""
    drive = new_drive(tmp_path)
    drive.commit(row("a", 1), row("b", 2, OTHER))
    drive.commit(end("b", 3, OTHER))
    drive.close()
    if is_rebuilt:
        for file in Path(drive.address.path).glob("index.sqlite*"):
            file.unlink()
    drive.reopen()
    assert [name.key for name in drive.engine.index.renames.of_bucket("bucket")] == [b"a"]
    assert code_of(drive.commit(value("a", 4))[0]) is FaultCode.UNRESOLVED
    assert code_of(drive.commit(row("b", 4, OTHER))[0]) is FaultCode.NOT_FOUND
    drive.commit(end("a", 5))
    settled = SettledRow(Space.RENAME, "bucket", b"a", FIRST_STAMP + 5, ONE, complete=True)
    drive.engine.run((), (settled,))
    assert drive.engine.index.renames.count == 0


def test_no_more_than_a_drive_keeps_in_mind() -> None:
    """One more is refused until one has ended."""
    drive = memory_drive(attrs.evolve(SMALL, renames_open_max=2))
    assert done(drive.commit(row("a", 1), row("b", 2)))
    assert code_of(drive.commit(row("c", 3))[0]) is FaultCode.OVERLOADED
    drive.commit(end("a", 4))
    assert done(drive.commit(row("c", 5)))
