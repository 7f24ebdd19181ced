"""The read decision where versions of one key differ in their parity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement, product
from random import Random

import attrs
import pytest

from rustfs_proto.erasure.decide import (
    Decision,
    Verdict,
    View,
    agree,
    decide,
    more_to_agree,
    most_agree,
    quorum_to_say,
)
from rustfs_proto.erasure.geometry import quorum_of, write_quorum
from rustfs_proto.objects import Geometry, ObjectMeta, encode_meta
from rustfs_proto.wire.drive_ops import LookedUp, RowKind, RowState

SHAPES = [(n - m, m, c) for n in range(2, 9) for m in range(1, n // 2 + 1) for c in range(1, m + 1)]
"""k and m of the set, and the parity of a class."""


def geometry_of(k: int, m: int, parity: int) -> Geometry:
    return Geometry(k + m - parity, parity, 1 << 20)


@attrs.frozen
class Write:
    """`geometry` None: a tombstone. `on`: the slots that committed it."""

    stamp: int
    geometry: Geometry | None
    on: frozenset[int]

    def quorum(self, k: int, m: int) -> int:
        return write_quorum(k, m) if self.geometry is None else quorum_of(self.geometry)

    def is_acknowledged(self, k: int, m: int) -> bool:
        return len(self.on) >= self.quorum(k, m)

    def found(
        self, priors: Sequence[int] = (), state: RowState = RowState.FOUND, *, on_quorum: bool = False
    ) -> LookedUp:
        kind = RowKind.TOMBSTONE if self.geometry is None else RowKind.VALUE
        whole = self.geometry is not None and state == RowState.FOUND
        meta = encode_meta(ObjectMeta(self.geometry)) if whole else b""
        return LookedUp(state, True, self.stamp, kind, meta=meta, priors=tuple(priors), on_quorum=on_quorum)


@attrs.frozen
class Past:
    """Writes in order, all of them settled up to stamp `settled`; `fates` of the drives, by slot."""

    k: int
    m: int
    writes: tuple[Write, ...]
    fates: tuple[str, ...]
    settled: int

    def answer(self, slot: int) -> LookedUp | None:
        fate = self.fates[slot]
        if fate == "silent":
            return None
        has = [] if fate == "emptied" else [write for write in self.writes if slot in write.on]
        settled = self.settled if any(write.stamp == self.settled for write in has) else 0
        kept = [write for write in has if write.stamp >= settled]
        if not kept:
            return LookedUp(RowState.ABSENT, fate != "emptied")
        *priors, newest = kept
        state = RowState.DAMAGED if fate == "damaged" else RowState.FOUND
        told = newest.stamp == self.settled
        return newest.found([write.stamp for write in reversed(priors)], state, on_quorum=told)

    def acknowledged(self) -> int:
        return max((w.stamp for w in self.writes if w.is_acknowledged(self.k, self.m)), default=0)


def decision_of(past: Past, slots: Sequence[int] | None = None) -> Decision:
    """As a set worker comes to it: `slots` have answered, and say more of a version when they are asked."""
    views = [View() for _ in past.fates]
    for slot in range(len(views)) if slots is None else slots:
        answer = past.answer(slot)
        if answer is None:
            views[slot].fall_silent()
        else:
            views[slot].learn(answer)
    for _ in range(len(past.writes) + 1):
        decision = decide(views, past.k, past.m)
        if decision.verdict is not Verdict.ASK_VERSION:
            return decision
        (write,) = [write for write in past.writes if write.stamp == decision.stamp]
        for slot in decision.slots:
            views[slot].learn(write.found(), write.stamp)
    raise AssertionError("asks for the same version again")


def check(past: Past, decision: Decision) -> None:
    """Nothing older than what was acknowledged, and what is given can be read."""
    by_stamp = {write.stamp: write for write in past.writes}
    acknowledged = past.acknowledged()
    if decision.verdict is Verdict.UNREADABLE:
        return
    assert decision.stamp >= acknowledged, (past, decision)
    if decision.verdict is Verdict.CURRENT:
        geometry = by_stamp[decision.stamp].geometry
        assert geometry is not None and len(decision.slots) >= geometry.k, (past, decision)
        after = by_stamp[decision.stamp].on | set(decision.complete_on)
        # Those that give no evidence rule nothing out, so they need not have it.
        doubtful = {slot for slot, fate in enumerate(past.fates) if fate in ("emptied", "silent")}
        assert len(after | doubtful) >= quorum_of(geometry), (past, decision)
    else:
        assert decision.verdict is Verdict.ABSENT
        assert not decision.stamp or by_stamp[decision.stamp].geometry is None


def all_pasts() -> Iterator[Past]:
    """Two writes, of the set's parity, of less, or tombstones, on four drives of every fate."""
    k = m = 2
    kinds = (geometry_of(k, m, 2), geometry_of(k, m, 1), None)
    fates = ("well", "silent", "emptied", "damaged")
    states = [(has, fate) for has in product((False, True), repeat=2) for fate in fates]
    for drives in combinations_with_replacement(states, k + m):
        on = [frozenset(slot for slot, (has, _) in enumerate(drives) if has[i]) for i in range(2)]
        for geometries in product(kinds, repeat=2):
            writes = tuple(Write(i + 1, geometries[i], on[i]) for i in range(2))
            yield from (
                Past(k, m, writes, tuple(fate for _, fate in drives), settled)
                for settled in (0, *(write.stamp for write in writes if write.is_acknowledged(k, m)))
            )


