"""The read decision, over every state that a set of up to five drives can be in.

The decision is symmetric in the slots, so it is enough to walk through multisets of what one drive can be:
which of the writes reached it, whether it was told that the newest was settled, and what has become of the
drive since.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import attrs
import pytest

from rustfs_proto.erasure.decide import Decision, Presence, Verdict, View, agree, decide
from rustfs_proto.erasure.geometry import voters_needed, write_quorum
from rustfs_proto.wire.drive_ops import LookedUp, RowKind, RowState

VALUE, TOMBSTONE = RowKind.VALUE, RowKind.TOMBSTONE
GEOMETRIES = [(1, 0), (1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1)]


@attrs.frozen
class Drive:
    """`has[i]`: write i was committed here. `fate`: well, silent, emptied (healing), or damaged
    (its newest).
    """

    has: tuple[bool, ...]
    fate: str

    def stamps(self) -> list[int]:
        return [index + 1 for index, has in enumerate(self.has) if has]


@attrs.frozen
class History:
    """Writes 1, 2, ... with their kinds; all are settled up to write `settled` (0: none)."""

    kinds: tuple[int, ...]
    drives: tuple[Drive, ...]
    settled: int

    def committed(self, stamp: int) -> int:
        return sum(drive.has[stamp - 1] for drive in self.drives)


def answer_of(drive: Drive, kinds: tuple[int, ...], settled: int) -> LookedUp | None:
    """What such a drive answers; None when it is silent."""
    if drive.fate == "silent":
        return None
    stamps = [] if drive.fate == "emptied" else drive.stamps()
    kept = [stamp for stamp in stamps if not (settled in stamps and stamp < settled)]
    evidence = drive.fate != "emptied"
    if not kept:
        return LookedUp(RowState.ABSENT, evidence)
    *priors, newest = kept
    state = RowState.DAMAGED if drive.fate == "damaged" else RowState.FOUND
    priors_told = tuple(reversed(priors))
    # Whoever was told that it is settled knows that a write quorum has it.
    is_settled = newest == settled
    return LookedUp(state, evidence, newest, kinds[newest - 1], priors=priors_told, on_quorum=is_settled)


def histories(drives: int, writes: int, quorum: int) -> Iterator[History]:
    fates = ("well", "silent", "emptied", "damaged")
    states = [Drive(has, fate) for has in itertools.product((False, True), repeat=writes) for fate in fates]
    for chosen in itertools.combinations_with_replacement(states, drives):
        counts = [sum(drive.has[i] for drive in chosen) for i in range(writes)]
        settleable = [0, *(i + 1 for i in range(writes) if counts[i] >= quorum)]
        for kinds in itertools.product((VALUE, TOMBSTONE), repeat=writes):
            for settled in settleable[-2:]:
                yield History(kinds, chosen, settled)


def run(history: History, k: int, m: int) -> Decision:
    """Decide as a set worker does: everybody is asked, then exact versions, until there is an answer."""
    views = [View() for _ in history.drives]
    for view, drive in zip(views, history.drives, strict=True):
        answer = answer_of(drive, history.kinds, history.settled)
        if answer is None:
            view.fall_silent()
        else:
            view.learn(answer)
    return settle_views(history, views, k, m)


def check_never_behind_an_acknowledged_write(history: History, decision: Decision, k: int, m: int) -> None:
    acked = max(
        (s for s in range(1, len(history.kinds) + 1) if history.committed(s) >= write_quorum(k, m)), default=0
    )
    if decision.verdict is Verdict.CURRENT:
        assert decision.stamp >= acked, (history, decision)
        assert history.kinds[decision.stamp - 1] == VALUE
        assert len(decision.slots) >= k
    elif decision.verdict is Verdict.ABSENT:
        assert not acked or decision.stamp >= acked, (history, decision)
        assert not decision.stamp or history.kinds[decision.stamp - 1] == TOMBSTONE
    else:
        assert decision.verdict is Verdict.UNREADABLE, decision


def check_answers_when_it_can(history: History, decision: Decision, k: int, m: int) -> None:
    lost = [drive for drive in history.drives if drive.fate != "well"]
    blank = [drive for drive in history.drives if drive.fate in ("silent", "emptied")]
    silent = [drive for drive in history.drives if drive.fate == "silent"]
    newest = len(history.kinds)
    # k drives that were never told that others have it may be all that have it.
    is_known = history.settled == newest or len(silent) < k
    if history.committed(newest) == k + m and len(lost) <= m and is_known:
        assert decision.verdict is not Verdict.UNREADABLE, (history, decision)
        assert decision.stamp == newest
    if not lost:
        assert decision.verdict is not Verdict.UNREADABLE, (history, decision)
    if len(blank) > k + m - voters_needed(k, m):
        assert decision.verdict is Verdict.UNREADABLE, (history, decision)


@pytest.mark.parametrize(
    ("k", "m", "writes"), [(k, m, 2 if k + m == 5 else 3 if k + m < 4 else 2) for k, m in GEOMETRIES]
)
def test_every_history(k: int, m: int, writes: int) -> None:
    """No answer is older than an acknowledged write, none is refused that m losses must allow."""
    for history in histories(k + m, writes, write_quorum(k, m)):
        decision = run(history, k, m)
        check_never_behind_an_acknowledged_write(history, decision, k, m)
        check_answers_when_it_can(history, decision, k, m)


def settle_views(history: History, views: list[View], k: int, m: int) -> Decision:
    """The decision over these views, exact versions being asked for as it wants."""
    for _ in range(len(history.kinds) + 1):
        decision = decide(views, k, m)
        if decision.verdict is not Verdict.ASK_VERSION:
            return decision
        for slot in decision.slots:
            kind = history.kinds[decision.stamp - 1]
            views[slot].learn(
                LookedUp(RowState.FOUND, evidence=True, stamp=decision.stamp, kind=kind), decision.stamp
            )
    raise AssertionError("asks for the same version again")


@pytest.mark.parametrize(("k", "m"), [g for g in GEOMETRIES if sum(g) < 5])
def test_an_early_decision_is_the_final_one(k: int, m: int) -> None:
    """What is decided while drives are still expected to answer is what all their answers would
    have led to.
    """
    for history in histories(k + m, 2, write_quorum(k, m)):
        if any(drive.fate in {"silent", "damaged"} for drive in history.drives):
            continue
        final = run(history, k, m)
        answers = [answer_of(drive, history.kinds, history.settled) for drive in history.drives]
        for asked in range(1, k + m):
            for slots in itertools.combinations(range(k + m), asked):
                views = [View() for _ in answers]
                for slot in slots:
                    views[slot].learn(answers[slot])
                early = settle_views(history, views, k, m)
                if early.verdict is not Verdict.ASK:
                    assert (early.verdict, early.stamp) == (final.verdict, final.stamp), (
                        history,
                        slots,
                        early,
                        final,
                    )


@pytest.mark.parametrize(("k", "m"), [g for g in GEOMETRIES if sum(g) < 5])
def test_a_completed_read_is_not_taken_back(k: int, m: int) -> None:
    """After an answer and its completion, a read that reaches any other drives never answers with something
    older.
    """
    for history in histories(k + m, 2, write_quorum(k, m)):
        if any(drive.fate in ("emptied", "damaged") for drive in history.drives):
            continue
        first = run(history, k, m)
        if first.verdict is Verdict.UNREADABLE or not first.stamp:
            continue
        reached = [d.fate == "well" for d in history.drives]
        after = [
            attrs.evolve(
                d,
                has=tuple(
                    h or (i + 1 == first.stamp and s in first.complete_on) for i, h in enumerate(d.has)
                ),
            )
            for s, d in enumerate(history.drives)
        ]
        assert sum(d.has[first.stamp - 1] for d in after) >= write_quorum(k, m)
        settled = [0, *(s for s in (1, 2) if sum(d.has[s - 1] for d in after) >= write_quorum(k, m))]
        for silent, told in itertools.product(itertools.combinations(range(k + m), m), settled):
            fates = ["silent" if s in silent else "well" for s in range(k + m)]
            later = attrs.evolve(
                history,
                drives=tuple(attrs.evolve(d, fate=f) for d, f in zip(after, fates, strict=True)),
                settled=told,
            )
            second = run(later, k, m)
            assert second.verdict is Verdict.UNREADABLE or second.stamp >= first.stamp, (
                history,
                reached,
                first,
                second,
            )


@pytest.mark.parametrize(("k", "m"), GEOMETRIES)
def test_the_short_way_agrees_with_the_long_one(k: int, m: int) -> None:
    """Whatever the first answers agree on is what all drives together decide, where every write was
    acknowledged or not visible.
    """
    quorum = write_quorum(k, m)
    for history in histories(k + m, 2, quorum):
        answers = [answer_of(drive, history.kinds, history.settled) for drive in history.drives]
        for asked in {k, quorum}:
            for slots in itertools.combinations(range(k + m), asked):
                given = [answers[slot] for slot in slots]
                if None in given:
                    continue
                short = agree([answer for answer in given if answer is not None], k, m)
                if short is None:
                    continue
                check_never_behind_an_acknowledged_write(history, attrs.evolve(short, slots=slots), k, m)


def test_two_emptied_drives_make_no_404() -> None:
    """Absence from drives that were rebuilt counts for nothing."""
    views = [View() for _ in range(4)]
    for view in views[:2]:
        view.learn(LookedUp(RowState.ABSENT, evidence=False))
    assert decide(views, 2, 2).verdict is Verdict.ASK
    for view in views[2:]:
        view.fall_silent()
    assert decide(views, 2, 2).verdict is Verdict.UNREADABLE


def test_a_drive_that_joins_is_given_what_too_few_others_have() -> None:
    """While a drive is rebuilt it may have had the version, which is answered. Once it joins it may not be
    what the answer rests on, as its absence will count: it is completed like a drive that lacks it.
    """
    views = [View() for _ in range(4)]
    for slot in (0, 1):
        views[slot].learn(LookedUp(RowState.FOUND, True, 1))
    views[2].learn(LookedUp(RowState.ABSENT, True))
    views[3].learn(LookedUp(RowState.ABSENT, False))
    assert not decide(views, 2, 2).complete_on
    views[3].learn(LookedUp(RowState.ABSENT, False, joins=True))
    decision = decide(views, 2, 2)
    assert (decision.verdict, decision.complete_on, decision.needs) == (Verdict.CURRENT, (2, 3), 1)


def test_a_version_on_k_drives_is_completed_before_it_is_answered() -> None:
    """With k = m, k drives are fewer than a write quorum: the others are given the version first."""
    views = [View() for _ in range(4)]
    for view in views[:2]:
        view.learn(LookedUp(RowState.FOUND, evidence=True, stamp=9, priors=(5,)))
    for view in views[2:]:
        view.learn(LookedUp(RowState.FOUND, evidence=True, stamp=5))
    assert decide(views, 2, 2) == Decision(Verdict.CURRENT, 9, (0, 1), (2, 3), is_ragged=True, needs=1)


def test_what_could_not_be_completed_is_passed_over() -> None:
    """A version on k of k+k drives, which the others will not take, hides nothing while those show that they
    lack it; where one of them is away it may have been acknowledged.
    """
    views = [View() for _ in range(4)]
    for view in views[:2]:
        view.learn(LookedUp(RowState.FOUND, evidence=True, stamp=9, priors=(5,)))
    for view in views[2:]:
        view.learn(LookedUp(RowState.FOUND, evidence=True, stamp=5))
    decision = decide(views, 2, 2, passing={9})
    assert (decision.verdict, decision.stamp, decision.passes_over) == (Verdict.CURRENT, 5, True)
    views[3] = View(Presence.SILENT)
    decision = decide(views, 2, 2, passing={9})
    assert (decision.verdict, decision.stamp, decision.complete_on) == (Verdict.CURRENT, 9, (2,))


def test_missing_shard_files_are_not_readable_shards() -> None:
    """A version whose shard files are gone from too many drives is an error, not the version before it."""
    views = [View() for _ in range(4)]
    for view in views[:3]:
        view.learn(LookedUp(RowState.FOUND, evidence=True, stamp=9, priors=(5,), no_files=(b"file",)))
    views[3].learn(LookedUp(RowState.FOUND, evidence=True, stamp=9))
    assert decide(views, 2, 2).verdict is Verdict.UNREADABLE
    assert views[0].presence is Presence.ANSWERED


def test_what_never_had_its_shard_files_is_passed_over() -> None:
    """An unfinished object whose parts were on too few of its drives hides nothing; lost files do."""
    for never_had, verdict in ((b"file",), Verdict.CURRENT), ((), Verdict.UNREADABLE):
        views = [View() for _ in range(6)]
        for view in views[:3]:
            view.learn(LookedUp(RowState.FOUND, evidence=True, stamp=9, priors=(5,)))
        gap = LookedUp(
            RowState.FOUND, evidence=True, stamp=9, priors=(5,), no_files=(b"file",), never_had=never_had
        )
        views[3].learn(gap)
        for view in views[4:]:
            view.learn(LookedUp(RowState.FOUND, evidence=True, stamp=5))
        decision = decide(views, 4, 2)
        if never_had:
            # What they have of the older version's parts is not known yet.
            assert (decision.verdict, decision.slots) == (Verdict.ASK_VERSION, (0, 1, 2, 3))
            for slot in decision.slots:
                views[slot].learn(LookedUp(RowState.FOUND, evidence=True, stamp=5), 5)
            decision = decide(views, 4, 2)
        assert (decision.verdict, decision.stamp) == (verdict, 5 if never_had else 9)


def test_a_version_that_is_only_listed_is_asked_for() -> None:
    """Its shard files may be missing where it stands below a newer one: it is not counted unseen."""
    views = [View() for _ in range(4)]
    for view in views[:2]:
        view.learn(LookedUp(RowState.FOUND, evidence=True, stamp=5, no_files=(b"file",)))
    views[2].learn(LookedUp(RowState.FOUND, evidence=True, stamp=9, priors=(5,), no_files=(b"newer",)))
    views[3].learn(LookedUp(RowState.FOUND, evidence=True, stamp=5))
    decision = decide(views, 2, 2)
    assert (decision.verdict, decision.stamp, decision.slots) == (Verdict.ASK_VERSION, 5, (2,))
    views[2].learn(LookedUp(RowState.FOUND, evidence=True, stamp=5, no_files=(b"file",)), 5)
    assert decide(views, 2, 2).verdict is Verdict.UNREADABLE


def test_different_parts_may_miss_on_different_drives() -> None:
    """Each part needs k shards of its own, wherever they are."""
    views = [View() for _ in range(4)]
    for view, gone in zip(views, [(b"a",), (b"a",), (b"b",), (b"b",)], strict=True):
        view.learn(LookedUp(RowState.FOUND, evidence=True, stamp=9, no_files=gone))
    assert decide(views, 2, 2).verdict is Verdict.CURRENT


def test_nobody_agrees_on_an_unsettled_version() -> None:
    """An answer that still lists an older version goes the long way."""
    answers = [LookedUp(RowState.FOUND, evidence=True, stamp=9, priors=(5,))] * 3
    assert agree(answers, 2, 2) is None


def test_fewer_than_a_write_quorum_agree_on_nothing() -> None:
    """Where k = m what k drives say may be missed by a later read of the others."""
    there = LookedUp(RowState.FOUND, evidence=True, stamp=9)
    gone = LookedUp(RowState.ABSENT, evidence=True)
    for answer in (there, gone):
        assert agree([answer] * 2, 2, 2) is None
        assert agree([answer] * 3, 2, 2) is not None
