"""Small histories by chance, for the checkers to be held against each other: what a key of the model really
did, as clients with overlapping calls would have noted it down, and the same with one thing wrong.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import cache
from random import Random

import attrs

from tests.linear.history import DELETES, NULL, WRITES, Kind, Op, Outcome
from tests.linear.model import EMPTY, MARKER, Model, State, latest
from tests.linear.seen import learned

ALL_KINDS = tuple(Kind)
REGISTER_KINDS = (Kind.PUT, Kind.READ, Kind.READ)
VERSIONED_REGISTER_KINDS = (Kind.PUT, Kind.DELETE, Kind.READ, Kind.READ)

SPAN = 10
UNKNOWN = 0.2
NEVER = 0.4
"""Of the operations of unknown outcome that may change something."""


class Story:
    """One key, and what happens to it."""

    def __init__(self, chance: Random, *, versioned: bool) -> None:
        self._chance, self._versioned = chance, versioned
        self._model = Model(versioned=versioned)
        self._state: State = EMPTY
        self._etags = ["never"]
        self._ids = ["nowhere"] if versioned else [NULL]
        self._numbers = itertools.count(1)

    def tell(self, kinds: Sequence[Kind], size: int) -> list[Op]:
        """That many operations; times are whole numbers, so that some of them are the same."""
        ops: list[Op] = []
        for moment in range(0, size * SPAN, SPAN):
            op = self._begin(self._chance.choice(kinds))
            op.called = moment - self._chance.randrange(3 * SPAN)
            self._happen(op, moment + self._chance.randrange(3 * SPAN))
            ops.append(op)
        return ops

    def _begin(self, kind: Kind) -> Op:
        number = str(next(self._numbers))
        op = Op(0, kind, 0.0)
        if kind in WRITES:
            op.etag = f"e{number}"
            self._etags.append(op.etag)
        if kind in (Kind.REPLACE, Kind.REMOVE):
            op.expect = self._chance.choice(self._etags[-3:])
        if kind in (Kind.ERASE, Kind.READ_VERSION) or (
            self._versioned and (kind is Kind.TAG or (kind is Kind.READ_TAG and self._chance.random() < 0.5))
        ):
            op.asked = self._chance.choice(self._ids[-3:])
        if kind is Kind.TAG:
            op.tag = f"t{number}"
        if self._versioned and kind in WRITES | DELETES:
            op.version = f"v{number}"
        return op

    def _happen(self, op: Op, ended: float) -> None:
        _answer(op, self._model, self._state)
        is_lost = self._chance.random() < UNKNOWN
        if not op.is_look and not (is_lost and self._chance.random() < NEVER):
            (self._state,) = self._model.steps(self._state, op)
        if is_lost:
            op.status, op.version = 200, ""
        # Clients ask for ids that somebody was told.
        self._ids += [op.version] if op.version else []
        op.end(Outcome.UNKNOWN if is_lost else Outcome.OK, ended)


def _answer(op: Op, model: Model, state: State) -> None:
    """Fill in what the model answers in this state."""
    named = next((one for one in state if one.id == op.asked), None) if op.asked else latest(state)
    if op.kind in (Kind.READ, Kind.READ_VERSION, Kind.READ_TAG) and named and named.etag != MARKER:
        op.etag = "" if op.kind is Kind.READ_TAG else named.etag
        op.tag, op.version = named.tag, named.id
    made = op.version
    for op.status in (200, 412, 404, 405):
        # Who is refused has made nothing; whoever reads finds out about a marker on top.
        op.version = made if op.status == 200 else ""
        if op.status == 404 and op.kind is Kind.READ and state:
            op.version = state[0].id
        if model.steps(state, op):
            return
    raise AssertionError(f"the model has no answer to {op} in {state}")


def corrupted(chance: Random, ops: Sequence[Op]) -> list[Op]:
    """The same with something wrong, which may still be possible."""
    found = [attrs.evolve(op) for op in ops]
    victim = chance.choice(found)
    others = [op for op in found if op.kind in WRITES and op.outcome is Outcome.OK]
    if victim.kind is Kind.READ and victim.status == 200 and others:
        other = chance.choice(others)
        victim.etag, victim.version = other.etag, other.version
    elif victim.kind in (Kind.CREATE, Kind.REPLACE, Kind.REMOVE):
        victim.status = 412 if victim.status == 200 else 200
    elif victim.kind is Kind.READ_TAG and victim.status == 200:
        victim.tag = chance.choice([op.tag for op in found])
    else:
        by = chance.choice((-4, -2, 2, 4)) * SPAN
        victim.called, victim.ended = victim.called + by, victim.ended + by
    return found


def has_order_by_trying(ops: Sequence[Op], *, versioned: bool) -> bool:
    """The definition itself: every order is tried, with every choice of what is unknown."""
    model, named = learned(ops, versioned=versioned)
    sure = frozenset(op for op in named if op.outcome is Outcome.OK)
    doubtful = frozenset(op for op in named if op.outcome is Outcome.UNKNOWN and not op.is_look)

    @cache
    def goes_on(state: State, sure: frozenset[Op], doubtful: frozenset[Op]) -> bool:
        if not sure:
            return True
        first_end = min((op.ended for op in sure), default=math.inf)
        may_be_next: Callable[[Op], bool] = lambda op: op.called <= first_end  # noqa: E731
        return any(
            goes_on(after, sure - {op}, doubtful - {op})
            for op in filter(may_be_next, sure | doubtful)
            for after in model.steps(state, op)
        )

    return goes_on(EMPTY, sure, doubtful)
