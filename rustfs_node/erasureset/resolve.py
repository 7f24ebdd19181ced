"""The answer to a row read, for tasks: with patience for unfinished writes, and with half-written versions
completed first.

A version that was decided upon but is on fewer than a write quorum of drives is written to the others before
anybody hears of it: a later read that meets other drives must not go back behind it. A write of this very
worker that is still under way is waited for instead.
"""

from __future__ import annotations

import structlog
import trio
from msgspec.structs import replace

from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.key_versions import KeyVersions
from rustfs_node.erasureset.row_read import RowRead
from rustfs_node.erasureset.shard_copy import copy_version
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.version import version_of
from rustfs_proto.erasure.decide import Verdict, quorum_to_say
from rustfs_proto.objects import written_of
from rustfs_proto.versions import NULL_VERSION, birth_of
from rustfs_proto.wire.drive_ops import Commit, LookedUp, Lookup, RowState, Space
from rustfs_proto.wire.faults import Fault, FaultCode

log = structlog.get_logger()

_Passed = tuple[bytes, int]
"""A version that was found removed, by its sub; or how the null version was found: born or removed at that
stamp.
"""


async def resolve(state: SetState, lookup: Lookup, trace: str = "", first: RowRead | None = None) -> RowRead:
    """A read whose decision is CURRENT or ABSENT and may be answered. Raises `Fault` NO_QUORUM, or
    UNRESOLVED, MOVED.

    `first` is a read that was made already.
    """
    read = first or await read_row(state, lookup, trace)
    refuse_barred(read)
    if _is_final(read):
        settle_again(state, read)
        return read
    passing: frozenset[int] = frozenset()
    for _ in range(state.settings.retries + 1):
        # What was asked first may be old news: a write may have been settled between two drives' answers.
        read = await _read_steadily(state, read, trace, passing)
        refuse_barred(read)
        decision = read.decision
        assert decision is not None
        if decision.verdict is Verdict.SEVERAL:
            return await _resolve_key(state, lookup, trace)
        if decision.verdict is Verdict.UNREADABLE:
            text = f"{state.drives.reachable} of {state.n} drives answer, too few to tell the newest version"
            raise Fault(FaultCode.NO_QUORUM, text)
        if not decision.complete_on or _ends_upload(read):
            return read
        is_enough, is_newer_there = await _complete(state, read, trace)
        if is_enough:
            return read
        if not is_newer_there:
            passing |= {decision.stamp}
    raise Fault(FaultCode.NO_QUORUM, "the newest version is on too few drives, and no more will take it")


def refuse_barred(read: RowRead) -> None:
    """Raise `Fault` UNRESOLVED where a rename is open at the key, MOVED where another set has its slot."""
    assert read.decision is not None
    if read.decision.verdict is Verdict.BARRED:
        raise read.barred()


async def _read_steadily(
    state: SetState, read: RowRead, trace: str, passing: frozenset[int] = frozenset()
) -> RowRead:
    """A later read, after writes of this worker that are under way, that may be believed: it passes nothing
    over, or it heard from each drive what the read before it did, so that between the two all of them had
    just that. Other workers' writes cannot be waited for, so between reads it pauses, ever longer; a version
    in doubt may just be under way there.
    """
    name = (read.lookup.bucket, read.lookup.key)
    rounds = state.settings.steady_reads
    for number in range(rounds):
        before = read
        if state.under_way.has(name):
            await state.under_way.settled(name, state.settings.in_flight_wait_s)
        else:
            await trio.sleep(number * state.settings.steady_pause_s)
        read = await read_row(state, read.lookup, trace, passing)
        decision = read.decision
        assert decision is not None
        is_in_doubt = decision.verdict is Verdict.UNREADABLE and bool(decision.stamp)
        if is_in_doubt and number < rounds - 1:
            continue
        if not decision.passes_over or _has_heard_the_same(before, read):
            return read
    raise Fault(FaultCode.NO_QUORUM, "the key is written too often for its drives to be seen at one moment")


def _has_heard_the_same(before: RowRead, after: RowRead) -> bool:
    """Whether every drive that the later one heard told the earlier one the same."""
    return all(
        slot in before.answers and _told(before.answers[slot][0]) == _told(found)
        for slot, (found, _) in after.answers.items()
    )


def _told(found: LookedUp) -> tuple[object, ...]:
    return found.state, found.stamp, found.priors, found.evidence


