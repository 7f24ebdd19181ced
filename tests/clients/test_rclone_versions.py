"""rclone on versions: shown beside each other, as of a time, tidied away; metadata and checksums."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.clients.content import MIB, content
from tests.clients.versions_kit import body_of, enable, listed, put

pytestmark = pytest.mark.client


def modified(s3, bucket: str, key: str, version_id: str) -> str:
    """When a version was made, in milliseconds, as rclone reads it."""
    for one in s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]:
        if one["VersionId"] == version_id:
            return one["LastModified"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    raise AssertionError(f"{version_id} is not listed")


def test_versioning_is_switched_and_shown(rclone, bucket):
    """`backend versioning` tells the status, and sets it."""
    assert rclone("backend", "versioning", f"node:{bucket}").strip() == "Unversioned"
    for status in ("Enabled", "Suspended"):
        assert rclone("backend", "versioning", f"node:{bucket}", status).strip() == status
        assert rclone("backend", "versioning", f"node:{bucket}").strip() == status


def test_versions_stand_beside_each_other(rclone, s3, bucket, tmp_path):
    """--s3-versions shows and copies older versions, those of removed files too, under names with times."""
    enable(s3, bucket)
    put(s3, bucket, "a/k.txt", b"old")
    put(s3, bucket, "a/k.txt", b"newer")
    put(s3, bucket, "a/gone.txt", b"was here")
    rclone("deletefile", f"node:{bucket}/a/gone.txt")
    assert rclone("lsf", f"node:{bucket}/a").split() == ["k.txt"]
    shown = rclone("--s3-versions", "lsf", f"node:{bucket}/a").split()
    assert [name.partition("-v")[0] for name in sorted(shown)] == ["gone", "k", "k.txt"]
    rclone("--s3-versions", "copy", f"node:{bucket}/a", tmp_path)
    contents = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    assert contents == [b"was here", b"old", b"newer"]


def test_a_bucket_as_it_was(rclone, s3, bucket, tmp_path):
    """--s3-version-at gives every file as it was then: changed, removed and not yet made ones alike."""
    enable(s3, bucket)
    put(s3, bucket, "changed", b"old")
    last = put(s3, bucket, "removed", b"still here")
    then = modified(s3, bucket, "removed", last)
    put(s3, bucket, "changed", b"new")
    put(s3, bucket, "made", b"later")
    s3.delete_object(Bucket=bucket, Key="removed")
    rclone("--s3-version-at", then, "copy", f"node:{bucket}", tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "changed": b"old",
        "removed": b"still here",
    }


def test_old_versions_are_tidied_away(rclone, s3, bucket):
    """`backend cleanup-hidden` removes what is not current, markers of removed files with all below them."""
    enable(s3, bucket)
    for number in range(3):
        put(s3, bucket, "gone", b"%d" % number)
        kept = put(s3, bucket, "kept", b"%d" % number)
    s3.delete_object(Bucket=bucket, Key="gone")
    rclone("backend", "cleanup-hidden", f"node:{bucket}")
    assert listed(s3, bucket) == [("kept", kept, True, False)]


def test_metadata_is_carried(rclone, s3, bucket, tmp_path):
    """--metadata keeps the user's metadata, content type and times there, from key to key and back."""
    source = tmp_path / "source.txt"
    source.write_bytes(b"12345")
    set_ = ("--metadata", "--metadata-set", "who=me", "--metadata-set", "content-type=text/x-rclone")
    rclone("copyto", *set_, source, f"node:{bucket}/one")
    rclone("copyto", "--metadata", f"node:{bucket}/one", f"node:{bucket}/two")
    (row,) = json.loads(rclone("lsjson", "--metadata", f"node:{bucket}/two"))
    assert (row["MimeType"], row["Metadata"]["who"]) == ("text/x-rclone", "me")
    assert s3.head_object(Bucket=bucket, Key="two")["Metadata"]["who"] == "me"
    (before,) = json.loads(rclone("lsjson", source))
    assert row["ModTime"][:19] == before["ModTime"][:19]


def test_checksums_agree(rclone, bucket, tmp_path):
    """`hashsum` gives each object's MD5, one of an upload in parts too, and `check` finds what differs."""
    bodies = {"large": content(11 * MIB, seed=11), "small": b"12345"}
    source = tmp_path / "source"
    source.mkdir()
    for name, body in bodies.items():
        (source / name).write_bytes(body)
    rclone("copy", "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M", source, f"node:{bucket}")
    sums = rclone("hashsum", "MD5", f"node:{bucket}").split()
    assert dict(zip(sums[1::2], sums[::2], strict=True)) == {
        name: hashlib.md5(body).hexdigest() for name, body in bodies.items()
    }
    rclone("check", source, f"node:{bucket}")
    (source / "large").write_bytes(content(11 * MIB, seed=12))
    rclone("check", source, f"node:{bucket}", status=1)


def test_server_side_copies(rclone, s3, bucket):
    """A copy from key to key is made by the server: by CopyObject, and in parts above the cutoff."""
    enable(s3, bucket)
    data = content(11 * MIB, seed=3)
    put(s3, bucket, "large", data)
    put(s3, bucket, "copy", b"before")
    rclone("copyto", f"node:{bucket}/large", f"node:{bucket}/copy")
    rclone(
        "copyto",
        "--s3-copy-cutoff",
        "5M",
        "--s3-chunk-size",
        "5M",
        f"node:{bucket}/large",
        f"node:{bucket}/parts",
    )
    assert "-" not in s3.head_object(Bucket=bucket, Key="copy")["ETag"]
    assert s3.head_object(Bucket=bucket, Key="parts")["ETag"].endswith('-3"')
    assert body_of(s3, bucket, "copy") == body_of(s3, bucket, "parts") == data
    assert len(listed(s3, bucket, Prefix="copy")) == 2
