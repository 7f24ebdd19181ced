"""What locks forbid, as one table: every lock, every deed, every permission, before and after the time."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from rustfs_proto.locking import (
    DAY_MS,
    UNLOCKED,
    DefaultRetention,
    ObjectLock,
    Retention,
    RetentionMode,
    depends_on_time,
    removal_refusal,
    retention_refusal,
)

GOVERNANCE, COMPLIANCE = RetentionMode
UNTIL_MS = 1_900_000_000_000
BEFORE, LAST, AT, AFTER = UNTIL_MS - 1_000_000, UNTIL_MS - 1, UNTIL_MS, UNTIL_MS + 1
MODES = (None, GOVERNANCE, COMPLIANCE, "A_LATER_MODE")
TIMES = (0, BEFORE, LAST, AT, AFTER)


def retention(mode: str | None, until_ms: int = UNTIL_MS) -> Retention | None:
    return None if mode is None else Retention(mode, until_ms)


# What may be removed: mode, whether the time is over, whether governance is bypassed.
REMOVABLE = {
    (None, False, False): True,
    (None, False, True): True,
    (None, True, False): True,
    (None, True, True): True,
    (GOVERNANCE, False, False): False,
    (GOVERNANCE, False, True): True,
    (GOVERNANCE, True, False): True,
    (GOVERNANCE, True, True): True,
    (COMPLIANCE, False, False): False,
    (COMPLIANCE, False, True): False,
    (COMPLIANCE, True, False): True,
    (COMPLIANCE, True, True): True,
    ("A_LATER_MODE", False, False): False,
    ("A_LATER_MODE", False, True): False,
    ("A_LATER_MODE", True, False): True,
    ("A_LATER_MODE", True, True): True,
}


@pytest.mark.parametrize("bypass", [False, True])
@pytest.mark.parametrize("now_ms", TIMES)
@pytest.mark.parametrize("hold", [None, False, True])
@pytest.mark.parametrize("mode", MODES)
def test_removal(mode: str | None, hold: bool | None, now_ms: int, bypass: bool) -> None:
    """A hold forbids it whatever else is so; GOVERNANCE until its time unless bypassed, COMPLIANCE until its
    time, and no bypass helps.
    """
    lock = ObjectLock(retention(mode), hold)
    refusal = removal_refusal(lock, now_ms, bypass_governance=bypass)
    is_over = now_ms >= UNTIL_MS
    assert (refusal is None) == (REMOVABLE[mode, is_over, bypass] and not hold)
    if refusal is not None:
        assert "legal hold" in refusal if hold else str(mode) in refusal and str(UNTIL_MS) in refusal


# Which change of a retention whose time is not over needs what: "any" may, "bypass" may, "never".
CHANGES = {
    # from, to: later, the same time, sooner
    (GOVERNANCE, GOVERNANCE): ("any", "any", "bypass"),
    (GOVERNANCE, COMPLIANCE): ("bypass", "bypass", "bypass"),
    (GOVERNANCE, None): ("bypass", "bypass", "bypass"),
    (COMPLIANCE, COMPLIANCE): ("any", "any", "never"),
    (COMPLIANCE, GOVERNANCE): ("never", "never", "never"),
    (COMPLIANCE, None): ("never", "never", "never"),
    ("A_LATER_MODE", "A_LATER_MODE"): ("any", "any", "never"),
    ("A_LATER_MODE", GOVERNANCE): ("never", "never", "never"),
    ("A_LATER_MODE", COMPLIANCE): ("never", "never", "never"),
    ("A_LATER_MODE", None): ("never", "never", "never"),
}


@pytest.mark.parametrize("bypass", [False, True])
@pytest.mark.parametrize("now_ms", TIMES)
@pytest.mark.parametrize(
    ("old", "new", "where", "needs"),
    [
        (old, new, where, needs)
        for (old, new), row in CHANGES.items()
        for where, needs in zip((1, 0, -1), row, strict=True)
    ],
)
def test_change_of_a_retention(
    old: str, new: str | None, where: int, needs: str, now_ms: int, bypass: bool
) -> None:
    """Longer in the same mode may always be; all else that takes from it needs the bypass in GOVERNANCE and
    is never done in COMPLIANCE. When the time is over anything goes.
    """
    refusal = retention_refusal(
        retention(old), retention(new, UNTIL_MS + where), now_ms, bypass_governance=bypass
    )
    allowed = now_ms >= UNTIL_MS or needs == "any" or (needs == "bypass" and bypass)
    assert (refusal is None) == allowed


def test_a_version_without_retention_takes_any() -> None:
    """The first retention is nobody's loss."""
    for mode, now_ms, bypass in itertools.product(MODES, TIMES, (False, True)):
        assert retention_refusal(None, retention(mode), now_ms, bypass_governance=bypass) is None


@pytest.mark.parametrize(
    ("lock", "depends"),
    [
        (UNLOCKED, False),
        (ObjectLock(None, legal_hold=True), False),
        (ObjectLock(Retention(GOVERNANCE, 5), legal_hold=True), False),
        (ObjectLock(Retention(GOVERNANCE, 5), legal_hold=False), True),
        (ObjectLock(Retention(COMPLIANCE, 5)), True),
    ],
)
def test_when_the_time_matters(lock: ObjectLock, depends: bool) -> None:
    """A lock whose judgement depends on the time is judged differently at two times, another never."""
    assert depends_on_time(lock) == depends
    judged = {removal_refusal(lock, now_ms, bypass_governance=False) is None for now_ms in (0, 10)}
    assert (len(judged) == 2) == depends


@pytest.mark.parametrize(
    ("default", "days"),
    [
        (DefaultRetention(GOVERNANCE, days=1), 1),
        (DefaultRetention(COMPLIANCE, days=36_500), 36_500),
        (DefaultRetention(COMPLIANCE, years=1), 365),
        (DefaultRetention(GOVERNANCE, years=100), 36_500),
    ],
)
def test_default_retentions(default: DefaultRetention, days: int) -> None:
    """They count from when the version is made; a year has 365 days."""
    assert default.begun_at(1_000) == Retention(default.mode, 1_000 + days * DAY_MS)


def test_locks_travel() -> None:
    """Every lock is the same after it was written down, and one that forbids nothing takes one byte."""
    for mode, hold in itertools.product(MODES, (None, False, True)):
        lock = ObjectLock(retention(mode), hold)
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(lock), type=ObjectLock) == lock
    assert len(msgspec.msgpack.encode(UNLOCKED)) == 1
