"""WORM: what locks a version, and what a lock forbids.

A version is locked by a retention, until its time, and by a legal hold, until somebody takes that off; each
alone is enough. Two deeds are judged here: removing a version, and giving it another retention. Making a new
version above it, hiding it by a delete marker, changing its tags and its hold are never forbidden.

What time it is comes from `lock_time`, never from a clock on the wall. Nothing here knows requests, users or
rows: whoever asks says whether governance may be bypassed.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

DAY_MS = 86_400_000
YEAR_DAYS = 365
"""Days of a year of retention, leap years included, as S3 counts."""
DAYS_MAX = 36_500
YEARS_MAX = 100


class _Value(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Base of what stands in records and messages."""


class RetentionMode(StrEnum):
    """Who may end a retention early: whoever has the permission to bypass governance, or nobody at all."""

    GOVERNANCE = "GOVERNANCE"
    COMPLIANCE = "COMPLIANCE"


class Retention(_Value, frozen=True):
    """The version stays until `until_ms`, in milliseconds since 1970. `mode` is a `RetentionMode`; a name
    that only a later release knows binds as COMPLIANCE.
    """

    mode: str
    until_ms: int

    def is_over(self, now_ms: int) -> bool:
        """Whether it binds nobody any more."""
        return now_ms >= self.until_ms

    def is_kept_by(self, other: Retention | None) -> bool:
        """Whether whoever relied on this one can rely on the other as well."""
        return other is not None and other.mode == self.mode and other.until_ms >= self.until_ms


class ObjectLock(_Value, frozen=True):
    """The lock of a version. `legal_hold` None: it never had one; False: it was taken off."""

    retention: Retention | None = None
    legal_hold: bool | None = None


UNLOCKED = ObjectLock()
"""Forbids nothing."""


class DefaultRetention(_Value, frozen=True):
    """What a bucket gives to new versions that bring no retention of their own: `days` or `years`, the other
    is 0.
    """

    mode: str
    days: int = 0
    years: int = 0

    def begun_at(self, begin_ms: int) -> Retention:
        """The retention of a version that is made at that time."""
        days = self.days + self.years * YEAR_DAYS
        return Retention(self.mode, begin_ms + days * DAY_MS)


def with_retention(lock: ObjectLock | None, retention: Retention | None) -> ObjectLock | None:
    """The lock of a new version that is given a retention by its bucket: one of its own goes before."""
    if retention is None or (lock is not None and lock.retention is not None):
        return lock
    return ObjectLock(retention, None if lock is None else lock.legal_hold)


def depends_on_time(lock: ObjectLock) -> bool:
    """Whether the time must be known to judge a removal: a legal hold decides without."""
    return lock.retention is not None and not lock.legal_hold


def removal_refusal(lock: ObjectLock, now_ms: int, *, bypass_governance: bool) -> str | None:
    """Why a version with that lock must stay as it is; None where it may be removed or replaced."""
    if lock.legal_hold:
        return "a legal hold is on"
    retention = lock.retention
    if retention is None or retention.is_over(now_ms):
        return None
    if retention.mode == RetentionMode.GOVERNANCE and bypass_governance:
        return None
    return _bound(retention, now_ms)


def retention_refusal(
    old: Retention | None, new: Retention | None, now_ms: int, *, bypass_governance: bool
) -> str | None:
    """Why a version's retention must not be changed from `old` to `new` (None: no retention); None where it
    may. Whether `new` is worth anything, lying in the future, is not asked here.
    """
    if old is None or old.is_over(now_ms) or old.is_kept_by(new):
        return None
    if old.mode == RetentionMode.GOVERNANCE and bypass_governance:
        return None
    return _bound(old, now_ms)


def _bound(retention: Retention, now_ms: int) -> str:
    return f"{retention.mode} until {retention.until_ms} ms since 1970, and it is {now_ms} ms"
