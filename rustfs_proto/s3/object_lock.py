"""Object Lock in headers and errors: what a request asks for, what an answer tells, and how S3 refuses.

Codes, statuses and texts are those that S3 was seen to answer. What a request says of its own lock is judged
before it is looked whether the bucket has Object Lock at all. What a lock forbids is decided by
`rustfs_proto.locking`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from rustfs_proto.locking import ObjectLock, Retention, RetentionMode
from rustfs_proto.s3.errors import S3Error, invalid_argument
from rustfs_proto.s3.target import HeaderMap
from rustfs_proto.s3.xmltext import iso_ms

MODE = "x-amz-object-lock-mode"
UNTIL = "x-amz-object-lock-retain-until-date"
LEGAL_HOLD = "x-amz-object-lock-legal-hold"
HEADERS = (MODE, UNTIL, LEGAL_HOLD)
BYPASS = "x-amz-bypass-governance-retention"
BUCKET_ENABLED = "x-amz-bucket-object-lock-enabled"

ON, OFF = "ON", "OFF"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DATE_CHARS_MAX = 64
"""More than any form of a date has."""
_NANOSECONDS = re.compile(r"([.,]\d{6})\d+")
"""Java and Go write nine digits of a second; Python reads six."""


def lock_of_headers(headers: HeaderMap) -> ObjectLock:
    """The lock that a PutObject, CopyObject or CreateMultipartUpload asks for; a header without a value asks
    for nothing. Raises InvalidArgument.
    """
    hold = headers.get(LEGAL_HOLD) or None
    retention = _retention(headers)
    if hold not in (None, ON, OFF):
        raise invalid_argument("Legal Hold must be either of 'ON' or 'OFF'", LEGAL_HOLD, hold)
    return ObjectLock(retention, None if hold is None else hold == ON)


def check_in_future(retention: Retention | None, now_ms: int, argument: str = UNTIL) -> None:
    """Raise InvalidArgument for a retention that is over before it begins."""
    if retention is not None and retention.is_over(now_ms):
        text = iso_ms(retention.until_ms)
        raise invalid_argument("The retain until date must be in the future!", argument, text)


def bypasses_governance(headers: HeaderMap) -> bool:
    """Whether the request wants to pass over retentions in GOVERNANCE mode. Whether its sender may is asked
    elsewhere.
    """
    return headers.get(BYPASS, "").strip().lower() == "true"


def enables_object_lock(headers: HeaderMap) -> bool:
    """Whether a CreateBucket asks for a bucket with Object Lock. Raises InvalidArgument."""
    text = headers.get(BUCKET_ENABLED, "false").strip().lower()
    if text not in ("true", "false"):
        raise invalid_argument(f"{BUCKET_ENABLED} must be true or false.", BUCKET_ENABLED, text)
    return text == "true"


def lock_headers(lock: ObjectLock) -> list[tuple[bytes, bytes]]:
    """What the answer to GET or HEAD tells of a version's lock: a retention also when it is over, a legal
    hold if there ever was one.
    """
    told: list[tuple[bytes, bytes]] = []
    if lock.retention is not None:
        told.append((MODE.encode(), lock.retention.mode.encode()))
        told.append((UNTIL.encode(), iso_ms(lock.retention.until_ms).encode()))
    if lock.legal_hold is not None:
        told.append((LEGAL_HOLD.encode(), (ON if lock.legal_hold else OFF).encode()))
    return told


def parse_until_ms(text: str) -> int | None:
    """Milliseconds since 1970 of a date in any form of ISO 8601, in UTC where it names no zone; None where
    there is none that S3's own form could write. What lies between two milliseconds counts to the later.
    """
    stripped = text.strip()
    if not stripped.isascii() or len(stripped) > _DATE_CHARS_MAX:
        return None
    try:
        moment = datetime.fromisoformat(_NANOSECONDS.sub(r"\1", stripped))
    except ValueError:
        return None
    since_epoch = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    until_ms = -(-since_epoch // _MILLISECOND)
    return until_ms if 0 <= until_ms <= _UNTIL_MS_MAX else None


def _retention(headers: HeaderMap) -> Retention | None:
    mode, until = headers.get(MODE) or None, headers.get(UNTIL) or None
    if mode is None and until is None:
        return None
    if mode is None or until is None:
        message = f"{UNTIL} and {MODE} must both be supplied"
        raise invalid_argument(message, MODE if mode is None else UNTIL, "")
    if not is_mode(mode):
        raise invalid_argument("Unknown wormMode directive.", MODE, mode)
    until_ms = parse_until_ms(until)
    if until_ms is None:
        raise invalid_argument("The retain until date must be provided in ISO 8601 format", UNTIL, until)
    return Retention(mode, until_ms)


def is_mode(text: str) -> bool:
    """Whether it names a retention mode, in S3's own letters."""
    return text in RetentionMode.__members__


def object_is_locked() -> S3Error:
    """A lock forbids what the request asks for."""
    return S3Error("AccessDenied", "Access Denied because object protected by object lock.")


def bucket_lacks_lock(*, is_upload: bool = False) -> S3Error:
    """Locks are given only in buckets that have Object Lock; S3 says so to uploads with a blank less."""
    name = "ObjectLockConfiguration" if is_upload else "Object Lock Configuration"
    return S3Error("InvalidRequest", f"Bucket is missing {name}")


def versioning_not_enabled() -> S3Error:
    """Object Lock was asked for in a bucket without versioning."""
    return S3Error(
        "InvalidBucketState",
        "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    )


def versioning_is_fixed() -> S3Error:
    """Versioning was to be suspended in a bucket with Object Lock."""
    return S3Error(
        "InvalidBucketState",
        "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
    )


_UNTIL_MS_MAX = (datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC) - _EPOCH) // _MILLISECOND
