"""The aws command line on versions: status, listings in pages, reads, copies, tags and removals by id."""

from __future__ import annotations

import pytest

from tests.clients.versions_kit import body_of, enable, listed, put

pytestmark = pytest.mark.client


def named(key: str, *ids: str) -> dict[str, object]:
    """The document for delete-objects that names versions of a key."""
    return {"Objects": [{"Key": key, "VersionId": one} for one in ids]}


def test_versioning_is_switched_on_and_shown(aws, bucket):
    """get-bucket-versioning prints nothing before versioning was ever on, and its status from then on."""
    assert aws.api("get-bucket-versioning", bucket=bucket) is None
    aws("s3api", "put-bucket-versioning", "--bucket", bucket, "--versioning-configuration", "Status=Enabled")
    assert aws.api("get-bucket-versioning", bucket=bucket) == {"Status": "Enabled"}


def test_pages_of_versions_follow_each_other(aws, s3, bucket):
    """list-object-versions gives every version once over pages that its tokens join."""
    enable(s3, bucket)
    ids = [put(s3, bucket, key, b"%d" % number) for key in ("a", "b") for number in range(3)]
    found: list[str] = []
    token: list[str] = []
    while True:
        page = aws.api("list-object-versions", "--max-items", "4", "--page-size", "2", *token, bucket=bucket)
        found += [one["VersionId"] for one in page["Versions"]]
        if "NextToken" not in page:
            break
        token = ["--starting-token", page["NextToken"]]
    assert found == [*ids[2::-1], *ids[:2:-1]]


def test_a_version_is_read_by_its_id(aws, s3, bucket, tmp_path):
    """get-object and head-object with --version-id are about that version, and tell its id."""
    enable(s3, bucket)
    old = put(s3, bucket, "k", b"old", Metadata={"n": "1"})
    new = put(s3, bucket, "k", b"newer")
    target = tmp_path / "target"
    told = aws.api("get-object", target, bucket=bucket, key="k", version_id=old)
    assert (told["VersionId"], told["Metadata"], target.read_bytes()) == (old, {"n": "1"}, b"old")
    head = aws.api("head-object", bucket=bucket, key="k")
    assert (head["VersionId"], head["ContentLength"]) == (new, 5)


def test_a_removed_object_is_brought_back(aws, s3, bucket):
    """delete-object prints the marker that it put, and removing that one by its id brings the object back."""
    enable(s3, bucket)
    version_id = put(s3, bucket, "k", b"1")
    marker = aws.api("delete-object", bucket=bucket, key="k")
    assert marker["DeleteMarker"] is True
    shown = aws.api("list-object-versions", bucket=bucket)
    assert [(one["VersionId"], one["IsLatest"]) for one in shown["DeleteMarkers"]] == [
        (marker["VersionId"], True)
    ]
    assert [(one["VersionId"], one["IsLatest"]) for one in shown["Versions"]] == [(version_id, False)]
    gone = aws.api("delete-object", bucket=bucket, key="k", version_id=marker["VersionId"])
    assert gone == marker
    assert body_of(s3, bucket, "k") == b"1"


def test_versions_are_removed_in_one_request(aws, s3, bucket):
    """delete-objects removes the versions that its document names and prints each."""
    enable(s3, bucket)
    ids = [put(s3, bucket, "k", b"%d" % number) for number in range(4)]
    answer = aws.api("delete-objects", bucket=bucket, delete=named("k", ids[3], ids[1]))
    assert sorted(one["VersionId"] for one in answer["Deleted"]) == sorted([ids[3], ids[1]])
    assert [version_id for _, version_id, _, _ in listed(s3, bucket)] == [ids[2], ids[0]]


def test_an_old_version_is_restored_by_a_copy(aws, s3, bucket):
    """copy-object from `?versionId=` makes that version the current one again, under a new id."""
    enable(s3, bucket)
    old = put(s3, bucket, "k é", b"old")
    put(s3, bucket, "k é", b"new")
    copied = aws.api("copy-object", bucket=bucket, key="k é", copy_source=f"{bucket}/k é?versionId={old}")
    assert copied["CopySourceVersionId"] == old
    assert [version_id for _, version_id, _, _ in listed(s3, bucket)][::2] == [copied["VersionId"], old]
    assert body_of(s3, bucket, "k é") == b"old"


def test_tags_are_those_of_one_version(aws, s3, bucket):
    """put-, get- and delete-object-tagging with --version-id leave the other versions' tags alone."""
    enable(s3, bucket)
    old = put(s3, bucket, "k", b"old")
    new = aws.api("put-object", bucket=bucket, key="k", tagging="n=new")["VersionId"]
    where = {"bucket": bucket, "key": "k"}
    tags = {"TagSet": [{"Key": "n", "Value": "old"}]}
    assert aws.api("put-object-tagging", **where, version_id=old, tagging=tags) == {"VersionId": old}
    assert aws.api("get-object-tagging", **where, version_id=old) == tags | {"VersionId": old}
    current = s3.get_object_tagging(Bucket=bucket, Key="k")
    assert (current["VersionId"], current["TagSet"]) == (new, [{"Key": "n", "Value": "new"}])
    assert aws.api("delete-object-tagging", **where, version_id=old) == {"VersionId": old}
    assert s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=old)["TagSet"] == []
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == current["TagSet"]


def test_rm_hides_and_rb_does_not_remove_versions(aws, s3, bucket):
    """`s3 rm --recursive` leaves every version below a marker, so that `s3 rb` refuses the bucket."""
    enable(s3, bucket)
    ids = [put(s3, bucket, "k", b"%d" % number) for number in range(2)]
    aws("s3", "rm", "--recursive", "--only-show-errors", f"s3://{bucket}")
    aws("s3", "rb", f"s3://{bucket}", status=1)
    shown = listed(s3, bucket)
    assert [(version_id, is_marker) for _, version_id, _, is_marker in shown if not is_marker] == [
        (ids[1], False),
        (ids[0], False),
    ]
    assert [is_latest for _, _, is_latest, is_marker in shown if is_marker] == [True]
