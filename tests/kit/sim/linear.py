"""Whether the operations on one key can have happened one after the other, each at a moment between its call
and its answer, so that every read saw the last write: linearizability.

Wing and Gong's search with Lowe's memory of configurations that led nowhere. What keeps it small, and exact:

- A read that fits the present state is taken at once, because it changes nothing.
- An operation of unknown outcome is taken only where it makes possible what comes next: anywhere else it may
as well
  have happened later or never.
- Of several unknown ones that would do the same, the one called first is taken first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.kit.sim.history import ABSENT, Kind, Op, Outcome

STEPS_MAX = 2_000_000


class Undecided(Exception):
    """Too many operations overlap: a history that cannot be judged proves nothing."""


def is_linearizable(ops: Sequence[Op], first: str = ABSENT) -> bool:
    """`ops` are of one key, which had the value `first` before them."""
    relevant = _relevant(sorted(ops, key=lambda op: (op.called_s, op.ended_s)))
    wanted = sum(1 << index for index, op in enumerate(relevant) if op.outcome is Outcome.OK)
    seen: set[tuple[int, str]] = set()
    waiting = [(0, first)]
    steps = 0
    while waiting:
        done, state = _take_reads(relevant, *waiting.pop())
        if done & wanted == wanted:
            return True
        if (done, state) in seen:
            continue
        seen.add((done, state))
        for index in _useful(relevant, done, state):
            steps += 1
            if steps > STEPS_MAX:
                raise Undecided(f"more than {STEPS_MAX} steps for {len(relevant)} operations")
            after = _after(relevant[index], state)
            if after is not None:
                waiting.append((done | 1 << index, after))
    return False


def _relevant(ops: Sequence[Op]) -> list[Op]:
    """Without those of unknown outcome that changed nothing, or that only read."""
    idle = (Kind.READ, Kind.REFUSED, Kind.MISMATCH)
    return [
        op
        for op in ops
        if op.outcome is Outcome.OK or (op.outcome is Outcome.UNKNOWN and op.kind not in idle)
    ]


def _useful(ops: Sequence[Op], done: int, state: str) -> list[int]:
    """Of the possible ones those that may have to come next."""
    possible = _possible(ops, done)
    named = {op.value for op in ops if op.kind is Kind.READ} | {op.expected for op in ops} | {ABSENT}
    found: list[int] = []
    alike: set[tuple[Kind, str, str]] = set()
    for index in possible:
        op = ops[index]
        if op.outcome is Outcome.OK:
            found.append(index)
            continue
        # Values that nobody ever saw are all the same.
        likeness = (op.kind, op.value if op.value in named else "?", op.expected)
        after = _after(op, state)
        if likeness in alike or after is None:
            continue
        alike.add(likeness)
        if any(_needs(ops[other], state, after) for other in possible if other != index):
            found.append(index)
    return found


def _needs(op: Op, state: str, after: str) -> bool:
    """Whether the operation can happen in the state `after` and could not in `state`."""
    if op.kind in (Kind.CREATE, Kind.REPLACE):
        return _after(op, state) is None and _after(op, after) is not None
    return _is_fitting_read(op, after) and not _is_fitting_read(op, state)


def _possible(ops: Sequence[Op], done: int) -> list[int]:
    """Those that nothing else must precede: called before any other one that is left was answered."""
    found: list[int] = []
    first_end = math.inf
    for index, op in enumerate(ops):
        if op.called_s > first_end:
            break
        if not done >> index & 1:
            found.append(index)
            first_end = min(first_end, op.ended_s)
    return [index for index in found if ops[index].called_s <= first_end]


def _take_reads(ops: Sequence[Op], done: int, state: str) -> tuple[int, str]:
    while True:
        fitting = [index for index in _possible(ops, done) if _is_fitting_read(ops[index], state)]
        if not fitting:
            return done, state
        for index in fitting:
            done |= 1 << index


def _is_fitting_read(op: Op, state: str) -> bool:
    match op.kind:
        case Kind.READ:
            return op.value == state
        case Kind.REFUSED:
            return state != ABSENT
        case Kind.MISMATCH:
            return op.expected != state
        case _:
            return False


def _after(op: Op, state: str) -> str | None:
    """The state after the operation; None where it cannot happen in this one."""
    match op.kind:
        case Kind.WRITE:
            return op.value
        case Kind.CREATE:
            return op.value if state == ABSENT else None
        case Kind.REPLACE:
            return op.value if state == op.expected else None
        case _:
            return None
