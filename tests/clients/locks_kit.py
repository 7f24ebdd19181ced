"""What the tests of Object Lock through tools share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest


def soon(days: float = 1.0) -> datetime:
    """A date ahead, in whole seconds as headers tell it."""
    return (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)


def text_of(moment: datetime) -> str:
    """The date as tools are told it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def retain_by_default(s3, bucket: str, mode: str, days: int) -> None:
    """New versions in the bucket are retained so long, unless their request says otherwise."""
    rule = {"DefaultRetention": {"Mode": mode, "Days": days}}
    s3.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )


def check_retained(head, mode: str, days: int) -> None:
    """What HeadObject tells is that mode, for so many days from when the object was made."""
    assert head["ObjectLockMode"] == mode
    lasting = head["ObjectLockRetainUntilDate"] - head["LastModified"]
    assert lasting == pytest.approx(timedelta(days=days), abs=timedelta(minutes=1))
