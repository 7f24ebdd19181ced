"""s3cmd: retention and legal hold, and uploads into a bucket that retains."""

from __future__ import annotations

import pytest

from tests.clients.locks_kit import check_retained, retain_by_default, soon, text_of
from tests.clients.versions_kit import listed, put, refusal

pytestmark = pytest.mark.client

ENDED_WELL = 1
"""What s3cmd's `setobjectretention` ends with when all went well: it forgets to say so."""


def test_retention_and_legal_hold(s3cmd, s3, locked_bucket):
    """`setobjectretention` and `setobjectlegalhold` lock the current version, which then is not removed."""
    named = {"Bucket": locked_bucket, "Key": "k", "VersionId": put(s3, locked_bucket, "k", b"1")}
    until = soon()
    retain = ("setobjectretention", "GOVERNANCE", text_of(until), f"s3://{locked_bucket}/k")
    s3cmd(*retain, status=ENDED_WELL)
    s3cmd("setobjectlegalhold", "ON", f"s3://{locked_bucket}/k")
    told = s3.get_object_retention(**named)["Retention"]
    assert told == {"Mode": "GOVERNANCE", "RetainUntilDate": until}
    assert s3.get_object_legal_hold(**named)["LegalHold"] == {"Status": "ON"}
    bypass = {"BypassGovernanceRetention": True}
    assert refusal(s3.delete_object, **named, **bypass)[:2] == (403, "AccessDenied")
    s3cmd("setobjectlegalhold", "OFF", f"s3://{locked_bucket}/k")
    assert refusal(s3.delete_object, **named)[:2] == (403, "AccessDenied")
    s3.delete_object(**named, **bypass)


def test_nothing_is_locked_in_a_bucket_without_object_lock(s3cmd, s3, bucket):
    """Where the bucket has no Object Lock, `setobjectretention` and `setobjectlegalhold` are refused."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    s3cmd("setobjectretention", "GOVERNANCE", text_of(soon()), f"s3://{bucket}/k", status=11)
    s3cmd("setobjectlegalhold", "ON", f"s3://{bucket}/k", status=11)


@pytest.mark.parametrize("size", [5, 6 * 1024 * 1024])
def test_put_into_a_bucket_that_retains(s3cmd, s3, locked_bucket, tmp_path, size):
    """`put`, in parts where the file is large, gets the bucket's retention; `del` adds a marker alone."""
    retain_by_default(s3, locked_bucket, "GOVERNANCE", 1)
    source = tmp_path / "source"
    source.write_bytes(bytes(size))
    s3cmd("put", source, f"s3://{locked_bucket}/k")
    check_retained(s3.head_object(Bucket=locked_bucket, Key="k"), "GOVERNANCE", 1)
    s3cmd("del", f"s3://{locked_bucket}/k")
    assert sorted(is_marker for _, _, _, is_marker in listed(s3, locked_bucket)) == [False, True]
