"""What the drives' answers to a lookup mean: the read decision.

Rules of this file. k, m and W are those of the geometry of the version judged, which stands in its metadata:
its storage class may have given it less parity than the set has, and then k is greater, and W never smaller.
A tombstone has those of the set, and so has, until a drive tells more of it, a version that drives only list
or cannot read: that never rules out what can have been acknowledged. A *voter* is a drive that answered and
has kept whatever it acknowledged (`evidence`). Of a version v let

    holders   drives that have v
    damaged   drives that committed v but can no longer read it
    unknown   drives that have not answered, and answers without evidence that do not list v

v *may have been acknowledged* iff holders + damaged + unknown >= W: nobody acknowledges v before W drives
have committed it, and a drive drops v only when it is told that something newer is on W drives. Nor does
anybody before k of those drives hold the shard file of each part: so a holder that never had a file counts
for it neither among those k nor later. From the newest version seen to the oldest:

    a value with k readable shards is the answer: skipped now, it might still be returned by a later read
    a value with fewer, if it may have been acknowledged, is an error: never an older version in its place
    a tombstone that may have been acknowledged, or is on k drives, means: no such key
    anything else was never acknowledged and cannot be: it is passed over

With W drives of the set unknown no answer at all is safe: a newer version might be on exactly those.

Counting holders takes for granted that all of them had v at one moment. Drives answer at different ones:
one may tell of v, and another, which had v too, only of what was settled above it since. So a decision that
passes something over (`passes_over`) is to be believed only of answers that are known to have held together;
one about the newest version seen needs no such proof.

A row is decided by itself. Versions of one key that stand beside each other are rows of their own: where
drives differ in which of them is current, each is decided in turn, from the latest birth on. A delete marker
is such a version, and counts as a value that has no shards.

An answer that fewer than W drives support is written to the voters that lack it before it is given, so that
no later read goes back behind it; where W cannot have it then, it is an error, unless a holder was told that
W drives had it before (`on_quorum`): k drives alone, of a set where k = m, may agree on what no others have,
and others on what was before. This module knows no drives and no time: callers say who is still expected to
answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import Enum
from itertools import chain

import attrs

from rustfs_proto.erasure.geometry import quorum_of, write_quorum
from rustfs_proto.objects import Geometry, decode_geometry
from rustfs_proto.wire.drive_ops import LookedUp, RowKind, RowState


class Presence(Enum):
    """Whether a drive has answered."""

    PENDING = 0  # may still answer
    SILENT = 1  # will not: down, too late, or an error instead of an answer
    ANSWERED = 2


@attrs.frozen
class Held:
    """One version on one drive. `kind` is None where the drive only listed the stamp; `no_files`, `never_had`
    and `on_quorum` as in `LookedUp`. `geometry` is that of the version, where it is known to have one.
    """

    kind: int | None = None
    is_damaged: bool = False
    no_files: tuple[bytes, ...] = ()
    never_had: tuple[bytes, ...] = ()
    geometry: Geometry | None = None
    on_quorum: bool = False

    @classmethod
    def of(cls, answer: LookedUp) -> Held:
        """What the drive found."""
        return cls(
            answer.kind,
            no_files=answer.no_files,
            never_had=answer.never_had,
            geometry=decode_geometry(answer.meta) if answer.meta else None,
            on_quorum=answer.on_quorum,
        )


@attrs.define
class View:
    """What is known of one drive's row. `versions` by stamp; `joins` as in `LookedUp`."""

    presence: Presence = Presence.PENDING
    evidence: bool = False
    versions: dict[int, Held] = attrs.field(factory=dict)
    joins: bool = False

    def learn(self, answer: LookedUp, stamp: int = 0) -> None:
        """Take in the answer to a lookup of the newest version, or with `stamp` of exactly that one."""
        self.presence = Presence.ANSWERED
        if stamp:
            # Listed before and now gone: something newer was settled meanwhile, or its record is lost. Not a
            # holder that can be read.
            found = answer.state == RowState.FOUND and answer.stamp == stamp
            self.versions[stamp] = Held.of(answer) if found else Held(is_damaged=True)
            return
        self.evidence = answer.evidence and not (answer.state == RowState.DAMAGED and not answer.stamp)
        self.joins = answer.joins
        self.versions |= {prior: Held() for prior in answer.priors}
        if answer.stamp:
            damaged = answer.state == RowState.DAMAGED
            lost = Held(None, True, answer.no_files, answer.never_had, on_quorum=answer.on_quorum)
            self.versions[answer.stamp] = lost if damaged else Held.of(answer)

    def lose(self, stamp: int) -> None:
        """It has that version, but does not give it."""
        self.versions[stamp] = Held(is_damaged=True)

    def fall_silent(self) -> None:
        """No answer will come."""
        if self.presence is Presence.PENDING:
            self.presence = Presence.SILENT


