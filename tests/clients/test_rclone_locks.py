"""rclone in buckets with Object Lock: it uploads into them, and tidies away what no lock protects."""

from __future__ import annotations

import pytest

from tests.clients import commands
from tests.clients.content import MIB, content
from tests.clients.locks_kit import check_retained, retain_by_default
from tests.clients.versions_kit import listed, put

pytestmark = pytest.mark.client


def test_sync_into_a_bucket_that_retains(rclone, s3, locked_bucket, tmp_path):
    """What `sync` uploads, in one piece or in parts, gets the bucket's retention and compares equal."""
    retain_by_default(s3, locked_bucket, "COMPLIANCE", 2)
    source, back = tmp_path / "source", tmp_path / "back"
    commands.make_tree(source, 10)
    (source / "large").write_bytes(content(6 * MIB, seed=6))
    in_parts = ("--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M")
    rclone("sync", *in_parts, source, f"node:{locked_bucket}")
    rclone("check", "--download", source, f"node:{locked_bucket}")
    for row in s3.list_objects_v2(Bucket=locked_bucket)["Contents"]:
        check_retained(s3.head_object(Bucket=locked_bucket, Key=row["Key"]), "COMPLIANCE", 2)
    rclone("delete", f"node:{locked_bucket}")
    assert rclone("lsf", f"node:{locked_bucket}") == ""
    # It is all there still, below the markers.
    rclone("--s3-versions", "copy", f"node:{locked_bucket}", back)
    assert sorted(commands.digests(back).values()) == sorted(commands.digests(source).values())


def test_locked_versions_are_not_tidied_away(rclone, s3, locked_bucket):
    """`backend cleanup-hidden` removes old versions without a lock, and leaves those with a legal hold."""
    put(s3, locked_bucket, "free", b"old")
    held = put(s3, locked_bucket, "held", b"old", ObjectLockLegalHoldStatus="ON")
    current = {key: put(s3, locked_bucket, key, b"new") for key in ("free", "held")}
    rclone("backend", "cleanup-hidden", f"node:{locked_bucket}", status=1)
    assert listed(s3, locked_bucket) == [
        ("free", current["free"], True, False),
        ("held", current["held"], True, False),
        ("held", held, False, False),
    ]
