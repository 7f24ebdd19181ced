"""What belongs to another drive or object, where this one's own should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from rustfs_proto.disk.identity import OK
from rustfs_proto.wire.drive_ops import RowState
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.kit.drives import memory_drive, new_drive, value

DATA_ID = bytes(range(16))
FRAGMENTS = (b"1" * 4096, b"2" * 4096, b"3" * 700)


def test_the_index_of_another_drive_is_not_used(tmp_path: Path) -> None:
    """Restored into the wrong folder, or by an index folder that two drives share: it names what never was
    here, and hides what is.
    """
    drive, other = new_drive(tmp_path / "drive"), new_drive(tmp_path / "other")
    drive.put("mine", 1, b"mine")
    for key in ("theirs", "mine", "more"):
        other.put(key, 2, b"theirs")
    for each in (drive, other):
        each.close()
    (tmp_path / "drive" / "index.sqlite").write_bytes((tmp_path / "other" / "index.sqlite").read_bytes())
    assert drive.data("mine") == b"mine"
    assert drive.look("theirs")[0].state == RowState.ABSENT
    assert drive.identity.state == OK
    drive.close()


def test_a_shard_file_is_read_for_its_own_object_alone() -> None:
    """However whole it is: a data id that was mixed up gives nobody another object's bytes."""
    drive = memory_drive()
    drive.write_shard(DATA_ID, *FRAGMENTS, key="theirs")
    drive.commit_files(value("theirs", 1, files=(DATA_ID,), shard=1))
    assert drive.read_shard(DATA_ID, 3, "theirs") == FRAGMENTS
    with pytest.raises(Fault) as caught:
        drive.read_shard(DATA_ID, 3, "mine")
    assert caught.value.code is FaultCode.DAMAGED
