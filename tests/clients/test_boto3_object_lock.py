"""Object Lock as boto3 sees it: what is answered, and each refusal by S3's code, status and words."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import datetime

import pytest
from botocore.exceptions import ClientError

from tests.clients.locks_kit import soon
from tests.clients.raw import UNSIGNED, path_of
from tests.clients.versions_kit import enable, put

PROTECTED = (403, "AccessDenied", "Access Denied because object protected by object lock.")
NO_BUCKET_LOCK = (400, "InvalidRequest", "Bucket is missing Object Lock Configuration")
NOT_CONFIGURED = (
    404,
    "NoSuchObjectLockConfiguration",
    "The specified object does not have a ObjectLock configuration",
)
PAST = (400, "InvalidArgument", "The retain until date must be in the future!")
ON = {"LegalHold": {"Status": "ON"}}
OFF = {"LegalHold": {"Status": "OFF"}}


def refused(call, **arguments: object) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    error = response["Error"]
    return response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


def configuration(**retention: object) -> dict:
    rule = {"Rule": {"DefaultRetention": retention}} if retention else {}
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **rule}}


def retained(mode: str, until: datetime) -> dict:
    return {"Retention": {"Mode": mode, "RetainUntilDate": until}}


def test_configurations(s3, locked_bucket):
    """A new bucket has Object Lock and versioning and no default; defaults come, change and go."""
    where = {"Bucket": locked_bucket}
    assert s3.get_bucket_versioning(**where)["Status"] == "Enabled"
    for default in ({}, {"Mode": "GOVERNANCE", "Days": 1}, {"Mode": "COMPLIANCE", "Years": 2}, {}):
        s3.put_object_lock_configuration(**where, **configuration(**default))
        answer = s3.get_object_lock_configuration(**where)["ObjectLockConfiguration"]
        assert answer == configuration(**default)["ObjectLockConfiguration"]


@pytest.mark.parametrize(
    ("default", "code"),
    [
        ({"Mode": "GOVERNANCE"}, "MalformedXML"),
        ({"Mode": "GOVERNANCE", "Days": 1, "Years": 1}, "MalformedXML"),
        ({"Mode": "governance", "Days": 1}, "MalformedXML"),
        ({"Mode": "GOVERNANCE", "Days": 0}, "InvalidArgument"),
        ({"Mode": "GOVERNANCE", "Years": -1}, "InvalidArgument"),
        ({"Mode": "GOVERNANCE", "Years": 101}, "InvalidArgument"),
    ],
)
def test_configurations_that_are_refused(s3, locked_bucket, default, code):
    """400, and the bucket stays as it is."""
    where = {"Bucket": locked_bucket}
    s3.put_object_lock_configuration(**where, **configuration(Mode="GOVERNANCE", Days=7))
    refusal = refused(s3.put_object_lock_configuration, **where, **configuration(**default))
    assert refusal[:2] == (400, code)
    kept = s3.get_object_lock_configuration(**where)["ObjectLockConfiguration"]["Rule"]
    assert kept == {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 7}}


def test_versioning_comes_first_and_stays(s3, bucket):
    """Object Lock needs versioning that is enabled, which then cannot be suspended any more."""
    where = {"Bucket": bucket}
    needs = (
        409,
        "InvalidBucketState",
        "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    )
    none = (
        404,
        "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket",
    )
    for status in ("", "Suspended"):
        if status:
            enable(s3, bucket, status)
        assert refused(s3.put_object_lock_configuration, **where, **configuration()) == needs
        assert refused(s3.get_object_lock_configuration, **where) == none
    enable(s3, bucket)
    s3.put_object_lock_configuration(**where, **configuration())
    fixed = (
        409,
        "InvalidBucketState",
        "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
    )
    suspended = {"VersioningConfiguration": {"Status": "Suspended"}}
    assert refused(s3.put_bucket_versioning, **where, **suspended) == fixed
    enable(s3, bucket)


def test_a_bucket_without_object_lock_locks_nothing(s3, bucket):
    """Neither by the operations for it nor by headers."""
    enable(s3, bucket)
    put(s3, bucket, "k", b"")
    where = {"Bucket": bucket, "Key": "k"}
    assert refused(s3.get_object_retention, **where) == NO_BUCKET_LOCK
    assert refused(s3.get_object_legal_hold, **where) == NO_BUCKET_LOCK
    assert refused(s3.put_object_retention, **where, **retained("GOVERNANCE", soon())) == NO_BUCKET_LOCK
    assert refused(s3.put_object_legal_hold, **where, **ON) == NO_BUCKET_LOCK
    upload = (400, "InvalidRequest", "Bucket is missing ObjectLockConfiguration")
    for call in (s3.put_object, s3.create_multipart_upload):
        assert refused(call, **where, ObjectLockLegalHoldStatus="ON") == upload
    # Tools send it with every delete.
    s3.delete_object(**where, BypassGovernanceRetention=True)


def test_each_version_has_a_lock_of_its_own(s3, locked_bucket):
    """By version and by what is current; what was never given is not there, and a delete marker has none."""
    where = {"Bucket": locked_bucket, "Key": "k"}
    first, second = (put(s3, locked_bucket, "k", body) for body in (b"1", b"2"))
    until = soon()
    s3.put_object_retention(**where, VersionId=first, **retained("GOVERNANCE", until))
    s3.put_object_legal_hold(**where, **OFF)
    assert s3.get_object_retention(**where, VersionId=first) | {"ResponseMetadata": 0} == {
        **retained("GOVERNANCE", until),
        "ResponseMetadata": 0,
    }
    assert refused(s3.get_object_retention, **where) == NOT_CONFIGURED
    assert s3.get_object_legal_hold(**where, VersionId=second)["LegalHold"] == {"Status": "OFF"}
    assert refused(s3.get_object_legal_hold, **where, VersionId=first) == NOT_CONFIGURED
    told = s3.head_object(**where)
    assert told["ObjectLockLegalHoldStatus"] == "OFF"
    assert "ObjectLockMode" not in told
    s3.delete_object(**where, VersionId=second)
    marker = s3.delete_object(**where)["VersionId"]
    for call, more in ((s3.get_object_retention, {}), (s3.put_object_legal_hold, ON)):
        assert refused(call, **where, **more)[:2] == (404, "NoSuchKey")
        assert refused(call, **where, VersionId=second, **more)[:2] == (404, "NoSuchVersion")
        assert refused(call, **where, VersionId=marker, **more)[:2] == (405, "MethodNotAllowed")
    s3.delete_object(**where, VersionId=marker)
    assert refused(s3.delete_object, **where, VersionId=first) == PROTECTED
    s3.delete_object(**where, VersionId=first, BypassGovernanceRetention=True)


def test_an_empty_retention_takes_it_off(s3, locked_bucket):
    """With the bypass in GOVERNANCE, and never in COMPLIANCE."""
    where = {"Bucket": locked_bucket, "Key": "k"}
    version = put(s3, locked_bucket, "k", b"")
    s3.put_object_retention(**where, **retained("GOVERNANCE", soon()))
    assert refused(s3.put_object_retention, **where, Retention={}) == PROTECTED
    s3.put_object_retention(**where, Retention={}, BypassGovernanceRetention=True)
    assert refused(s3.get_object_retention, **where) == NOT_CONFIGURED
    s3.put_object_retention(**where, **retained("COMPLIANCE", soon()))
    for bypass in (False, True):
        arguments = {**where, "Retention": {}, "BypassGovernanceRetention": bypass}
        assert refused(s3.put_object_retention, **arguments) == PROTECTED
    assert refused(s3.delete_object, **where, VersionId=version) == PROTECTED


def test_dates_lie_in_the_future(s3, locked_bucket):
    """By headers and by the operation; nothing is stored with a date that is past."""
    where = {"Bucket": locked_bucket, "Key": "k"}
    past = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": soon(-1)}
    for call in (s3.put_object, s3.create_multipart_upload):
        assert refused(call, **where, **past) == PAST
    assert refused(s3.head_object, **where)[0] == 404
    put(s3, locked_bucket, "k", b"")
    assert refused(s3.put_object_retention, **where, **retained("COMPLIANCE", soon(-1))) == PAST


def test_many_deletes_at_once(s3, locked_bucket):
    """Locked versions fail, each by itself; the others go, and keys get their delete markers."""
    versions = {
        key: put(s3, locked_bucket, key, b"", **lock)
        for key, lock in (
            ("free", {}),
            ("held", {"ObjectLockLegalHoldStatus": "ON"}),
            ("kept", {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": soon()}),
        )
    }
    named = {"Objects": [{"Key": key, "VersionId": version} for key, version in versions.items()]}
    where = {"Bucket": locked_bucket}
    answer = s3.delete_objects(**where, Delete=named)
    assert [one["Key"] for one in answer["Deleted"]] == ["free"]
    errors = {(one["Key"], one["Code"], one["Message"]) for one in answer["Errors"]}
    assert errors == {(key, *PROTECTED[1:]) for key in ("held", "kept")}
    answer = s3.delete_objects(**where, Delete=named, BypassGovernanceRetention=True)
    assert [one["Key"] for one in answer["Errors"]] == ["held"]
    answer = s3.delete_objects(**where, Delete={"Objects": [{"Key": "held"}]})
    assert answer["Deleted"][0]["DeleteMarker"]
    s3.put_object_legal_hold(**where, Key="held", VersionId=versions["held"], **OFF)
    s3.delete_object(**where, Key="held", VersionId=versions["held"])


def test_a_copy_carries_no_lock(s3, locked_bucket):
    """Only what the copy's own request asks for."""
    put(s3, locked_bucket, "k", b"x", ObjectLockLegalHoldStatus="ON")
    source = {"Bucket": locked_bucket, "Key": "k"}
    s3.copy_object(Bucket=locked_bucket, Key="copy", CopySource=source)
    assert "ObjectLockLegalHoldStatus" not in s3.head_object(Bucket=locked_bucket, Key="copy")