def test_every_past_of_four_drives() -> None:
    """No read goes behind an acknowledged write, whichever parity it and the others have."""
    for past in all_pasts():
        check(past, decision_of(past))


def random_past(random: Random, k: int, m: int, parity: int) -> Past:
    n = k + m
    kinds = (geometry_of(k, m, m), geometry_of(k, m, parity), geometry_of(k, m, parity), None)
    writes = tuple(
        Write(stamp, random.choice(kinds), frozenset(random.sample(range(n), random.randint(0, n))))
        for stamp in range(1, random.randint(2, 4))
    )
    settled = random.choice([0, *(write.stamp for write in writes if write.is_acknowledged(k, m))])
    weights = random.choice([(1, 0, 0, 0), (8, 2, 0, 0), (6, 2, 1, 1)])
    fates = random.choices(("well", "silent", "emptied", "damaged"), weights, k=n)
    return Past(k, m, writes, tuple(fates), settled)


@pytest.mark.parametrize(("k", "m", "parity"), SHAPES)
def test_random_pasts(k: int, m: int, parity: int) -> None:
    """The same for sets of up to eight drives; and what is decided early, all answers would have led to."""
    random = Random(f"{k} {m} {parity}")
    for _ in range(250):
        past = random_past(random, k, m, parity)
        final = decision_of(past)
        check(past, final)
        if set(past.fates) <= {"well", "emptied"}:
            asked = random.sample(range(k + m), random.randint(1, k + m))
            early = decision_of(past, asked)
            if early.verdict is not Verdict.ASK:
                assert (early.verdict, early.stamp) == (final.verdict, final.stamp), (past, asked)


@pytest.mark.parametrize(("k", "m", "parity"), SHAPES)
def test_an_answer_is_not_taken_back(k: int, m: int, parity: int) -> None:
    """What was answered, and completed where it had to be, no later read goes behind, whichever drives of the
    class's parity are away then.
    """
    random = Random(f"{k} {m} {parity} again")
    for _ in range(150):
        past = attrs.evolve(random_past(random, k, m, parity), settled=0)
        if {"emptied", "damaged"} & set(past.fates):
            continue
        first = decision_of(past)
        if first.verdict not in (Verdict.CURRENT, Verdict.ABSENT) or not first.stamp:
            continue
        writes = tuple(
            attrs.evolve(write, on=write.on | set(first.complete_on)) if write.stamp == first.stamp else write
            for write in past.writes
        )
        (shown,) = [write for write in writes if write.stamp == first.stamp]
        assert len(shown.on) >= shown.quorum(k, m), (past, first)
        away = random.sample(range(k + m), random.randint(0, m))
        fates = tuple("silent" if slot in away else "well" for slot in range(k + m))
        later = decision_of(attrs.evolve(past, writes=writes, fates=fates))
        assert later.verdict is Verdict.UNREADABLE or later.stamp >= first.stamp, (past, first, later)


