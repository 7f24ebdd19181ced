"""Wing and Gong's search with Lowe's memory of configurations that led nowhere, over any `Model`.

It looks for an order of the operations, each at a moment between its call and its answer, in which every
answer is the right one. Three things keep it small, and exact:

- What fits the present state and changes nothing is taken at once.
- An operation of unknown outcome is taken only where the next one would be another without it. An order that
  is as short as it can be, with what is unknown as late as it can be, has no others.
- Of unknown ones that nobody can tell apart the one called first is taken first, and what was tried with some
  of them used up is not tried with more.

Where a bucket is versioned, an unknown write whose version nobody ever saw matters first when it lies on top
and something that tells no version needs it: until then it may as well not have happened.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache

import attrs

from tests.linear.history import Kind, Op, Outcome
from tests.linear.model import EMPTY, Model, State

STEPS_MAX = 3_000_000


class Undecided(Exception):
    """The search gave up: a history that cannot be judged proves nothing."""


@attrs.frozen
class Found:
    """Whether there is an order. If not: how far the best attempts came, and what fitted no state there."""

    is_linearizable: bool
    steps: int
    done: int = 0
    states: tuple[State, ...] = ()
    stuck: tuple[Op, ...] = ()


Spot = tuple[int, int, State]
"""Which answered operations are done, which unknown ones, and the state after them."""


class Search:
    """The search over the history of one key, which was empty before."""

    def __init__(self, model: Model, ops: Sequence[Op], steps_max: int = STEPS_MAX) -> None:
        self._model, self._steps_max = model, steps_max
        # The same questions come up in many orders.
        self._steps = cache(model.steps)
        self._seen_values = _values_seen(ops)
        in_order = sorted(map(self._nameless, ops), key=lambda op: (op.called, op.ended))
        self._sure = [op for op in in_order if op.outcome is Outcome.OK]
        self._doubtful = [op for op in in_order if op.outcome is Outcome.UNKNOWN and not op.is_look]
        # A tag on the latest version, whichever that is, would be lost with it.
        self._all_name_versions = model.versioned and not any(
            op.kind is Kind.TAG and not op.is_look and not op.asked and not op.version for op in ops
        )
        self._likeness = [self._likeness_of(op) for op in self._doubtful]

    def run(self) -> Found:
        """Raises `Undecided`."""
        wanted = (1 << len(self._sure)) - 1
        tried: dict[tuple[int, State], list[int]] = {}
        best: tuple[int, list[Spot]] = (-1, [])
        waiting: list[Spot] = [(0, 0, EMPTY)]
        steps = 0
        while waiting:
            spot = self._past_looks(waiting.pop())
            if spot[0] == wanted:
                return Found(True, steps)
            before = tried.setdefault((spot[0], spot[2]), [])
            # What is possible with some unknown ones used up is possible with fewer.
            if any(used & spot[1] == used for used in before):
                continue
            before.append(spot[1])
            count = spot[0].bit_count()
            if count >= best[0]:
                best = (count, [*(best[1] if count == best[0] else []), spot][:5])
            for following in self._following(spot):
                steps += 1
                if steps > self._steps_max:
                    raise Undecided(f"{steps} steps, {best[0]} of {len(self._sure)} operations placed")
                waiting.append(following)
        stuck = tuple(self._sure[index] for index in self._open(best[1][0][0])[0])
        return Found(False, steps, best[0], tuple(spot[2] for spot in best[1]), stuck)

    def _nameless(self, op: Op) -> Op:
        """Values that nobody ever saw are all the same, where each takes the place of the one before."""
        if self._model.versioned or op.is_look:
            return op
        etag = op.etag if op.etag in self._seen_values else op.etag and "unseen"
        return attrs.evolve(op, etag=etag, tag=op.tag if op.tag in self._seen_values else op.tag and "unseen")

    def _open(self, done: int) -> tuple[list[int], float]:
        """The answered operations that may be next, and the first answer among those that are left: what is
        called after it has to wait.
        """
        found: list[int] = []
        first_end = math.inf
        for index in range((~done & (done + 1)).bit_length() - 1, len(self._sure)):
            op = self._sure[index]
            if op.called > first_end:
                break
            if not done >> index & 1:
                found.append(index)
                first_end = min(first_end, op.ended)
        return [index for index in found if self._sure[index].called <= first_end], first_end

    def _past_looks(self, spot: Spot) -> Spot:
        done, used, state = spot
        while True:
            fitting = [
                index
                for index in self._open(done)[0]
                if self._sure[index].is_look and self._steps(state, self._sure[index])
            ]
            if not fitting:
                return done, used, state
            for index in fitting:
                done |= 1 << index

    def _following(self, spot: Spot) -> Iterator[Spot]:
        """What may come next; the most promising last."""
        done, used, state = spot
        open_, first_end = self._open(done)
        nexts = [self._sure[index] for index in open_]
        for index, after in self._useful(used, state, nexts, first_end):
            yield done, used | 1 << index, after
        for index in sorted(open_, key=lambda index: -self._sure[index].ended):
            op = self._sure[index]
            if not op.is_look:
                for after in self._steps(state, op):
                    yield done | 1 << index, used, after

    # Operations of unknown outcome

    def _useful(
        self, used: int, state: State, nexts: Sequence[Op], first_end: float
    ) -> Iterator[tuple[int, State]]:
        free = [
            index
            for index, op in enumerate(self._doubtful)
            if not used >> index & 1 and op.called <= first_end
        ]
        alike: set[object] = set()
        for index in free:
            if self._likeness[index] in alike:
                continue
            alike.add(self._likeness[index])
            others = [self._doubtful[other] for other in free if other != index]
            later = {id(self._doubtful[other]) for other in free if other > index}
            for after in self._steps(state, self._doubtful[index]):
                if after != state and any(
                    self._matters(index, state, after, op, id(op) in later) for op in [*nexts, *others]
                ):
                    yield index, after

    def _matters(self, index: int, state: State, after: State, following: Op, is_later: bool) -> bool:
        """Whether `following` has to come right after the unknown operation that leads from `state` to
        `after`. Of two unknown ones that change places freely (`is_later`) one order is enough.
        """
        without = self._steps(state, following)
        both = self._steps(after, following)
        if not without or not both:
            return bool(both)
        op = self._doubtful[index]
        if self._is_quiet(op, after):
            return False
        for end in both:
            if end in without:
                continue
            if not any(end in self._steps(one, op) for one in without) or is_later:
                return True
        return False

    def _is_quiet(self, op: Op, after: State) -> bool:
        """Whether it made a version that nobody ever named, in a bucket that keeps all of them."""
        is_new = bool(after) and after[0].id == self._model.name_of(op)
        return self._all_name_versions and is_new and op.etag not in self._seen_values

    def _likeness_of(self, op: Op) -> object:
        etag = op.etag if op.etag in self._seen_values or op.version in self._seen_values else ""
        tag = op.tag if op.tag in self._seen_values else "?"
        return op.kind, etag, op.expect, op.asked, op.version, tag if op.kind is Kind.TAG else ""


def _values_seen(ops: Sequence[Op]) -> set[str]:
    """ETags, version ids and tags that anybody was shown or has asked for."""
    seen: set[str] = set()
    for op in ops:
        seen.update((op.expect, op.asked))
        if op.is_look:
            seen.update((op.etag, op.tag))
        if op.outcome is Outcome.OK:
            seen.update((op.version, op.etag if op.is_look else ""))
    return seen - {""}
