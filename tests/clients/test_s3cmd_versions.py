"""s3cmd in buckets with versions, and its tags."""

from __future__ import annotations

import pytest

from tests.clients.content import MIB, content
from tests.clients.versions_kit import body_of, enable, listed, put

pytestmark = pytest.mark.client


def test_versioning_is_switched_and_shown(s3cmd, bucket):
    """`setversioning` enables and suspends, and `info` tells."""
    assert "Versioning:none" in s3cmd("info", f"s3://{bucket}")
    for word, status in (("enable", "Enabled"), ("disable", "Suspended")):
        s3cmd("setversioning", f"s3://{bucket}", word)
        assert f"Versioning:{status}" in s3cmd("info", f"s3://{bucket}")


def test_each_put_keeps_the_one_before(s3cmd, s3, bucket, tmp_path):
    """A file that was put twice, the second time in parts, is two versions; `get` gives the second."""
    enable(s3, bucket)
    source, target = tmp_path / "source", tmp_path / "target"
    bodies = [b"12345", content(11 * MIB, seed=11)]
    for body in bodies:
        source.write_bytes(body)
        s3cmd("put", source, f"s3://{bucket}/k")
    versions = [version_id for _, version_id, _, _ in listed(s3, bucket)]
    assert [body_of(s3, bucket, "k", VersionId=one) for one in versions] == bodies[::-1]
    s3cmd("get", f"s3://{bucket}/k", target)
    assert target.read_bytes() == bodies[1]


def test_copies_moves_and_deletions_leave_versions(s3cmd, s3, bucket):
    """`cp` and `modify` add a version, `mv` and `del` a marker, and all that was there before stays."""
    enable(s3, bucket)
    first = put(s3, bucket, "a", b"1")
    second = put(s3, bucket, "b", b"2")
    s3cmd("cp", f"s3://{bucket}/a", f"s3://{bucket}/b")
    s3cmd("modify", "--add-header=x-amz-meta-who:me", f"s3://{bucket}/a")
    assert s3.head_object(Bucket=bucket, Key="a")["Metadata"]["who"] == "me"
    s3cmd("mv", f"s3://{bucket}/a", f"s3://{bucket}/c")
    s3cmd("del", f"s3://{bucket}/b")
    assert s3cmd("ls", f"s3://{bucket}").split()[-1] == f"s3://{bucket}/c"
    shown = listed(s3, bucket)
    assert [(key, is_latest) for key, _, is_latest, is_marker in shown if is_marker] == [
        ("a", True),
        ("b", True),
    ]
    kept = [(key, version_id) for key, version_id, _, is_marker in shown if not is_marker]
    assert [key for key, _ in kept] == ["a", "a", "b", "b", "c"]
    assert {("a", first), ("b", second)} < set(kept)


def test_tags(s3cmd, s3, bucket):
    """Tags of an object and of a bucket are set, shown and removed."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    for address in (f"s3://{bucket}/k", f"s3://{bucket}"):
        s3cmd("settagging", address, "colour=dark red&n=1")
        shown = [line.split(":") for line in s3cmd("gettagging", address).splitlines()[1:]]
        assert [[part.strip() for part in one] for one in shown] == [["colour", "dark red"], ["n", "1"]]
    s3cmd("deltagging", f"s3://{bucket}/k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    s3cmd("deltagging", f"s3://{bucket}")
    s3cmd("gettagging", f"s3://{bucket}", status=12)


def test_tags_are_put_on_the_current_version(s3cmd, s3, bucket):
    """`settagging` is about the current version alone, and what is below it keeps its tags."""
    enable(s3, bucket)
    old = put(s3, bucket, "k", b"old", Tagging="n=old")
    new = put(s3, bucket, "k", b"new", Tagging="n=new")
    s3cmd("settagging", f"s3://{bucket}/k", "n=changed")
    tags = {
        version_id: s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=version_id)["TagSet"]
        for version_id in (old, new)
    }
    assert tags == {old: [{"Key": "n", "Value": "old"}], new: [{"Key": "n", "Value": "changed"}]}
