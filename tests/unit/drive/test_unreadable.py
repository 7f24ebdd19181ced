"""A log that cannot be read is not an empty one."""

from __future__ import annotations

import errno

from rustfs_node.drive.log_scan import SegmentScan
from rustfs_node.seams.memory_files import PAGE_BYTES, MemoryFiles
from rustfs_proto.disk.identity import HEALING
from rustfs_proto.disk.place import place_of
from tests.kit import at_rest
from tests.kit.drives import memory_drive
from tests.kit.faulty_files import EVER, BadPage, Fails
from tests.kit.stories import new_story


def test_a_segment_that_cannot_be_read_is_kept() -> None:
    """It is not removed as one that was never used: the drive says that it lacks something, and sets it
    aside.
    """
    story = new_story()
    story.put("a", 1)
    story.close()
    before = story.files.read_file("/drive/log/000000000001.log")
    story.files.inject("read", Fails(errno.EIO), "/log/", times=EVER)
    assert not story.drive.engine.fence.evidence
    story.files.heal()
    assert story.drive.identity.state == HEALING
    assert story.files.read_file("/drive/quarantine/000000000001.log.1") == before


def test_a_bad_sector_costs_the_records_that_it_touches() -> None:
    """Also in the last segment, whose records a start writes again; all others are there."""
    story = new_story()
    story.put_many(["a", "b", "c", "d"], 1, 5000)
    story.put("e", 2)
    story.close()
    _, found = at_rest.find_record(story.drive, "b")
    bad = found.offset // PAGE_BYTES + 1
    story.files.inject("read", BadPage(bad), "000000000001.log", times=EVER)
    assert [story.drive.data(key) is not None for key in "abcde"] == [True, False, False, True, True]
    assert story.drive.identity.state == HEALING


def test_a_file_that_became_shorter_has_an_end() -> None:
    """Looking for records ends where the file does, whatever its size was when it was opened."""
    drive = memory_drive()
    drive.put("a", 1, b"x" * 100)
    assert isinstance(drive.files, MemoryFiles)
    file = drive.files.open("/drive/log/000000000001.log")
    scan = SegmentScan(file, place_of(drive.identity))
    file.truncate(0)
    assert list(scan.all_from(0)) == []