class Verdict(Enum):
    """What to do now."""

    CURRENT = "current"  # the version `stamp` is the answer
    ABSENT = "absent"  # there is no such key; `stamp` is that of the tombstone, if there is one
    ASK = "ask"  # wait for the drives that have not answered, or ask them
    ASK_VERSION = "ask_version"  # ask `slots` for exactly version `stamp`
    SEVERAL = "several"  # drives differ in which version of the key is current: decide each by itself
    BARRED = "barred"  # a rename is open at the key, or its slot is another set's: this is no answer
    UNREADABLE = "unreadable"  # too few drives: an error, because any answer might be an older version


@attrs.frozen
class Decision:
    """`slots` are those that have the version. `complete_on` are those that must be given it before it is the
    answer, at least `needs` of them with success. `sub` is that of the row, of a question for the current
    version of a key.

    `is_ragged`: some drive lacks the version, cannot read it, or has one that was passed over: a case for
    healing. `passes_over`: newer versions were seen and passed over, which is right only if the drives told
    what they had at one moment.
    """

    verdict: Verdict
    stamp: int = 0
    slots: tuple[int, ...] = ()
    complete_on: tuple[int, ...] = ()
    is_ragged: bool = False
    sub: bytes = b""
    passes_over: bool = False
    needs: int = 0


def agree(answers: Sequence[LookedUp], k: int, m: int) -> Decision | None:
    """The short way: the decision if the first answers, one per drive, all say the same, else None.

    It takes a write quorum: of the set to agree that there is nothing, of the version to agree on one. The
    newest acknowledged version is among so many, and what they agree on, whether it was acknowledged or not,
    no later read can miss: any other drives that agree meet one of them.
    """
    first = answers[0]
    if len(answers) < quorum_to_say(first, k, m):
        return None
    if first.state == RowState.FOUND and first.kind != RowKind.TOMBSTONE:
        is_agreed = all(_says_the_same(answer, first) for answer in answers)
        return Decision(Verdict.CURRENT, first.stamp, sub=first.sub) if is_agreed else None
    if all(_says_absent(answer) for answer in answers):
        return Decision(Verdict.ABSENT, max(answer.stamp for answer in answers))
    return None


def more_to_agree(answers: Sequence[LookedUp], k: int, m: int) -> int:
    """How many more drives must say what all these say, until it is agreed on; 0 where they differ."""
    first = answers[0]
    more = quorum_to_say(first, k, m) - len(answers)
    return more if more > 0 and all(_says_the_same(answer, first) for answer in answers) else 0


def quorum_to_say(found: LookedUp, k: int, m: int) -> int:
    """The write quorum of what a drive of such a set has found: that of its geometry, where it has one, or
    else of the set.
    """
    return quorum_of(decode_geometry(found.meta)) if found.meta else write_quorum(k, m)


