"""minio-py: Object Lock."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

from tests.clients import tools

pytestmark = pytest.mark.client


@pytest.fixture(scope="module")
def library():
    return tools.module("minio")


@pytest.fixture(scope="module")
def client(library, server):
    return library.Minio(
        endpoint=server.address, access_key=server.access_key, secret_key=server.secret_key, secure=False
    )


def code_of(library, call, *arguments, **named) -> str:
    with pytest.raises(library.error.S3Error) as caught:
        call(*arguments, **named)
    return caught.value.code


def test_locks(library, client, bucket_name):
    """A bucket with Object Lock: its configuration, retention and hold with an upload and afterwards, and
    what they forbid.
    """
    from minio.commonconfig import COMPLIANCE, GOVERNANCE
    from minio.deleteobjects import DeleteObject
    from minio.objectlockconfig import DAYS, ObjectLockConfig
    from minio.retention import Retention

    client.make_bucket(bucket_name=bucket_name, object_lock=True)
    client.set_object_lock_config(bucket_name=bucket_name, config=ObjectLockConfig(GOVERNANCE, 15, DAYS))
    config = client.get_object_lock_config(bucket_name=bucket_name)
    assert (config.mode, config.duration, config.duration_unit) == (GOVERNANCE, 15, DAYS)
    client.delete_object_lock_config(bucket_name=bucket_name)
    assert client.get_object_lock_config(bucket_name=bucket_name).mode is None

    until = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    where = {"bucket_name": bucket_name, "object_name": "k"}
    written = client.put_object(
        **where, data=io.BytesIO(b"body"), length=4, retention=Retention(GOVERNANCE, until), legal_hold=True
    )
    found = client.get_object_retention(**where)
    assert (found.mode, found.retain_until_date) == (GOVERNANCE, until)
    assert client.is_object_legal_hold_enabled(**where)
    version = {"version_id": written.version_id}
    assert code_of(library, client.remove_object, **where, **version) == "AccessDenied"
    client.disable_object_legal_hold(**where)
    assert not client.is_object_legal_hold_enabled(**where)
    assert code_of(library, client.remove_object, **where, **version) == "AccessDenied"
    wanted = [DeleteObject("k", written.version_id)]
    assert [one.code for one in client.remove_objects(bucket_name, wanted)] == ["AccessDenied"]
    assert list(client.remove_objects(bucket_name, wanted, bypass_governance_mode=True)) == []

    written = client.put_object(**where, data=io.BytesIO(b"body"), length=4)
    assert client.get_object_retention(**where) is None
    assert not client.is_object_legal_hold_enabled(**where)
    client.set_object_retention(**where, config=Retention(COMPLIANCE, until))
    sooner = Retention(COMPLIANCE, until - timedelta(hours=1))
    assert code_of(library, client.set_object_retention, **where, config=sooner) == "AccessDenied"
    client.remove_object(**where)
    version = {"version_id": written.version_id}
    assert code_of(library, client.remove_object, **where, **version) == "AccessDenied"
