"""Drives written by earlier releases are read for ever.

tests/golden/drive-1 was written by the first release of format version 1. It is never written again: what is
added for a new version goes into a folder of its own.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from rustfs_node.seams.real_files import RealFiles
from rustfs_proto.disk.identity import OK, parse_identity
from rustfs_proto.wire.drive_ops import RowKind, RowState
from tests.kit.drives import FIRST_STAMP, STRIPE_BYTES, TestDrive

GOLDEN = Path(__file__).parents[2] / "golden" / "drive-1"
DATA_ID = bytes(range(16))


def test_a_drive_of_format_1_is_read(tmp_path: Path) -> None:
    """Objects inline and in a shard file, an overwrite, a delete, an upload and a heal note."""
    shutil.copytree(GOLDEN, tmp_path, dirs_exist_ok=True)
    identity = parse_identity((tmp_path / "rustfs.json").read_bytes())
    drive = TestDrive(str(tmp_path), RealFiles(), drive_id=identity.drive_id)
    assert drive.data("small") == b"a small object, second version"
    assert drive.look("small")[0].priors == (FIRST_STAMP + 1,)
    assert drive.look("empty")[0].state == RowState.FOUND
    assert drive.look("deleted")[0].kind == RowKind.TOMBSTONE
    assert drive.look("big")[0].no_files == ()
    assert drive.read_shard(DATA_ID, 2) == (b"1" * (STRIPE_BYTES // 2), b"the end")
    status = drive.engine.status()
    assert (status.rows, status.heal_notes, drive.identity.state) == (8, 1, OK)
    drive.close()
