"""A damaged index that still opens and answers: what it hides is noticed before anybody asks it."""

from __future__ import annotations

import struct
from pathlib import Path

import attrs
import pytest

from rustfs_node.drive.index_check import check_whole
from rustfs_node.drive.index_row import IndexDamaged
from rustfs_proto.wire.drive_ops import RowState, Space
from tests.kit import corrupt
from tests.kit.at_rest import index_path
from tests.kit.corrupt.index import PAGE_BYTES, leaf_cells
from tests.kit.drives import SMALL, TestDrive, new_drive, value

KEYS = [f"key-{number:02d}" for number in range(40)]
DATA_ID = bytes(range(100, 116))


@pytest.fixture
def drive(tmp_path: Path) -> TestDrive:
    """A closed drive with forty keys, one of which has a shard file."""
    drive = new_drive(tmp_path / "drive")
    for number, key in enumerate(KEYS):
        drive.put(key, number)
    drive.write_shard(DATA_ID, b"x" * 900)
    drive.commit_files(value("big", 99, files=(DATA_ID,), shard=1))
    drive.close()
    return drive


def flip_all(drive: TestDrive, needle: bytes) -> None:
    """The lowest bit of the last byte of that text, wherever in the index it stands: the order of keys
    stays.
    """
    content = drive.files.read_file(index_path(drive))
    at = content.find(needle)
    assert at >= 0
    while at >= 0:
        corrupt.flip_index(drive, at + len(needle) - 1, 1)
        at = content.find(needle, at + 1)


def shorten_a_leaf(drive: TestDrive) -> None:
    """The fullest leaf says that it has fewer cells than it has."""
    content = drive.files.read_file(index_path(drive))
    counts = [
        struct.unpack_from(">H", content, page + 3)[0] if content[page] == 0x0A else 0
        for page in range(0, len(content), PAGE_BYTES)
    ]
    page = max(range(len(counts)), key=counts.__getitem__) * PAGE_BYTES
    top = 1 << (counts[page // PAGE_BYTES].bit_length() - 1)
    corrupt.flip_index(drive, page + 4, top)


def hide_a_key(drive: TestDrive) -> None:
    """A row goes by another name that sorts to the same place."""
    flip_all(drive, b"key-20")


def hide_a_reference(drive: TestDrive) -> None:
    """The row still names its shard file; the other way round nobody knows."""
    content = drive.files.read_file(index_path(drive))
    found = [(content.find(DATA_ID, start, end) - start, start) for start, end in leaf_cells(content)]
    # It stands in the row, behind the name, and in the reference, first.
    into, start = min(entry for entry in found if entry[0] + entry[1] >= 0)
    corrupt.flip_index(drive, start + into, 1)


@pytest.mark.parametrize("damage", [shorten_a_leaf, hide_a_key, hide_a_reference])
def test_what_an_index_hides_is_noticed(drive: TestDrive, damage) -> None:
    """The index is made anew from the log; no key is missing from lookups or listings, no shard file without
    its row.
    """
    damage(drive)
    for key in KEYS:
        assert drive.look(key)[0].state == RowState.FOUND, key
    rows = drive.engine.index.walk(Space.OBJECT, "bucket", (b"", b""), None)
    assert [row.key.decode() for row in rows] == ["big", *KEYS]
    assert drive.engine.index.refers(DATA_ID)
    drive.close()


@pytest.mark.parametrize("damage", [shorten_a_leaf, hide_a_key, hide_a_reference])
def test_a_large_index_is_not_looked_through(drive: TestDrive, damage) -> None:
    """Beyond `index_check_rows` a start does not wait for that."""
    damage(drive)
    drive.settings = attrs.evolve(SMALL, index_check_rows=10)
    with pytest.raises(IndexDamaged):
        check_whole(drive.engine.index)
    drive.close()


def test_a_whole_index_is_left_alone(drive: TestDrive) -> None:
    """Nothing is found where nothing is wrong."""
    check_whole(drive.engine.index)
    drive.close()