async def read_row(
    state: SetState, lookup: Lookup, trace: str = "", passing: frozenset[int] = frozenset()
) -> RowRead:
    """One read, as a task waits for it."""
    answered: Answer[RowRead] = Answer()
    RowRead(state, lookup, answered.set, trace, passing).start()
    return await answered.wait()


def _is_final(read: RowRead) -> bool:
    decision = read.decision
    assert decision is not None
    if decision.complete_on or decision.passes_over:
        return False
    return decision.verdict in {Verdict.CURRENT, Verdict.ABSENT}


def settle_again(state: SetState, read: RowRead) -> None:
    """Drives that still list older versions, or do not know that a write quorum has the newest, missed the
    notice that it is settled: tell them again, lest each read of the key asks all drives for ever, or fails
    when many drives are away.
    """
    decision, lookup = read.decision, read.lookup
    assert decision is not None
    newest = [found for found, _ in read.answers.values() if found.stamp == decision.stamp]
    whole = [found for found in newest if found.state == RowState.FOUND and not found.no_files]
    marks = state.settler.marks
    if not whole or not any(found.priors or (marks and not found.on_quorum) for found in newest):
        return
    if len(whole) >= quorum_to_say(whole[0], state.k, state.m):
        commit = Commit(lookup.space, lookup.bucket, lookup.key, decision.stamp, whole[0].kind, read.sub)
        state.settler.add(commit, complete=False)


def _ends_upload(read: RowRead) -> bool:
    """A drive that lacks the end of a completed upload may lack the object too, and then the rows of the
    parts are all that keeps its shards: they are the healer's to judge.
    """
    assert read.decision is not None
    return read.lookup.space == Space.UPLOAD and read.decision.verdict is Verdict.ABSENT


async def _complete(state: SetState, read: RowRead, trace: str) -> tuple[bool, bool]:
    """Write the version to the drives that lack it; whether that is enough to answer, which it is, too, where
    no other drives could give an older one; and whether drives did not take it because they have a newer one.
    """
    decision = read.decision
    assert decision is not None
    needs, is_newer_there = decision.needs, False
    for slot in decision.complete_on:
        try:
            await copy_version(state, read, slot, trace)
            needs -= 1
        except Fault as fault:
            if fault.code is FaultCode.MOVED:
                # The key is frozen, and what becomes of the version is the mover's to find out.
                raise
            is_newer_there |= fault.code is FaultCode.STALE
            log.warning("version_not_completed", slot=slot, stamp=decision.stamp, reason=str(fault))
    return needs <= 0, is_newer_there


async def _resolve_key(state: SetState, lookup: Lookup, trace: str) -> RowRead:
    """The current version of a key that has several.

    Looking through them takes time, in which some may be removed and newer ones be born. So the answer is
    that of a round which came upon nothing but what an earlier round had found: then all of it was so when
    that round began, and no version born before is newer than the answer.
    """
    known: set[_Passed] = set()
    for _ in range(state.settings.version_rounds):
        read, passed = await _look_through(state, lookup, trace)
        if passed <= known:
            return read
        known |= passed
    raise Fault(FaultCode.OVERLOADED, "versions of this key change faster than they can be read")


async def _look_through(state: SetState, lookup: Lookup, trace: str) -> tuple[RowRead, set[_Passed]]:
    """One round: the first version that is there, and what was found on the way to it."""
    versions = KeyVersions(state, lookup.bucket, lookup.key, trace)
    listed = await versions.next()
    # Only now: its place among the others is known when it is decided, and it may be born again meanwhile.
    null = await resolve(state, replace(lookup, current=False), trace)
    assert null.decision is not None
    birth = await _birth_of_null(state, null, trace)
    passed = {(NULL_VERSION, birth or null.decision.stamp)}
    while listed is not None and birth_of(listed.sub) > birth:
        if not listed.is_removed:
            read = await resolve(state, replace(lookup, sub=listed.sub, current=False), trace)
            assert read.decision is not None
            if read.decision.verdict is Verdict.CURRENT:
                return read, passed
        passed.add((listed.sub, 0))
        listed = await versions.next()
    return null, passed


async def _birth_of_null(state: SetState, read: RowRead, trace: str) -> int:
    """The stamp of the write that brought the null version; 0 where there is none."""
    assert read.decision is not None
    if read.decision.verdict is Verdict.ABSENT:
        return 0
    version = await version_of(state, read, trace)
    return written_of(version.head, version.stamp)
