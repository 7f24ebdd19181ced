"""The aws command line: Object Lock of buckets, retention and legal hold of versions."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.clients.locks_kit import check_retained, retain_by_default, soon, text_of
from tests.clients.versions_kit import listed, put

pytestmark = pytest.mark.client


def test_a_bucket_is_made_with_object_lock_and_a_default(aws, s3, bucket_name):
    """create-bucket switches Object Lock on, and put-object-lock-configuration sets what new versions get."""
    aws.api("create-bucket", "--object-lock-enabled-for-bucket", bucket=bucket_name)
    assert s3.get_bucket_versioning(Bucket=bucket_name)["Status"] == "Enabled"
    rule = {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}}
    wanted = {"ObjectLockEnabled": "Enabled"} | rule
    aws.api("put-object-lock-configuration", bucket=bucket_name, object_lock_configuration=wanted)
    told = aws.api("get-object-lock-configuration", bucket=bucket_name)
    assert told == {"ObjectLockConfiguration": wanted}
    aws.api("put-object", bucket=bucket_name, key="k")
    check_retained(s3.head_object(Bucket=bucket_name, Key="k"), "GOVERNANCE", 3)


def test_retention_holds_until_it_is_bypassed(aws, s3, locked_bucket):
    """put-object retains a version, delete-object of it is refused, and goes with the bypass alone."""
    until = soon()
    where = ("--bucket", locked_bucket, "--key", "k")
    given = {"object_lock_mode": "GOVERNANCE", "object_lock_retain_until_date": text_of(until)}
    version_id = aws.api("put-object", *where, **given)["VersionId"]
    told = aws.api("get-object-retention", *where)["Retention"]
    assert (told["Mode"], datetime.fromisoformat(told["RetainUntilDate"])) == ("GOVERNANCE", until)
    named = (*where, "--version-id", version_id)
    aws.refused("delete-object", *named)
    shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": text_of(soon(0.5))}
    aws.api("put-object-retention", "--bypass-governance-retention", *named, retention=shorter)
    aws.api("delete-object", "--bypass-governance-retention", *named)
    assert listed(s3, locked_bucket) == []


def test_a_legal_hold_is_put_on_and_taken_off(aws, s3, locked_bucket):
    """A version with a hold stays whatever is bypassed, until put-object-legal-hold takes the hold off."""
    version_id = put(s3, locked_bucket, "k", b"1", ObjectLockLegalHoldStatus="ON")
    named = ("--bucket", locked_bucket, "--key", "k", "--version-id", version_id)
    assert aws.api("get-object-legal-hold", *named) == {"LegalHold": {"Status": "ON"}}
    aws.refused("delete-object", "--bypass-governance-retention", *named)
    aws.api("put-object-legal-hold", *named, legal_hold={"Status": "OFF"})
    aws.api("delete-object", *named)
    assert listed(s3, locked_bucket) == []


def test_cp_and_rm_in_a_bucket_that_retains(aws, s3, locked_bucket, tmp_path):
    """`s3 cp` in parts gets the bucket's retention, and `s3 rm` hides the object and removes no version."""
    retain_by_default(s3, locked_bucket, "COMPLIANCE", 1)
    source = tmp_path / "source"
    source.write_bytes(bytes(9 * 1024 * 1024))
    aws("s3", "cp", "--only-show-errors", source, f"s3://{locked_bucket}/k")
    head = s3.head_object(Bucket=locked_bucket, Key="k")
    check_retained(head, "COMPLIANCE", 1)
    aws("s3", "rm", f"s3://{locked_bucket}/k")
    shown = listed(s3, locked_bucket)
    assert shown[0] == ("k", head["VersionId"], False, False)
    assert [is_marker for _, _, _, is_marker in shown] == [False, True]
