"""Retention through boto3: the bucket's default on every way in, and what the modes let pass."""

from __future__ import annotations

import io

import pytest
from boto3.s3.transfer import TransferConfig

from tests.clients.content import MIB, content
from tests.clients.locks_kit import check_retained, retain_by_default, soon
from tests.clients.versions_kit import body_of, put, refusal

PROTECTED = (403, "AccessDenied")
IN_PARTS = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)


def retention(mode: str, days: float) -> dict[str, object]:
    """The argument that retains for so long."""
    return {"Retention": {"Mode": mode, "RetainUntilDate": soon(days)}}


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_every_way_in_gets_the_default(s3, locked_bucket, mode):
    """Puts, uploads in parts and copies are retained as the bucket says, and those from before are not."""
    put(s3, locked_bucket, "before", b"1")
    retain_by_default(s3, locked_bucket, mode, 1)
    put(s3, locked_bucket, "put", b"1")
    data = content(6 * MIB, seed=6)
    s3.upload_fileobj(io.BytesIO(data), locked_bucket, "parts", Config=IN_PARTS)
    source = {"Bucket": locked_bucket, "Key": "before"}
    s3.copy_object(Bucket=locked_bucket, Key="copy", CopySource=source)
    s3.copy({"Bucket": locked_bucket, "Key": "parts"}, locked_bucket, "copied parts", Config=IN_PARTS)
    for key in ("put", "parts", "copy", "copied parts"):
        head = s3.head_object(Bucket=locked_bucket, Key=key)
        check_retained(head, mode, 1)
        named = {"Bucket": locked_bucket, "Key": key, "VersionId": head["VersionId"]}
        assert refusal(s3.delete_object, **named)[:2] == PROTECTED
    assert "ObjectLockMode" not in s3.head_object(Bucket=locked_bucket, Key="before")
    assert body_of(s3, locked_bucket, "copied parts") == data


def test_a_request_overrules_the_default(s3, locked_bucket):
    """What an upload or copy brings itself is taken in place of the bucket's default."""
    retain_by_default(s3, locked_bucket, "GOVERNANCE", 9)
    until = soon(2)
    own = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    put(s3, locked_bucket, "put", b"1", **own)
    source = {"Bucket": locked_bucket, "Key": "put"}
    s3.copy_object(Bucket=locked_bucket, Key="copy", CopySource=source, **own)
    s3.upload_fileobj(io.BytesIO(content(6 * MIB)), locked_bucket, "parts", ExtraArgs=own, Config=IN_PARTS)
    for key in ("put", "copy", "parts"):
        told = s3.get_object_retention(Bucket=locked_bucket, Key=key)["Retention"]
        assert told == {"Mode": "COMPLIANCE", "RetainUntilDate": until}


def test_what_may_be_changed(s3, locked_bucket):
    """Either mode may be made longer; shorter or another mode takes the bypass, which COMPLIANCE ignores."""
    bypass = {"BypassGovernanceRetention": True}
    named = {"Bucket": locked_bucket, "Key": "k"}
    version = {"VersionId": put(s3, locked_bucket, "k", b"1")}
    s3.put_object_retention(**named, **retention("GOVERNANCE", 1))
    s3.put_object_retention(**named, **retention("GOVERNANCE", 2))
    assert refusal(s3.put_object_retention, **named, **retention("GOVERNANCE", 1))[:2] == PROTECTED
    s3.put_object_retention(**named, **retention("GOVERNANCE", 1), **bypass)
    s3.put_object_retention(**named, **retention("COMPLIANCE", 2), **bypass)
    for change in (retention("COMPLIANCE", 1), retention("GOVERNANCE", 3)):
        assert refusal(s3.put_object_retention, **named, **change, **bypass)[:2] == PROTECTED
    s3.put_object_retention(**named, **retention("COMPLIANCE", 3))
    assert refusal(s3.delete_object, **named, **version, **bypass)[:2] == PROTECTED


def test_locked_versions_can_be_covered(s3, locked_bucket):
    """A lock keeps its version and no more: the key is written and deleted, and its tags are changed."""
    own = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": soon()}
    old = put(s3, locked_bucket, "k", b"old", **own)
    put(s3, locked_bucket, "k", b"new")
    tags = [{"Key": "a", "Value": "1"}]
    s3.put_object_tagging(Bucket=locked_bucket, Key="k", VersionId=old, Tagging={"TagSet": tags})
    s3.delete_object(Bucket=locked_bucket, Key="k")
    head = s3.head_object(Bucket=locked_bucket, Key="k", VersionId=old)
    assert (head["ObjectLockMode"], head["TagCount"]) == ("COMPLIANCE", 1)
    assert body_of(s3, locked_bucket, "k", VersionId=old) == b"old"
    assert refusal(s3.delete_bucket, Bucket=locked_bucket)[:2] == (409, "BucketNotEmpty")


def test_a_presigned_upload_with_a_lock(s3, raw, locked_bucket):
    """Headers that lock are signed into a URL, and an upload that brings them and a digest is locked."""
    until = soon()
    params = {"Bucket": locked_bucket, "Key": "k", "ObjectLockLegalHoldStatus": "ON"}
    params |= {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}
    params |= {"ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
    url = s3.generate_presigned_url("put_object", Params=params)
    headers = {
        "Host": raw.server.address,
        "Content-MD5": params["ContentMD5"],
        "x-amz-object-lock-legal-hold": "ON",
        "x-amz-object-lock-mode": "GOVERNANCE",
        "x-amz-object-lock-retain-until-date": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    answer = raw.send("PUT", url.removeprefix(raw.server.url), headers)
    assert answer.status == 200, answer.body
    head = s3.head_object(Bucket=locked_bucket, Key="k")
    assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", until)
    assert head["ObjectLockLegalHoldStatus"] == "ON"
