"""The verdict on the history of one key: the search decides, the zones decide as well where they can, and the
two must not contradict each other, nor what is plainly lost or back again. A search that gives up is a
failure, not a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tests.linear.blunders import blunders
from tests.linear.history import Op, Outcome
from tests.linear.search import STEPS_MAX, Found, Search, Undecided
from tests.linear.seen import learned
from tests.linear.zones import has_order, register_of


class Broken(AssertionError):
    """The history has no order; the text shows where every attempt ended."""


class Contradiction(AssertionError):
    """One of the two algorithms is wrong."""


@attrs.frozen
class Verdict:
    """How it was reached: `zones` is "decided", "agreed" or "silent"."""

    operations: int
    unknown: int
    steps: int
    zones: str


def judge(name: str, ops: Sequence[Op], *, versioned: bool, steps_max: int = STEPS_MAX) -> Verdict:
    """Raises `Broken`, `Contradiction` or `Undecided`."""
    try:
        found = find_order(ops, versioned=versioned, steps_max=steps_max)
    except Undecided as error:
        raise Undecided(f"{name}: {error}") from error
    zones = _compare(name, ops, found.is_linearizable, versioned=versioned)
    blundered = blunders(ops, versioned=versioned)
    if found.is_linearizable and blundered:
        raise Contradiction(f"{name}: the search says True, but it has a {_named(blundered)}")
    if not found.is_linearizable:
        raise Broken(f"{name} has no order (zones: {zones}{_named(blundered)})\n{_evidence(ops, found)}")
    unknown = sum(op.outcome is Outcome.UNKNOWN for op in ops)
    return Verdict(len(ops), unknown, found.steps, zones)


def _named(blundered: Sequence[tuple[str, Op]]) -> str:
    """Each with the read that showed it."""
    return "".join(f"; {kind}: {op}" for kind, op in blundered[:5])


def find_order(ops: Sequence[Op], *, versioned: bool, steps_max: int = STEPS_MAX) -> Found:
    """The search over what is known of the history."""
    model, named = learned(ops, versioned=versioned)
    return Search(model, named, steps_max).run()


def _compare(name: str, ops: Sequence[Op], is_linearizable: bool, *, versioned: bool) -> str:
    register = register_of(ops, versioned=versioned)
    if register is None:
        return "silent"
    fits = has_order(register.accesses)
    if (is_linearizable and not fits) or (register.is_whole and fits != is_linearizable):
        raise Contradiction(f"{name}: the search says {is_linearizable}, the zones say {fits}")
    return "decided" if register.is_whole else "agreed"


def _evidence(ops: Sequence[Op], found: Found) -> str:
    """Where it broke, and all that happened around there."""
    lines = [f"  {found.done} operations have an order, then the key is one of"]
    lines += [f"    {_told(state)}" for state in found.states]
    lines += ["  and none of these can be next:", *(f"    {op}" for op in found.stuck), "  around it:"]
    begin = min((op.called for op in found.stuck), default=0.0)
    end = max((op.ended for op in found.stuck), default=0.0)
    in_order = sorted(ops, key=lambda op: op.called)
    lines += [f"    {op}" for op in in_order if op.ended >= begin and op.called <= end]
    return "\n".join(lines)


def _told(state: object) -> str:
    versions = [f"{one.id[:8]}:{one.etag[:8] or 'marker'}{'+tag' if one.tag else ''}" for one in state]
    return ", ".join(versions) or "nothing"
