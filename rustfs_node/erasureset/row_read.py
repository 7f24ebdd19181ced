"""Asks drives about one row until the answer is certain.

It begins with a write quorum of drives, the best to read from, and is done when they agree; inline shards are
asked of k of them. What they agree on may be a version with less parity, whose write quorum is larger: then
as many more are asked. When one fails or is slow the next is asked. When they disagree all are asked, and
`rustfs_proto.erasure.decide` judges with each further answer. Of a question for the current version of a key
that has several, nothing more can be decided here then: it ends with SEVERAL; where a drive says that a
rename is open at the key, or that the key is at home in another set, with BARRED. Everything is a callback of
the bus.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from rustfs_node.bus import Reply
from rustfs_node.erasureset.state import SetState
from rustfs_proto.erasure.decide import (
    Decision,
    Verdict,
    View,
    agree,
    decide,
    has_several,
    more_to_agree,
    most_agree,
)
from rustfs_proto.wire.drive_ops import LookedUp, Lookup, Space
from rustfs_proto.wire.faults import Fault, FaultCode

Found = tuple[LookedUp, tuple[bytes, ...]]
"""A drive's answer with its frames."""


class RowRead:
    """One question to the set. `done` is called once, when `decision` stands.

    `answers` are the drives' newest versions by slot, in the order they came; `exact` their answers to
    questions for one version, by (slot, stamp). `is_wide`: all drives were asked. `passing` as in `decide`.
    """

    __slots__ = (
        "_asked", "_done", "_exact_open", "_generation", "_is_elsewhere", "_is_renamed", "_needed", "_order",
        "_passing", "_silent", "_state", "_trace", "_views", "_watch", "answers", "decision", "exact",
        "is_wide", "lookup",
    )  # fmt: skip

    def __init__(
        self,
        state: SetState,
        lookup: Lookup,
        done: Callable[[RowRead], None],
        trace: str = "",
        passing: frozenset[int] = frozenset(),
    ) -> None:
        assert lookup.stamp == 0, "a row read is for the newest record"
        self._state, self.lookup, self._done, self._trace = state, lookup, done, trace
        self._order = state.drives.order(lookup.bucket, lookup.key)
        self._asked = 0
        self._needed = state.write_quorum
        self._exact_open = 0
        self._passing = passing
        self._is_renamed = self._is_elsewhere = False
        self._views: list[View] = []
        self._silent: list[int] = []
        self.answers: dict[int, Found] = {}
        self.exact: dict[tuple[int, int], Found] = {}
        self.decision: Decision | None = None
        self.is_wide = False

    def start(self) -> None:
        """Ask a write quorum of drives."""
        self._generation = self._state.open_reads.begin()
        self._ask_more(self._state.k)
        if self._state.write_quorum > self._state.k:
            self._ask_more(self._state.write_quorum - self._state.k, self._lean)
        self._watch = self._state.hedger.watch(self)

    @property
    def _lean(self) -> Lookup:
        """The same question without the shard: to agree, a drive need not send it."""
        return replace(self.lookup, want_inline=False) if self.lookup.want_inline else self.lookup

    def hedge(self) -> bool:
        """It takes long: ask one more."""
        return self._ask_more(1)

    @property
    def sub(self) -> bytes:
        """Of the row that was decided upon."""
        return self.decision.sub if self.lookup.current and self.decision else self.lookup.sub

    def exactly(self, *, want_inline: bool) -> Lookup:
        """The question for exactly what was decided upon."""
        assert self.decision is not None
        stamp = self.decision.stamp
        return replace(self.lookup, sub=self.sub, stamp=stamp, current=False, want_inline=want_inline)

    @property
    def newest_seen(self) -> int:
        """The newest stamp that any drive has shown, decided upon or not."""
        return max((found.stamp for found, _ in self.answers.values()), default=0)

    def hear_all(self, done: Callable[[Sequence[LookedUp], bool], None]) -> None:
        """After the decision: ask the drives that were not heard. `done` takes all answers there are, and
        whether every drive gave one.
        """
        seen = [looked_up for looked_up, _ in self.answers.values()]
        unheard = [slot for slot in range(self._state.n) if slot not in self.answers]
        left = len(unheard)

        def on_answer(_slot: int, answer: Reply | Fault) -> None:
            nonlocal left
            left -= 1
            if isinstance(answer, Reply):
                assert isinstance(answer.message, LookedUp)
                seen.append(answer.message)
            if not left:
                done(seen, len(seen) == self._state.n)

        for slot in unheard:
            self._state.drives.ask_read(slot, self.lookup, on_answer, self._trace)
        if not unheard:
            done(seen, True)

    def _ask_more(self, drives: int, lookup: Lookup | None = None) -> bool:
        slots = self._order[self._asked : self._asked + drives]
        self._asked += len(slots)
        for slot in slots:
            self._state.drives.ask_read(slot, lookup or self.lookup, self._answered, self._trace)
        return bool(slots)

    def _answered(self, slot: int, answer: Reply | Fault) -> None:
        if self.decision is not None:
            return
        if isinstance(answer, Reply):
            assert isinstance(answer.message, LookedUp)
            self.answers[slot] = (answer.message, answer.frames)
            self._is_renamed |= answer.message.is_renamed
            if answer.message.is_elsewhere:
                self._is_elsewhere = True
                self._state.charter_wanted.set()
        else:
            self._silent.append(slot)
        if self.is_wide:
            self._learn(slot)
            self._judge()
        elif isinstance(answer, Fault):
            self._look_wider(1)
        elif len(self.answers) >= self._needed:
            self._compare()

    def _compare(self) -> None:
        """A write quorum has answered."""
        k, m = self._state.k, self._state.m
        found = [looked_up for looked_up, _ in self.answers.values()]
        decision = agree(found, k, m)
        if decision is not None:
            self._decided(decision)
            return
        more = more_to_agree(found, k, m)
        self._needed = len(found) + more
        self._look_wider(more or self._state.n)

    def _look_wider(self, drives: int) -> None:
        """Ask more drives; when all have been asked, judge each answer that comes."""
        if drives < self._state.n and self._asked < self._state.n:
            self._ask_more(drives)
            return
        self.is_wide = True
        self._views = [View() for _ in range(self._state.n)]
        self._ask_more(self._state.n)
        for slot in [*self.answers, *self._silent]:
            self._learn(slot)
        self._judge()

    @property
    def _has_several(self) -> bool:
        return self.lookup.current and any(has_several(found) for found, _ in self.answers.values())

    def _learn(self, slot: int) -> None:
        if slot in self.answers:
            self._views[slot].learn(self.answers[slot][0])
        else:
            self._views[slot].fall_silent()

    def _judge(self) -> None:
        if self._exact_open:
            return
        if self._has_several:
            self._judge_several()
            return
        decision = decide(self._views, self._state.k, self._state.m, self._passing)
        if decision.verdict is Verdict.ASK_VERSION:
            self._ask_version(decision)
        elif decision.verdict is not Verdict.ASK:
            self._decided(decision)

    def _judge_several(self) -> None:
        answers = [looked_up for looked_up, _ in self.answers.values()]
        decision = most_agree(answers, self._state.k, self._state.m)
        if decision is None and len(answers) + len(self._silent) == self._state.n:
            decision = Decision(Verdict.SEVERAL)
        if decision is not None:
            self._decided(decision)

    def _ask_version(self, decision: Decision) -> None:
        lookup = self.lookup
        exact = Lookup(
            lookup.space, lookup.bucket, lookup.key, lookup.sub, decision.stamp, lookup.want_inline
        )
        self._exact_open = len(decision.slots)

        def on_answer(slot: int, answer: Reply | Fault) -> None:
            self._exact_open -= 1
            if isinstance(answer, Reply):
                assert isinstance(answer.message, LookedUp)
                self.exact[slot, decision.stamp] = (answer.message, answer.frames)
                self._views[slot].learn(answer.message, decision.stamp)
            else:
                self._views[slot].lose(decision.stamp)
            if self.decision is None:
                self._judge()

        for slot in decision.slots:
            self._state.drives.ask_read(slot, exact, on_answer, self._trace)

    def _decided(self, decision: Decision) -> None:
        if self._is_renamed or self._is_elsewhere:
            # Before it has ended nothing that drives say of the key is an answer; nor is it where the key is
            # at home in another set, which one drive of a write quorum is enough to tell.
            decision = Decision(Verdict.BARRED)
        self.decision = decision
        self._state.open_reads.end(self._generation)
        self._watch.clear()
        name = (self.lookup.bucket, self.lookup.key)
        # While a write is under way drives differ for a good reason.
        if decision.is_ragged and self.lookup.space == Space.OBJECT and not self._state.under_way.has(name):
            self._state.heal_notes.note(*name)
        self._done(self)

    def barred(self) -> Fault:
        """What to tell where the decision is BARRED."""
        return has_moved() if self._is_elsewhere else open_rename()


def barred_by(found: Sequence[LookedUp]) -> Fault | None:
    """The same of answers that were given beside a row read; None where nothing bars them."""
    if any(one.is_elsewhere for one in found):
        return has_moved()
    return open_rename() if any(one.is_renamed for one in found) else None


def open_rename() -> Fault:
    """The answer where a rename has to end first."""
    return Fault(FaultCode.UNRESOLVED, "a rename is open: it has to end first")


def has_moved() -> Fault:
    """The answer where another set has to be asked."""
    return Fault(FaultCode.MOVED, "the slot of the key is not this set's, or is about to move")
