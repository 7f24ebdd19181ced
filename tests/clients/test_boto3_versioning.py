"""Versioning of objects, from the S3 User Guide, "Retaining multiple versions of objects"."""

from __future__ import annotations

import pytest

from tests.clients.versions_kit import body_of, enable, listed, put, refusal


def test_versioning_is_off_until_it_is_enabled_and_is_then_only_suspended(s3, bucket):
    """GetBucketVersioning says nothing, then Enabled, then Suspended; other states are refused."""
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    for status in ("Enabled", "Suspended", "Enabled"):
        enable(s3, bucket, status)
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == status
    status, code, _ = refusal(
        s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Off"}
    )
    assert (status, code) == (400, "MalformedXML")


def test_a_bucket_without_versioning_tells_no_version_ids(s3, bucket):
    """Answers of a bucket that never had versioning have no x-amz-version-id."""
    assert "VersionId" not in s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    assert "VersionId" not in s3.head_object(Bucket=bucket, Key="k")
    assert "VersionId" not in s3.delete_object(Bucket=bucket, Key="k")


def test_each_put_makes_a_version_that_stays(s3, bucket):
    """Every PUT has a version id of its own; each can be read by it, and the last one without."""
    enable(s3, bucket)
    ids = [put(s3, bucket, "k", b"%d" % number) for number in range(5)]
    assert len(set(ids)) == 5
    for number, version_id in enumerate(ids):
        got = s3.get_object(Bucket=bucket, Key="k", VersionId=version_id)
        assert (got["VersionId"], got["Body"].read()) == (version_id, b"%d" % number)
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["VersionId"], body_of(s3, bucket, "k")) == (ids[-1], b"4")


def test_large_versions_stay_beside_each_other(s3, bucket):
    """Versions whose bytes lie in shard files are read whole and by range, each by its id."""
    enable(s3, bucket)
    bodies = [bytes([number]) * (3 * 1024 * 1024 + number) for number in range(3)]
    ids = [put(s3, bucket, "k", body) for body in bodies]
    for version_id, body in zip(ids, bodies, strict=True):
        assert body_of(s3, bucket, "k", VersionId=version_id) == body
        assert body_of(s3, bucket, "k", VersionId=version_id, Range="bytes=2097150-2097160") == body[:11]


def test_what_was_there_before_is_the_null_version(s3, bucket):
    """An object from before versioning keeps the id `null` and is revealed when those above are removed."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    enable(s3, bucket)
    assert s3.head_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    new = put(s3, bucket, "k", b"new")
    assert listed(s3, bucket) == [("k", new, True, False), ("k", "null", False, False)]
    assert body_of(s3, bucket, "k", VersionId="null") == b"old"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=new)
    assert body_of(s3, bucket, "k") == b"old"


def test_a_delete_adds_a_marker_and_removing_it_brings_the_object_back(s3, bucket):
    """DELETE without a version hides the object behind a marker, which is removed by its id."""
    enable(s3, bucket)
    version_id = put(s3, bucket, "k", b"1")
    gone = s3.delete_object(Bucket=bucket, Key="k")
    assert gone["DeleteMarker"] is True
    status, code, headers = refusal(s3.get_object, Bucket=bucket, Key="k")
    assert (status, code) == (404, "NoSuchKey")
    assert headers["x-amz-delete-marker"] == "true"
    assert headers["x-amz-version-id"] == gone["VersionId"]
    assert body_of(s3, bucket, "k", VersionId=version_id) == b"1"
    back = s3.delete_object(Bucket=bucket, Key="k", VersionId=gone["VersionId"])
    assert (back["DeleteMarker"], back["VersionId"]) == (True, gone["VersionId"])
    assert body_of(s3, bucket, "k") == b"1"


def test_a_marker_has_nothing_to_read(s3, bucket):
    """GET and HEAD of a marker by its id are 405 and say that it is one; so are its tags and attributes."""
    enable(s3, bucket)
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    for call in (s3.get_object, s3.head_object, s3.get_object_tagging):
        status, _, headers = refusal(call, Bucket=bucket, Key="k", VersionId=marker)
        assert (status, headers["x-amz-delete-marker"]) == (405, "true")
        assert headers["allow"] == "DELETE"
    status, _, headers = refusal(s3.head_object, Bucket=bucket, Key="k")
    assert (status, headers["x-amz-delete-marker"]) == (404, "true")


def test_removing_the_newest_version_reveals_the_one_before(s3, bucket):
    """Each removal of the current version makes the one before it current, to the last."""
    enable(s3, bucket)
    ids = [put(s3, bucket, "k", b"%d" % number) for number in range(4)]
    for number in (3, 2, 1):
        gone = s3.delete_object(Bucket=bucket, Key="k", VersionId=ids[number])
        assert (gone["VersionId"], gone.get("DeleteMarker")) == (ids[number], None)
        assert body_of(s3, bucket, "k") == b"%d" % (number - 1)
    s3.delete_object(Bucket=bucket, Key="k", VersionId=ids[0])
    status, code, headers = refusal(s3.get_object, Bucket=bucket, Key="k")
    assert (status, code, headers.get("x-amz-delete-marker")) == (404, "NoSuchKey", None)
    assert listed(s3, bucket) == []


def test_removing_an_older_version_leaves_the_current_one(s3, bucket):
    """A version amid others goes for good, and nothing else does."""
    enable(s3, bucket)
    ids = [put(s3, bucket, "k", b"%d" % number) for number in range(3)]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=ids[1])
    assert refusal(s3.get_object, Bucket=bucket, Key="k", VersionId=ids[1])[:2] == (404, "NoSuchVersion")
    assert [found[1] for found in listed(s3, bucket)] == [ids[2], ids[0]]
    assert body_of(s3, bucket, "k") == b"2"


@pytest.mark.parametrize(
    ("version_id", "answer"),
    [("0" * 32, (404, "NoSuchVersion")), ("null", (404, "NoSuchVersion")), ("x", (400, "InvalidArgument"))],
)
def test_versions_that_are_not_there(s3, bucket, version_id, answer):
    """A version that is not there is 404, a text that names none is 400; removing the former succeeds."""
    enable(s3, bucket)
    put(s3, bucket, "k", b"1")
    assert refusal(s3.get_object, Bucket=bucket, Key="k", VersionId=version_id)[:2] == answer
    if answer[0] == 404:
        s3.delete_object(Bucket=bucket, Key="k", VersionId=version_id)
    assert body_of(s3, bucket, "k") == b"1"


def test_suspended_versioning_replaces_the_null_version_alone(s3, bucket):
    """While suspended a PUT replaces the null version, and those with ids stay below and above it."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"null 1")
    enable(s3, bucket)
    kept = put(s3, bucket, "k", b"kept")
    enable(s3, bucket, "Suspended")
    for body in (b"null 2", b"null 3"):
        assert put(s3, bucket, "k", body) == "null"
        assert body_of(s3, bucket, "k") == body
    assert listed(s3, bucket) == [("k", "null", True, False), ("k", kept, False, False)]
    enable(s3, bucket)
    above = put(s3, bucket, "k", b"above")
    assert [found[1] for found in listed(s3, bucket)] == [above, "null", kept]