def test_raw_headers(raw, locked_bucket, s3):
    """Headers are refused by name; and what will be locked must be vouched for by a digest or its
    signature.
    """
    path = path_of(locked_bucket, "k")
    mode, until = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"
    for headers, message in (
        ({mode: "GOVERNANCE"}, f"{until} and {mode} must both be supplied"),
        ({mode: "other", until: "2099-01-01"}, "Unknown wormMode directive."),
        ({mode: "GOVERNANCE", until: "x"}, "The retain until date must be provided in ISO 8601 format"),
        ({"x-amz-object-lock-legal-hold": "x"}, "Legal Hold must be either of 'ON' or 'OFF'"),
    ):
        answer = raw.request("PUT", path, headers, b"body")
        assert (answer.status, answer.code) == (400, "InvalidArgument")
        assert message in answer.body.decode()
    assert s3.list_objects_v2(Bucket=locked_bucket)["KeyCount"] == 0
    for until_text in ("2099-01-01", "2099-01-01T00:00:00+02:00", "20990101T000000Z"):
        asked = {mode: "GOVERNANCE", until: until_text}
        answer = raw.request("PUT", path, asked, b"body", payload_hash=UNSIGNED)
        assert (answer.status, answer.code) == (400, "InvalidRequest")
        digest = {"content-md5": b64encode(hashlib.md5(b"body").digest()).decode()}
        for vouched in ({"payload_hash": UNSIGNED, "headers": asked | digest}, {"headers": asked}):
            assert raw.request("PUT", path, body=b"body", **vouched).status == 200


@pytest.mark.parametrize("size", [5, 2 * 1024 * 1024])
def test_an_append_leaves_the_locked_version(s3, locked_bucket, size):
    """It makes a version of its own, whose lock is that of its request."""
    where = {"Bucket": locked_bucket, "Key": "log"}
    version = put(s3, locked_bucket, "log", b"a" * size, ObjectLockLegalHoldStatus="ON")
    appended = s3.put_object(**where, Body=b"b", WriteOffsetBytes=size)["VersionId"]
    assert "ObjectLockLegalHoldStatus" not in s3.head_object(**where, VersionId=appended)
    assert refused(s3.delete_object, **where, VersionId=version) == PROTECTED
    s3.delete_object(**where, VersionId=appended)
    assert s3.get_object(**where)["Body"].read() == b"a" * size
    until = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": soon()}
    appended = s3.put_object(**where, Body=b"b", WriteOffsetBytes=size, **until)["VersionId"]
    assert refused(s3.delete_object, **where, VersionId=appended) == PROTECTED