@pytest.mark.parametrize(("k", "m", "parity"), SHAPES)
def test_as_many_drives_may_be_lost_as_the_class_has_parity(k: int, m: int, parity: int) -> None:
    """What all drives have is read without as many as its parity; without one more it is an error, and
    neither absent nor what was before it.
    """
    n = k + m
    everywhere = frozenset(range(n))
    for fate in ("silent", "emptied", "damaged"):
        for lost in range(n):
            writes = (
                Write(1, geometry_of(k, m, m), everywhere),
                Write(2, geometry_of(k, m, parity), everywhere),
            )
            for settled in (0, 2):
                past = Past(k, m, writes, (fate,) * lost + ("well",) * (n - lost), settled)
                decision = decision_of(past)
                # k drives that were never told that others have it may be all that have it.
                is_known = settled == 2 or fate != "silent" or lost < k
                if lost <= parity and is_known:
                    assert (decision.verdict, decision.stamp) == (Verdict.CURRENT, 2), (past, decision)
                else:
                    assert decision.verdict is Verdict.UNREADABLE, (past, decision)


@pytest.mark.parametrize(("k", "m", "parity"), SHAPES)
def test_the_short_way_is_right(k: int, m: int, parity: int) -> None:
    """Whatever some drives agree on, all of them together would not deny; and so many agree on a version as
    acknowledge one.
    """
    random = Random(f"{k} {m} {parity} short")
    for _ in range(250):
        past = random_past(random, k, m, parity)
        slots = random.sample(range(k + m), random.randint(write_quorum(k, m), k + m))
        answers = [answer for slot in slots if (answer := past.answer(slot)) is not None]
        if not answers:
            continue
        for decision in (agree(answers, k, m), most_agree(answers, k, m)):
            if decision is None:
                continue
            assert decision.stamp >= past.acknowledged(), (past, slots, decision)
            if decision.verdict is Verdict.CURRENT:
                (write,) = [write for write in past.writes if write.stamp == decision.stamp]
                assert len(write.on & set(slots)) >= write.quorum(k, m), (past, slots)


def test_a_quorum_of_the_set_does_not_agree_on_what_needs_more() -> None:
    """On eight drives five agree on an object of theirs; of one with a single parity shard two more must
    say the same, because five drives cannot read it and three without it do not rule it out.
    """
    for parity, needed in ((4, 5), (2, 6), (1, 7)):
        answer = Write(9, geometry_of(4, 4, parity), frozenset(range(8))).found()
        assert quorum_to_say(answer, 4, 4) == needed
        for count in range(1, 9):
            decision = agree([answer] * count, 4, 4)
            assert (decision is not None) == (count >= needed)
            assert (most_agree([answer] * count, 4, 4) is not None) == (count >= needed)
            assert more_to_agree([answer] * count, 4, 4) == max(needed - count, 0)


def test_drives_that_differ_need_not_agree() -> None:
    """Where one says something else, more answers do not help."""
    geometry = geometry_of(4, 4, 1)
    one, other = (Write(stamp, geometry, frozenset()).found() for stamp in (8, 9))
    assert more_to_agree([one] * 4 + [other], 4, 4) == 0
    gone = LookedUp(RowState.ABSENT, evidence=True)
    assert more_to_agree([gone] * 4, 4, 4) == 0


def test_what_is_only_listed_may_have_been_acknowledged_by_the_sets_quorum() -> None:
    """Nobody knows the parity of a version that drives list or cannot read: it is passed over only where no
    version of the set could have been acknowledged.
    """
    views = [View() for _ in range(8)]
    for view in views[:5]:
        view.learn(LookedUp(RowState.DAMAGED, evidence=True, stamp=9, priors=(5,)))
    old = Write(5, geometry_of(4, 4, 1), frozenset())
    for view in views[5:]:
        view.learn(old.found())
    assert decide(views, 4, 4).verdict is Verdict.UNREADABLE
    for view in views[:5]:
        view.versions[9] = attrs.evolve(view.versions[9], is_damaged=False)
    decision = decide(views, 4, 4)
    assert (decision.verdict, decision.stamp) == (Verdict.ASK_VERSION, 9)
