"""What a drive refuses by the charter of its set, and what it tells of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from rustfs_node.drive.scan import open_renames, scan_page
from rustfs_proto.erasure.charter import CHARTER_KEY, Charter, Hold, charter_fields, pack_slots
from rustfs_proto.erasure.layout import SLOTS
from rustfs_proto.objects import Geometry, ObjectMeta, encode_meta
from rustfs_proto.s3.names import LOCK_CLOCK_KEY, SYSTEM_BUCKET
from rustfs_proto.wire.drive_ops import Commit, Committed, Lookup, RowKind, Scan, Space, WatchSlots
from rustfs_proto.wire.faults import FaultCode
from tests.kit.drives import FIRST_STAMP, TestDrive, memory_drive, new_drive, tombstone, value
from tests.unit.drive.test_commit import code_of

ME, OTHER = b"m" * 16, b"o" * 16
EVERYTHING = pack_slots(range(SLOTS))


def charter(stamp: int, hold: Hold, mover: bytes = ME) -> Commit:
    """One that has all slots alike."""
    fields = charter_fields(Charter(1, mover, bytes([hold]) * SLOTS))
    meta = encode_meta(ObjectMeta(Geometry(2, 2, 1 << 20), user=fields))
    return Commit(Space.OBJECT, SYSTEM_BUCKET, CHARTER_KEY, FIRST_STAMP + stamp, RowKind.VALUE, meta=meta)


def done(answers: list[object]) -> bool:
    return all(isinstance(answer, Committed) for answer in answers)


def codes(answers: list[object]) -> set[FaultCode]:
    return {code_of(answer) for answer in answers}


@pytest.fixture
def drive() -> TestDrive:
    """A drive with the object `a`."""
    drive = memory_drive()
    drive.put("a", 1)
    return drive


def is_elsewhere(drive: TestDrive, key: str = "a", mover: bytes = b"") -> bool:
    lookup = Lookup(Space.OBJECT, "b", key.encode(), mover=mover)
    return drive.engine.reader.look_up(lookup, evidence=True)[0].is_elsewhere


@pytest.mark.parametrize("hold", [Hold.NONE, Hold.FROZEN, Hold.COMING])
def test_only_what_is_owned_changes(drive: TestDrive, hold: Hold) -> None:
    """Everything else of a key is refused as moved, what belongs to the set itself is not; reads are told
    that the key is elsewhere, unless its slot is only frozen.
    """
    assert done(drive.commit(charter(2, hold)))
    changes = [
        value("a", 3),
        tombstone("a", 3),
        value("a", 3, kind=RowKind.MARKER),
        value("new", 3),
        value("a", 3, space=Space.UPLOAD, sub=b"u" * 16),
        value("a", 3, space=Space.RENAME, sub=b"r" * 16),
    ]
    assert codes(drive.commit(*changes)) == {FaultCode.MOVED}
    assert is_elsewhere(drive) is (hold is not Hold.FROZEN)
    assert not is_elsewhere(drive, mover=ME)
    clock = replace(value("x", 4), bucket=SYSTEM_BUCKET, key=LOCK_CLOCK_KEY)
    assert done(drive.commit(clock, tombstone("a", 4, space=Space.RENAME, sub=b"r" * 16)))


@pytest.mark.parametrize("hold", [Hold.NONE, Hold.FROZEN, Hold.COMING])
def test_the_mover_changes_what_nobody_else_may(drive: TestDrive, hold: Hold) -> None:
    """It alone, by the name that the charter has."""
    drive.commit(charter(2, hold))
    assert codes(drive.commit(value("a", 3, mover=OTHER))) == {FaultCode.MOVED}
    assert done(drive.commit(value("a", 3, mover=ME), tombstone("a", 4, mover=ME)))
    drive.commit(charter(5, hold, OTHER))
    assert codes(drive.commit(value("a", 6, mover=ME))) == {FaultCode.MOVED}


def test_a_copy_that_is_late_is_refused(drive: TestDrive) -> None:
    """Once the slot is owned the mover changes nothing in it; and where no slot ever moved there is none."""
    assert codes(drive.commit(value("a", 2, mover=ME))) == {FaultCode.INVALID}
    drive.commit(charter(3, Hold.COMING))
    drive.commit(charter(4, Hold.OWNED))
    assert codes(drive.commit(value("a", 5, mover=ME))) == {FaultCode.MOVED}
    assert done(drive.commit(value("a", 6)))
    assert not is_elsewhere(drive)


def test_a_charter_holds_for_what_comes_behind_it(drive: TestDrive) -> None:
    """In one batch as in several."""
    answers = drive.commit(value("a", 2), charter(3, Hold.FROZEN), value("a", 4))
    assert done(answers[:2]) and codes(answers[2:]) == {FaultCode.MOVED}
    answers = drive.commit(charter(5, Hold.OWNED), value("a", 6))
    assert done(answers)


def test_no_slot_is_frozen_under_an_open_rename(drive: TestDrive) -> None:
    """Nor given away; not even by one batch with what opens it."""
    rename = value("a", 2, space=Space.RENAME, sub=b"r" * 16)
    for hold in (Hold.FROZEN, Hold.NONE):
        answers = drive.commit(rename, charter(3, hold))
        assert codes(answers[1:]) == {FaultCode.UNRESOLVED}
    assert done(drive.commit(charter(4, Hold.OWNED)))
    assert done(drive.commit(tombstone("a", 5, space=Space.RENAME, sub=b"r" * 16)))
    assert done(drive.commit(charter(6, Hold.FROZEN)))


def test_renames_in_slots_that_moved_away_are_nobodys(drive: TestDrive) -> None:
    """They neither bar a listing nor are they told."""
    drive.commit(charter(2, Hold.NONE))
    drive.engine.index.slots.charter = None
    drive.engine.index.renames.note("b", b"a", b"r" * 16, stamp=3, kind=RowKind.VALUE)
    assert open_renames(drive.engine.index, "b") == ()


def test_pages_tell_which_charter_the_drive_has(drive: TestDrive) -> None:
    """By its stamp, so that a worker notices that its own is old."""
    page = scan_page(drive.engine.index, Scan(Space.OBJECT, "b"), 10, evidence=True)
    assert page.charter_stamp == 0
    drive.commit(charter(2, Hold.OWNED))
    page = scan_page(drive.engine.index, Scan(Space.OBJECT, "b"), 10, evidence=True)
    assert page.charter_stamp == FIRST_STAMP + 2


def test_a_charter_that_cannot_be_read_is_refused(drive: TestDrive) -> None:
    """And the one before holds."""
    broken = replace(charter(2, Hold.NONE), meta=encode_meta(ObjectMeta(Geometry(2, 2, 1 << 20))))
    assert codes(drive.commit(broken)) == {FaultCode.INVALID}
    assert done(drive.commit(value("a", 3)))


def test_the_charter_is_known_after_a_start(tmp_path: Path) -> None:
    """From the index as from the log; where its record is damaged nothing changes any more."""
    drive = new_drive(tmp_path)
    drive.put("a", 1)
    drive.commit(charter(2, Hold.NONE))
    drive.reopen()
    assert codes(drive.commit(value("a", 3))) == {FaultCode.MOVED}
    slots = drive.engine.index.slots
    slots.take(slots.stamp + 1, None)
    assert is_elsewhere(drive) and codes(drive.commit(value("a", 4, mover=ME))) == {FaultCode.MOVED}


def watched(drive: TestDrive, *, begins: bool = False, watch: bytes = b"w"):
    told = drive.engine.index.slots.watched(WatchSlots(watch, EVERYTHING, begins))
    return told.is_kept, [key for _, key, _ in told.keys]


def test_a_watch_tells_each_change_once(drive: TestDrive) -> None:
    """Changes before it are not told, uploads are told apart, and a watch under another name is none."""
    drive.commit(charter(2, Hold.OWNED))
    assert watched(drive) == (False, [])
    watched(drive, begins=True)
    drive.commit(value("a", 3), value("c", 4, space=Space.UPLOAD, sub=b"u" * 16))
    assert watched(drive) == (True, [b"a", b"c"])
    assert watched(drive) == (True, [])
    assert watched(drive, watch=b"v") == (False, [])


def test_a_watch_that_grows_too_large_is_lost(drive: TestDrive) -> None:
    """Then everything has to be looked through again."""
    drive.commit(charter(2, Hold.OWNED))
    drive.engine.index.slots.changes_max = 2
    watched(drive, begins=True)
    drive.commit(*(value(key, 3 + at) for at, key in enumerate("xyz")))
    assert watched(drive) == (False, [])
