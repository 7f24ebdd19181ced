"""minio-py: what new versions are retained by, through uploads, copies and compositions."""

from __future__ import annotations

import pytest

from tests.clients.content import MIB, content
from tests.clients.locks_kit import check_retained, retain_by_default, soon
from tests.clients.minio_kit import put, read

pytestmark = pytest.mark.client


@pytest.mark.parametrize("size", [5, 6 * MIB])
def test_uploads_get_the_default(minio, s3, locked_bucket, size):
    """put_object, in parts too, gets the bucket's retention, and keeps its own where it brings one."""
    from minio.commonconfig import COMPLIANCE
    from minio.retention import Retention

    retain_by_default(s3, locked_bucket, "GOVERNANCE", 1)
    put(minio, locked_bucket, "default", content(size), part_size=5 * MIB)
    check_retained(s3.head_object(Bucket=locked_bucket, Key="default"), "GOVERNANCE", 1)
    until = soon(3)
    own = {"retention": Retention(COMPLIANCE, until), "legal_hold": True}
    put(minio, locked_bucket, "own", content(size), part_size=5 * MIB, **own)
    found = minio.get_object_retention(bucket_name=locked_bucket, object_name="own")
    assert (found.mode, found.retain_until_date) == (COMPLIANCE, until)
    assert minio.is_object_legal_hold_enabled(bucket_name=locked_bucket, object_name="own")


def test_copies_and_compositions_bring_their_own(minio, locked_bucket):
    """copy_object and compose_object lock what they make, and the version that was there stays as it was."""
    from minio.commonconfig import GOVERNANCE, ComposeSource, CopySource
    from minio.retention import Retention

    first, second = content(5 * MIB, seed=1), b"second"
    until = soon()
    own = {"retention": Retention(GOVERNANCE, until), "legal_hold": True}
    old = put(minio, locked_bucket, "a", first).version_id
    put(minio, locked_bucket, "b", second)
    source = CopySource(bucket_name=locked_bucket, object_name="a", version_id=old)
    minio.copy_object(bucket_name=locked_bucket, object_name="a", source=source, **own)
    sources = [ComposeSource(bucket_name=locked_bucket, object_name=key) for key in ("a", "b")]
    minio.compose_object(bucket_name=locked_bucket, object_name="both", sources=sources, **own)
    for key, body in (("a", first), ("both", first + second)):
        found = minio.get_object_retention(bucket_name=locked_bucket, object_name=key)
        assert (found.mode, found.retain_until_date) == (GOVERNANCE, until)
        assert minio.is_object_legal_hold_enabled(bucket_name=locked_bucket, object_name=key)
        assert read(minio, locked_bucket, key) == body
    named = {"bucket_name": locked_bucket, "object_name": "a", "version_id": old}
    assert minio.get_object_retention(**named) is None
    minio.remove_object(**named)


def test_a_version_is_locked_by_its_id(minio, locked_bucket):
    """Retention and legal hold are set and told of the version that is named, else of the current one."""
    from minio.commonconfig import GOVERNANCE
    from minio.error import S3Error
    from minio.retention import Retention

    where = {"bucket_name": locked_bucket, "object_name": "k"}
    old = {"version_id": put(minio, locked_bucket, "k", b"old").version_id}
    put(minio, locked_bucket, "k", b"new")
    minio.set_object_retention(**where, **old, config=Retention(GOVERNANCE, soon()))
    minio.enable_object_legal_hold(**where, **old)
    assert minio.get_object_retention(**where) is None
    assert not minio.is_object_legal_hold_enabled(**where)
    with pytest.raises(S3Error) as caught:
        minio.remove_object(**where, **old)
    assert caught.value.code == "AccessDenied"
    minio.disable_object_legal_hold(**where, **old)
    assert not minio.is_object_legal_hold_enabled(**where, **old)
    assert minio.get_object_retention(**where, **old).mode == GOVERNANCE