def most_agree(answers: Sequence[LookedUp], k: int, m: int) -> Decision | None:
    """The decision if a write quorum of drives says the same, whatever others say: what those have is not
    acknowledged yet, or replaced, and no k drives have it alone.
    """
    w = write_quorum(k, m)
    absent = [answer for answer in answers if _says_absent(answer)]
    if len(absent) >= w:
        return Decision(Verdict.ABSENT, max(answer.stamp for answer in absent), is_ragged=True)
    for first in answers:
        if first.state == RowState.FOUND and first.kind != RowKind.TOMBSTONE:
            alike = sum(_says_the_same(answer, first) for answer in answers)
            if alike >= quorum_to_say(first, k, m):
                return Decision(Verdict.CURRENT, first.stamp, is_ragged=True, sub=first.sub)
    return None


def _says_the_same(answer: LookedUp, first: LookedUp) -> bool:
    return (
        answer.stamp == first.stamp
        and answer.state == RowState.FOUND
        and answer.kind == first.kind
        and answer.sub == first.sub
        and answer.evidence
        and not answer.priors
        and not answer.no_files
        and not answer.unsure
    )


def _says_absent(answer: LookedUp) -> bool:
    if not answer.evidence or answer.priors or answer.unsure:
        return False
    return answer.state == RowState.ABSENT or (
        answer.state == RowState.FOUND and answer.kind == RowKind.TOMBSTONE
    )


def has_several(answer: LookedUp) -> bool:
    """Whether the drive has more of the key than the null version."""
    return answer.others or bool(answer.sub)


def decide(views: Sequence[View], k: int, m: int, passing: Collection[int] = ()) -> Decision:
    """The decision over all drives of a set, one view per slot. `ASK` only while some are pending. `passing`
    are versions that could not be completed: they are passed over where W drives cannot have them. Then
    nobody has acknowledged them, nor has a read shown them, which gives a version to W drives first.
    """
    assert len(views) == k + m, (len(views), k, m)
    pending = sum(view.presence is Presence.PENDING for view in views)
    if pending >= k:
        # They might agree on a version that nobody else has, and a read before this one may have met just
        # them.
        return Decision(Verdict.ASK)
    decision = _decide_now(views, k, write_quorum(k, m), passing)
    # Whoever has not answered may turn an error into an answer, and may make it needless to complete a
    # version.
    if pending and (decision.verdict is Verdict.UNREADABLE or decision.complete_on):
        return Decision(Verdict.ASK)
    return decision


def _decide_now(views: Sequence[View], k: int, w: int, passing: Collection[int]) -> Decision:
    if sum(not _is_voter(view) for view in views) >= w:
        return Decision(Verdict.UNREADABLE)
    passed_over = False
    for stamp in sorted({stamp for view in views for stamp in view.versions}, reverse=True):
        census = _Census.of(views, stamp)
        own = census.geometry
        own_k, own_w = (k, w) if own is None else (own.k, quorum_of(own))
        is_passed = stamp in passing and census.may_be_acknowledged_by < own_w
        decision = None if is_passed else _judge(census, own_k, own_w)
        if decision is not None:
            return attrs.evolve(decision, is_ragged=True, passes_over=True) if passed_over else decision
        passed_over = True
    return Decision(Verdict.ABSENT, is_ragged=passed_over, passes_over=passed_over)


def _is_voter(view: View) -> bool:
    return view.presence is Presence.ANSWERED and view.evidence


