"""Gibbons and Korach's zones: whether reads and writes of one register, every write of a value of its own,
have an order. It needs no search: a sort, and one pass.

All accesses of one value are its zone, from the first answer among them to the last call. Where the first
answer comes before the last call, the register certainly held that value in between (a forward zone);
otherwise it held it at some moment of the span, long or short (a backward one). There is an order if and only
if no read was answered before its write was called, no two forward zones overlap, and no backward zone lies
within a forward one.

A key is more than a register. What its writes and reads amount to without deletes, tags and refusals still
has an order if the whole has one, because taking a delete out of an order makes no read wrong. So zones judge
every history that takes no version away, and decide on those that are nothing but a register.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import attrs

from tests.linear.history import DELETES, NULL, WRITES, Kind, Op, Outcome
from tests.linear.seen import ownerless_markers

FIRST = "nothing yet"
"""The value of a register that nobody has written."""


@attrs.frozen
class Access:
    """A write or a read of a value."""

    value: str
    is_write: bool
    called: float
    ended: float


@attrs.frozen
class Register:
    """`is_whole`: nothing of the history was left out."""

    accesses: tuple[Access, ...]
    is_whole: bool


@attrs.frozen
class _Zone:
    low: float
    high: float
    is_forward: bool


def has_order(accesses: Sequence[Access]) -> bool:
    """Whether the register can have been accessed so, one access after the other."""
    by_value: dict[str, list[Access]] = {FIRST: [Access(FIRST, True, -math.inf, -math.inf)]}
    for access in accesses:
        by_value.setdefault(access.value, []).append(access)
    zones: list[_Zone] = []
    for group in by_value.values():
        writes = [access for access in group if access.is_write]
        if len(writes) != 1 or any(access.ended < writes[0].called for access in group):
            return False
        if len(group) > 1 or writes[0].ended < math.inf:
            zones.append(_zone_of(group))
    return _fit(zones)


def _zone_of(group: Sequence[Access]) -> _Zone:
    first_end, last_call = min(access.ended for access in group), max(access.called for access in group)
    return _Zone(min(first_end, last_call), max(first_end, last_call), first_end < last_call)


def _fit(zones: Sequence[_Zone]) -> bool:
    forward = sorted((zone for zone in zones if zone.is_forward), key=lambda zone: zone.low)
    if any(before.high > after.low for before, after in pairwise(forward)):
        return False
    return not any(
        outer.low < zone.low and zone.high < outer.high
        for zone in zones
        if not zone.is_forward
        for outer in forward
    )


def register_of(ops: Sequence[Op], *, versioned: bool) -> Register | None:
    """What the history is as a register; None where older versions may come up again."""
    ops = [op for op in ops if op.outcome is not Outcome.FAIL]
    if versioned and any(op.kind is Kind.ERASE for op in ops):
        return None
    told = [op for op in ops if op.outcome is Outcome.OK or not op.is_look]
    deletes = [op for op in told if op.kind in DELETES and not op.is_look]
    is_plain = all(op.kind in (Kind.PUT, Kind.READ) or (versioned and op.kind is Kind.DELETE) for op in told)
    found = [_access(op, op.etag) for op in told if _is_access(op)]
    if versioned:
        found += [_access(op, op.version) for op in deletes if op.version]
        found += [_access(op, op.version or FIRST) for op in told if _is_absence(op)]
        ownerless = ownerless_markers(ops)
        begun = min((op.called for op in deletes if not op.version), default=math.inf)
        found += [Access(name, True, begun, math.inf) for name in ownerless]
        # Which of several unanswered deletes made which marker is not asked here.
        return Register(tuple(found), is_plain and len(deletes) - _owned(deletes) <= len(ownerless) <= 1)
    # A delete is no write of a value of its own: without one, though, what is absent was never written.
    has_erased = any(op.kind is Kind.ERASE and op.asked == NULL for op in told)
    if not deletes and not has_erased:
        found += [_access(op, FIRST) for op in told if _is_absence(op)]
    return Register(tuple(found), is_plain)


def _is_access(op: Op) -> bool:
    return not op.status >= 400 and (op.kind in WRITES or op.kind is Kind.READ)


def _is_absence(op: Op) -> bool:
    return op.kind is Kind.READ and op.status == 404


def _access(op: Op, value: str) -> Access:
    return Access(value, op.kind is not Kind.READ, op.called, op.ended)


def _owned(deletes: Sequence[Op]) -> int:
    return sum(bool(op.version) for op in deletes)