def test_suspended_versioning_deletes_by_a_null_marker(s3, bucket):
    """While suspended a DELETE puts a null marker in the place of the null version; others stay."""
    enable(s3, bucket)
    kept = put(s3, bucket, "k", b"kept")
    enable(s3, bucket, "Suspended")
    put(s3, bucket, "k", b"lost")
    gone = s3.delete_object(Bucket=bucket, Key="k")
    assert (gone["DeleteMarker"], gone["VersionId"]) == (True, "null")
    assert refusal(s3.get_object, Bucket=bucket, Key="k")[:2] == (404, "NoSuchKey")
    assert sorted(listed(s3, bucket)) == sorted([("k", kept, False, False), ("k", "null", True, True)])
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert body_of(s3, bucket, "k") == b"kept"


def test_listings_show_current_objects_only(s3, bucket):
    """ListObjects shows no key whose current version is a marker, alone or in a group, and others once."""
    enable(s3, bucket)
    for key in ("a", "d/1", "d/2", "e/1", "z"):
        put(s3, bucket, key, b"1")
        put(s3, bucket, key, b"22")
    for key in ("a", "d/1", "e/1", "never"):
        s3.delete_object(Bucket=bucket, Key=key)
    shown = s3.list_objects_v2(Bucket=bucket)
    assert [(one["Key"], one["Size"]) for one in shown["Contents"]] == [("d/2", 2), ("z", 2)]
    grouped = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [one["Prefix"] for one in grouped["CommonPrefixes"]] == ["d/"]
    assert [one["Key"] for one in grouped["Contents"]] == ["z"]


def test_a_bucket_with_versions_is_not_empty(s3, bucket):
    """DeleteBucket refuses a bucket in which a version or a marker is left."""
    enable(s3, bucket)
    put(s3, bucket, "k", b"1")
    s3.delete_object(Bucket=bucket, Key="k")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    for _, version_id, _, _ in listed(s3, bucket):
        assert refusal(s3.delete_bucket, Bucket=bucket)[:2] == (409, "BucketNotEmpty")
        s3.delete_object(Bucket=bucket, Key="k", VersionId=version_id)
    s3.delete_bucket(Bucket=bucket)


