"""rclone: sync there and back, and its own comparison of both sides."""

from __future__ import annotations

import pytest

from tests.clients import commands
from tests.clients.content import MIB, content

pytestmark = pytest.mark.client


def test_sync_and_check(rclone, bucket, tmp_path):
    """A tree is the same on both sides by size, by checksum and by download, until a file changes."""
    source, back = tmp_path / "source", tmp_path / "back"
    commands.make_tree(source, 300)
    (source / "large.bin").write_bytes(content(30 * MIB + 7, seed=30))
    there = f"node:{bucket}/tree"
    rclone("sync", "--checksum", "--s3-upload-cutoff", "10M", "--s3-chunk-size", "5M", source, there)
    rclone("check", source, there)
    rclone("check", "--download", source, there)
    rclone("sync", "--checksum", there, back)
    assert commands.digests(back) == commands.digests(source)
    (source / "large.bin").write_bytes(content(30 * MIB + 7, seed=31))
    rclone("check", "--download", source, there, status=1)
    rclone("sync", "--checksum", "--s3-upload-cutoff", "10M", source, there)
    rclone("check", "--download", source, there)


def test_times_and_no_work_again(rclone, bucket, tmp_path):
    """Modification times are kept in the metadata, so that a second sync sends nothing."""
    source, back = tmp_path / "source", tmp_path / "back"
    commands.make_tree(source, 50)
    rclone("sync", source, f"node:{bucket}")
    modified = rclone("lsf", "--recursive", "--format", "tp", "--files-only", f"node:{bucket}")
    rclone("sync", source, f"node:{bucket}")
    assert rclone("lsf", "--recursive", "--format", "tp", "--files-only", f"node:{bucket}") == modified
    rclone("copy", f"node:{bucket}", back)
    times = {path.name: int(path.stat().st_mtime) for path in source.rglob("*") if path.is_file()}
    assert {path.name: int(path.stat().st_mtime) for path in back.rglob("*") if path.is_file()} == times


def test_single_commands(rclone, bucket, tmp_path):
    """rcat, cat, moveto, copyto, size, delete and purge do what they say."""
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    rclone("copyto", source, f"node:{bucket}/a b/é+key")
    rclone("copyto", f"node:{bucket}/a b/é+key", f"node:{bucket}/copy")
    rclone("moveto", f"node:{bucket}/copy", f"node:{bucket}/moved")
    assert rclone("cat", f"node:{bucket}/moved") == "12345"
    assert rclone("cat", "--offset", "1", "--count", "2", f"node:{bucket}/moved") == "23"
    assert sorted(rclone("lsf", "--recursive", f"node:{bucket}").splitlines()) == [
        "a b/",
        "a b/é+key",
        "moved",
    ]
    assert '"count":2' in rclone("size", "--json", f"node:{bucket}")
    rclone("delete", f"node:{bucket}/a b")
    rclone("purge", f"node:{bucket}")
    assert bucket not in rclone("lsd", "node:")