@attrs.frozen
class _Census:
    """Slots by what they say of one version; every slot is in exactly one of the first five."""

    stamp: int
    holders: tuple[int, ...]
    damaged: tuple[int, ...]
    unreached: tuple[int, ...]  # pending or silent
    no_evidence: tuple[int, ...]
    lacking: tuple[int, ...]  # voters that do not have it
    pending: int  # of those unreached, how many may still answer
    kind: int | None
    geometry: Geometry | None
    unsure: tuple[int, ...]  # holders that only listed it: what they have of its parts is not known
    readable: int  # shards that, as is known, can be read of every one of its parts
    holders_of_each: int  # how many holders may have had the shard file of every one of its parts
    on_quorum: bool  # a drive was told that a write quorum has it
    joining: tuple[int, ...] = ()  # of those without evidence, the ones that will soon have some

    @classmethod
    def of(cls, views: Sequence[View], stamp: int) -> _Census:
        groups: tuple[list[int], ...] = ([], [], [], [], [])
        for slot, view in enumerate(views):
            groups[_group_of(view, stamp)].append(slot)
        held = [views[slot].versions[stamp] for slot in groups[0]]
        known = [version for version in held if version.kind is not None]
        kind, geometry = (known[0].kind, known[0].geometry) if known else (None, None)
        unsure = tuple(slot for slot in groups[0] if views[slot].versions[stamp].kind is None)
        gaps = _most_gaps(version.no_files for version in known)
        never_there = _most_gaps(version.never_had for version in held)
        holders, damaged, unreached, no_evidence, lacking = map(tuple, groups)
        pending = sum(views[slot].presence is Presence.PENDING for slot in unreached)
        return cls(
            stamp,
            holders,
            damaged,
            unreached,
            no_evidence,
            lacking,
            pending,
            kind,
            geometry,
            unsure,
            len(known) - gaps,
            len(held) - never_there,
            any(views[slot].versions[stamp].on_quorum for slot in (*holders, *damaged)),
            tuple(slot for slot in no_evidence if views[slot].joins),
        )

    @property
    def may_be_acknowledged_by(self) -> int:
        return len(self.holders) + len(self.damaged) + len(self.unreached) + len(self.no_evidence)

    @property
    def may_have_had_each_file(self) -> int:
        """Drives of which, as far as is known, each may have had the shard file of whichever part."""
        return self.may_be_acknowledged_by - len(self.holders) + self.holders_of_each

    def answer(self, verdict: Verdict, w: int) -> Decision:
        """This version is the answer. Drives without evidence never rule it out later, so they support it:
        but for those that will have some, which are given it like any other.
        """
        supporters = len(self.holders) + len(self.damaged) + len(self.no_evidence) - len(self.joining)
        missing = self.lacking + self.joining if supporters < w else ()
        needs = 0 if self.on_quorum else max(0, w - supporters)
        if needs > len(missing):
            return Decision(Verdict.UNREADABLE, self.stamp, self.holders)
        has_gaps = self.readable + len(self.unsure) < len(self.holders)
        is_ragged = has_gaps or len(self.holders) + len(self.unreached) < self._drives
        return Decision(verdict, self.stamp, self.holders, missing, is_ragged, needs=needs)

    @property
    def _drives(self) -> int:
        return self.may_be_acknowledged_by + len(self.lacking)


def _most_gaps(lists: Iterable[tuple[bytes, ...]]) -> int:
    """In how many of the lists that data id stands which stands in most."""
    return max(Counter(chain.from_iterable(lists)).values(), default=0)


def _group_of(view: View, stamp: int) -> int:
    held = view.versions.get(stamp)
    if held is not None:
        return 1 if held.is_damaged else 0
    if view.presence is not Presence.ANSWERED:
        return 2
    return 4 if view.evidence else 3


def _judge(census: _Census, k: int, w: int) -> Decision | None:
    """The decision if this version settles it; None if it is to be passed over."""
    if census.may_have_had_each_file < k and census.kind == RowKind.VALUE:
        return None
    may_be_acknowledged = census.may_be_acknowledged_by >= w
    if len(census.holders) + census.pending < k and not may_be_acknowledged:
        return None
    if census.unsure and census.kind != RowKind.TOMBSTONE and census.readable < k:
        return Decision(Verdict.ASK_VERSION, census.stamp, census.unsure)
    if census.kind == RowKind.TOMBSTONE and (len(census.holders) >= k or not census.pending):
        return census.answer(Verdict.ABSENT, w)
    if census.kind != RowKind.TOMBSTONE and census.readable >= k:
        return census.answer(Verdict.CURRENT, w)
    if may_be_acknowledged or census.pending:
        return Decision(Verdict.UNREADABLE, census.stamp, census.holders)
    return None


def holders_of(views: Sequence[View], stamp: int) -> Iterator[int]:
    """Slots whose drive has that version in good order."""
    return (
        slot
        for slot, view in enumerate(views)
        if stamp in view.versions and not view.versions[stamp].is_damaged
    )