def test_delete_objects_tells_what_became_of_each(s3, bucket):
    """DeleteObjects adds markers, removes versions and removes markers in one request, and says which."""
    enable(s3, bucket)
    first = put(s3, bucket, "a", b"1")
    put(s3, bucket, "a", b"2")
    put(s3, bucket, "b", b"1")
    marker = s3.delete_object(Bucket=bucket, Key="c")["VersionId"]
    wanted = [{"Key": "a", "VersionId": first}, {"Key": "b"}, {"Key": "c", "VersionId": marker}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": wanted})
    deleted = {one["Key"]: one for one in answer["Deleted"]}
    assert deleted["a"] == {"Key": "a", "VersionId": first}
    assert deleted["b"]["DeleteMarker"] is True
    assert deleted["c"] == {
        "Key": "c",
        "VersionId": marker,
        "DeleteMarker": True,
        "DeleteMarkerVersionId": marker,
    }
    assert deleted["b"]["DeleteMarkerVersionId"] in [found[1] for found in listed(s3, bucket)]
    assert body_of(s3, bucket, "a") == b"2"


def test_a_copy_of_a_version_makes_a_version(s3, bucket):
    """CopyObject takes the version that its source names, tells both ids, and can bring it back."""
    enable(s3, bucket)
    first = put(s3, bucket, "k", b"first", Metadata={"n": "1"})
    put(s3, bucket, "k", b"second")
    source = {"Bucket": bucket, "Key": "k", "VersionId": first}
    copied = s3.copy_object(Bucket=bucket, Key="k", CopySource=source)
    assert copied["CopySourceVersionId"] == first
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["VersionId"], head["Metadata"]) == (copied["VersionId"], {"n": "1"})
    assert body_of(s3, bucket, "k") == b"first"
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    assert refusal(s3.copy_object, Bucket=bucket, Key="x", CopySource=f"{bucket}/k")[:2] == (404, "NoSuchKey")
    named = {"Bucket": bucket, "Key": "k", "VersionId": marker}
    assert refusal(s3.copy_object, Bucket=bucket, Key="x", CopySource=named)[:2] == (400, "InvalidRequest")


def test_completing_an_upload_makes_a_version(s3, bucket):
    """CompleteMultipartUpload adds a version like a PUT, and parts may be copied from a version."""
    enable(s3, bucket)
    first = put(s3, bucket, "k", b"x" * 6_000_000)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    source = {"Bucket": bucket, "Key": "k", "VersionId": first}
    copied = s3.upload_part_copy(**named, PartNumber=1, CopySource=source)
    assert copied["CopySourceVersionId"] == first
    part = s3.upload_part(**named, PartNumber=2, Body=b"end")
    parts = [
        {"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]},
        {"PartNumber": 2, "ETag": part["ETag"]},
    ]
    done = s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    assert [found[1] for found in listed(s3, bucket)] == [done["VersionId"], first]
    assert body_of(s3, bucket, "k") == b"x" * 6_000_000 + b"end"


def test_tags_belong_to_one_version(s3, bucket):
    """Tags are set, told and removed of the version that is named, and of the current one if none is."""
    enable(s3, bucket)
    ids = [put(s3, bucket, "k", b"%d" % number) for number in range(2)]
    tags = [{"Key": "n", "Value": "0"}]
    answer = s3.put_object_tagging(Bucket=bucket, Key="k", VersionId=ids[0], Tagging={"TagSet": tags})
    assert answer["VersionId"] == ids[0]
    assert s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=ids[0])["TagSet"] == tags
    current = s3.get_object_tagging(Bucket=bucket, Key="k")
    assert (current["VersionId"], current["TagSet"]) == (ids[1], [])
    # What is said of an old version does not make it current.
    assert body_of(s3, bucket, "k") == b"1"
    assert [found[1] for found in listed(s3, bucket)] == [ids[1], ids[0]]
    s3.delete_object_tagging(Bucket=bucket, Key="k", VersionId=ids[0])
    assert s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=ids[0])["TagSet"] == []


def test_conditions_mean_the_current_version(s3, bucket):
    """A key behind a marker counts as absent for If-None-Match and If-Match; with a version DELETE compares
    that one.
    """
    enable(s3, bucket)
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    refused = refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert refused[:2] == (412, "PreconditionFailed")
    s3.delete_object(Bucket=bucket, Key="k")
    refused = refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch=first["ETag"])
    assert refused[:2] == (404, "NoSuchKey")
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=second["ETag"])
    named = {"Bucket": bucket, "Key": "k", "VersionId": first["VersionId"]}
    assert refusal(s3.delete_object, **named, IfMatch=second["ETag"])[:2] == (412, "PreconditionFailed")
    s3.delete_object(**named, IfMatch=first["ETag"])
    assert refusal(s3.get_object, **named)[:2] == (404, "NoSuchVersion")


def test_a_condition_that_holds_of_nothing_still_adds_a_marker(s3, bucket):
    """Size and time hold where there is no object; with versioning the delete then marks the key, as one
    without a condition does.
    """
    enable(s3, bucket)
    assert s3.delete_object(Bucket=bucket, Key="never", IfMatchSize=1)["DeleteMarker"] is True
    wanted = {"Objects": [{"Key": "either", "Size": 1}]}
    assert s3.delete_objects(Bucket=bucket, Delete=wanted)["Deleted"][0]["DeleteMarker"] is True
    assert [found[0] for found in listed(s3, bucket)] == ["either", "never"]
