"""Drives written by earlier releases are read for ever.

tests/golden/drive-1 was written by the first release of format version 1. It is never written again: what is
added for a new version goes into a folder of its own, as rows of renames have been.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from rustfs_node.seams.real_files import RealFiles
from rustfs_proto.disk.identity import OK, parse_identity
from rustfs_proto.objects import Rename, decode_meta
from rustfs_proto.wire.drive_ops import Lookup, RowKind, RowState, Space
from tests.kit.drives import FIRST_STAMP, STRIPE_BYTES, TestDrive

GOLDEN = Path(__file__).parents[2] / "golden" / "drive-1"
RENAMES = Path(__file__).parents[2] / "golden" / "drive-renames"
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


def test_renames_of_format_1_are_read(tmp_path: Path) -> None:
    """One that is open, with its mark and what it brings; one that was given up; and what came by one."""
    shutil.copytree(RENAMES, tmp_path, dirs_exist_ok=True)
    identity = parse_identity((tmp_path / "rustfs.json").read_bytes())
    drive = TestDrive(str(tmp_path), RealFiles(), drive_id=identity.drive_id)
    held = drive.engine.index.renames.of_bucket("bucket")
    assert {(name.key, name.sub) for name in held} == {
        (b"source", b"1" * 16),
        (b"target", b"1" * 16),
        (b"big", b"2" * 16),
    }
    rename = Rename(b"source", b"target", FIRST_STAMP + 1, "token", "digest")
    for key in (b"source", b"target"):
        lookup = Lookup(Space.RENAME, "bucket", key, b"1" * 16)
        found, frames = drive.engine.reader.look_up(lookup, evidence=True)
        assert decode_meta(found.meta).rename == rename
        assert frames == ((b"half of it",) if key == b"target" else ())
    assert drive.look("source")[0].is_renamed
    assert drive.read_shard(DATA_ID, 2) == (b"1" * (STRIPE_BYTES // 2), b"the end")
    renamed, _ = drive.look("renamed")
    assert decode_meta(renamed.meta).rename == Rename(token="token", request="digest")
    assert (drive.engine.status().rows, drive.identity.state) == (7, OK)
    drive.close()
