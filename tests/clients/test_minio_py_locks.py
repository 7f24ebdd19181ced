"""minio-py: Object Lock."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.client


def code_of(call, *arguments, **named) -> str:
    from minio.error import S3Error

    with pytest.raises(S3Error) as caught:
        call(*arguments, **named)
    return caught.value.code


def test_locks(minio, bucket_name):
    """A bucket with Object Lock: its configuration, retention and hold with an upload and afterwards, and
    what they forbid.
    """
    from minio.commonconfig import COMPLIANCE, GOVERNANCE
    from minio.deleteobjects import DeleteObject
    from minio.objectlockconfig import DAYS, ObjectLockConfig
    from minio.retention import Retention

    minio.make_bucket(bucket_name=bucket_name, object_lock=True)
    minio.set_object_lock_config(bucket_name=bucket_name, config=ObjectLockConfig(GOVERNANCE, 15, DAYS))
    config = minio.get_object_lock_config(bucket_name=bucket_name)
    assert (config.mode, config.duration, config.duration_unit) == (GOVERNANCE, 15, DAYS)
    minio.delete_object_lock_config(bucket_name=bucket_name)
    assert minio.get_object_lock_config(bucket_name=bucket_name).mode is None

    until = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    where = {"bucket_name": bucket_name, "object_name": "k"}
    written = minio.put_object(
        **where, data=io.BytesIO(b"body"), length=4, retention=Retention(GOVERNANCE, until), legal_hold=True
    )
    found = minio.get_object_retention(**where)
    assert (found.mode, found.retain_until_date) == (GOVERNANCE, until)
    assert minio.is_object_legal_hold_enabled(**where)
    version = {"version_id": written.version_id}
    assert code_of(minio.remove_object, **where, **version) == "AccessDenied"
    minio.disable_object_legal_hold(**where)
    assert not minio.is_object_legal_hold_enabled(**where)
    assert code_of(minio.remove_object, **where, **version) == "AccessDenied"
    wanted = [DeleteObject("k", written.version_id)]
    assert [one.code for one in minio.remove_objects(bucket_name, wanted)] == ["AccessDenied"]
    assert list(minio.remove_objects(bucket_name, wanted, bypass_governance_mode=True)) == []

    written = minio.put_object(**where, data=io.BytesIO(b"body"), length=4)
    assert minio.get_object_retention(**where) is None
    assert not minio.is_object_legal_hold_enabled(**where)
    minio.set_object_retention(**where, config=Retention(COMPLIANCE, until))
    sooner = Retention(COMPLIANCE, until - timedelta(hours=1))
    assert code_of(minio.set_object_retention, **where, config=sooner) == "AccessDenied"
    minio.remove_object(**where)
    version = {"version_id": written.version_id}
    assert code_of(minio.remove_object, **where, **version) == "AccessDenied"
